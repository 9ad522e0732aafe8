package dev.dalang.bus.time;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Virtual time that runs as fast as the host's, and stands still while the clock is asleep. Timers
 * expire on one daemon thread of the clock's own. The guest's wall clock begins at the host's and
 * then follows virtual time, so it also stands still; a guest that wants the host's date after a
 * pause asks a time server, as after any suspend.
 *
 * <p>Reading never blocks and never allocates; arming and cancelling take a short lock. An armed
 * timer keeps its deadline over sleep and wake; after a restore the devices arm theirs again.
 */
public final class SystemVirtualClock implements VirtualClock, Suspendable, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(SystemVirtualClock.class.getName());

    /** {@code hostOffset} is virtual minus host time while running; {@code nanos} counts asleep. */
    private record Mode(boolean running, long hostOffset, long nanos, long wallClockAtZero) {}

    private final Object lock = new Object();
    private final TimerHeap timers = new TimerHeap();
    private final Thread thread =
            Thread.ofPlatform().daemon().name("dalang-clock").unstarted(this::run);

    private volatile Mode mode;
    private boolean closed;
    private boolean expiring;

    /** Host time until which the thread is parked. */
    private long parkedUntil = Long.MIN_VALUE;

    /** How often the thread was woken because of a sooner deadline. */
    private long wakeUps;

    private SystemVirtualClock(Mode mode) {
        this.mode = mode;
    }

    /**
     * A clock that stands at zero until it is woken.
     *
     * @return the clock
     */
    public static SystemVirtualClock asleep() {
        return new SystemVirtualClock(new Mode(false, 0, 0, hostWallClockNanos()));
    }

    /**
     * A clock that runs from zero on.
     *
     * @return the clock
     */
    public static SystemVirtualClock running() {
        SystemVirtualClock clock = asleep();
        clock.wake();
        return clock;
    }

    @Override
    public long nanos() {
        Mode now = mode;
        return now.running ? System.nanoTime() + now.hostOffset : now.nanos;
    }

    @Override
    public long wallClockNanos() {
        Mode now = mode;
        return now.wallClockAtZero + (now.running ? System.nanoTime() + now.hostOffset : now.nanos);
    }

    @Override
    public Timer newTimer(Runnable onExpiry) {
        return new SystemTimer(new TimerHeap.Entry(onExpiry));
    }

    /** Stops time; when it returns no timer is expiring, unless it is called by one. */
    @Override
    public void sleep() {
        synchronized (lock) {
            Mode now = mode;
            if (now.running) {
                mode = new Mode(false, 0, nanos(), now.wallClockAtZero);
            }
            boolean interrupted = false;
            while (expiring && Thread.currentThread() != thread) {
                try {
                    lock.wait();
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void wake() {
        synchronized (lock) {
            Mode now = mode;
            if (!now.running) {
                long hostOffset = now.nanos - System.nanoTime();
                mode = new Mode(true, hostOffset, 0, now.wallClockAtZero);
                LockSupport.unpark(thread);
            }
        }
    }

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            requireAsleep();
            return ClockSnapshots.save(
                    new ClockSnapshots.Reading(mode.nanos, mode.wallClockAtZero));
        }
    }

    @Override
    public void restore(Snapshot snapshot) {
        synchronized (lock) {
            requireAsleep();
            ClockSnapshots.Reading reading = ClockSnapshots.load(snapshot);
            mode = new Mode(false, 0, reading.nanos(), reading.wallClockAtZero());
        }
    }

    /** Stops time for good and ends the clock's thread. Closing twice does nothing. */
    @Override
    public void close() {
        sleep();
        synchronized (lock) {
            closed = true;
            LockSupport.unpark(thread);
        }
    }

    /** How often the clock's thread was woken for a deadline sooner than the one it waits for. */
    long wakeUps() {
        synchronized (lock) {
            return wakeUps;
        }
    }

    /** True while the clock's thread waits for the first deadline. */
    boolean isWaiting() {
        Thread.State state = thread.getState();
        return state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING;
    }

    private void requireAsleep() {
        if (mode.running) {
            throw new IllegalStateException("the clock is running; put it to sleep first");
        }
    }

    private static long hostWallClockNanos() {
        return TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis());
    }

    private void run() {
        while (true) {
            TimerHeap.Entry due;
            long parkNanos;
            synchronized (lock) {
                if (closed) {
                    return;
                }
                // Read once: a deadline armed again must not look sooner than itself.
                long hostNow = System.nanoTime();
                parkNanos = nanosUntilFirst(hostNow);
                due = parkNanos <= 0 ? timers.first() : null;
                if (due != null) {
                    timers.cancel(due);
                    expiring = true;
                } else {
                    parkedUntil = saturatedAdd(hostNow, parkNanos);
                }
            }
            if (due == null) {
                LockSupport.parkNanos(this, parkNanos);
            } else {
                expire(due);
            }
        }
    }

    /** Zero or less: something is due. Time that stands still makes nothing due. */
    private long nanosUntilFirst(long hostNow) {
        TimerHeap.Entry first = timers.first();
        Mode present = mode;
        if (first == null || !present.running || first.deadlineNanos() == Long.MAX_VALUE) {
            return Long.MAX_VALUE;
        }
        long now = hostNow + present.hostOffset;
        return first.deadlineNanos() <= now ? 0 : first.deadlineNanos() - now;
    }

    private void expire(TimerHeap.Entry due) {
        try {
            due.onExpiry.run();
        } catch (RuntimeException | Error broken) {
            // One device's mistake must not take the machine's time away.
            LOG.log(System.Logger.Level.ERROR, "a timer's action failed", broken);
        } finally {
            synchronized (lock) {
                expiring = false;
                lock.notifyAll();
            }
        }
    }

    private static long saturatedAdd(long a, long b) {
        long sum = a + b;
        return b >= 0 && sum < a ? Long.MAX_VALUE : sum;
    }

    private final class SystemTimer implements Timer {
        private final TimerHeap.Entry entry;

        SystemTimer(TimerHeap.Entry entry) {
            this.entry = entry;
        }

        @Override
        public void arm(long deadline) {
            // Time begins at zero: what is before that has passed all the same.
            long deadlineNanos = Math.max(0, deadline);
            synchronized (lock) {
                if (closed) {
                    return;
                }
                timers.arm(entry, deadlineNanos);
                if (thread.getState() == Thread.State.NEW) {
                    thread.start();
                } else if (timers.first() == entry && isSoonerThanParked(deadlineNanos)) {
                    wakeUps++;
                    LockSupport.unpark(thread);
                }
            }
        }

        /** A thread that will wake anyway need not be woken: re-arming for later costs nothing. */
        private boolean isSoonerThanParked(long deadlineNanos) {
            Mode now = mode;
            return now.running && deadlineNanos - now.hostOffset - parkedUntil < 0;
        }

        @Override
        public void cancel() {
            synchronized (lock) {
                timers.cancel(entry);
            }
        }
    }
}
