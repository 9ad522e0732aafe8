package dev.dalang.bus.time;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;

/**
 * Virtual time that moves only when it is told to: the same calls give the same run. Timers expire
 * inside {@link #advance}, on its caller's thread, in order of deadline and, for one deadline, in
 * the order in which they were armed; each sees its own deadline as the time. A timer whose
 * deadline has passed when it is armed expires with the next advance, of which {@code advance(0)}
 * is the least.
 *
 * <p>Any thread may read, arm and cancel; one thread at a time advances. Made awake.
 */
public final class ManualVirtualClock implements VirtualClock, Suspendable {
    /** A timer that keeps arming itself for the present would never let {@link #advance} return. */
    private static final int MAX_EXPIRIES_AT_ONCE = 100_000;

    private final Object lock = new Object();
    private final TimerHeap timers = new TimerHeap();
    private volatile long nanos;
    private volatile long wallClockAtZero;
    private boolean asleep;
    private boolean advancing;

    /** A clock at zero whose wall clock shows 1970-01-01T00:00Z. */
    public ManualVirtualClock() {
        this(0);
    }

    /**
     * A clock at zero whose wall clock shows {@code wallClockNanos} after 1970-01-01T00:00Z.
     *
     * @param wallClockNanos nanoseconds since 1970-01-01T00:00Z
     */
    public ManualVirtualClock(long wallClockNanos) {
        this.wallClockAtZero = wallClockNanos;
    }

    @Override
    public long nanos() {
        return nanos;
    }

    @Override
    public long wallClockNanos() {
        return wallClockAtZero + nanos;
    }

    /**
     * Moves time on by {@code delta} and runs what becomes due on the way, also what is armed on
     * the way.
     *
     * @param delta nanoseconds, at least 0
     * @throws IllegalStateException if the clock is asleep, or advances already
     */
    public void advance(long delta) {
        if (delta < 0) {
            throw new IllegalArgumentException("expected at least 0 nanoseconds, got " + delta);
        }
        synchronized (lock) {
            if (asleep || advancing) {
                throw new IllegalStateException(
                        asleep ? "the clock is asleep" : "the clock is advancing already");
            }
            advancing = true;
        }
        try {
            runUntil(Math.addExact(nanos, delta));
        } finally {
            synchronized (lock) {
                advancing = false;
            }
        }
    }

    /**
     * Moves time on to {@code deadlineNanos}, if that lies ahead.
     *
     * @param deadlineNanos the time to move to
     */
    public void advanceTo(long deadlineNanos) {
        advance(Math.max(0, deadlineNanos - nanos));
    }

    /**
     * When the first armed timer is due, or {@link Long#MAX_VALUE} if none is armed.
     *
     * @return the deadline
     */
    public long nextDeadlineNanos() {
        synchronized (lock) {
            TimerHeap.Entry first = timers.first();
            return first == null ? Long.MAX_VALUE : first.deadlineNanos();
        }
    }

    private void runUntil(long end) {
        int expiriesNow = 0;
        while (true) {
            TimerHeap.Entry due;
            synchronized (lock) {
                if (asleep) {
                    return; // put to sleep by a timer: time stands still from here on
                }
                due = timers.first();
                if (due == null || due.deadlineNanos() > end) {
                    nanos = end;
                    return;
                }
                timers.cancel(due);
                expiriesNow = due.deadlineNanos() > nanos ? 1 : expiriesNow + 1;
                nanos = Math.max(nanos, due.deadlineNanos());
            }
            if (expiriesNow > MAX_EXPIRIES_AT_ONCE) {
                throw new IllegalStateException(
                        "timers hold time still at "
                                + nanos
                                + " ns: "
                                + expiriesNow
                                + " of them expired at once");
            }
            due.onExpiry.run();
        }
    }

    @Override
    public Timer newTimer(Runnable onExpiry) {
        return new ManualTimer(new TimerHeap.Entry(onExpiry));
    }

    @Override
    public void sleep() {
        synchronized (lock) {
            asleep = true;
        }
    }

    @Override
    public void wake() {
        synchronized (lock) {
            asleep = false;
        }
    }

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            requireAsleep();
            return ClockSnapshots.save(new ClockSnapshots.Reading(nanos, wallClockAtZero));
        }
    }

    @Override
    public void restore(Snapshot snapshot) {
        synchronized (lock) {
            requireAsleep();
            ClockSnapshots.Reading reading = ClockSnapshots.load(snapshot);
            nanos = reading.nanos();
            wallClockAtZero = reading.wallClockAtZero();
        }
    }

    private void requireAsleep() {
        if (!asleep) {
            throw new IllegalStateException("the clock is awake; put it to sleep first");
        }
    }

    private final class ManualTimer implements Timer {
        private final TimerHeap.Entry entry;

        ManualTimer(TimerHeap.Entry entry) {
            this.entry = entry;
        }

        @Override
        public void arm(long deadlineNanos) {
            synchronized (lock) {
                timers.arm(entry, Math.max(0, deadlineNanos));
            }
        }

        @Override
        public void cancel() {
            synchronized (lock) {
                timers.cancel(entry);
            }
        }
    }
}
