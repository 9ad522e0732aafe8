package dev.dalang.riscv.intc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.time.ManualVirtualClock;

import org.junit.jupiter.api.Test;

import java.util.List;

class AclintTest {
    private static final long BASE = 0x0200_0000L;
    private static final long MTIMECMP0 = 0x4000;
    private static final long MTIMECMP1 = 0x4008;
    private static final long MTIME = 0xbff8;

    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final RecordingLine msip0 = new RecordingLine();
    private final RecordingLine msip1 = new RecordingLine();
    private final RecordingLine mtip0 = new RecordingLine();
    private final RecordingLine mtip1 = new RecordingLine();
    private final Aclint aclint = twoHarts(clock, mtip0);

    private Aclint twoHarts(ManualVirtualClock time, RecordingLine timer0) {
        return Aclint.builder(time).label("clint0").hart(msip0, timer0).hart(msip1, mtip1).build();
    }

    private long read(long offset, int size) {
        return aclint.mmioRead(BASE, offset, size);
    }

    private void write(long offset, int size, long value) {
        aclint.mmioWrite(BASE, offset, size, value);
    }

    @Test
    void labelAndTypeNameTheDevice() {
        assertThat(aclint.label()).isEqualTo("clint0");
        assertThat(aclint.typeId()).isEqualTo("riscv-aclint");
    }

    @Test
    void bitZeroOfMsipDrivesTheSoftwareInterrupt() {
        write(4, 4, 0xffff_ffffL);
        assertThat(msip1.isHigh()).isTrue();
        assertThat(msip0.isHigh()).isFalse();
        assertThat(read(4, 4)).isEqualTo(1);
        write(4, 4, 0xffff_fffeL);
        assertThat(msip1.isHigh()).isFalse();
        assertThat(read(4, 4)).isZero();
        write(4, 4, 1);
        write(4, 4, 1);
        assertThat(aclint.softwareInterrupts(1)).isEqualTo(2);
        assertThat(aclint.softwareInterrupts(0)).isZero();
    }

    @Test
    void mtimeCountsTenMegahertzOfTheClock() {
        clock.advance(1_234_567);
        assertThat(read(MTIME, 8)).isEqualTo(12_345);
        assertThat(aclint.mtime()).isEqualTo(12_345);
    }

    @Test
    void mtimeIsWritableWholeAndInHalves() {
        clock.advance(1000);
        write(MTIME, 8, 0x1_0000_0005L);
        assertThat(aclint.mtime()).isEqualTo(0x1_0000_0005L);
        clock.advance(1000);
        assertThat(read(MTIME, 4)).isEqualTo(15);
        assertThat(read(MTIME + 4, 4)).isEqualTo(1);
        write(MTIME, 4, 0xffff_ffffL);
        assertThat(aclint.mtime()).isEqualTo(0x1_ffff_ffffL);
        write(MTIME + 4, 4, 0xffff_fff0L);
        assertThat(aclint.mtime()).isEqualTo(0xffff_fff0_ffff_ffffL);
    }

    @Test
    void compareRegistersAreWritableWholeAndInHalves() {
        assertThat(read(MTIMECMP0, 8)).isEqualTo(-1);
        write(MTIMECMP1, 8, 0x1122_3344_5566_7788L);
        assertThat(read(MTIMECMP1, 4)).isEqualTo(0x5566_7788L);
        assertThat(read(MTIMECMP1 + 4, 4)).isEqualTo(0x1122_3344L);
        write(MTIMECMP1, 4, 0xdead_beefL);
        write(MTIMECMP1 + 4, 4, 0xffff_ffff_8765_4321L);
        assertThat(read(MTIMECMP1, 8)).isEqualTo(0x8765_4321_dead_beefL);
        assertThat(read(MTIMECMP0, 8)).isEqualTo(-1);
    }

    @Test
    void theTimerInterruptRisesExactlyWhenTimeReachesTheComparand() {
        write(MTIMECMP0, 8, 50);
        clock.advance(4_999);
        assertThat(mtip0.isHigh()).isFalse();
        clock.advance(1);
        assertThat(mtip0.isHigh()).isTrue();
        assertThat(mtip1.isHigh()).isFalse();
        assertThat(aclint.timerInterrupts(0)).isEqualTo(1);
    }

    @Test
    void theAlarmIsExactWhenTheClockStandsBetweenTwoTicks() {
        clock.advance(77);
        write(MTIMECMP0, 8, 2);
        clock.advance(122);
        assertThat(mtip0.isHigh()).isFalse();
        clock.advance(1);
        assertThat(mtip0.isHigh()).isTrue();
    }

    @Test
    void aComparandInThePastRaisesAtOnceAndOneInTheFutureLowers() {
        clock.advance(10_000);
        write(MTIMECMP0, 8, 100);
        assertThat(mtip0.isHigh()).isTrue();
        write(MTIMECMP0, 8, 101);
        assertThat(mtip0.isHigh()).isFalse();
        clock.advance(100);
        assertThat(mtip0.isHigh()).isTrue();
    }

    @Test
    void theComparisonIsUnsigned() {
        write(MTIMECMP0, 8, Long.MIN_VALUE);
        assertThat(mtip0.isHigh()).isFalse();
        write(MTIME, 8, Long.MIN_VALUE - 1);
        assertThat(mtip0.isHigh()).isFalse();
        clock.advance(100);
        assertThat(mtip0.isHigh()).isTrue();
    }

    @Test
    void movingTimeMovesTheAlarmsOfAllHarts() {
        write(MTIMECMP0, 8, 1_000_000);
        write(MTIMECMP1, 8, 1_000_010);
        write(MTIME, 8, 999_999);
        clock.advance(100);
        assertThat(mtip0.isHigh()).isTrue();
        assertThat(mtip1.isHigh()).isFalse();
        write(MTIME, 8, 0);
        assertThat(mtip0.isHigh()).isFalse();
        write(MTIME, 8, 2_000_000);
        assertThat(mtip0.isHigh()).isTrue();
        assertThat(mtip1.isHigh()).isTrue();
    }

    @Test
    void theTimerInterruptFallsWhenTimeWraps() {
        write(MTIMECMP0, 8, -10);
        write(MTIMECMP1, 8, 0);
        write(MTIME, 8, -5);
        assertThat(mtip0.isHigh()).isTrue();
        clock.advance(500);
        assertThat(aclint.mtime()).isZero();
        assertThat(mtip0.isHigh()).isFalse();
        assertThat(mtip1.isHigh()).isTrue();
    }

    @Test
    void aComparandBeyondTheClocksReachArmsNothing() {
        write(MTIMECMP0, 8, -1);
        write(MTIMECMP1, 8, Long.MAX_VALUE);
        assertThat(clock.nextDeadlineNanos()).isEqualTo(Long.MAX_VALUE);
        write(MTIMECMP0, 8, Long.MAX_VALUE / 100);
        assertThat(clock.nextDeadlineNanos()).isEqualTo(Long.MAX_VALUE / 100 * 100);
        clock.advance(1_000_000_000_000L);
        assertThat(mtip0.rises() + mtip1.rises()).isZero();
    }

    @Test
    void timeGoesOnWhereTheClockDoesAfterTheTimerFired() {
        write(MTIMECMP0, 8, 10);
        clock.advance(1_000);
        write(MTIMECMP0, 8, 20);
        clock.advance(999);
        assertThat(mtip0.isHigh()).isFalse();
        clock.advance(1);
        assertThat(mtip0.rises()).isEqualTo(2);
    }

    @Test
    void accessesOfOtherShapesReadZeroAndAreIgnored() {
        write(4, 4, 1);
        clock.advance(123_456_700);
        assertThat(read(4, 8)).isZero();
        assertThat(read(0, 8)).isZero();
        for (int size : new int[] {1, 2}) {
            assertThat(read(4, size)).isZero();
            assertThat(read(MTIME, size)).isZero();
            write(0, size, 1);
            write(MTIME, size, 0);
        }
        for (long offset : new long[] {5, 6, 7}) {
            assertThat(read(offset, 4)).isZero();
        }
        assertThat(read(MTIME + 4, 8)).isZero();
        assertThat(read(MTIME + 1, 4)).isZero();
        write(MTIME + 4, 8, 0);
        write(0, 8, 1);
        write(-4, 4, 1);
        write(0x1_0000, 4, 1);
        write(Long.MIN_VALUE, 4, 1);
        assertThat(read(-8, 8)).isZero();
        assertThat(read(0x1_0000, 4)).isZero();
        assertThat(read(Long.MAX_VALUE - 3, 4)).isZero();
        assertThat(aclint.mtime()).isEqualTo(1_234_567);
        assertThat(msip0.isHigh()).isFalse();
    }

    @Test
    void registersOfHartsThatDoNotExistReadZero() {
        write(8, 4, 1);
        write(0x4010, 8, 0);
        write(0xbff0, 8, 0);
        write(0x3ffc, 4, 1);
        write(0xc000, 8, 1);
        for (long offset : new long[] {8, 0x3ffc, 0x4010, 0xbff0, 0xc000, 0xfff8}) {
            assertThat(read(offset, 4)).isZero();
        }
        assertThat(read(0xbff0, 8)).isZero();
    }

    @Test
    void manyHartsHaveRegistersUpToTheEndOfTheLayout() {
        Aclint.Builder builder = Aclint.builder(clock);
        RecordingLine last = new RecordingLine();
        for (int hart = 0; hart < Aclint.MAX_HARTS - 1; hart++) {
            builder.hart(msip0, mtip0);
        }
        Aclint large = builder.hart(last, last).build();
        large.mmioWrite(BASE, 4L * 4094, 4, 1);
        assertThat(last.isHigh()).isTrue();
        large.mmioWrite(BASE, 0xbff0, 8, 77);
        assertThat(large.mmioRead(BASE, 0xbff0, 8)).isEqualTo(77);
        assertThat(large.mmioRead(BASE, MTIME, 8)).isZero();
        assertThatThrownBy(() -> builder.hart(msip0, mtip0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anAclintWithoutHartsIsRefused() {
        assertThatThrownBy(() -> Aclint.builder(clock).build())
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void resetLowersEverythingAndLetsTimeFollowTheClock() {
        write(0, 4, 1);
        clock.advance(5_000);
        write(MTIMECMP0, 8, 1);
        write(MTIME, 8, 7_777);
        aclint.reset();
        assertThat(msip0.isHigh()).isFalse();
        assertThat(mtip0.isHigh()).isFalse();
        assertThat(aclint.mtime()).isEqualTo(50);
        assertThat(read(MTIMECMP0, 8)).isEqualTo(-1);
        assertThat(clock.nextDeadlineNanos()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void asleepNoAlarmIsSetAndWakingSetsThemAgain() {
        write(MTIMECMP0, 8, 10);
        aclint.sleep();
        aclint.sleep();
        assertThat(clock.nextDeadlineNanos()).isEqualTo(Long.MAX_VALUE);
        clock.advance(2_000);
        assertThat(mtip0.isHigh()).isFalse();
        aclint.wake();
        assertThat(mtip0.isHigh()).isTrue();
        write(MTIMECMP0, 8, 30);
        aclint.wake();
        clock.advance(1_000);
        assertThat(mtip0.rises()).isEqualTo(2);
    }

    @Test
    void aRestoredAclintGoesOnWhereTheSavedOneStood() {
        clock.advance(700);
        write(MTIME, 8, 5_000);
        write(MTIMECMP0, 8, 5_003);
        write(4, 4, 1);
        aclint.sleep();
        Snapshot saved = aclint.snapshot();
        ManualVirtualClock other = new ManualVirtualClock();
        other.advance(700);
        msip1.lower();
        RecordingLine timer = new RecordingLine();
        Aclint copy = twoHarts(other, timer);
        copy.sleep();
        copy.restore(saved);
        copy.wake();
        assertThat(copy.mtime()).isEqualTo(5_000);
        assertThat(msip1.isHigh()).isTrue();
        assertThat(copy.mmioRead(BASE, 4, 4)).isEqualTo(1);
        other.advance(299);
        assertThat(timer.isHigh()).isFalse();
        other.advance(1);
        assertThat(timer.isHigh()).isTrue();
    }

    @Test
    void hostileSnapshotsAreRefusedAndChangeNothing() {
        aclint.sleep();
        Snapshot good = aclint.snapshot();
        List<Snapshot> bad =
                List.of(
                        SnapshotEdits.ofVersion(good, 2),
                        SnapshotEdits.without(good, "offset"),
                        SnapshotEdits.with(good, "offset", "0"),
                        SnapshotEdits.with(good, "msip", new byte[8]),
                        SnapshotEdits.with(good, "msip", new byte[3]),
                        SnapshotEdits.withByte(good, "msip", 0, 4),
                        SnapshotEdits.withByte(good, "msip", 3, 0x80),
                        SnapshotEdits.with(good, "mtimecmp", new byte[15]),
                        SnapshotEdits.with(good, "mtimecmp", new byte[24]));
        aclint.wake();
        write(0, 4, 1);
        write(MTIME, 8, 99);
        aclint.sleep();
        for (Snapshot snapshot : bad) {
            assertThatThrownBy(() -> aclint.restore(snapshot))
                    .isInstanceOf(SnapshotException.class);
            assertThat(aclint.mtime()).isEqualTo(99);
            assertThat(msip0.isHigh()).isTrue();
        }
        aclint.restore(good);
        assertThat(msip0.isHigh()).isFalse();
    }
}
