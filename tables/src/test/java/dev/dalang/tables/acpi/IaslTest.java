package dev.dalang.tables.acpi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** ACPICA reads our tables as firmware leaves them in memory. */
class IaslTest {
    private static final int HEADER_BYTES = 36;

    @TempDir private Path directory;

    private Map<String, Path> load(boolean aia) throws IOException {
        var paths = new TreeMap<String, Path>();
        Map<String, byte[]> tables =
                LoadedTables.at(0x9000_0000L, SampleMachine.tables(aia).toFiles()).tables();
        for (var table : tables.entrySet()) {
            String name = table.getKey().toLowerCase(Locale.ROOT) + ".aml";
            paths.put(table.getKey(), Files.write(directory.resolve(name), table.getValue()));
        }
        return paths;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyTableIsDisassembledWithoutAWord(boolean aia) throws Exception {
        Iasl iasl = Iasl.find();
        Map<String, Path> paths = load(aia);

        assertThat(paths).containsKeys("XSDT", "FACP", "DSDT", "APIC", "RHCT", "MCFG", "SPCR");
        for (Path path : paths.values()) {
            assertThat(iasl.disassemble(path)).contains("Signature");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theDsdtCompilesBackToItsBytes(boolean aia) throws Exception {
        Iasl iasl = Iasl.find();
        Map<String, Path> paths = load(aia);
        byte[] original = Files.readAllBytes(paths.get("DSDT"));

        iasl.disassemble(paths.get("DSDT"));
        byte[] again = iasl.compile(directory.resolve("dsdt.dsl"), directory.resolve("again.aml"));

        assertThat(withoutHeader(again)).isEqualTo(withoutHeader(original));
    }

    @Test
    void theSsdtCompilesBackToItsBytes() throws Exception {
        Iasl iasl = Iasl.find();
        Map<String, Path> paths = load(true);
        byte[] original = Files.readAllBytes(paths.get("SSDT"));

        iasl.disassemble(paths.get("SSDT"), paths.get("DSDT"));
        byte[] again = iasl.compile(directory.resolve("ssdt.dsl"), directory.resolve("again.aml"));

        assertThat(withoutHeader(again)).isEqualTo(withoutHeader(original));
    }

    @Test
    void theFieldsAreWhereAcpicaLooksForThem() throws Exception {
        Iasl iasl = Iasl.find();
        Map<String, Path> paths = load(true);

        assertThat(iasl.disassemble(paths.get("FACP")))
                .containsPattern("FADT Minor Revision : 06")
                .containsPattern("Hardware Reduced \\(V5\\) : 1")
                .containsPattern("Hypervisor ID : 0000474E414C4144");
        assertThat(iasl.disassemble(paths.get("APIC")))
                .contains("Subtable Type : 18 [RISC-V Interrupt Controller]")
                .contains("HartId : 0000000000000002")
                .contains("ImsicAddr : 0000000028002000")
                .contains("ImsicSize : 00001000")
                .contains("Subtable Type : 19 [RISC-V Incoming MSI Controller]")
                .contains("NumIds : 00FF")
                .contains("HartIndexBits : 02")
                .contains("Subtable Type : 1A [RISC-V APLIC Controller]")
                .contains("NumSources : 0060")
                .contains("BaseAddr : 000000000D000000");
        assertThat(iasl.disassemble(paths.get("MCFG")))
                .containsPattern("Base Address : 0000000030000000")
                .containsPattern("End Bus Number : FF");
        assertThat(iasl.disassemble(paths.get("SPCR"))).containsPattern("Namepath|Namespace");
        assertThat(iasl.disassemble(paths.get("RHCT"))).contains("rv64imafdc_zicbom_zicboz_sstc");
        assertThat(iasl.disassemble(paths.get("DSDT")))
                .contains("Name (VCFG, 0x00000003C0000000)")
                .contains("Device (COM0)");
    }

    private static String withoutHeader(byte[] table) {
        return HexFormat.of().formatHex(Arrays.copyOfRange(table, HEADER_BYTES, table.length));
    }
}
