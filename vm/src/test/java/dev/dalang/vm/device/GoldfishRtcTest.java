package dev.dalang.vm.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.SuspendableLifeCycle;

import org.junit.jupiter.api.Test;

import java.util.Random;

class GoldfishRtcTest implements SuspendableLifeCycle<GoldfishRtc> {
    private static final long BASE = 0x10_1000;
    private static final long START = 0x1234_5678_ffff_fff0L;
    private static final int TIME_LOW = 0x00;
    private static final int TIME_HIGH = 0x04;
    private static final int ALARM_LOW = 0x08;
    private static final int ALARM_HIGH = 0x0c;
    private static final int IRQ_ENABLED = 0x10;
    private static final int CLEAR_ALARM = 0x14;
    private static final int ALARM_STATUS = 0x18;
    private static final int CLEAR_INTERRUPT = 0x1c;

    private final ManualVirtualClock clock = new ManualVirtualClock(START);
    private final TestLine line = new TestLine();
    private final GoldfishRtc rtc = new GoldfishRtc("rtc", clock, line);

    @Override
    public GoldfishRtc create() {
        return new GoldfishRtc("rtc", new ManualVirtualClock(START), new TestLine());
    }

    @Override
    public void mutate(GoldfishRtc object) {
        object.mmioWrite(BASE, ALARM_HIGH, 4, 0x7fff_0000);
        object.mmioWrite(BASE, ALARM_LOW, 4, 5);
    }

    private long read(int register) {
        return rtc.mmioRead(BASE, register, 4);
    }

    private void write(int register, long value) {
        rtc.mmioWrite(BASE, register, 4, value & 0xffff_ffffL);
    }

    private long time() {
        long low = read(TIME_LOW);
        return read(TIME_HIGH) << 32 | low;
    }

    private void alarmAt(long nanos) {
        write(ALARM_HIGH, nanos >>> 32);
        write(ALARM_LOW, nanos);
    }

    @Test
    void itShowsTheMachinesWallClock() {
        assertThat(time()).isEqualTo(START);
        clock.advance(12);
        assertThat(time()).isEqualTo(START + 12);
    }

    @Test
    void readingTheLowHalfLatchesTheHighHalf() {
        assertThat(read(TIME_LOW)).isEqualTo(0xffff_fff0L);
        clock.advance(0x20);
        assertThat(read(TIME_HIGH)).isEqualTo(0x1234_5678L);
        assertThat(read(TIME_LOW)).isEqualTo(0x10);
        assertThat(read(TIME_HIGH)).isEqualTo(0x1234_5679L);
    }

    @Test
    void theGuestMaySetTheTime() {
        write(TIME_HIGH, 0x2000_0000);
        write(TIME_LOW, 7);
        assertThat(time()).isEqualTo(0x2000_0000_0000_0007L);
        clock.advance(3);
        assertThat(time()).isEqualTo(0x2000_0000_0000_000aL);
    }

    @Test
    void theAlarmRingsAtItsTime() {
        write(IRQ_ENABLED, 1);
        alarmAt(START + 1000);
        assertThat(read(ALARM_STATUS)).isEqualTo(1);
        assertThat(read(ALARM_HIGH) << 32 | read(ALARM_LOW)).isEqualTo(START + 1000);
        clock.advance(999);
        assertThat(line.isRaised()).isFalse();
        clock.advance(1);
        assertThat(line.isRaised()).isTrue();
        assertThat(read(ALARM_STATUS)).isZero();

        write(CLEAR_INTERRUPT, 1);
        assertThat(line.isRaised()).isFalse();
    }

    @Test
    void anAlarmInThePastRingsAtOnce() {
        write(IRQ_ENABLED, 1);
        alarmAt(START);
        assertThat(line.isRaised()).isTrue();
    }

    @Test
    void aDisabledInterruptStaysPending() {
        alarmAt(START + 10);
        clock.advance(10);
        assertThat(line.isRaised()).isFalse();
        write(IRQ_ENABLED, 1);
        assertThat(line.isRaised()).isTrue();
        assertThat(read(IRQ_ENABLED)).isEqualTo(1);
        write(IRQ_ENABLED, 0);
        assertThat(line.isRaised()).isFalse();
    }

    @Test
    void aClearedAlarmDoesNotRing() {
        write(IRQ_ENABLED, 1);
        alarmAt(START + 10);
        write(CLEAR_ALARM, 1);
        assertThat(read(ALARM_STATUS)).isZero();
        clock.advance(20);
        assertThat(line.isRaised()).isFalse();
    }

    @Test
    void anAlarmAtTheEndOfTimeDoesNotRing() {
        write(IRQ_ENABLED, 1);
        alarmAt(-1);
        clock.advance(1L << 60);
        assertThat(line.isRaised()).isFalse();
        assertThat(read(ALARM_STATUS)).isEqualTo(1);
    }

    @Test
    void settingTheTimeMovesTheAlarm() {
        write(IRQ_ENABLED, 1);
        alarmAt(START + 1000);
        write(TIME_HIGH, START >>> 32);
        write(TIME_LOW, (START & 0xffff_ffffL) + 5);
        clock.advance(994);
        assertThat(line.isRaised()).isFalse();
        clock.advance(1);
        assertThat(line.isRaised()).isTrue();
    }

    @Test
    void accessesThatMeetNoRegisterAreCounted() {
        assertThat(rtc.mmioRead(BASE, 0, 8)).isZero();
        assertThat(rtc.mmioRead(BASE, 2, 4)).isZero();
        assertThat(rtc.mmioRead(BASE, 0x20, 4)).isZero();
        rtc.mmioWrite(BASE, 0x10, 1, 1);
        assertThat(rtc.invalidAccesses()).isEqualTo(4);
        assertThat(read(IRQ_ENABLED)).isZero();
    }

    @Test
    void resetForgetsTheAlarmAndKeepsTheTime() {
        write(TIME_HIGH, 0x2000_0000);
        write(IRQ_ENABLED, 1);
        alarmAt(1);
        assertThat(line.isRaised()).isTrue();
        rtc.reset();
        assertThat(line.isRaised()).isFalse();
        assertThat(time() >>> 32).isEqualTo(0x2000_0000L);
    }

    @Test
    void aRestoredClockRingsAsTheOtherWouldHave() {
        write(IRQ_ENABLED, 1);
        write(TIME_HIGH, 0x2000_0000);
        write(TIME_LOW, 0);
        alarmAt(0x2000_0000_0000_0064L);
        rtc.sleep();
        Snapshot snapshot = rtc.snapshot();
        clock.advance(200);
        assertThat(line.isRaised()).as("asleep").isFalse();

        var otherClock = new ManualVirtualClock(START);
        var otherLine = new TestLine();
        var other = new GoldfishRtc("rtc", otherClock, otherLine);
        other.sleep();
        other.restore(snapshot);
        otherClock.advance(200);
        assertThat(otherLine.isRaised()).as("asleep").isFalse();
        other.wake();
        assertThat(otherLine.isRaised()).as("its time has come meanwhile").isTrue();
    }

    @Test
    void randomAccessesNeverThrow() {
        var random = new Random(101);
        for (int i = 0; i < 50_000; i++) {
            long offset = random.nextInt(0x28);
            int size = 1 << random.nextInt(4);
            if (random.nextBoolean()) {
                rtc.mmioWrite(BASE, offset, size, random.nextLong());
            } else {
                assertThat(rtc.mmioRead(BASE, offset, size)).isBetween(0L, 0xffff_ffffL);
            }
            clock.advance(random.nextInt(1000));
        }
    }
}
