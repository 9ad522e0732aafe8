package dev.dalang.vm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.tables.acpi.AcpiTable;
import dev.dalang.tables.acpi.AcpiTables;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
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

    private static ByteBuffer table(BoardDescription board, String signature) {
        return ByteBuffer.wrap(bytes(board, signature)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] bytes(BoardDescription board, String signature) {
        for (AcpiTable table : VirtAcpi.tables(board).tables()) {
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
        assertThat(VirtAcpi.files(board(1, true)))
                .containsOnlyKeys(
                        AcpiTables.RSDP_FILE, AcpiTables.TABLES_FILE, AcpiTables.LOADER_FILE);
    }
}
