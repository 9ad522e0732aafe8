package dev.dalang.vm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.time.SystemVirtualClock;
import dev.dalang.pci.PciBus;
import dev.dalang.pci.PciRoot;
import dev.dalang.tables.acpi.AcpiTable;
import dev.dalang.tables.acpi.AcpiTables;
import dev.dalang.vm.PciPlacement;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * That the tables say what the board is; that they are well formed is tested where they are made.
 */
class VirtAcpiTest {
    private static BoardDescription board(int harts, boolean aia) {
        return new BoardDescription(
                512L << 20,
                harts,
                BoardDescription.ISA_EXTENSIONS,
                "riscv,sv57",
                aia,
                false,
                Optional.empty(),
                Optional.empty());
    }

    private static PciBus bus(String... devices) {
        PciRoot root =
                PciRoot.builder(
                                IoManager.create(),
                                () -> {
                                    throw new AssertionError("nobody asks for memory");
                                },
                                SystemVirtualClock.asleep())
                        .memory32(new MmioRange(VirtMap.PCI_MMIO32, VirtMap.PCI_MMIO32_BYTES))
                        .build();
        for (int i = 0; i < devices.length; i++) {
            root.bus().add(PciPlacement.parse(devices[i], i).device());
        }
        return root.bus();
    }

    private static ByteBuffer table(BoardDescription board, String signature) {
        return ByteBuffer.wrap(bytes(board, signature)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] bytes(BoardDescription board, String signature) {
        for (AcpiTable table :
                VirtAcpi.tables(board, bus("edu", "root-port", "inspect")).tables()) {
            if (table.signature().equals(signature)) {
                return table.toBytes();
            }
        }
        throw new AssertionError("no table " + signature);
    }

    private static String text(BoardDescription board, String signature) {
        return new String(bytes(board, signature), StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 128})
    void everyHartIsInEveryTable(int harts) {
        ByteBuffer madt = table(board(harts, true), "APIC");
        for (int hart = 0; hart < harts; hart++) {
            int at = 44 + 36 * hart;
            assertThat(madt.get(at)).isEqualTo((byte) 0x18);
            assertThat(madt.getLong(at + 8)).as("hart id").isEqualTo(hart);
            assertThat(madt.getInt(at + 16)).as("uid").isEqualTo(hart);
            assertThat(madt.getLong(at + 24)).isEqualTo(0x2800_0000L + 0x1000L * hart);
        }
        assertThat(madt.get(44 + 36 * harts)).as("the IMSIC follows").isEqualTo((byte) 0x19);
        assertThat(text(board(harts, true), "DSDT"))
                .contains("C%03X".formatted(harts - 1))
                .doesNotContain("C%03X".formatted(harts));
        assertThat(table(board(harts, true), "RHCT").getInt(48))
                .as("nodes: ISA, CMO, MMU, harts")
                .isEqualTo(3 + harts);
    }

    /** As the built-in SBI and OpenSBI program the APLIC: one bit for 2 harts, 7 for 128. */
    @Test
    void hartsAreFoundInAddressesByAsManyBitsAsNeeded() {
        assertThat(hartIndexBits(1)).isEqualTo(0);
        assertThat(hartIndexBits(2)).isEqualTo(1);
        assertThat(hartIndexBits(3)).isEqualTo(2);
        assertThat(hartIndexBits(4)).isEqualTo(2);
        assertThat(hartIndexBits(128)).isEqualTo(7);
    }

    private static int hartIndexBits(int harts) {
        return table(board(harts, true), "APIC").get(44 + 36 * harts + 13);
    }

    @Test
    void withoutAiaWiresGoToThePlicsSupervisorContexts() {
        ByteBuffer madt = table(board(2, false), "APIC");

        assertThat(madt.getInt(44 + 20)).isEqualTo(1);
        assertThat(madt.getInt(44 + 36 + 20)).isEqualTo(3);
        assertThat(madt.get(44 + 72)).isEqualTo((byte) 0x1b);
        assertThat(madt.getLong(44 + 72 + 24)).isEqualTo(0xc00_0000);
        assertThat(text(board(2, false), "DSDT")).contains("RSCV0001");
        assertThat(text(board(2, true), "DSDT")).contains("RSCV0002");
    }

    @Test
    void whatTheHartsCanDoIsWhatTheDeviceTreeSays() {
        for (boolean aia : new boolean[] {true, false}) {
            String isa =
                    VirtDeviceTree.of(board(1, aia), new byte[32])
                            .tree()
                            .node("/cpus/cpu@0")
                            .string("riscv,isa");

            assertThat(text(board(1, aia), "RHCT")).contains(isa + "\0");
        }
    }

    @Test
    void theTablesAreThreeFilesOfFwCfg() {
        assertThat(VirtAcpi.files(board(1, true), bus()))
                .containsOnlyKeys(
                        AcpiTables.RSDP_FILE, AcpiTables.TABLES_FILE, AcpiTables.LOADER_FILE);
    }

    @Test
    void whatIsOnTheBusHasItsNode() {
        String dsdt = text(board(1, true), "DSDT");

        assertThat(dsdt).contains("PC00", "PE00", "PE08", "PC01", "PE18").doesNotContain("PE10");
        assertThat(dsdt).contains("\b_ADR\f\0\0\1\0").contains("\b_ADR\f\0\0\2\0");
    }

    /** Behind 512 MiB of memory, but not below 4 GiB. */
    @Test
    void theTablesSayWhereTheVirtualConfigurationSpaceIs() {
        assertThat(text(board(1, true), "DSDT")).contains("\bVCFG\u000e\0\0\0\0\1\0\0\0");
        assertThat(table(board(1, true), "MCFG").getLong(44)).isEqualTo(0x3000_0000L);
    }

    /** Function 00:03.0 has 8 KiB at 0x30000, of which the second page is the shared one. */
    @Test
    void virtualConfigurationWithASharedPageIsInAnSsdt() {
        String ssdt = text(board(1, true), "SSDT");

        assertThat(ssdt).contains("VCFG", "PE18", "VREG", "SHAM").doesNotContain("PE08", "PC01");
        assertThat(ssdt).contains("VCFG\f\0\0\3\0").contains("VCFG\f\0\20\3\0");
        assertThat(VirtAcpi.tables(board(1, true), bus("edu")).tables())
                .extracting(AcpiTable::signature)
                .contains("DSDT")
                .doesNotContain("SSDT");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void acpicaReadsEveryTableOfTheBoard(boolean aia, @TempDir Path directory) throws Exception {
        String iasl = iasl();
        List<AcpiTable> tables =
                VirtAcpi.tables(board(2, aia), bus("edu", "root-port", "inspect")).tables();
        for (AcpiTable table : tables) {
            String name = table.signature().toLowerCase(Locale.ROOT);
            Path file = Files.write(directory.resolve(name + ".aml"), table.toBytes());

            String log = run(iasl, "-d", file.toString());

            assertThat(log)
                    .doesNotContainIgnoringCase("error")
                    .doesNotContainIgnoringCase("warning");
        }
        for (String block : List.of("dsdt.dsl", "ssdt.dsl")) {
            assertThat(run(iasl, directory.resolve(block).toString()))
                    .contains("0 Errors, 0 Warnings");
        }
    }

    private static String iasl() throws Exception {
        Path cached = Path.of(System.getProperty("user.home"), ".cache/dalang/tools/iasl/iasl");
        for (String program : List.of("iasl", cached.toString())) {
            try {
                // Older ones do not know RISC-V's tables.
                if (run(program, "-v").matches("(?s).*version 202[4-9]\\d{4}.*")) {
                    return program;
                }
            } catch (IOException _) {
                // The next place.
            }
        }
        return abort("no iasl of 2024 or later; build/iasl fetches one");
    }

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return log;
    }
}
