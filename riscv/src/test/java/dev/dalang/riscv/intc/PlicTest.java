package dev.dalang.riscv.intc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.junit.jupiter.api.Test;

import java.util.List;

class PlicTest {
    private static final long BASE = 0x0c00_0000L;
    private static final int M0 = 0;
    private static final int S0 = 1;
    private static final int S1 = 3;

    private final RecordingLine meip0 = new RecordingLine();
    private final RecordingLine seip0 = new RecordingLine();
    private final RecordingLine meip1 = new RecordingLine();
    private final RecordingLine seip1 = new RecordingLine();
    private final Plic plic =
            Plic.builder(95).label("plic0").hart(meip0, seip0).hart(meip1, seip1).build();

    private long read(long offset) {
        return plic.mmioRead(BASE, offset, 4);
    }

    private void write(long offset, long value) {
        plic.mmioWrite(BASE, offset, 4, value);
    }

    private void priority(int source, int priority) {
        write(4L * source, priority);
    }

    private void enable(int context, int source) {
        long at = 0x2000 + 0x80L * context + 4L * (source >>> 5);
        write(at, read(at) | 1L << (source & 31));
    }

    private void disable(int context, int source) {
        long at = 0x2000 + 0x80L * context + 4L * (source >>> 5);
        write(at, read(at) & ~(1L << (source & 31)));
    }

    private void threshold(int context, int value) {
        write(0x20_0000 + 0x1000L * context, value);
    }

    private long claim(int context) {
        return read(0x20_0004 + 0x1000L * context);
    }

    private void complete(int context, long source) {
        write(0x20_0004 + 0x1000L * context, source);
    }

    private boolean isPending(int source) {
        return (read(0x1000 + 4L * (source >>> 5)) >>> (source & 31) & 1) != 0;
    }

    /** A source that interrupts hart 0's S-mode. */
    private void arm(int source, int priority) {
        priority(source, priority);
        enable(S0, source);
    }

    @Test
    void labelAndTypeNameTheDevice() {
        assertThat(plic.label()).isEqualTo("plic0");
        assertThat(plic.typeId()).isEqualTo("sifive-plic");
        assertThat(plic.sources()).isEqualTo(95);
        assertThat(plic.sizeBytes()).isEqualTo(0x20_4000);
    }

    @Test
    void aRaisedSourceReachesTheContextsThatEnabledIt() {
        priority(10, 1);
        enable(M0, 10);
        enable(S1, 10);
        plic.line(10).raise();
        assertThat(meip0.isHigh()).isTrue();
        assertThat(seip0.isHigh()).isFalse();
        assertThat(meip1.isHigh()).isFalse();
        assertThat(seip1.isHigh()).isTrue();
        assertThat(isPending(10)).isTrue();
    }

    @Test
    void enablingAndPrioritiesTakeEffectOnWhatIsPending() {
        plic.line(40).raise();
        enable(S0, 40);
        assertThat(seip0.isHigh()).isFalse();
        priority(40, 1);
        assertThat(seip0.isHigh()).isTrue();
        disable(S0, 40);
        assertThat(seip0.isHigh()).isFalse();
        assertThat(isPending(40)).isTrue();
    }

    @Test
    void aClaimGivesTheSourceOnceAndLowersTheLine() {
        arm(10, 1);
        plic.line(10).raise();
        assertThat(claim(S0)).isEqualTo(10);
        assertThat(seip0.isHigh()).isFalse();
        assertThat(isPending(10)).isFalse();
        assertThat(claim(S0)).isZero();
        assertThat(plic.deliveries(10)).isEqualTo(1);
        assertThat(plic.deliveries(11)).isZero();
    }

    @Test
    void aSourceInServiceIsNotClaimedAgainBeforeItsCompletion() {
        arm(10, 1);
        enable(S1, 10);
        plic.line(10).raise();
        assertThat(claim(S0)).isEqualTo(10);
        plic.line(10).lower();
        plic.line(10).raise();
        assertThat(isPending(10)).isFalse();
        assertThat(claim(S1)).isZero();
        assertThat(claim(S0)).isZero();
    }

    @Test
    void aCompletionLooksAtTheLevelAgain() {
        arm(10, 1);
        plic.line(10).raise();
        claim(S0);
        complete(S0, 10);
        assertThat(isPending(10)).isTrue();
        assertThat(seip0.rises()).isEqualTo(2);
        assertThat(claim(S0)).isEqualTo(10);
        plic.line(10).lower();
        complete(S0, 10);
        assertThat(isPending(10)).isFalse();
        assertThat(seip0.isHigh()).isFalse();
        plic.line(10).raise();
        assertThat(claim(S0)).isEqualTo(10);
    }

    @Test
    void aCompletionOfASourceThatIsNotEnabledIsIgnored() {
        arm(10, 1);
        plic.line(10).raise();
        claim(S0);
        disable(S0, 10);
        complete(S0, 10);
        complete(S1, 10);
        enable(S0, 10);
        assertThat(isPending(10)).isFalse();
        complete(S0, 10);
        assertThat(isPending(10)).isTrue();
    }

    @Test
    void anyContextThatEnabledTheSourceCompletesIt() {
        arm(10, 1);
        enable(S1, 10);
        plic.line(10).raise();
        claim(S0);
        complete(S1, 10);
        assertThat(isPending(10)).isTrue();
    }

    @Test
    void completionsOfNothingAreIgnored() {
        arm(10, 1);
        plic.line(10).raise();
        for (long source : new long[] {10, 0, 96, 1023, 1024, 0xffff_ffffL}) {
            complete(S0, source);
        }
        assertThat(claim(S0)).isEqualTo(10);
        assertThat(claim(S0)).isZero();
    }

    @Test
    void theWireDoesNotTakeARequestBack() {
        arm(10, 1);
        plic.line(10).raise();
        plic.line(10).lower();
        assertThat(isPending(10)).isTrue();
        assertThat(claim(S0)).isEqualTo(10);
        complete(S0, 10);
        assertThat(isPending(10)).isFalse();
    }

    @Test
    void higherPrioritiesAndThenLowerSourcesWin() {
        arm(33, 2);
        arm(5, 2);
        arm(94, 7);
        for (int source : new int[] {33, 5, 94}) {
            plic.line(source).raise();
        }
        assertThat(claim(S0)).isEqualTo(94);
        assertThat(claim(S0)).isEqualTo(5);
        assertThat(claim(S0)).isEqualTo(33);
        assertThat(claim(S0)).isZero();
    }

    @Test
    void priorityZeroNeverInterrupts() {
        arm(10, 0);
        plic.line(10).raise();
        assertThat(seip0.isHigh()).isFalse();
        assertThat(claim(S0)).isZero();
        assertThat(isPending(10)).isTrue();
    }

    @Test
    void theThresholdMasksTheLineButNotTheClaim() {
        arm(10, 3);
        threshold(S0, 3);
        plic.line(10).raise();
        assertThat(seip0.isHigh()).isFalse();
        threshold(S0, 2);
        assertThat(seip0.isHigh()).isTrue();
        threshold(S0, 7);
        assertThat(seip0.isHigh()).isFalse();
        assertThat(claim(S0)).isEqualTo(10);
    }

    @Test
    void prioritiesAndThresholdsHaveThreeBits() {
        priority(10, 0xffff_fff9);
        assertThat(read(40)).isEqualTo(1);
        threshold(S1, 0x1f);
        assertThat(read(0x20_3000)).isEqualTo(7);
        assertThat(read(0x20_1000)).isZero();
    }

    @Test
    void sourceZeroAndThoseAboveTheLastDoNotExist() {
        Plic small = Plic.builder(40).hart(meip0, seip0).build();
        small.mmioWrite(BASE, 0, 4, 7);
        small.mmioWrite(BASE, 4 * 41, 4, 7);
        assertThat(small.mmioRead(BASE, 0, 4)).isZero();
        assertThat(small.mmioRead(BASE, 4 * 41, 4)).isZero();
        for (long word = 0; word < 4; word++) {
            small.mmioWrite(BASE, 0x2000 + 4 * word, 4, -1);
        }
        assertThat(small.mmioRead(BASE, 0x2000, 4)).isEqualTo(0xffff_fffeL);
        assertThat(small.mmioRead(BASE, 0x2004, 4)).isEqualTo(0x1ff);
        assertThat(small.mmioRead(BASE, 0x2008, 4)).isZero();
        assertThatThrownBy(() -> small.line(0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> small.line(41)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> small.line(Integer.MIN_VALUE))
                .isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(small.line(40)).isSameAs(small.line(40));
    }

    @Test
    void contextsThatDoNotExistReadZero() {
        write(0x2000 + 0x80 * 4, -1);
        assertThat(read(0x2000 + 0x80 * 4)).isZero();
        write(0x20_4000, 7);
        assertThat(read(0x20_4000)).isZero();
        assertThat(read(0x20_4004)).isZero();
        assertThat(read(0x1f_fffc)).isZero();
    }

    @Test
    void pendingBitsAreReadOnly() {
        plic.line(10).raise();
        write(0x1000, 0);
        write(0x1004, -1);
        assertThat(read(0x1000)).isEqualTo(1 << 10);
        assertThat(read(0x1004)).isZero();
        assertThat(read(0x100c)).isZero();
    }

    @Test
    void accessesOfOtherShapesReadZeroAndAreIgnored() {
        arm(10, 1);
        plic.line(10).raise();
        for (int size : new int[] {1, 2, 8}) {
            plic.mmioWrite(BASE, 40, size, 5);
            assertThat(plic.mmioRead(BASE, 0x20_1004, size)).isZero();
        }
        plic.mmioWrite(BASE, 41, 4, 5);
        assertThat(plic.mmioRead(BASE, 0x20_1005, 4)).isZero();
        assertThat(plic.mmioRead(BASE, -4, 4)).isZero();
        assertThat(plic.mmioRead(BASE, Long.MIN_VALUE, 4)).isZero();
        assertThat(plic.mmioRead(BASE, 0x600_0000, 4)).isZero();
        plic.mmioWrite(BASE, Long.MAX_VALUE & ~3, 4, 5);
        write(0x20_1008, 5);
        assertThat(read(0x20_1008)).isZero();
        assertThat(read(40)).isEqualTo(1);
        assertThat(claim(S0)).isEqualTo(10);
    }

    @Test
    void impossibleConfigurationsAreRefused() {
        for (int sources : new int[] {0, -1, 1024}) {
            assertThatThrownBy(() -> Plic.builder(sources))
                    .hasMessageContaining(Integer.toString(sources));
        }
        assertThatThrownBy(() -> Plic.builder(1).build())
                .isInstanceOf(IllegalArgumentException.class);
        Plic.Builder full = Plic.builder(1023);
        for (int hart = 0; hart < Plic.MAX_HARTS; hart++) {
            full.hart(meip0, seip0);
        }
        assertThatThrownBy(() -> full.hart(meip0, seip0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(full.build().sizeBytes()).isEqualTo(0x60_0000);
    }

    @Test
    void resetKeepsTheWires() {
        arm(10, 1);
        arm(11, 1);
        threshold(S0, 1);
        plic.line(10).raise();
        plic.line(11).raise();
        claim(S0);
        plic.line(11).lower();
        plic.reset();
        assertThat(seip0.isHigh()).isFalse();
        assertThat(read(40)).isZero();
        assertThat(read(0x2080)).isZero();
        assertThat(read(0x20_1000)).isZero();
        assertThat(isPending(10)).isTrue();
        assertThat(isPending(11)).isFalse();
    }

    @Test
    void aRestoredPlicGoesOnWhereTheSavedOneStood() {
        arm(10, 1);
        arm(11, 2);
        threshold(M0, 5);
        plic.line(10).raise();
        plic.line(11).raise();
        assertThat(claim(S0)).isEqualTo(11);
        plic.sleep();
        Snapshot saved = plic.snapshot();
        RecordingLine line = new RecordingLine();
        Plic copy = Plic.builder(95).hart(meip0, line).hart(meip1, seip1).build();
        copy.sleep();
        copy.restore(saved);
        copy.wake();
        assertThat(line.isHigh()).isTrue();
        assertThat(copy.mmioRead(BASE, 0x20_0000, 4)).isEqualTo(5);
        assertThat(copy.mmioRead(BASE, 0x20_1004, 4)).isEqualTo(10);
        assertThat(line.isHigh()).isFalse();
        copy.mmioWrite(BASE, 0x20_1004, 4, 11);
        assertThat(line.isHigh()).isTrue();
        copy.line(10).lower();
        copy.mmioWrite(BASE, 0x20_1004, 4, 10);
        assertThat(copy.mmioRead(BASE, 0x20_1004, 4)).isEqualTo(11);
        assertThat(copy.mmioRead(BASE, 0x20_1004, 4)).isZero();
    }

    @Test
    void wakingDrivesALineThatTheHartForgot() {
        arm(10, 1);
        plic.line(10).raise();
        seip0.lower();
        plic.wake();
        assertThat(seip0.isHigh()).isTrue();
    }

    @Test
    void hostileSnapshotsAreRefusedAndChangeNothing() {
        arm(10, 1);
        arm(11, 1);
        plic.line(10).raise();
        plic.line(11).raise();
        claim(S0);
        Snapshot good = plic.snapshot();
        List<Snapshot> contexts = good.getList("contexts");
        Snapshot context = contexts.getFirst();
        List<Snapshot> bad =
                List.of(
                        SnapshotEdits.ofVersion(good, 2),
                        SnapshotEdits.without(good, "priority"),
                        SnapshotEdits.withByte(good, "wires", 0, 1),
                        SnapshotEdits.withByte(good, "wires", 0, 2),
                        SnapshotEdits.withByte(good, "pending", 1, 0),
                        SnapshotEdits.withByte(good, "pending", 1, 0x0c),
                        SnapshotEdits.with(good, "pending", new byte[16]),
                        SnapshotEdits.with(good, "in-service", new byte[11]),
                        SnapshotEdits.withByte(good, "in-service", 0, 1),
                        SnapshotEdits.withByte(good, "priority", 0, 1),
                        SnapshotEdits.withByte(good, "priority", 4, 8),
                        SnapshotEdits.withByte(good, "priority", 7, 0x80),
                        SnapshotEdits.with(good, "contexts", contexts.subList(0, 3)),
                        contexts(good, SnapshotEdits.withByte(context, "enable", 0, 1)),
                        contexts(good, SnapshotEdits.with(context, "enable", new byte[8])),
                        contexts(good, SnapshotEdits.with(context, "threshold", 8L)),
                        contexts(good, SnapshotEdits.with(context, "threshold", -1L)),
                        contexts(good, good));
        plic.line(10).lower();
        plic.line(11).lower();
        plic.reset();
        plic.line(3).raise();
        Snapshot before = plic.snapshot();
        for (Snapshot snapshot : bad) {
            assertThatThrownBy(() -> plic.restore(snapshot)).isInstanceOf(SnapshotException.class);
            assertThat(plic.snapshot().getBytes("pending", 12))
                    .isEqualTo(before.getBytes("pending", 12));
            assertThat(read(40)).isZero();
            assertThat(read(0x2080)).isZero();
        }
        plic.restore(good);
        assertThat(read(40)).isEqualTo(1);
        assertThat(seip0.isHigh()).isTrue();
    }

    /** The snapshot with its last context replaced, so that all before it is valid. */
    private static Snapshot contexts(Snapshot good, Snapshot last) {
        List<Snapshot> old = good.getList("contexts");
        return SnapshotEdits.with(
                good, "contexts", List.of(old.get(0), old.get(1), old.get(2), last));
    }
}
