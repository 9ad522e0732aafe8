package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

final class PciAddressTest {
    private static final PciAddress FAR = PciAddress.of(0x32, 0x14, 3);

    /** Row V1. */
    @Test
    void virtualConfigurationDecodesTheTrappedPage() {
        assertThat(PciAddress.fromConfigAddress(0x654_6054, 13)).isEqualTo(FAR);
        assertThat(PciAddress.registerOf(0x654_6054, 13)).isEqualTo(0x15);
    }

    /** Row V2: the page is the top bit of the register. */
    @Test
    void virtualConfigurationDecodesTheSharedPage() {
        assertThat(PciAddress.fromConfigAddress(0x654_7054, 13)).isEqualTo(FAR);
        assertThat(PciAddress.registerOf(0x654_7054, 13)).isEqualTo(0x415);
    }

    /** Row V3, of all three widths. */
    @ParameterizedTest
    @ValueSource(ints = {8, 12, 13})
    void encodingAndDecodingAreInverse(int bits) {
        int registers = 1 << bits - 2;
        for (int bus : List.of(0, 1, 0x7f, 0x80, 0xff)) {
            for (int device = 0; device < 32; device++) {
                for (int function = 0; function < 8; function++) {
                    for (int register : List.of(0, 1, 1023, 1024, 2047)) {
                        if (register >= registers) {
                            continue;
                        }
                        PciAddress address = PciAddress.of(bus, device, function);
                        int encoded = address.toConfigAddress(register, bits);
                        for (int low = 0; low < 4; low++) {
                            assertThat(PciAddress.fromConfigAddress(encoded | low, bits))
                                    .isEqualTo(address);
                            assertThat(PciAddress.registerOf(encoded | low, bits))
                                    .isEqualTo(register);
                            assertThat(PciAddress.requesterIdOf(encoded | low, bits))
                                    .isEqualTo(address.requesterId());
                        }
                    }
                }
            }
        }
    }

    /** Row V4, and the encodings of rows V1 and V2. */
    @Test
    void oneRegisterHasAnAddressInEachMechanism() {
        assertThat(FAR.toConfigAddress(0x15, 8)).isEqualTo(0x32_a354);
        assertThat(FAR.toConfigAddress(0x15, 12)).isEqualTo(0x32a_3054);
        assertThat(FAR.toConfigAddress(0x15, 13)).isEqualTo(0x654_6054);
        assertThat(FAR.toConfigAddress(0x415, 13)).isEqualTo(0x654_7054);
    }

    /** Bit 31 of port 0xCF8 is no part of the address. */
    @Test
    void whatStandsAboveTheBusIsIgnored() {
        assertThat(PciAddress.fromConfigAddress(0x8032_a354, 8)).isEqualTo(FAR);
        assertThat(PciAddress.fromConfigAddress(-1, 13)).isEqualTo(PciAddress.of(0xff, 31, 7));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 7, 9, 11, 14, 32})
    void otherNumbersOfRegisterBitsAreRefused(int bits) {
        assertThatThrownBy(() -> PciAddress.checkRegisterBits(bits))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("expected 8, 12 or 13 register bits, got " + bits);
        assertThatThrownBy(() -> PciAddress.fromConfigAddress(0, bits))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PciAddress.registerOf(0, bits))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> FAR.toConfigAddress(0, bits))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({"8, 64", "12, 1024", "13, 2048", "13, -1"})
    void aRegisterOutsideItsRangeIsNotEncoded(int bits, int register) {
        assertThatThrownBy(() -> FAR.toConfigAddress(register, bits))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "expected a register of 0.." + ((1 << bits - 2) - 1) + ", got " + register);
    }

    @Test
    void theTextFormGoesBothWays() {
        assertThat(PciAddress.of(0, 2, 0)).hasToString("0000:00:02.0");
        assertThat(new PciAddress(0xbeef, 0xff, 0x1f, 7)).hasToString("beef:ff:1f.7");
        assertThat(PciAddress.parse("0000:00:02.0")).isEqualTo(PciAddress.of(0, 2, 0));
        assertThat(PciAddress.parse("00:02.0")).isEqualTo(PciAddress.of(0, 2, 0));
        assertThat(PciAddress.parse("BEEF:Ff:1f.7"))
                .isEqualTo(new PciAddress(0xbeef, 0xff, 0x1f, 7));
        assertThat(PciAddress.parse("0:0:0.0").isRoot()).isTrue();
        assertThat(PciAddress.parse("0:0:0.1").isRoot()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "02.0 | expected a colon between bus and device",
                "00:02 | expected a dot between device and function",
                "0:0:0:0.0 | expected [segment:]bus:device.function, got 4 parts between colons",
                "0:0.0.0 | expected one dot, after the device, got 2 dots",
                "0:0:1g.0 | device '1g' is not hexadecimal",
                "x:0:1.0 | segment 'x' is not hexadecimal",
                "0:-1:1.0 | bus '-1' is not hexadecimal",
                "0:0:1.٣ | function '٣' is not hexadecimal",
                ":0.0 | bus is empty",
                "0:0. | function is empty",
                "10000:0:0.0 | segment: expected 0..ffff, got 10000",
                "100:0.0 | bus: expected 0..ff, got 100",
                "0:20.0 | device: expected 0..1f, got 20",
                "0:0.8 | function: expected 0..7, got 8",
                "0:0.fffffffffffffffffffff0 | function: expected 0..7, got fffffffffffffffffffff0"
            })
    void aMistakeInTheTextIsNamed(String text, String message) {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> PciAddress.parse(text))
                .withMessage("PCI address '" + text + "': " + message)
                .extracting(PciException::kind)
                .isEqualTo(PciException.Kind.ADDRESS);
    }

    @ParameterizedTest
    @CsvSource({
        "-1, 0, 0, 0, 'segment: expected 0..ffff, got -1'",
        "65536, 0, 0, 0, 'segment: expected 0..ffff, got 10000'",
        "0, 256, 0, 0, 'bus: expected 0..ff, got 100'",
        "0, 0, 32, 0, 'device: expected 0..1f, got 20'",
        "0, 0, 0, 8, 'function: expected 0..7, got 8'"
    })
    void aPartOutsideItsRangeIsRefused(int segment, int bus, int device, int fn, String message) {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> new PciAddress(segment, bus, device, fn))
                .withMessage("PCI address: " + message);
    }

    @Test
    void theNumericFormsFollowTheirSpecifications() {
        assertThat(FAR.devfn()).isEqualTo(0xa3);
        assertThat(FAR.requesterId()).isEqualTo(0x32a3);
        assertThat(FAR.acpiAdr()).isEqualTo(0x14_0003);
        assertThat(PciAddress.ofRequesterId(0x32a3)).isEqualTo(FAR);
    }

    @Test
    void addressesAreOrderedAsWritten() {
        assertThat(
                        List.of("1:00:00.0", "00:1f.7", "ff:00.0", "00:00.1", "80:00.0").stream()
                                .map(PciAddress::parse)
                                .sorted()
                                .map(PciAddress::toString))
                .containsExactly(
                        "0000:00:00.1",
                        "0000:00:1f.7",
                        "0000:80:00.0",
                        "0000:ff:00.0",
                        "0001:00:00.0");
    }
}
