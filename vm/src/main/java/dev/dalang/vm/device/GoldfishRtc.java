package dev.dalang.vm.device;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;

/**
 * The Goldfish real-time clock: nanoseconds since 1970 in two registers of 32 bits, of which
 * reading the low one latches the high one, and one alarm. The guest may set the time; the
 * difference to the machine's wall clock is then kept.
 *
 * <p>Registers are accessed with 4 bytes at multiples of 4; anything else reads as zero, is
 * dropped, and is counted. Any thread.
 */
public final class GoldfishRtc implements DeviceMmio, Suspendable {
    private static final String TYPE = "goldfish-rtc";
    private static final int VERSION = 1;

    private static final int RTC_TIME_LOW = 0x00;
    private static final int RTC_TIME_HIGH = 0x04;
    private static final int RTC_ALARM_LOW = 0x08;
    private static final int RTC_ALARM_HIGH = 0x0c;
    private static final int RTC_IRQ_ENABLED = 0x10;
    private static final int RTC_CLEAR_ALARM = 0x14;
    private static final int RTC_ALARM_STATUS = 0x18;
    private static final int RTC_CLEAR_INTERRUPT = 0x1c;

    private static final long LOW_HALF = 0xffff_ffffL;

    private final Object lock = new Object();
    private final String label;
    private final VirtualClock clock;
    private final VirtualClock.Timer timer;
    private final InterruptLine line;

    // Guarded by the lock. Times are nanoseconds since 1970, unsigned.
    private long offset;
    private long latchedHigh;
    private long alarm;
    private boolean alarmRunning;
    private boolean interruptEnabled;
    private boolean interruptPending;
    private boolean asleep;
    private long invalidAccesses;

    /**
     * A clock that shows the machine's wall clock.
     *
     * @param label its name, such as {@code rtc}
     * @param clock the machine's time
     * @param line its interrupt wire
     */
    public GoldfishRtc(String label, VirtualClock clock, InterruptLine line) {
        this.label = label;
        this.clock = clock;
        this.line = line;
        this.timer = clock.newTimer(this::expire);
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    /** {@return how many accesses met no register} */
    public long invalidAccesses() {
        synchronized (lock) {
            return invalidAccesses;
        }
    }

    /** The alarm and its interrupt as after power-on; the time goes on, as a real clock's does. */
    public void reset() {
        synchronized (lock) {
            latchedHigh = 0;
            alarm = 0;
            alarmRunning = false;
            interruptEnabled = false;
            interruptPending = false;
            update();
        }
    }

    @Override
    public long mmioRead(long base, long registerOffset, int size) {
        synchronized (lock) {
            return switch (register(registerOffset, size)) {
                case RTC_TIME_LOW -> {
                    long now = now();
                    latchedHigh = now >>> 32;
                    yield now & LOW_HALF;
                }
                case RTC_TIME_HIGH -> latchedHigh;
                case RTC_ALARM_LOW -> alarm & LOW_HALF;
                case RTC_ALARM_HIGH -> alarm >>> 32;
                case RTC_IRQ_ENABLED -> interruptEnabled ? 1 : 0;
                case RTC_ALARM_STATUS -> alarmRunning ? 1 : 0;
                case RTC_CLEAR_ALARM, RTC_CLEAR_INTERRUPT -> 0;
                default -> {
                    invalidAccesses++;
                    yield 0;
                }
            };
        }
    }

    @Override
    public void mmioWrite(long base, long registerOffset, int size, long value) {
        synchronized (lock) {
            switch (register(registerOffset, size)) {
                case RTC_TIME_LOW -> setTime(withLow(now(), value));
                case RTC_TIME_HIGH -> setTime(withHigh(now(), value));
                case RTC_ALARM_LOW -> {
                    // The driver writes the high half first: this one sets the alarm.
                    alarm = withLow(alarm, value);
                    alarmRunning = true;
                }
                case RTC_ALARM_HIGH -> alarm = withHigh(alarm, value);
                case RTC_IRQ_ENABLED -> interruptEnabled = (value & 1) != 0;
                case RTC_CLEAR_ALARM -> alarmRunning = false;
                case RTC_CLEAR_INTERRUPT -> interruptPending = false;
                case RTC_ALARM_STATUS -> {
                    // Read-only.
                }
                default -> invalidAccesses++;
            }
            update();
        }
    }

    private static int register(long offset, int size) {
        return size == 4 && Long.compareUnsigned(offset, RTC_CLEAR_INTERRUPT) <= 0
                ? (int) offset
                : -1;
    }

    private static long withLow(long time, long value) {
        return time & ~LOW_HALF | value & LOW_HALF;
    }

    private static long withHigh(long time, long value) {
        return time & LOW_HALF | value << 32;
    }

    private long now() {
        return clock.wallClockNanos() + offset;
    }

    private void setTime(long time) {
        offset = time - clock.wallClockNanos();
    }

    private void expire() {
        synchronized (lock) {
            if (!asleep) {
                update();
            }
        }
    }

    /** Rings if it is time, arms the timer otherwise, and drives the wire. */
    private void update() {
        timer.cancel();
        if (alarmRunning && !asleep) {
            long remaining = alarm - now();
            if (Long.compareUnsigned(alarm, now()) <= 0) {
                alarmRunning = false;
                interruptPending = true;
            } else {
                timer.arm(deadline(remaining));
            }
        }
        line.set(interruptPending && interruptEnabled);
    }

    /** The clock's time after this many nanoseconds, unsigned, or the end of time. */
    private long deadline(long remaining) {
        long deadline = clock.nanos() + remaining;
        return remaining < 0 || deadline < 0 ? Long.MAX_VALUE : deadline;
    }

    @Override
    public void sleep() {
        synchronized (lock) {
            asleep = true;
            timer.cancel();
        }
    }

    @Override
    public void wake() {
        synchronized (lock) {
            asleep = false;
            update();
        }
    }

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            return Snapshot.builder(TYPE, VERSION)
                    .put("offset", offset)
                    .put("latchedHigh", latchedHigh)
                    .put("alarm", alarm)
                    .put("alarmRunning", alarmRunning)
                    .put("interruptEnabled", interruptEnabled)
                    .put("interruptPending", interruptPending)
                    .build();
        }
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        long newOffset = snapshot.getLong("offset");
        long newLatchedHigh = snapshot.getLong("latchedHigh") & LOW_HALF;
        long newAlarm = snapshot.getLong("alarm");
        boolean newAlarmRunning = snapshot.getBoolean("alarmRunning");
        boolean newInterruptEnabled = snapshot.getBoolean("interruptEnabled");
        boolean newInterruptPending = snapshot.getBoolean("interruptPending");
        synchronized (lock) {
            offset = newOffset;
            latchedHigh = newLatchedHigh;
            alarm = newAlarm;
            alarmRunning = newAlarmRunning;
            interruptEnabled = newInterruptEnabled;
            interruptPending = newInterruptPending;
            line.set(interruptPending && interruptEnabled);
        }
    }
}
