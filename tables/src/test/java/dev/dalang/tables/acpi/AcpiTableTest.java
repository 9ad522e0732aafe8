package dev.dalang.tables.acpi;

import static dev.dalang.tables.acpi.SampleMachine.IDENTITY;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.tables.aml.Aml;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** The tables' bytes, by hand from the specifications. */
class AcpiTableTest {
    private static final HexFormat HEX = HexFormat.ofDelimiter(" ");

    private static String body(AcpiTable table) {
        byte[] bytes = table.toBytes();
        return HEX.formatHex(bytes, AcpiTable.HEADER_BYTES, bytes.length);
    }

    private static String at(AcpiTable table, int offset, int length) {
        return HEX.formatHex(table.toBytes(), offset, offset + length);
    }

    @Test
    void theHeaderSaysWhoAndHowLong() {
        AcpiTable table = AcpiTable.of("TEST", 3, IDENTITY, new byte[] {1, 2});

        assertThat(table.signature()).isEqualTo("TEST");
        assertThat(table.size()).isEqualTo(38);
        assertThat(at(table, 0, 9)).isEqualTo("54 45 53 54 26 00 00 00 03");
        assertThat(at(table, 10, 26))
                .isEqualTo(
                        "44 41 4c 41 4e 47 53 41 4d 50 4c 45 20 20 01 00 00 00 44 4c 4e 47 01 00 00"
                                + " 00");
        int sum = 0;
        for (byte b : table.toBytes()) {
            sum += b;
        }
        assertThat(sum & 0xff).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ABC", "ABCDE", "abcd", "AB D"})
    void aSignatureIsFourCapitals(String signature) {
        assertThatThrownBy(() -> AcpiTable.of(signature, 1, IDENTITY, new byte[0]))
                .isInstanceOf(AcpiException.class)
                .hasMessageContaining("\"" + signature + "\"");
    }

    @Test
    void anIdentityFitsItsFields() {
        assertThatThrownBy(() -> new AcpiIdentity("TOOLONG", "A", 0, "B", 0))
                .isInstanceOf(AcpiException.class)
                .hasMessageContaining("TOOLONG");
        assertThatThrownBy(() -> new AcpiIdentity("A", "", 0, "B", 0))
                .isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> new AcpiIdentity("A", "B", 0, "é", 0))
                .isInstanceOf(AcpiException.class);
    }

    @Test
    void aTableIsReadBackOnlyIfItIsWhole() {
        AcpiTable table = AcpiTable.dsdt(IDENTITY, List.of(Aml.name("A", 1)));
        byte[] bytes = table.toBytes();

        assertThat(AcpiTable.parse(bytes)).isEqualTo(table).hasSameHashCodeAs(table);
        assertThat(table.toString()).isEqualTo("DSDT of 42 bytes");
        byte[] changed = bytes.clone();
        changed[40]++;
        assertThatThrownBy(() -> AcpiTable.parse(changed))
                .isInstanceOf(AcpiException.class)
                .hasMessageContaining("sum is 1");
        byte[] cut = Arrays.copyOf(bytes, 41);
        assertThatThrownBy(() -> AcpiTable.parse(cut)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> AcpiTable.parse(new byte[35])).isInstanceOf(AcpiException.class);
    }

    @Test
    void theFixedTableSaysThatThereIsNoFixedHardware() {
        AcpiTable fadt = Fadt.of(IDENTITY);

        assertThat(fadt.size()).isEqualTo(276);
        assertThat(at(fadt, 8, 1)).as("revision").isEqualTo("06");
        assertThat(at(fadt, 112, 4)).as("HW_REDUCED_ACPI").isEqualTo("00 00 10 00");
        assertThat(at(fadt, 131, 1)).as("minor revision").isEqualTo("06");
        assertThat(at(fadt, 140, 8)).as("X_DSDT").isEqualTo("00 00 00 00 00 00 00 00");
        assertThat(at(fadt, 268, 8)).isEqualTo("44 41 4c 41 4e 47 00 00");
    }

    @Test
    void hartsWithImsicsSayWhereTheirFilesAre() {
        AcpiTable madt =
                Madt.create(IDENTITY)
                        .aplic(0, 96, 0, 0xd00_0000, 0x8000)
                        .imsic(255, 0, 1, 0, 24)
                        .hartWithImsic(0, 0, 0x2800_0000, 0x1000)
                        .hartWithImsic(1, 1, 0x2800_1000, 0x1000)
                        .toTable();

        assertThat(body(madt))
                .isEqualTo(
                        "00 00 00 00 00 00 00 00"
                                + " 18 24 01 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
                                + " 00 00 00 00 00 00 00 28 00 00 00 00 00 10 00 00"
                                + " 18 24 01 00 01 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00"
                                + " 00 00 00 00 00 10 00 28 00 00 00 00 00 10 00 00"
                                + " 19 10 01 00 00 00 00 00 ff 00 ff 00 00 01 00 18"
                                + " 1a 24 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 60 00"
                                + " 00 00 00 00 00 00 00 0d 00 00 00 00 00 80 00 00");
    }

    @Test
    void hartsWithAPlicSayWhichContextIsTheirs() {
        AcpiTable madt =
                Madt.create(IDENTITY)
                        .hartWithPlic(5, 1, 2, 3)
                        .plic(2, 95, 7, 32, 0xc00_0000, 0x600_0000)
                        .toTable();

        assertThat(body(madt))
                .isEqualTo(
                        "00 00 00 00 00 00 00 00"
                                + " 18 24 01 00 01 00 00 00 05 00 00 00 00 00 00 00 01 00 00 00"
                                + " 03 00 00 02 00 00 00 00 00 00 00 00 00 00 00 00"
                                + " 1b 24 01 02 00 00 00 00 00 00 00 00 5f 00 07 00 00 00 00 00"
                                + " 00 00 00 06 00 00 00 0c 00 00 00 00 20 00 00 00");
    }

    @Test
    void anInterruptControllerThatCannotBeIsRefused() {
        Madt madt = Madt.create(IDENTITY);

        assertThatThrownBy(madt::toTable).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> madt.imsic(256, 0, 0, 0, 0)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> madt.imsic(255, 8, 0, 0, 0)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> madt.imsic(255, 0, 16, 0, 0)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> madt.aplic(256, 96, 0, 0, 1)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> madt.aplic(0, 1024, 0, 0, 1)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> madt.plic(0, 0, 7, 0, 0, 1)).isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> madt.hartWithPlic(0, 0, 0, 0x10000))
                .isInstanceOf(AcpiException.class);
        madt.imsic(255, 0, 0, 0, 0);
        assertThatThrownBy(() -> madt.imsic(255, 0, 0, 0, 0)).isInstanceOf(AcpiException.class);
    }

    @Test
    void capabilitiesReferToNodesByOffset() {
        AcpiTable rhct =
                new Rhct(10_000_000, "rv64im", Rhct.MmuType.SV57, 64, 0, 128, List.of(0, 7))
                        .toTable(IDENTITY);

        assertThat(body(rhct))
                .isEqualTo(
                        "00 00 00 00 80 96 98 00 00 00 00 00 05 00 00 00 38 00 00 00"
                                // 56: ISA, 7 characters and one to fill up
                                + " 00 00 10 00 01 00 07 00 72 76 36 34 69 6d 00 00"
                                // 72: CMO
                                + " 01 00 0a 00 01 00 00 06 00 07"
                                // 82: MMU
                                + " 02 00 08 00 01 00 00 02"
                                + " ff ff 18 00 01 00 03 00 00 00 00 00"
                                + " 38 00 00 00 48 00 00 00 52 00 00 00"
                                + " ff ff 18 00 01 00 03 00 07 00 00 00"
                                + " 38 00 00 00 48 00 00 00 52 00 00 00");
    }

    @Test
    void aHartWithoutCacheOperationsHasNoNodeForThem() {
        AcpiTable rhct =
                new Rhct(1, "rv64i", Rhct.MmuType.SV39, 0, 0, 0, List.of(0)).toTable(IDENTITY);

        assertThat(body(rhct))
                .isEqualTo(
                        "00 00 00 00 01 00 00 00 00 00 00 00 03 00 00 00 38 00 00 00"
                                + " 00 00 0e 00 01 00 06 00 72 76 36 34 69 00"
                                + " 02 00 08 00 01 00 00 00"
                                + " ff ff 14 00 01 00 02 00 00 00 00 00 38 00 00 00 46 00 00 00");
        assertThatThrownBy(() -> new Rhct(1, "rv64i", Rhct.MmuType.SV39, 48, 0, 0, List.of(0)))
                .isInstanceOf(AcpiException.class)
                .hasMessageContaining("48");
        assertThatThrownBy(() -> new Rhct(1, "rv64i", Rhct.MmuType.SV39, 0, 0, 0, List.of()))
                .isInstanceOf(AcpiException.class);
    }

    @Test
    void configurationSpacesHaveSixteenBytesEach() {
        AcpiTable mcfg =
                Mcfg.create(IDENTITY)
                        .ecam(0x3000_0000, 0, 0, 255)
                        .ecam(0x4_0000_0000L, 1, 16, 31)
                        .toTable();

        assertThat(body(mcfg))
                .isEqualTo(
                        "00 00 00 00 00 00 00 00"
                                + " 00 00 00 30 00 00 00 00 00 00 00 ff 00 00 00 00"
                                + " 00 00 00 00 04 00 00 00 01 00 10 1f 00 00 00 00");
        assertThatThrownBy(() -> Mcfg.create(IDENTITY).ecam(0x1000, 0, 0, 255))
                .isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> Mcfg.create(IDENTITY).ecam(0, 0, 1, 0))
                .isInstanceOf(AcpiException.class);
        assertThatThrownBy(() -> Mcfg.create(IDENTITY).ecam(0, 0, 0, 256))
                .isInstanceOf(AcpiException.class);
    }

    @Test
    void theConsoleIsNamed() {
        AcpiTable spcr = SampleMachine.spcr().toTable(IDENTITY);

        assertThat(body(spcr))
                .isEqualTo(
                        "12 00 00 00 00 08 00 01 00 00 00 10 00 00 00 00 10 00 0a 00 00 00 07 00 01"
                                + " 00 03 00 ff ff ff ff 00 00 00 00 00 00 00 00 00 40 38 00 00 00"
                                + " 00 00 0a 00 58 00 5c 5f 53 42 2e 43 4f 4d 30 00");
    }
}
