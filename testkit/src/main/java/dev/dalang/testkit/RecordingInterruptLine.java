package dev.dalang.testkit;

import dev.dalang.bus.interrupt.InterruptLine;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A wire that remembers what a device did to it. Any thread. */
public final class RecordingInterruptLine implements InterruptLine {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean high;
    private long rises;
    private long falls;

    /** Makes a wire that is inactive. */
    public RecordingInterruptLine() {}

    @Override
    public void raise() {
        drive(true);
    }

    @Override
    public void lower() {
        drive(false);
    }

    private void drive(boolean level) {
        lock.lock();
        try {
            if (high != level) {
                high = level;
                if (level) {
                    rises++;
                } else {
                    falls++;
                }
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** {@return true while the wire is driven active} */
    public boolean isRaised() {
        lock.lock();
        try {
            return high;
        } finally {
            lock.unlock();
        }
    }

    /** {@return how often the wire went from inactive to active} */
    public long rises() {
        lock.lock();
        try {
            return rises;
        } finally {
            lock.unlock();
        }
    }

    /** {@return how often the wire went from active to inactive} */
    public long falls() {
        lock.lock();
        try {
            return falls;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until the wire has this level.
     *
     * @param level true for active
     * @param timeoutSeconds how long to wait at most
     * @return false if the time ran out
     * @throws InterruptedException if the waiting thread is interrupted
     */
    public boolean await(boolean level, long timeoutSeconds) throws InterruptedException {
        long left = TimeUnit.SECONDS.toNanos(timeoutSeconds);
        lock.lock();
        try {
            while (high != level) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }
}
