package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.stream.Stream;

final class PciCapabilityTest {
    private final PciConfiguration config =
            PciConfiguration.endpoint(0x1234, 0x11e8).label("edu").build();

    @Test
    void theListBeginsAt0x40AndIsLinked() {
        PciCapabilityHandle first =
                config.addCapability(VendorCapability.of((byte) 0x55, (byte) 0x66));
        PciCapabilityHandle second = config.addCapability(VendorCapability.of((byte) 0x77));
        assertThat(first).isEqualTo(new PciCapabilityHandle(9, 0x40, 2));
        assertThat(second).isEqualTo(new PciCapabilityHandle(9, 0x48, 1));
        assertThat(config.readRegister(1)).isEqualTo(0x0010_0000);
        assertThat(config.readRegister(13)).isEqualTo(0x40);
        assertThat(config.readRegister(16)).isEqualTo(0x5505_4809);
        assertThat(config.readRegister(17)).isEqualTo(0x66);
        assertThat(config.readRegister(18)).isEqualTo(0x7704_0009);
        assertThat(config.capabilities()).containsExactly(first, second);
        assertThat(first.contains(15)).isFalse();
        assertThat(first.contains(16)).isTrue();
        assertThat(first.contains(18)).isFalse();
    }

    /** Row C5. */
    @Test
    void aCapabilityMayEndWithTheSpace() {
        config.addCapability(TestCapability.readOnly(9, new int[47]));
        config.addCapability(TestCapability.readOnly(9, 0xaabb_0000));
        assertThat(config.readRegister(63)).isEqualTo(0xaabb_0009);
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.addCapability(TestCapability.readOnly(5, 0)))
                .withMessage(
                        "edu: capability 0x5 of 4 bytes does not fit at 0x100: the space ends at"
                                + " 0x100")
                .extracting(PciException::kind)
                .isEqualTo(PciException.Kind.CAPABILITY);
        assertThat(config.readRegister(63)).isEqualTo(0xaabb_0009);
        assertThat(config.capabilities()).hasSize(2);
    }

    @Test
    void extendedCapabilitiesHaveAListOfTheirOwn() {
        config.addExtendedCapability(ExtendedCapability.serialNumber(0x1122_3344_5566_7788L), null);
        PciCapabilityHandle second =
                config.addExtendedCapability(ExtendedCapability.vendor(0xbeef, 3, 7, 8), null);
        assertThat(second).isEqualTo(new PciCapabilityHandle(0xb, 0x10c, 4));
        assertThat(config.readRegister(64)).isEqualTo(0x10c1_0003);
        assertThat(config.readRegister(65)).isEqualTo(0x5566_7788);
        assertThat(config.readRegister(66)).isEqualTo(0x1122_3344);
        assertThat(config.readRegister(67)).isEqualTo(0x0001_000b);
        assertThat(config.readRegister(68)).isEqualTo(0x0103_beef);
        assertThat(config.readRegister(70)).isEqualTo(8);
        // No conventional capability came with them.
        assertThat(config.readRegister(1)).isZero();
        assertThat(config.readRegister(13)).isZero();
    }

    @Test
    void theExtendedListMayFillItsSpace() {
        config.addExtendedCapability(ExtendedCapability.vendor(0, 0, new int[0x3be]), null);
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () ->
                                config.addExtendedCapability(
                                        ExtendedCapability.serialNumber(1), null))
                .withMessage(
                        "edu: extended capability 0x3 of 12 bytes does not fit at 0x1000: the space"
                                + " ends at 0x1000");
    }

    @Test
    void aConventionalFunctionHasNoExtendedCapabilities() {
        PciConfiguration conventional =
                PciConfiguration.endpoint(1, 2).label("old").conventional().build();
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () ->
                                conventional.addExtendedCapability(
                                        ExtendedCapability.serialNumber(1), null))
                .withMessage(
                        "old: extended capability 0x3 of 12 bytes does not fit at 0x100: the space"
                                + " ends at 0x100");
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                Arguments.of(TestCapability.readOnly(9), false, "capability 0x9 is empty"),
                Arguments.of(
                        TestCapability.readOnly(0x100, 0),
                        false,
                        "capability 0x100: expected an id of 0..0xff"),
                Arguments.of(
                        TestCapability.readOnly(0, 0),
                        true,
                        "extended capability 0x0: expected an id of 1..0xffff"),
                Arguments.of(
                        new TestCapability(9, new int[2], new int[1], new int[2]),
                        false,
                        "capability 0x9: expected masks for 2 registers, got 1 and 2"),
                Arguments.of(
                        new TestCapability(9, new int[2], new int[2], new int[3]),
                        false,
                        "capability 0x9: expected masks for 2 registers, got 2 and 3"),
                Arguments.of(
                        new TestCapability(9, new int[1], new int[] {0x8000}, new int[1]),
                        false,
                        "capability 0x9: a guest must not write id and pointer"),
                Arguments.of(
                        new TestCapability(9, new int[1], new int[1], new int[] {1 << 31}),
                        true,
                        "extended capability 0x9: a guest must not write id and pointer"),
                Arguments.of(
                        new TestCapability(9, new int[2], new int[] {0, 6}, new int[] {0, 3}),
                        false,
                        "capability 0x9: bits 0x2 of register 1 are both writable and"
                                + " write-one-to-clear"));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void aCapabilityThatCannotBeIsRefused(
            PciCapability capability, boolean extended, String message) {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () -> {
                            if (extended) {
                                config.addExtendedCapability(capability, null);
                            } else {
                                config.addCapability(capability);
                            }
                        })
                .withMessage("edu: " + message);
        assertThat(config.readRegister(1)).isZero();
        assertThat(config.readRegister(13)).isZero();
        assertThat(config.readRegister(64)).isZero();
        assertThat(config.capabilities()).isEmpty();
    }

    @Test
    void aLivePartMustNotBeLongerThanItsCapability() {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () ->
                                config.addCapability(
                                        TestCapability.readOnly(9, 0),
                                        new RecordingCapConfig(0, 0)))
                .withMessage("edu: capability 0x9: its live part has 2 registers of 1");
    }

    @Test
    void aCapabilityMustNotRunIntoTheDevicesOwnRegisters() {
        config.defineRegister(24, 1, 0, 0);
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.addCapability(TestCapability.readOnly(9, new int[9])))
                .withMessage("edu: capability 0x9 at 0x40 runs into register 24, which is in use");
        config.addCapability(TestCapability.readOnly(9, new int[8]));
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.defineRegister(23, 0, 0, 0))
                .withMessage("edu: register 23 is in use");
    }

    @Test
    void masksOfTheImageHold() {
        config.addCapability(
                new TestCapability(
                        9,
                        new int[] {0x1234_0000, 0xff00_00ff},
                        new int[] {0x00ff_0000, 0x0000_ff00},
                        new int[] {0, 0xf0}));
        config.write(16, 0, 4, -1);
        assertThat(config.readRegister(16)).isEqualTo(0x12ff_0009);
        config.write(17, 0, 4, 0xffff_ffaf);
        assertThat(config.readRegister(17)).isEqualTo(0xff00_ff5f);
    }

    @Test
    void liveBitsComeFromTheLivePart() {
        var live = new RecordingCapConfig(0xc000_0000, 0);
        config.addCapability(TestCapability.readOnly(0x11, 0xffff_0000, 0x6000), live);
        live.values[0] = 0x8000_0000;
        live.values[1] = -1;
        assertThat(config.readRegister(16)).isEqualTo(0xbfff_0011);
        assertThat(config.read(16, 3, 1)).isEqualTo(0xbf);
        assertThat(config.readRegister(17)).isEqualTo(0x6000);
    }

    @Test
    void theLivePartSeesEveryLegalWriteAsItWasMade() {
        var live = new RecordingCapConfig(0, -1);
        config.addCapability(TestCapability.readOnly(9, 0, 0, 0), live);
        var expected = new RecordingCapConfig.Write(1, 2, 2, 0xbeef);
        ConfigWriteResult result = config.write(17, 2, 2, 0xdead_beef);
        assertThat(result.status()).isEqualTo(expected);
        assertThat(result.isDecodingUnchanged()).isTrue();
        config.write(16, 3, 1, 0x80);
        config.write(18, 0, 4, 1);
        config.write(17, 1, 2, 1);
        config.write(17, 0, 8, 1);
        assertThat(live.writes)
                .containsExactly(expected, new RecordingCapConfig.Write(0, 3, 1, 0x80));
        assertThat(config.readRegister(17)).isEqualTo(0xbeef_0000);
    }

    @Test
    void aPushShowsInTheRegisters() {
        var live = new RecordingCapConfig(0);
        config.addCapability(TestCapability.readOnly(9, 0, 0x1111_1111), live);
        live.mapping.setRegister(1, 0x00aa_bb00, 0x00ff_ff00);
        assertThat(config.readRegister(17)).isEqualTo(0x11aa_bb11);
        for (int register : new int[] {-1, 2}) {
            assertThatThrownBy(() -> live.mapping.setRegister(register, 0, -1))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aResetReachesTheLivePart() {
        var live = new RecordingCapConfig(0, 0xff);
        config.addCapability(TestCapability.readOnly(9, 0, 0), live);
        config.write(16, 0, 4, 5);
        assertThat(live.values[0]).isEqualTo(5);
        config.reset();
        assertThat(live.values[0]).isZero();
    }

    @Test
    void sleepReachesTheLivePart() {
        var live = new RecordingCapConfig(0);
        config.addCapability(TestCapability.readOnly(9, 0), live);
        config.sleep();
        assertThat(live.asleep).isTrue();
        config.wake();
        assertThat(live.asleep).isFalse();
    }
}
