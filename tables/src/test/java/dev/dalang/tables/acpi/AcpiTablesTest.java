package dev.dalang.tables.acpi;

import static dev.dalang.tables.acpi.SampleMachine.IDENTITY;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

class AcpiTablesTest {
    private static AcpiTables smallest() {
        return AcpiTables.of(IDENTITY, AcpiTable.dsdt(IDENTITY, List.of()));
    }

    private static String text(byte[] bytes, int offset, int length) {
        return new String(bytes, offset, length, StandardCharsets.US_ASCII);
    }

    @Test
    void firmwareFindsEveryTableWhereverItPutsThem() {
        for (long address : new long[] {0, 0x8000_0000L, 0x12_3456_7890L}) {
            Map<String, byte[]> loaded =
                    LoadedTables.at(address, SampleMachine.tables(true).toFiles()).tables();

            assertThat(loaded.keySet())
                    .containsExactlyInAnyOrder(
                            "XSDT", "FACP", "DSDT", "APIC", "RHCT", "MCFG", "SPCR", "SSDT");
            assertThat(AcpiTable.parse(loaded.get("DSDT"))).isEqualTo(SampleMachine.dsdt(true));
        }
    }

    @Test
    void tablesLieAtMultiplesOfSixteen() {
        byte[] file = SampleMachine.tables(true).toFiles().get(AcpiTables.TABLES_FILE);
        int offset = 0;
        for (AcpiTable table : SampleMachine.tables(true).tables()) {
            assertThat(text(file, offset, 4)).isEqualTo(table.signature());
            assertThat(file[offset + 9]).as("checksum, which the loader computes").isZero();
            offset = offset + table.size() + 15 & -16;
        }
        assertThat(text(file, offset, 4)).isEqualTo("XSDT");
    }

    /** By hand: DSDT of 36 bytes at 0, FADT of 276 at 48, XSDT of 44 at 336. */
    @Test
    void theScriptAllocatesThenLinksThenSums() {
        Map<String, byte[]> files = smallest().toFiles();
        byte[] script = files.get("etc/table-loader");

        assertThat(files.get("etc/acpi/tables")).hasSize(336 + 44);
        assertThat(script).hasSize(10 * 128);
        assertThat(command(script, 0)).isEqualTo("1 etc/acpi/rsdp 10000000 02");
        assertThat(command(script, 1)).isEqualTo("1 etc/acpi/tables 40000000 01");
        assertThat(pointer(script, 2)).isEqualTo("2 etc/acpi/tables etc/acpi/tables bc000000 08");
        assertThat(pointer(script, 3)).isEqualTo("2 etc/acpi/tables etc/acpi/tables 74010000 08");
        assertThat(checksum(script, 4)).isEqualTo("3 etc/acpi/tables 09000000 00000000 24000000");
        assertThat(checksum(script, 5)).isEqualTo("3 etc/acpi/tables 39000000 30000000 14010000");
        assertThat(checksum(script, 6)).isEqualTo("3 etc/acpi/tables 59010000 50010000 2c000000");
        assertThat(pointer(script, 7)).isEqualTo("2 etc/acpi/rsdp etc/acpi/tables 18000000 08");
        assertThat(checksum(script, 8)).isEqualTo("3 etc/acpi/rsdp 08000000 00000000 14000000");
        assertThat(checksum(script, 9)).isEqualTo("3 etc/acpi/rsdp 20000000 00000000 24000000");
        assertThat(HexFormat.ofDelimiter(" ").formatHex(files.get("etc/acpi/rsdp")))
                .isEqualTo(
                        "52 53 44 20 50 54 52 20 00 44 41 4c 41 4e 47 02 00 00 00 00 24 00 00 00 50"
                                + " 01 00 00 00 00 00 00 00 00 00 00");
    }

    private static String command(byte[] script, int index) {
        int at = index * 128;
        assertThat(hex(script, at + 65, 63)).matches("(00)*");
        return "%d %s %s %s"
                .formatted(
                        script[at],
                        name(script, at + 4),
                        hex(script, at + 60, 4),
                        hex(script, at + 64, 1));
    }

    private static String pointer(byte[] script, int index) {
        int at = index * 128;
        assertThat(hex(script, at + 121, 7)).matches("(00)*");
        return "%d %s %s %s %s"
                .formatted(
                        script[at],
                        name(script, at + 4),
                        name(script, at + 60),
                        hex(script, at + 116, 4),
                        hex(script, at + 120, 1));
    }

    private static String checksum(byte[] script, int index) {
        int at = index * 128;
        assertThat(hex(script, at + 72, 56)).matches("(00)*");
        return "%d %s %s %s %s"
                .formatted(
                        script[at],
                        name(script, at + 4),
                        hex(script, at + 60, 4),
                        hex(script, at + 64, 4),
                        hex(script, at + 68, 4));
    }

    private static String name(byte[] script, int offset) {
        return text(script, offset, 56).replaceFirst("\0.*", "");
    }

    private static String hex(byte[] bytes, int offset, int length) {
        return HexFormat.of().formatHex(bytes, offset, offset + length);
    }

    @Test
    void aTableThatIsMadeHereOrThereAlreadyIsRefused() {
        AcpiTable mcfg = Mcfg.create(IDENTITY).toTable();
        AcpiTable dsdt = AcpiTable.dsdt(IDENTITY, List.of());
        AcpiTable ssdt = AcpiTable.ssdt(IDENTITY, List.of());

        assertThatThrownBy(() -> AcpiTables.of(IDENTITY, ssdt)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> smallest().add(dsdt)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> smallest().add(mcfg).add(mcfg))
                .isInstanceOf(AcpiException.class)
                .hasMessageContaining("MCFG");
        assertThat(smallest().add(ssdt).add(ssdt).tables()).hasSize(4);
    }
}
