package dev.dalang.devices.nvme;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts what is under way, and lets nothing begin while there is a reason. Once it is closed and
 * empty, nobody touches guest memory or the disk. Any thread.
 */
final class Gate {
    /** Reasons to be closed. */
    static final long ASLEEP = 1L << 32;

    static final long RESETTING = 1L << 33;
    static final long SHUTTING_DOWN = 1L << 34;
    static final long FATAL = 1L << 35;

    private static final long COUNT = 0xffff_ffffL;

    private final AtomicLong state = new AtomicLong();

    /** Guarded by this object's lock. */
    private long changes;

    /** Begins something; false if it must not. */
    boolean enter() {
        while (true) {
            long now = state.get();
            if (now > COUNT) {
                return false;
            }
            if (state.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    /** Begins something in spite of all reasons: what closes the gate may have work of its own. */
    void force() {
        state.getAndIncrement();
    }

    /** Ends something; true if the gate is closed, and someone may wait for that. */
    boolean leave() {
        boolean isClosed = state.decrementAndGet() > COUNT;
        if (isClosed) {
            nudge();
        }
        return isClosed;
    }

    void close(long reason) {
        state.getAndUpdate(now -> now | reason);
    }

    void open(long reason) {
        state.getAndUpdate(now -> now & ~reason);
    }

    boolean isClosed(long reason) {
        return (state.get() & reason) != 0;
    }

    boolean isEmpty() {
        return (state.get() & COUNT) == 0;
    }

    /** Tells who waits that it is worth a look. */
    synchronized void nudge() {
        changes++;
        notifyAll();
    }

    synchronized long changes() {
        return changes;
    }

    /** Waits, whatever interrupts, until there was a change after so many. */
    void awaitChange(long since) {
        boolean isInterrupted = false;
        synchronized (this) {
            while (changes == since) {
                try {
                    wait();
                } catch (InterruptedException later) {
                    isInterrupted = true;
                }
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
