package dev.dalang.tables.aml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Collections;
import java.util.HexFormat;
import java.util.Map;
import java.util.UUID;

class AmlTest {
    static String hex(AmlTerm term) {
        return HexFormat.ofDelimiter(" ").formatHex(term.toBytes());
    }

    private static byte[] zeros(int count) {
        return new byte[count];
    }

    /** By hand from §20.2.3. */
    @ParameterizedTest
    @CsvSource({
        "0, 00",
        "1, 01",
        "2, 0a 02",
        "ff, 0a ff",
        "100, 0b 00 01",
        "ffff, 0b ff ff",
        "10000, 0c 00 00 01 00",
        "ffffffff, 0c ff ff ff ff",
        "100000000, 0e 00 00 00 00 01 00 00 00",
        "7fffffffffffffff, 0e ff ff ff ff ff ff ff 7f",
        "8000000000000000, 0e 00 00 00 00 00 00 00 80",
        "ffffffffffffffff, ff",
    })
    void aConstantHasItsShortestForm(String value, String bytes) {
        assertThat(hex(Aml.integer(Long.parseUnsignedLong(value, 16)))).isEqualTo(bytes);
    }

    /** By hand from §20.2.2. */
    @ParameterizedTest
    @CsvSource({
        "_SB, 5f 53 42 5f",
        "\\, 5c 00",
        "^, 5e 00",
        "^^FOO, 5e 5e 46 4f 4f 5f",
        "\\VCFG, 5c 56 43 46 47",
        "\\_SB.PC00, 5c 2e 5f 53 42 5f 50 43 30 30",
        "A.B.C, 2f 03 41 5f 5f 5f 42 5f 5f 5f 43 5f 5f 5f",
    })
    void aNameStringSaysHowManySegmentsItHas(String path, String bytes) {
        assertThat(hex(Aml.path(path))).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "A..B", "ABCDE", "1ABC", "abcd", "A^B", "\\^A", "A.", ".A", "Ä"})
    void aNameThatIsNoneIsRefused(String path) {
        assertThatThrownBy(() -> Aml.path(path))
                .isInstanceOf(AmlException.class)
                .hasMessageContaining("\"" + path + "\"");
    }

    @Test
    void aNameHasAtMost255Segments() {
        String longest = String.join(".", Collections.nCopies(255, "ABCD"));

        assertThat(Aml.path(longest).toBytes()).hasSize(2 + 255 * 4);
        assertThatThrownBy(() -> Aml.path(longest + ".ABCD"))
                .isInstanceOf(AmlException.class)
                .hasMessageContaining("256");
    }

    /**
     * By hand from §20.2.4: a length of one byte goes to 63, of two to 4095, of three to 1048575;
     * each counts itself. A buffer's own size stands between: 2, then 3, then 5 bytes.
     */
    @ParameterizedTest
    @CsvSource({
        "0, 02, 00",
        "1, 03, 01",
        "60, 3f, 0a 3c",
        "61, 41 04, 0a 3d",
        "255, 43 10, 0a ff",
        "256, 45 10, 0b 00 01",
        "4090, 4f ff, 0b fa 0f",
        "4091, 81 00 01, 0b fb 0f",
        "65535, 85 00 10, 0b ff ff",
        "1048567, 8f ff ff, 0c f7 ff 0f 00",
        "1048568, c1 00 00 01, 0c f8 ff 0f 00",
    })
    void aPackagesLengthCountsItself(int size, String length, String sizeBytes) {
        String head = hex(Aml.buffer(zeros(size)));

        assertThat(head).startsWith("11 " + length + " " + sizeBytes);
        assertThat(HexFormat.ofDelimiter(" ").parseHex(head))
                .hasSize(1 + (length.length() + 1) / 3 + (sizeBytes.length() + 1) / 3 + size);
    }

    @Test
    void stringsEndWithNull() {
        assertThat(hex(Aml.string("ACPI0007"))).isEqualTo("0d 41 43 50 49 30 30 30 37 00");
        assertThat(hex(Aml.unicode("A"))).isEqualTo("11 07 0a 04 41 00 00 00");
        assertThatThrownBy(() -> Aml.string("a\0b")).isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> Aml.string("ü")).isInstanceOf(AmlException.class);
    }

    /** The example of §19.6.37 and two ids whose numbers are in everybody's tables. */
    @Test
    void eisaIdsAreCompressed() {
        assertThat(hex(Aml.eisaId("PNP0A08"))).isEqualTo("0c 41 d0 0a 08");
        assertThat(hex(Aml.eisaId("PNP0A03"))).isEqualTo("0c 41 d0 0a 03");
        assertThat(hex(Aml.eisaId("PNP0C0F"))).isEqualTo("0c 41 d0 0c 0f");
        assertThatThrownBy(() -> Aml.eisaId("RSCV0001"))
                .isInstanceOf(AmlException.class)
                .hasMessageContaining("RSCV0001");
    }

    /** The example of §19.6.142: aabbccdd-eeff-gghh-iijj-kkllmmnnoopp is stored dd cc bb aa … */
    @Test
    void uuidsHaveThreeLittleEndianGroups() {
        assertThat(hex(Aml.uuid(UUID.fromString("33db4d5b-1ff7-401c-9657-7441c03dd766"))))
                .isEqualTo("11 13 0a 10 5b 4d db 33 f7 1f 1c 40 96 57 74 41 c0 3d d7 66");
    }

    @Test
    void packagesCountTheirElements() {
        assertThat(hex(Aml.packageOf())).isEqualTo("12 02 00");
        assertThat(hex(Aml.packageOf(Aml.integer(1), Aml.string("x"))))
                .isEqualTo("12 06 02 01 0d 78 00");
        assertThat(Aml.packageOf(Collections.nCopies(255, Aml.integer(0))).toBytes())
                .hasSize(1 + 2 + 1 + 255);
        assertThatThrownBy(() -> Aml.packageOf(Collections.nCopies(256, Aml.integer(0))))
                .isInstanceOf(AmlException.class)
                .hasMessageContaining("256");
    }

    @Test
    void declarationsHoldTheirTerms() {
        assertThat(hex(Aml.name("_UID", 3))).isEqualTo("08 5f 55 49 44 0a 03");
        assertThat(hex(Aml.scope("\\_SB", Aml.device("COM0", Aml.name("_UID", 0)))))
                .isEqualTo("10 13 5c 5f 53 42 5f 5b 82 0b 43 4f 4d 30 08 5f 55 49 44 00");
        assertThat(hex(Aml.method("_STA", 0, AmlCode.returns(Aml.integer(15)))))
                .isEqualTo("14 09 5f 53 54 41 00 a4 0a 0f");
        assertThat(hex(Aml.serializedMethod("_OSC", 4))).isEqualTo("14 06 5f 4f 53 43 0c");
        assertThat(hex(Aml.mutex("LOCK", 1))).isEqualTo("5b 01 4c 4f 43 4b 01");
        assertThat(hex(Aml.externals(Map.of("\\VCFG", ExternalType.INTEGER))))
                .isEqualTo("a0 0a 00 15 5c 56 43 46 47 01 00");
        assertThat(hex(Aml.powerResource("PRIC", 0, 0x0102, Aml.name("A", 1))))
                .isEqualTo("5b 84 0e 50 52 49 43 00 02 01 08 41 5f 5f 5f 01");
        assertThat(hex(Aml.createDwordField(Aml.arg(3), 8, "CDW3")))
                .isEqualTo("8a 6b 0a 08 43 44 57 33");
        assertThat(hex(Aml.sequence(Aml.name("A", 0), Aml.name("B", 1))))
                .isEqualTo("08 41 5f 5f 5f 00 08 42 5f 5f 5f 01");
    }

    @Test
    void regionsAndFieldsSayHowTheyAreAccessed() {
        assertThat(
                        hex(
                                Aml.operationRegion(
                                        "VREG",
                                        RegionSpace.SYSTEM_MEMORY,
                                        AmlCode.add(Aml.path("\\VCFG"), Aml.integer(0x8000)),
                                        Aml.integer(4096))))
                .isEqualTo("5b 80 56 52 45 47 00 72 5c 56 43 46 47 0b 00 80 00 0b 00 10");
        assertThat(
                        hex(
                                Aml.field(
                                        "VREG",
                                        FieldAccess.DWORD,
                                        true,
                                        FieldUpdate.PRESERVE,
                                        FieldUnit.of("PFPM", 32),
                                        FieldUnit.skip(256),
                                        FieldUnit.of("NOTY", 64))))
                .isEqualTo("5b 81 14 56 52 45 47 13 50 46 50 4d 20 00 40 10 4e 4f 54 59 40 04");
        assertThat(hex(Aml.field("R", FieldAccess.BYTE, false, FieldUpdate.WRITE_AS_ONES)))
                .isEqualTo("5b 81 06 52 5f 5f 5f 21");
        assertThat(hex(Aml.field("R", FieldAccess.ANY, false, FieldUpdate.WRITE_AS_ZEROS)))
                .isEqualTo("5b 81 06 52 5f 5f 5f 40");
        assertThatThrownBy(() -> FieldUnit.of("A", 0)).isInstanceOf(AmlException.class);
    }

    @Test
    void argumentsAndLocalsAreBounded() {
        assertThat(hex(Aml.arg(0)) + hex(Aml.arg(6))).isEqualTo("686e");
        assertThat(hex(Aml.local(0)) + hex(Aml.local(7))).isEqualTo("6067");
        assertThatThrownBy(() -> Aml.arg(7)).isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> Aml.local(8)).isInstanceOf(AmlException.class);
        assertThatThrownBy(() -> Aml.method("M", 8)).isInstanceOf(AmlException.class);
    }

    @Test
    void theBytesOfATermAreItsOwn() {
        AmlTerm term = Aml.name("A", 1);

        term.toBytes()[0] = 0;

        assertThat(term.toBytes()[0]).isEqualTo((byte) 8);
    }
}
