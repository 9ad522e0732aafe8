package dev.dalang.riscv.intc;

import static dev.dalang.riscv.intc.AplicRegisters.DELEGATE;
import static dev.dalang.riscv.intc.AplicRegisters.DETACHED;
import static dev.dalang.riscv.intc.AplicRegisters.DM;
import static dev.dalang.riscv.intc.AplicRegisters.EDGE0;
import static dev.dalang.riscv.intc.AplicRegisters.EDGE1;
import static dev.dalang.riscv.intc.AplicRegisters.IE;
import static dev.dalang.riscv.intc.AplicRegisters.LEVEL0;
import static dev.dalang.riscv.intc.AplicRegisters.LEVEL1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.interrupt.InterruptLine;

import org.junit.jupiter.api.Test;

/** The registers that both delivery modes share, their masks, and delegation. */
class AplicRegistersTest {
    private final RecordingLine line = new RecordingLine();
    private final Aplic aplic =
            Aplic.builder(96)
                    .label("aplic0")
                    .messages((address, data) -> true)
                    .hart(line, line)
                    .hart(line, line)
                    .build();
    private final AplicRegisters machine = new AplicRegisters(aplic.machine());
    private final AplicRegisters supervisor = new AplicRegisters(aplic.supervisor());

    private void delegateAll() {
        for (int source = 1; source <= 96; source++) {
            machine.sourcecfg(source, DELEGATE);
        }
    }

    @Test
    void labelsAndTypesNameTheDomains() {
        assertThat(aplic.machine().label()).isEqualTo("aplic0-m");
        assertThat(aplic.supervisor().label()).isEqualTo("aplic0-s");
        assertThat(aplic.machine().typeId()).isEqualTo("riscv-aplic");
        assertThat(aplic.sources()).isEqualTo(96);
    }

    @Test
    void domaincfgHoldsEnableAndModeUnderItsFixedByte() {
        assertThat(machine.domaincfg()).isEqualTo(0x8000_0000L);
        machine.domaincfg(0xffff_ffffL);
        assertThat(machine.domaincfg()).isEqualTo(0x8000_0104L);
        assertThat(supervisor.domaincfg()).isEqualTo(0x8000_0000L);
        machine.domaincfg(DM);
        assertThat(machine.domaincfg()).isEqualTo(0x8000_0004L);
    }

    @Test
    void theByteOrderStaysLittleEndianAfterTheSafeWrite() {
        machine.domaincfg(0x0101_0101L);
        machine.domaincfg(0x0500_0005L);
        assertThat(machine.domaincfg()).isEqualTo(0x8000_0004L);
    }

    @Test
    void theModeIsFixedWhereOnlyOneIsThere() {
        Aplic messages = Aplic.builder(8).messages((address, data) -> true).build();
        AplicRegisters onlyMessages = new AplicRegisters(messages.supervisor());
        onlyMessages.domaincfg(0);
        assertThat(onlyMessages.domaincfg()).isEqualTo(0x8000_0004L);
        assertThat(onlyMessages.read(0x4000)).isZero();
        onlyMessages.idelivery(0, 1);
        assertThat(onlyMessages.read(0x4000)).isZero();
        Aplic direct = Aplic.builder(8).hart(line, line).build();
        AplicRegisters onlyDirect = new AplicRegisters(direct.machine());
        onlyDirect.domaincfg(IE | DM);
        assertThat(onlyDirect.domaincfg()).isEqualTo(0x8000_0100L);
        onlyDirect.write(0x1bc0, 5);
        assertThat(onlyDirect.read(0x1bc0)).isZero();
    }

    @Test
    void sourcecfgTakesOnlyDefinedModes() {
        long[] expected = {0, 1, 0, 0, 4, 5, 6, 7};
        for (int mode = 0; mode < 8; mode++) {
            machine.sourcecfg(9, mode);
            assertThat(machine.sourcecfg(9)).isEqualTo(expected[mode]);
        }
        machine.sourcecfg(9, 0xffff_fbfeL);
        assertThat(machine.sourcecfg(9)).isEqualTo(6);
    }

    @Test
    void theOnlyChildHasIndexZero() {
        machine.sourcecfg(9, DELEGATE | 0x3ff);
        assertThat(machine.sourcecfg(9)).isEqualTo(DELEGATE);
    }

    @Test
    void aLeafTurnsDelegationIntoZero() {
        delegateAll();
        supervisor.sourcecfg(9, LEVEL1);
        supervisor.sourcecfg(9, DELEGATE | LEVEL1);
        assertThat(supervisor.sourcecfg(9)).isZero();
    }

    @Test
    void aSourceThatIsNotDelegatedIsNotThereForTheChild() {
        supervisor.sourcecfg(9, LEVEL1);
        supervisor.target(9, 5);
        supervisor.setienum(9);
        supervisor.setipnum(9);
        assertThat(supervisor.sourcecfg(9)).isZero();
        assertThat(supervisor.target(9)).isZero();
        assertThat(supervisor.isEnabled(9)).isFalse();
        assertThat(supervisor.isPending(9)).isFalse();
    }

    @Test
    void aDelegatedSourceStartsInactiveAndIsInactiveForTheRoot() {
        machine.sourcecfg(9, DETACHED);
        machine.setienum(9);
        machine.setipnum(9);
        machine.sourcecfg(9, DELEGATE);
        assertThat(machine.isEnabled(9)).isFalse();
        assertThat(machine.isPending(9)).isFalse();
        assertThat(machine.target(9)).isZero();
        assertThat(supervisor.sourcecfg(9)).isZero();
        supervisor.sourcecfg(9, EDGE1);
        assertThat(supervisor.sourcecfg(9)).isEqualTo(EDGE1);
        machine.setienum(9);
        assertThat(machine.isEnabled(9)).isFalse();
    }

    @Test
    void takingADelegatedSourceBackClearsItForTheChild() {
        machine.sourcecfg(9, DELEGATE);
        supervisor.sourcecfg(9, DETACHED);
        supervisor.target(9, 3);
        supervisor.setienum(9);
        supervisor.setipnum(9);
        machine.sourcecfg(9, DELEGATE);
        assertThat(supervisor.isPending(9)).isTrue();
        machine.sourcecfg(9, 0);
        assertThat(supervisor.sourcecfg(9)).isZero();
        assertThat(supervisor.target(9)).isZero();
        assertThat(supervisor.isEnabled(9)).isFalse();
        assertThat(supervisor.isPending(9)).isFalse();
        machine.sourcecfg(9, DELEGATE);
        assertThat(supervisor.sourcecfg(9)).isZero();
    }

    @Test
    void inactiveSourcesHaveNoState() {
        machine.target(9, 5);
        machine.setienum(9);
        machine.setipnum(9);
        machine.write(0x1c00, 0xffff_ffffL);
        machine.write(0x1e00, 0xffff_ffffL);
        assertThat(machine.target(9)).isZero();
        assertThat(machine.read(0x1c00)).isZero();
        assertThat(machine.read(0x1e00)).isZero();
        machine.sourcecfg(9, DETACHED);
        assertThat(machine.isPending(9)).isFalse();
        assertThat(machine.isEnabled(9)).isFalse();
        machine.setienum(9);
        machine.setipnum(9);
        machine.sourcecfg(9, 0);
        assertThat(machine.read(0x1c00)).isZero();
        assertThat(machine.read(0x1e00)).isZero();
    }

    @Test
    void enableBitsAreSetAndClearedByArrayAndByNumber() {
        for (int source : new int[] {1, 31, 32, 96}) {
            machine.sourcecfg(source, DETACHED);
        }
        machine.write(0x1e00, 0xffff_ffffL);
        assertThat(machine.read(0x1e00)).isEqualTo(0x8000_0002L);
        machine.setienum(96);
        assertThat(machine.read(0x1e0c)).isEqualTo(1);
        machine.write(0x1f00, 2);
        assertThat(machine.read(0x1e00)).isEqualTo(0x8000_0000L);
        machine.clrienum(31);
        assertThat(machine.read(0x1e00)).isZero();
        machine.clrienum(96);
        assertThat(machine.isEnabled(96)).isFalse();
    }

    @Test
    void pendingBitsAreSetAndClearedByArrayAndByNumber() {
        for (int source : new int[] {1, 31, 32, 96}) {
            machine.sourcecfg(source, DETACHED);
        }
        machine.write(0x1c00, 0xffff_ffffL);
        assertThat(machine.read(0x1c00)).isEqualTo(0x8000_0002L);
        machine.write(0x2000, 32);
        assertThat(machine.read(0x1c04)).isEqualTo(1);
        machine.write(0x2004, 0x6000_0000L);
        assertThat(machine.read(0x1c0c)).isEqualTo(1);
        machine.write(0x1d00, 2);
        assertThat(machine.read(0x1c00)).isEqualTo(0x8000_0000L);
        machine.clripnum(31);
        machine.setipnum(1);
        assertThat(machine.read(0x1c00)).isEqualTo(2);
    }

    @Test
    void numbersThatAreNoSourcesAreIgnored() {
        for (long number : new long[] {0, 97, 1023, 1024, 0x7fff_ffffL, 0xffff_ffffL}) {
            machine.setipnum(number);
            machine.clripnum(number);
            machine.setienum(number);
            machine.clrienum(number);
            machine.write(0x2000, number);
            machine.write(0x2004, number);
        }
        for (long offset = 0x1c00; offset < 0x2000; offset += 4) {
            assertThat(machine.read(offset)).isZero();
        }
    }

    @Test
    void writeOnlyRegistersReadZero() {
        machine.sourcecfg(1, DETACHED);
        machine.setipnum(1);
        machine.setienum(1);
        for (long offset :
                new long[] {0x1cdc, 0x1ddc, 0x1edc, 0x1f00, 0x1fdc, 0x2000, 0x2004, 0x3000}) {
            assertThat(machine.read(offset)).isZero();
        }
    }

    @Test
    void rectifiedInputsFollowTheWireAndTheMode() {
        int[] modes = {0, DETACHED, EDGE1, EDGE0, LEVEL1, LEVEL0};
        boolean[] whenHigh = {false, false, true, false, true, false};
        boolean[] whenLow = {false, false, false, true, false, true};
        for (int i = 0; i < modes.length; i++) {
            machine.sourcecfg(40, modes[i]);
            aplic.line(40).raise();
            assertThat(machine.isInputHigh(40)).isEqualTo(whenHigh[i]);
            aplic.line(40).lower();
            assertThat(machine.isInputHigh(40)).isEqualTo(whenLow[i]);
        }
        assertThat(supervisor.isInputHigh(40)).isFalse();
    }

    @Test
    void theWireOfADelegatedSourceIsTheChilds() {
        aplic.line(40).raise();
        machine.sourcecfg(40, DELEGATE);
        supervisor.sourcecfg(40, LEVEL1);
        assertThat(machine.isInputHigh(40)).isFalse();
        assertThat(supervisor.isInputHigh(40)).isTrue();
    }

    @Test
    void messageAddressesAreTheRootsAlone() {
        for (long offset = 0x1bc0; offset < 0x1bd0; offset += 4) {
            supervisor.write(offset, -1);
            assertThat(supervisor.read(offset)).isZero();
            assertThat(machine.read(offset)).isZero();
        }
    }

    @Test
    void messageAddressesKeepTheirDefinedBits() {
        machine.write(0x1bc0, -1);
        machine.write(0x1bc4, 0x7fff_ffffL);
        machine.write(0x1bc8, -1);
        machine.write(0x1bcc, -1);
        assertThat(machine.read(0x1bc0)).isEqualTo(0xffff_ffffL);
        assertThat(machine.read(0x1bc4)).isEqualTo(0x1f77_ffffL);
        assertThat(machine.read(0x1bc8)).isEqualTo(0xffff_ffffL);
        assertThat(machine.read(0x1bcc)).isEqualTo(0x0070_0fffL);
    }

    @Test
    void theLockBitFreezesTheMessageAddressesUntilReset() {
        machine.write(0x1bc0, 0x24000);
        machine.write(0x1bc8, 0x28000);
        machine.write(0x1bc4, 0x8000_1000L);
        for (long offset = 0x1bc0; offset < 0x1bd0; offset += 4) {
            machine.write(offset, 0x111);
        }
        assertThat(machine.read(0x1bc0)).isEqualTo(0x24000);
        assertThat(machine.read(0x1bc4)).isEqualTo(0x8000_1000L);
        assertThat(machine.read(0x1bc8)).isEqualTo(0x28000);
        assertThat(machine.read(0x1bcc)).isZero();
        aplic.reset();
        assertThat(machine.read(0x1bc4)).isZero();
        machine.write(0x1bc4, 1);
        assertThat(machine.read(0x1bc4)).isEqualTo(1);
    }

    @Test
    void targetsAreMaskedByTheDeliveryMode() {
        machine.sourcecfg(9, DETACHED);
        assertThat(machine.target(9)).isEqualTo(1);
        machine.target(9, 0xffff_fff8L);
        assertThat(machine.target(9)).isEqualTo(0xfffc_0001L);
        machine.target(9, 0xffff_ffffL);
        assertThat(machine.target(9)).isEqualTo(0xfffc_0007L);
        machine.domaincfg(DM);
        assertThat(machine.target(9)).isEqualTo(0xfffc_0007L);
        machine.target(9, 0xffff_ffffL);
        assertThat(machine.target(9)).isEqualTo(0xfffc_07ffL);
        machine.target(9, 0x0004_0700L);
        machine.domaincfg(0);
        assertThat(machine.target(9)).isEqualTo(0x0004_0001L);
    }

    @Test
    void onlyTheSupervisorsTargetsHaveAGuestIndex() {
        Aplic guests = Aplic.builder(8).messages((address, data) -> true).guestIndexBits(3).build();
        AplicRegisters root = new AplicRegisters(guests.machine());
        AplicRegisters child = new AplicRegisters(guests.supervisor());
        root.sourcecfg(1, DETACHED);
        root.target(1, -1);
        assertThat(root.target(1)).isEqualTo(0xfffc_07ffL);
        root.sourcecfg(1, DELEGATE);
        child.sourcecfg(1, DETACHED);
        child.target(1, -1);
        assertThat(child.target(1)).isEqualTo(0xfffc_77ffL);
    }

    @Test
    void reservedOffsetsReadZeroAndAreIgnored() {
        for (int source = 1; source <= 96; source++) {
            machine.sourcecfg(source, DETACHED);
        }
        long[] reserved = {
            0x184, 0xffc, 0x1000, 0x1bbc, 0x1bd0, 0x1c10, 0x1c7c, 0x1c80, 0x1ce0, 0x1d80, 0x1e10,
            0x1e80, 0x1f10, 0x1f80, 0x1fe0, 0x2008, 0x2ffc, 0x3184, 0x3ffc, 0x400c, 0x4010, 0x4014,
            0x4040, 0x7ffc
        };
        for (long offset : reserved) {
            machine.write(offset, 0xffff_ffffL);
            assertThat(machine.read(offset)).isZero();
        }
        for (long word = 0; word < 4; word++) {
            assertThat(machine.read(0x1c00 + 4 * word)).isZero();
            assertThat(machine.read(0x1e00 + 4 * word)).isZero();
        }
    }

    @Test
    void accessesOfOtherShapesReadZeroAndAreIgnored() {
        AplicDomain domain = aplic.machine();
        machine.sourcecfg(1, LEVEL1);
        for (int size : new int[] {1, 2, 8}) {
            domain.mmioWrite(0, 4, size, 0);
            assertThat(domain.mmioRead(0, 4, size)).isZero();
            assertThat(domain.mmioRead(0, 0, size)).isZero();
        }
        for (long offset :
                new long[] {5, 6, 7, -4, 0x8000, 0x8004, Long.MIN_VALUE + 4, Long.MAX_VALUE - 3}) {
            domain.mmioWrite(0, offset, 4, 0);
            assertThat(domain.mmioRead(0, offset, 4)).isZero();
        }
        assertThat(machine.sourcecfg(1)).isEqualTo(LEVEL1);
    }

    @Test
    void linesBelongToTheImplementedSources() {
        InterruptLine last = aplic.line(96);
        assertThat(aplic.line(96)).isSameAs(last);
        for (int source : new int[] {0, -1, 97, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            assertThatThrownBy(() -> aplic.line(source))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void impossibleConfigurationsAreRefused() {
        for (int sources : new int[] {0, 1024, -5}) {
            assertThatThrownBy(() -> Aplic.builder(sources))
                    .hasMessageContaining(Integer.toString(sources));
        }
        assertThatThrownBy(() -> Aplic.builder(1).build()).hasMessageContaining("neither");
        assertThatThrownBy(() -> Aplic.builder(1).priorityBits(9)).hasMessageContaining("9");
        assertThatThrownBy(() -> Aplic.builder(1).priorityBits(0)).hasMessageContaining("0");
        assertThatThrownBy(() -> Aplic.builder(1).guestIndexBits(7)).hasMessageContaining("7");
        Aplic.Builder full = Aplic.builder(1023);
        for (int hart = 0; hart < Aplic.MAX_HARTS; hart++) {
            full.hart(line, line);
        }
        assertThatThrownBy(() -> full.hart(line, line))
                .isInstanceOf(IllegalArgumentException.class);
        AplicRegisters last = new AplicRegisters(full.build().machine());
        last.idelivery(511, 1);
        assertThat(last.read(0x7fe0)).isEqualTo(1);
        last.sourcecfg(1023, EDGE1);
        last.setienum(1023);
        assertThat(last.read(0x1e7c)).isEqualTo(0x8000_0000L);
        assertThat(last.sourcecfg(1023)).isEqualTo(EDGE1);
        assertThat(last.target(1023)).isEqualTo(1);
    }
}
