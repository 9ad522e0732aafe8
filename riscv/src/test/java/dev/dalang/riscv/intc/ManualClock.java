package dev.dalang.riscv.intc;

import dev.dalang.bus.time.VirtualClock;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** A clock that moves only when a test moves it, and then runs what has become due, in order. */
final class ManualClock implements VirtualClock {
    private final List<ManualTimer> timers = new ArrayList<>();
    private long now;

    @Override
    public synchronized long nanos() {
        return now;
    }

    @Override
    public long wallClockNanos() {
        return nanos();
    }

    @Override
    public synchronized Timer newTimer(Runnable onExpiry) {
        ManualTimer timer = new ManualTimer(onExpiry);
        timers.add(timer);
        return timer;
    }

    void advance(long nanos) {
        long end = nanos() + nanos;
        for (; ; ) {
            ManualTimer due = next(end);
            if (due == null) {
                break;
            }
            due.onExpiry.run();
        }
        synchronized (this) {
            now = end;
        }
    }

    synchronized int armed() {
        return (int) timers.stream().filter(t -> t.armed).count();
    }

    private synchronized @Nullable ManualTimer next(long end) {
        ManualTimer first = null;
        for (ManualTimer timer : timers) {
            if (timer.armed
                    && timer.deadline <= end
                    && (first == null || timer.deadline < first.deadline)) {
                first = timer;
            }
        }
        if (first != null) {
            first.armed = false;
            now = Math.max(now, first.deadline);
        }
        return first;
    }

    private final class ManualTimer implements Timer {
        private final Runnable onExpiry;
        private long deadline;
        private boolean armed;

        ManualTimer(Runnable onExpiry) {
            this.onExpiry = onExpiry;
        }

        @Override
        public void arm(long deadlineNanos) {
            synchronized (ManualClock.this) {
                deadline = deadlineNanos;
                armed = true;
            }
        }

        @Override
        public void cancel() {
            synchronized (ManualClock.this) {
                armed = false;
            }
        }
    }
}
