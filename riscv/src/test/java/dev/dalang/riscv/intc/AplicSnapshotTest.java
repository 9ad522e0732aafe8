package dev.dalang.riscv.intc;

import static dev.dalang.riscv.intc.AplicRegisters.DELEGATE;
import static dev.dalang.riscv.intc.AplicRegisters.DETACHED;
import static dev.dalang.riscv.intc.AplicRegisters.DM;
import static dev.dalang.riscv.intc.AplicRegisters.EDGE1;
import static dev.dalang.riscv.intc.AplicRegisters.IE;
import static dev.dalang.riscv.intc.AplicRegisters.LEVEL1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class AplicSnapshotTest {
    private final List<MsiMessage> sent = new ArrayList<>();
    private final RecordingLine meip = new RecordingLine();
    private final RecordingLine seip = new RecordingLine();
    private final Aplic aplic = build(meip, seip);
    private final AplicRegisters machine = new AplicRegisters(aplic.machine());
    private final AplicRegisters supervisor = new AplicRegisters(aplic.supervisor());

    private Aplic build(RecordingLine m, RecordingLine s) {
        return Aplic.builder(40)
                .messages((address, data) -> sent.add(new MsiMessage(address, data)))
                .hart(m, s)
                .build();
    }

    /** Source 3 direct at machine level and pending, sources 4 and 5 at supervisor level. */
    private Snapshot busy() {
        machine.domaincfg(IE);
        machine.idelivery(0, 1);
        machine.ithreshold(0, 5);
        machine.write(0x1bc8, 0x28000);
        machine.sourcecfg(3, LEVEL1);
        machine.target(3, 2);
        machine.setienum(3);
        machine.sourcecfg(4, DELEGATE);
        machine.sourcecfg(5, DELEGATE);
        supervisor.domaincfg(DM);
        supervisor.sourcecfg(4, DETACHED);
        supervisor.target(4, 44);
        supervisor.setienum(4);
        supervisor.setipnum(4);
        supervisor.sourcecfg(5, LEVEL1);
        supervisor.target(5, 55);
        supervisor.write(0x3000, 9);
        aplic.line(3).raise();
        aplic.line(5).raise();
        aplic.sleep();
        return aplic.snapshot();
    }

    @Test
    void aRestoredAplicGoesOnWhereTheSavedOneStood() {
        Snapshot saved = busy();
        sent.clear();
        RecordingLine line = new RecordingLine();
        Aplic copy = build(line, new RecordingLine());
        copy.sleep();
        copy.restore(saved);
        copy.wake();
        AplicRegisters root = new AplicRegisters(copy.machine());
        AplicRegisters child = new AplicRegisters(copy.supervisor());
        assertThat(line.isHigh()).isTrue();
        assertThat(root.claimi(0)).isEqualTo(3 << 16 | 2);
        assertThat(root.read(0x4008)).isEqualTo(5);
        copy.line(3).lower();
        assertThat(line.isHigh()).isFalse();
        assertThat(child.read(0x3000)).isEqualTo(9);
        child.domaincfg(IE | DM);
        child.setienum(5);
        assertThat(sent)
                .containsExactly(
                        new MsiMessage(0x2800_0000L, 44), new MsiMessage(0x2800_0000L, 55));
        child.setipnum(5);
        assertThat(sent).hasSize(3);
    }

    @Test
    void wakingDrivesALineThatTheHartForgot() {
        busy();
        meip.lower();
        aplic.wake();
        assertThat(meip.isHigh()).isTrue();
    }

    @Test
    void hostileSnapshotsAreRefusedAndChangeNothing() {
        Snapshot good = busy();
        Snapshot m = good.getSnapshot("machine");
        Snapshot s = good.getSnapshot("supervisor");
        List<Snapshot> bad =
                List.of(
                        SnapshotEdits.ofVersion(good, 2),
                        SnapshotEdits.without(good, "wires"),
                        SnapshotEdits.without(good, "supervisor"),
                        SnapshotEdits.with(good, "machine", good),
                        SnapshotEdits.with(good, "wires", new byte[4]),
                        SnapshotEdits.withByte(good, "wires", 0, 0x29),
                        SnapshotEdits.withByte(good, "wires", 5, 2),
                        SnapshotEdits.withByte(good, "addresses", 7, 0x20),
                        SnapshotEdits.withByte(good, "addresses", 15, 1),
                        SnapshotEdits.with(good, "addresses", new byte[12]),
                        // A level that is not pending in direct mode though it is high.
                        machine(good, SnapshotEdits.withByte(m, "pending", 0, 0)),
                        machine(good, SnapshotEdits.withByte(m, "pending", 0, 9)),
                        machine(good, SnapshotEdits.withByte(m, "sourcecfg", 12, 2)),
                        machine(good, SnapshotEdits.withByte(m, "sourcecfg", 0, 1)),
                        machine(good, SnapshotEdits.withByte(m, "sourcecfg", 16, 1)),
                        machine(good, SnapshotEdits.withByte(m, "sourcecfg", 17, 0)),
                        machine(good, SnapshotEdits.withByte(m, "target", 12, 0)),
                        machine(good, SnapshotEdits.withByte(m, "target", 0, 1)),
                        machine(good, SnapshotEdits.withByte(m, "target", 40, 1)),
                        machine(good, SnapshotEdits.withByte(m, "enable", 0, 0x18)),
                        machine(good, SnapshotEdits.withByte(m, "enable", 7, 0x80)),
                        machine(good, SnapshotEdits.with(m, "enabled", 2L)),
                        machine(good, SnapshotEdits.with(m, "msi", -1L)),
                        machine(good, SnapshotEdits.with(m, "genmsi", 5L)),
                        machine(good, SnapshotEdits.withByte(m, "idelivery", 0, 2)),
                        machine(good, SnapshotEdits.withByte(m, "iforce", 3, 1)),
                        machine(good, SnapshotEdits.withByte(m, "ithreshold", 0, 8)),
                        machine(good, SnapshotEdits.with(m, "ithreshold", new byte[8])),
                        machine(good, SnapshotEdits.ofVersion(m, 9)),
                        supervisor(good, SnapshotEdits.withByte(s, "sourcecfg", 12, 1)),
                        supervisor(good, SnapshotEdits.withByte(s, "sourcecfg", 17, 4)),
                        supervisor(good, SnapshotEdits.withByte(s, "target", 17, 8)),
                        supervisor(good, SnapshotEdits.with(s, "genmsi", 0x1_0000_0009L)),
                        supervisor(good, SnapshotEdits.with(s, "genmsi", 0x1000L)),
                        supervisor(good, SnapshotEdits.without(s, "pending")));
        aplic.reset();
        aplic.line(3).lower();
        aplic.line(5).lower();
        machine.sourcecfg(7, EDGE1);
        for (Snapshot snapshot : bad) {
            assertThatThrownBy(() -> aplic.restore(snapshot)).isInstanceOf(SnapshotException.class);
            assertThat(machine.domaincfg()).isEqualTo(0x8000_0000L);
            assertThat(machine.sourcecfg(3)).isZero();
            assertThat(machine.sourcecfg(7)).isEqualTo(EDGE1);
            assertThat(machine.read(0x1bc8)).isZero();
            assertThat(meip.isHigh()).isFalse();
        }
        aplic.restore(good);
        assertThat(meip.isHigh()).isTrue();
        assertThat(machine.sourcecfg(7)).isZero();
    }

    @Test
    void aModeThatIsNotThereIsRefused() {
        Aplic messages = Aplic.builder(8).messages((address, data) -> true).build();
        Aplic direct = Aplic.builder(8).hart(meip, seip).build();
        Snapshot ofMessages = messages.snapshot();
        Snapshot ofDirect = direct.snapshot();
        assertThatThrownBy(() -> messages.restore(ofDirect)).isInstanceOf(SnapshotException.class);
        assertThatThrownBy(() -> direct.restore(ofMessages)).isInstanceOf(SnapshotException.class);
        assertThatThrownBy(
                        () -> direct.restore(SnapshotEdits.withByte(ofDirect, "addresses", 0, 1)))
                .isInstanceOf(SnapshotException.class);
        direct.restore(ofDirect);
        messages.restore(ofMessages);
    }

    private static Snapshot machine(Snapshot good, Snapshot domain) {
        return SnapshotEdits.with(good, "machine", domain);
    }

    private static Snapshot supervisor(Snapshot good, Snapshot domain) {
        return SnapshotEdits.with(good, "supervisor", domain);
    }
}
