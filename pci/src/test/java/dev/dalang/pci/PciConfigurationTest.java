package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PciConfigurationTest {
    private static PciConfiguration.Builder edu() {
        return PciConfiguration.endpoint(0x1234, 0x11e8)
                .label("edu")
                .classCode(0x00ff00)
                .revision(0x10)
                .subsystem(0x1af4, 0x1100)
                .interruptPin(1);
    }

    private static int writableBits(PciConfiguration config, int register) {
        int before = config.readRegister(register);
        config.write(register, 0, 4, -1);
        int ones = config.readRegister(register);
        config.write(register, 0, 4, 0);
        int zeros = config.readRegister(register);
        config.write(register, 0, 4, before);
        return ones & ~zeros;
    }

    @Test
    void anEndpointShowsWhatItWasGiven() {
        PciConfiguration config = edu().build();
        assertThat(config.readRegister(0)).isEqualTo(0x11e8_1234);
        assertThat(config.readRegister(1)).isZero();
        assertThat(config.readRegister(2)).isEqualTo(0x00ff_0010);
        assertThat(config.readRegister(3)).isZero();
        assertThat(config.readRegister(11)).isEqualTo(0x1100_1af4);
        assertThat(config.readRegister(15)).isEqualTo(0x0100);
        assertThat(config.registers()).isEqualTo(1024);
        assertThat(config.isBridge()).isFalse();
        assertThat(config.label()).isEqualTo("edu");
    }

    /** Row C1. */
    @Test
    void idsCannotBeWritten() {
        PciConfiguration config = edu().build();
        config.write(0, 0, 4, 0xbaad_f00d);
        config.write(0, 0, 2, 0xf00d);
        config.write(0, 3, 1, 0xba);
        assertThat(config.readRegister(0)).isEqualTo(0x11e8_1234);
    }

    /** The masks of B3, type 0: command, cache line size and interrupt line alone. */
    @Test
    void anEndpointsHeaderIsWritableWhereItShouldBe() {
        PciConfiguration config = edu().build();
        for (int register = 0; register < config.registers(); register++) {
            int expected =
                    switch (register) {
                        case 1 -> 0xffff;
                        case 3, 15 -> 0xff;
                        default -> 0;
                    };
            assertThat(writableBits(config, register))
                    .as("register %d", register)
                    .isEqualTo(expected);
        }
    }

    /** The masks of B3, type 1, with the bits of the window for ports. */
    @Test
    void aBridgesHeaderIsWritableWhereItShouldBe() {
        PciConfiguration config = PciConfiguration.bridge(0x1b36, 0x000c).build();
        for (int register = 0; register < config.registers(); register++) {
            int expected =
                    switch (register) {
                        case 1 -> 0xffff;
                        case 3 -> 0xff;
                        case 6 -> 0x00ff_ffff;
                        case 7 -> 0xf0f0;
                        case 8, 9 -> 0xfff0_fff0;
                        case 10, 11 -> -1;
                        case 15 -> 0xffff_00ff;
                        default -> 0;
                    };
            assertThat(writableBits(config, register))
                    .as("register %d", register)
                    .isEqualTo(expected);
        }
    }

    /** B3: base above limit in all three. */
    @Test
    void aBridgesWindowsAreClosedAtFirst() {
        PciConfiguration config = PciConfiguration.bridge(0x1b36, 0x000c).build();
        assertThat(config.readRegister(2)).isEqualTo(0x0604_0000);
        assertThat(config.readRegister(3)).isEqualTo(0x0001_0000);
        assertThat(config.readRegister(6)).isZero();
        assertThat(config.readRegister(7)).isEqualTo(0xf0);
        assertThat(config.readRegister(8)).isEqualTo(0xfff0);
        assertThat(config.readRegister(9)).isEqualTo(0x1_fff1);
        assertThat(config.isBridge()).isTrue();
        assertThat(config.label()).isEqualTo("1b36:000c");
    }

    /** PCI-to-PCI Bridge 1.2 §3.2.5.6: a window that is not there reads 0. */
    @Test
    void aBridgeMayHaveNoWindowForPorts() {
        PciConfiguration config = PciConfiguration.bridge(0x1b36, 0x000c).withoutIoWindow().build();
        config.write(7, 0, 2, 0xf0f0);
        assertThat(config.readRegister(7)).isZero();
    }

    @Test
    void errorsInTheStatusRegisterAreClearedByOnes() {
        PciConfiguration config = edu().build();
        config.setRegister(1, 0xf900_0000, 0xf900_0000);
        config.setInterruptStatus(true);
        config.write(1, 2, 2, 0x2000);
        assertThat(config.readRegister(1)).isEqualTo(0xd908_0000);
        config.write(1, 0, 4, 0xffff_0006);
        assertThat(config.readRegister(1)).isEqualTo(0x0008_0006);
        config.setInterruptStatus(false);
        assertThat(config.readRegister(1)).isEqualTo(0x0006);
    }

    @Test
    void aBridgesSecondaryStatusIsClearedByOnes() {
        PciConfiguration config = PciConfiguration.bridge(0x1b36, 0x000c).build();
        config.setRegister(7, 0xf900_0000, 0xf900_0000);
        config.write(7, 3, 1, 0x81);
        assertThat(config.readRegister(7)).isEqualTo(0x7800_00f0);
    }

    @Test
    void bytesAndWordsReachTheirPartOfARegister() {
        PciConfiguration config = edu().build();
        config.defineRegister(16, 0x1122_3344, -1, 0);
        config.write(16, 2, 2, 0x55aa);
        assertThat(config.readRegister(16)).isEqualTo(0x55aa_3344);
        config.write(16, 1, 1, 0xffff_ff77);
        assertThat(config.readRegister(16)).isEqualTo(0x55aa_7744);
        config.write(16, 0, 4, 0x8899_aabb);
        assertThat(config.read(16, 0, 4)).isEqualTo(0x8899_aabb);
        assertThat(config.read(16, 0, 2)).isEqualTo(0xaabb);
        assertThat(config.read(16, 2, 2)).isEqualTo(0x8899);
        assertThat(config.read(16, 3, 1)).isEqualTo(0x88);
    }

    @Test
    void anyOtherShapeIsDroppedAndReadsOnes() {
        PciConfiguration config = edu().build();
        config.defineRegister(16, 0x1122_3344, -1, 0);
        for (int size = -1; size <= 9; size++) {
            for (int offset = -2; offset <= 5; offset++) {
                boolean legal =
                        (size == 1 || size == 2 || size == 4)
                                && offset >= 0
                                && offset + size <= 4
                                && offset % size == 0;
                if (!legal) {
                    assertThat(config.write(16, offset, size, 0)).isSameAs(ConfigWriteResult.NONE);
                    assertThat(config.read(16, offset, size)).isEqualTo(-1);
                }
            }
        }
        assertThat(config.readRegister(16)).isEqualTo(0x1122_3344);
    }

    @Test
    void beyondTheSpaceAllIsOnes() {
        PciConfiguration express = edu().build();
        PciConfiguration conventional = edu().conventional().build();
        assertThat(express.readRegister(1023)).isZero();
        assertThat(express.readRegister(1024)).isEqualTo(-1);
        assertThat(express.readRegister(-1)).isEqualTo(-1);
        assertThat(express.readRegister(Integer.MIN_VALUE)).isEqualTo(-1);
        assertThat(conventional.registers()).isEqualTo(64);
        assertThat(conventional.readRegister(63)).isZero();
        assertThat(conventional.readRegister(64)).isEqualTo(-1);
        assertThat(conventional.read(64, 1, 1)).isEqualTo(0xff);
        assertThat(conventional.write(64, 0, 4, 0)).isSameAs(ConfigWriteResult.NONE);
        assertThat(conventional.write(-1, 0, 4, 0)).isSameAs(ConfigWriteResult.NONE);
    }

    @Test
    void theDeviceWritesPastTheMasks() {
        PciConfiguration config = edu().build();
        config.setRegister(2, 0x0108_0202);
        assertThat(config.readRegister(2)).isEqualTo(0x0108_0202);
        config.setRegister(2, -1, 0xff);
        assertThat(config.readRegister(2)).isEqualTo(0x0108_02ff);
        assertThatThrownBy(() -> config.setRegister(1024, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void theHeaderTypeIsTheTreesToChange() {
        PciConfiguration config = edu().multiFunction(true).build();
        assertThat(config.readRegister(3)).isEqualTo(0x0080_0000);
        config.setRegister(3, 0xaa_7f_bb_cc);
        assertThat(config.readRegister(3)).isEqualTo(0xaa80_bbcc);
        config.setMultiFunction(false);
        assertThat(config.readRegister(3)).isEqualTo(0xaa00_bbcc);
    }

    @Test
    void theCommandRegisterCanBeAsked() {
        PciConfiguration config = edu().build();
        config.write(1, 0, 2, PciRegisters.PCI_COMMAND_MASTER);
        assertThat(config.hasCommand(PciRegisters.PCI_COMMAND_MASTER)).isTrue();
        assertThat(
                        config.hasCommand(
                                PciRegisters.PCI_COMMAND_MASTER | PciRegisters.PCI_COMMAND_MEMORY))
                .isFalse();
    }

    @Test
    void lineAndPinAreFirmwaresToSet() {
        PciConfiguration config = edu().build();
        config.setInterrupt(0x21, 4);
        config.write(15, 0, 2, 0x0133);
        assertThat(config.readRegister(15)).isEqualTo(0x0433);
        config.reset();
        assertThat(config.readRegister(15)).isEqualTo(0x0421);
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.setInterrupt(0, 5))
                .withMessage("edu: interrupt pin: expected 0..0x4, got 0x5");
    }

    @Test
    void aResetTakesBackWhatAGuestWroteAndNoMore() {
        PciConfiguration config = edu().build();
        config.defineRegister(16, 0x1100, 0xff00, 0xf);
        config.setRegister(16, 0x00a5_0007, 0x00ff_000f);
        config.write(16, 0, 4, 0x0000_4402);
        config.write(1, 0, 2, 7);
        assertThat(config.readRegister(16)).isEqualTo(0x00a5_4405);
        config.reset();
        assertThat(config.readRegister(16)).isEqualTo(0x00a5_1100);
        assertThat(config.readRegister(1)).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "0x10000, 0, 0, 0, 0, 'vendor id: expected 0..0xfffe, got 0x10000'",
        "0xffff, 0, 0, 0, 0, 'vendor id: expected 0..0xfffe, got 0xffff'",
        "-1, 0, 0, 0, 0, 'vendor id: expected 0..0xfffe, got -1'",
        "0, 0x10000, 0, 0, 0, 'device id: expected 0..0xffff, got 0x10000'",
        "0, 0, 0x1000000, 0, 0, 'class code: expected 0..0xffffff, got 0x1000000'",
        "0, 0, 0, 0x100, 0, 'revision: expected 0..0xff, got 0x100'",
        "0, 0, 0, 0, 5, 'interrupt pin: expected 0..0x4, got 0x5'"
    })
    void aNumberOutsideItsRangeIsRefused(
            String vendor, String device, String code, String revision, int pin, String message) {
        PciConfiguration.Builder builder =
                PciConfiguration.endpoint(Integer.decode(vendor), Integer.decode(device))
                        .label("nic")
                        .classCode(Integer.decode(code))
                        .revision(Integer.decode(revision))
                        .interruptPin(pin);
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(builder::build)
                .withMessage("nic: " + message)
                .extracting(PciException::kind)
                .isEqualTo(PciException.Kind.INVALID_VALUE);
    }

    @Test
    void aBridgeHasNoSubsystemInItsHeader() {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> PciConfiguration.bridge(1, 2).subsystem(1, 0).build())
                .withMessage("0001:0002: the header of a bridge has no subsystem ids");
    }

    @Test
    void aRegisterOfTheDevicesOwnMustBeFree() {
        PciConfiguration config = edu().conventional().build();
        config.defineRegister(63, 0, 0, 0);
        for (int register : new int[] {0, 15, 63}) {
            assertThatExceptionOfType(PciException.class)
                    .isThrownBy(() -> config.defineRegister(register, 0, 0, 0))
                    .withMessage("edu: register " + register + " is in use");
        }
        for (int register : new int[] {-1, 64}) {
            assertThatExceptionOfType(PciException.class)
                    .isThrownBy(() -> config.defineRegister(register, 0, 0, 0))
                    .withMessage("edu: expected a register of 16..63, got " + register);
        }
    }
}
