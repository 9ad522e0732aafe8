package dev.dalang.riscv.intc;

import static dev.dalang.riscv.intc.AplicRegisters.DELEGATE;
import static dev.dalang.riscv.intc.AplicRegisters.DETACHED;
import static dev.dalang.riscv.intc.AplicRegisters.DM;
import static dev.dalang.riscv.intc.AplicRegisters.EDGE1;
import static dev.dalang.riscv.intc.AplicRegisters.IE;
import static dev.dalang.riscv.intc.AplicRegisters.LEVEL0;
import static dev.dalang.riscv.intc.AplicRegisters.LEVEL1;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiMessage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** Forwarding by messages (AIA 1.0 §4.9) and the pending bits in that mode (§4.7). */
class AplicMessageTest {
    private static final long M_FILES = 0x2400_0000L;
    private static final long S_FILES = 0x2800_0000L;

    private final List<MsiMessage> sent = new ArrayList<>();
    private final Aplic aplic =
            Aplic.builder(96)
                    .messages((address, data) -> sent.add(new MsiMessage(address, data)))
                    .guestIndexBits(3)
                    .build();
    private final AplicRegisters machine = new AplicRegisters(aplic.machine());
    private final AplicRegisters supervisor = new AplicRegisters(aplic.supervisor());

    AplicMessageTest() {
        machine.write(0x1bc0, M_FILES >>> 12);
        machine.write(0x1bc4, 2 << 12);
        machine.write(0x1bc8, S_FILES >>> 12);
        machine.domaincfg(IE | DM);
        supervisor.domaincfg(IE | DM);
    }

    private void arm(AplicRegisters domain, int source, int mode, long target) {
        domain.sourcecfg(source, mode);
        domain.target(source, target);
        domain.setienum(source);
    }

    private static long target(int hart, int identity) {
        return (long) hart << 18 | identity;
    }

    @Test
    void aSourceSendsItsIdentityToTheFileOfItsHartAndLevel() {
        arm(machine, 3, EDGE1, target(2, 77));
        machine.sourcecfg(4, DELEGATE);
        arm(supervisor, 4, EDGE1, target(1, 0x7ff));
        aplic.line(3).raise();
        aplic.line(4).raise();
        assertThat(sent)
                .containsExactly(
                        new MsiMessage(M_FILES + 0x2000, 77),
                        new MsiMessage(S_FILES + 0x1000, 0x7ff));
        assertThat(machine.isPending(3)).isFalse();
        assertThat(aplic.deliveries(3)).isEqualTo(1);
        assertThat(aplic.undeliverable()).isZero();
    }

    @Test
    void whatIsNotEnabledStaysPendingUntilItIs() {
        machine.sourcecfg(3, EDGE1);
        machine.target(3, target(0, 5));
        aplic.line(3).raise();
        assertThat(sent).isEmpty();
        assertThat(machine.isPending(3)).isTrue();
        machine.domaincfg(DM);
        machine.setienum(3);
        assertThat(sent).isEmpty();
        machine.domaincfg(IE | DM);
        assertThat(sent).hasSize(1);
        assertThat(machine.isPending(3)).isFalse();
    }

    @Test
    void enablingAWholeWordSendsAllThatIsPendingInIt() {
        for (int source = 32; source < 64; source++) {
            machine.sourcecfg(source, DETACHED);
            machine.target(source, target(0, source));
        }
        machine.write(0x1c04, 0xffff_0001L);
        assertThat(sent).isEmpty();
        machine.write(0x1e04, -1);
        assertThat(sent).hasSize(17);
        assertThat(sent.getFirst().data()).isEqualTo(32);
        assertThat(sent.getLast().data()).isEqualTo(63);
        assertThat(machine.read(0x1c04)).isZero();
    }

    @Test
    void aLevelSendsOncePerRise() {
        arm(machine, 3, LEVEL1, target(0, 5));
        aplic.line(3).raise();
        aplic.line(3).raise();
        assertThat(sent).hasSize(1);
        assertThat(machine.isPending(3)).isFalse();
        assertThat(machine.isInputHigh(3)).isTrue();
        aplic.line(3).lower();
        aplic.line(3).raise();
        assertThat(sent).hasSize(2);
    }

    @Test
    void aLevelThatIsStillHighIsSentAgainBySetipnum() {
        arm(machine, 3, LEVEL1, target(0, 5));
        aplic.line(3).raise();
        machine.write(0x2000, 3);
        assertThat(sent).hasSize(2);
        machine.write(0x1c00, 8);
        assertThat(sent).hasSize(3);
        aplic.line(3).lower();
        machine.write(0x2000, 3);
        machine.setipnum(3);
        machine.write(0x1c00, 8);
        assertThat(sent).hasSize(3);
        assertThat(machine.isPending(3)).isFalse();
    }

    @Test
    void anInvertedLevelIsHighWhenItsWireIsLow() {
        aplic.line(3).raise();
        arm(machine, 3, LEVEL0, target(0, 5));
        machine.setipnum(3);
        assertThat(sent).isEmpty();
        aplic.line(3).lower();
        assertThat(sent).hasSize(1);
        machine.setipnum(3);
        assertThat(sent).hasSize(2);
    }

    @Test
    void aLevelThatFallsBeforeItIsSentIsNoLongerPending() {
        arm(machine, 3, LEVEL1, target(0, 5));
        machine.clrienum(3);
        aplic.line(3).raise();
        assertThat(machine.isPending(3)).isTrue();
        aplic.line(3).lower();
        assertThat(machine.isPending(3)).isFalse();
        machine.setienum(3);
        assertThat(sent).isEmpty();
    }

    @Test
    void softwareClearsALevelsPendingBit() {
        arm(machine, 3, LEVEL1, target(0, 5));
        machine.clrienum(3);
        aplic.line(3).raise();
        machine.clripnum(3);
        machine.setienum(3);
        assertThat(sent).isEmpty();
        machine.setipnum(3);
        assertThat(sent).hasSize(1);
    }

    @Test
    void theBigEndianPortReversesItsNumber() {
        arm(machine, 3, DETACHED, target(0, 5));
        machine.write(0x2004, 0x0300_0000);
        machine.write(0x2004, 3);
        assertThat(sent).hasSize(1);
    }

    @Test
    void genmsiSendsEvenWhenTheDomainIsDisabled() {
        machine.domaincfg(DM);
        supervisor.domaincfg(DM);
        machine.write(0x3000, target(3, 0x123) | 0x1_f800);
        supervisor.write(0x3000, target(1, 9) | 0x3f000);
        assertThat(sent)
                .containsExactly(
                        new MsiMessage(M_FILES + 0x3000, 0x123),
                        new MsiMessage(S_FILES + 0x1000, 9));
        assertThat(machine.read(0x3000)).isEqualTo(target(3, 0x123));
        assertThat(supervisor.read(0x3000)).isEqualTo(target(1, 9));
    }

    @Test
    void genmsiIsReadOnlyZeroInDirectMode() {
        RecordingLine line = new RecordingLine();
        Aplic both =
                Aplic.builder(8)
                        .messages((address, data) -> sent.add(new MsiMessage(address, data)))
                        .hart(line, line)
                        .build();
        AplicRegisters root = new AplicRegisters(both.machine());
        root.write(0x3000, 5);
        assertThat(root.read(0x3000)).isZero();
        assertThat(sent).isEmpty();
        root.domaincfg(DM);
        root.write(0x3000, 5);
        assertThat(sent).hasSize(1);
        root.domaincfg(0);
        assertThat(root.read(0x3000)).isZero();
    }

    @Test
    void theAddressIsComposedOfGroupHartAndGuest() {
        // HHXS 4, LHXS 3, HHXW 2, LHXW 3 for machine level; LHXS 3 for supervisor level.
        machine.write(0x1bc0, 0x0100_0000);
        machine.write(0x1bc4, 4L << 24 | 1L << 20 | 2L << 16 | 3L << 12 | 0x001);
        machine.write(0x1bc8, 0x0200_0000);
        machine.write(0x1bcc, 3L << 20 | 0x002);
        machine.sourcecfg(4, DELEGATE);
        int hart = 0b10_101;
        arm(machine, 3, DETACHED, target(hart, 5));
        arm(supervisor, 4, DETACHED, target(hart, 6) | 7 << 12);
        machine.setipnum(3);
        supervisor.setipnum(4);
        long machinePage = 0x1_0100_0000L | 0b10L << 16 | 0b101 << 1;
        long supervisorPage = 0x2_0200_0000L | 0b10L << 16 | 0b101 << 3 | 7;
        assertThat(sent)
                .containsExactly(
                        new MsiMessage(machinePage << 12, 5),
                        new MsiMessage(supervisorPage << 12, 6));
    }

    @Test
    void theAddressStaysInsideThePhysicalSpace() {
        machine.write(0x1bc0, -1);
        machine.write(0x1bc4, 0x1f77_ffffL);
        machine.write(0x3000, -1);
        assertThat(sent).containsExactly(new MsiMessage(0x00ff_ffff_ffff_f000L, 0x7ff));
    }

    @Test
    void hartIndexBitsBeyondTheWidthsAreDropped() {
        arm(machine, 3, DETACHED, target(0x3fff, 5));
        machine.setipnum(3);
        assertThat(sent).containsExactly(new MsiMessage(M_FILES + 0x3000, 5));
    }

    @Test
    void messagesThatNobodyTakesAreCounted() {
        Aplic nowhere = Aplic.builder(8).messages((address, data) -> false).build();
        AplicRegisters root = new AplicRegisters(nowhere.machine());
        root.domaincfg(IE);
        arm(root, 3, EDGE1, target(0, 5));
        nowhere.line(3).raise();
        assertThat(nowhere.undeliverable()).isEqualTo(1);
        assertThat(root.isPending(3)).isFalse();
    }

    /** A guest points the message address at the APLIC: it gets a bounded number of messages. */
    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aCircleOfMessagesEnds() {
        for (long register : new long[] {0x2000, 0x3000, 0}) {
            AtomicReference<Aplic> self = new AtomicReference<>();
            int[] count = new int[1];
            Aplic circle =
                    Aplic.builder(96)
                            .messages(
                                    (address, data) -> {
                                        count[0]++;
                                        AplicDomain root = self.get().machine();
                                        root.mmioWrite(0, register, 4, data);
                                        return true;
                                    })
                            .build();
            self.set(circle);
            AplicRegisters root = new AplicRegisters(circle.machine());
            root.domaincfg(IE);
            for (int source = 1; source <= 96; source++) {
                arm(root, source, DETACHED, target(0, source));
            }
            root.write(0x3000, 5);
            root.setipnum(7);
            root.write(0x1c00, -1);
            // A message to domaincfg turns the domain off, one to genmsi finds it busy.
            int least = register == 0x2000 ? 64 : register == 0x3000 ? 33 : 1;
            assertThat(count[0]).isBetween(least, 10_000);
        }
    }

    /** A message that lands in a device which raises a source of the APLIC is not lost. */
    @Test
    void aSourceRaisedByAMessageIsForwardedToo() {
        AtomicReference<InterruptLine> next = new AtomicReference<>();
        Aplic chain =
                Aplic.builder(8)
                        .messages(
                                (address, data) -> {
                                    sent.add(new MsiMessage(address, data));
                                    if (data == 1) {
                                        next.get().raise();
                                    }
                                    return true;
                                })
                        .build();
        next.set(chain.line(2));
        AplicRegisters root = new AplicRegisters(chain.machine());
        root.domaincfg(IE);
        arm(root, 1, EDGE1, target(0, 1));
        arm(root, 2, EDGE1, target(0, 2));
        chain.line(1).raise();
        assertThat(sent).extracting(MsiMessage::data).containsExactly(1, 2);
    }

    /** What firmware does before the kernel, and then the kernel, in the order of their drivers. */
    @Test
    void firmwareAndKernelBringUpTheWiredInterrupts() {
        RecordingLine[] seip = {new RecordingLine(), new RecordingLine()};
        Imsic files = Imsic.builder(S_FILES).hart(seip[0]).hart(seip[1]).build();
        Aplic board = Aplic.builder(96).messages(files).build();
        AplicRegisters root = new AplicRegisters(board.machine());
        AplicRegisters child = new AplicRegisters(board.supervisor());
        // Firmware: domain off, all disabled, inactive, delegated; then where messages go.
        root.domaincfg(0);
        for (int source = 0; source <= 96; source += 32) {
            root.write(0x1f00 + source / 8, 0xffff_ffffL);
        }
        for (int source = 1; source <= 96; source++) {
            root.sourcecfg(source, 0);
            root.target(source, 1);
        }
        for (int source = 1; source <= 96; source++) {
            root.sourcecfg(source, DELEGATE);
        }
        assertThat(root.read(0x1bc4) >>> 31).isZero();
        int hartBits = 1;
        root.write(0x1bc0, M_FILES >>> 12);
        root.write(0x1bc4, hartBits << 12);
        root.write(0x1bc8, S_FILES >>> 12);
        root.write(0x1bcc, hartBits << 12);
        // Kernel: disable and deactivate everything, then the domain on, in message mode.
        for (int word = 0; word <= 96 / 32; word++) {
            child.write(0x1f00 + 4L * word, 0xffff_ffffL);
        }
        for (int source = 1; source <= 96; source++) {
            child.sourcecfg(source, 0);
            child.target(source, 1);
        }
        child.domaincfg(0);
        long wanted = child.domaincfg() | IE | DM;
        child.domaincfg(wanted);
        assertThat(child.domaincfg()).isEqualTo(wanted);
        // The console's interrupt: its file's identity 3 on hart 1, level-sensitive on wire 10.
        files.file(1).writeRegister(0x70, 1);
        files.file(1).updateRegister(0xc0, 1 << 3, 1 << 3);
        child.sourcecfg(10, LEVEL1);
        child.write(0x2000, 10);
        child.target(10, target(1, 3));
        child.setienum(10);
        assertThat(seip[1].isHigh()).isFalse();
        board.line(10).raise();
        assertThat(seip[1].isHigh()).isTrue();
        assertThat(files.file(1).claimTopei()).isEqualTo(3 << 16 | 3);
        // The handler leaves a byte behind, so that the level stays; its end of interrupt asks.
        child.write(0x2000, 10);
        assertThat(files.file(1).claimTopei()).isEqualTo(3 << 16 | 3);
        board.line(10).lower();
        child.write(0x2000, 10);
        assertThat(files.file(1).claimTopei()).isZero();
        assertThat(seip[0].rises()).isZero();
        assertThat(board.undeliverable()).isZero();
        assertThat(board.deliveries(10)).isEqualTo(2);
    }
}
