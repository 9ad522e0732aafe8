package dev.dalang.storage.internal;

import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;

/**
 * Decides whether a write is done by the thread that submits it, which saves waking another and
 * being woken by it: worth it while the host only copies bytes, and never when it makes the writer
 * wait for its disk. That is seen only afterwards, so two bounds hold. Of a disk's time at most a
 * hundredth is lost to waiting: after a slow write the others go elsewhere for a hundred times as
 * long. And of all threads of this process that serve devices, one at a time can be held up.
 *
 * <p>Any thread.
 */
public final class Pace {
    /** What takes longer has waited for a disk, or for a processor, which is as good a reason. */
    static final long SLOW_NANOS = 10_000_000;

    private static final long PAUSE = 100;

    /** However slow it was, the host gets another chance. */
    private static final long MAX_PAUSE_NANOS = 60_000_000_000L;

    private static final Semaphore HELD_UP = new Semaphore(1);

    private final LongSupplier nanoTime;
    private volatile boolean isPausing;
    private volatile long resumeAt;

    /**
     * Begins with the best of hopes.
     *
     * @param nanoTime the time, as {@link System#nanoTime} has it
     */
    public Pace(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /**
     * Runs a write if it may be done here and now.
     *
     * @return false if it was not run
     */
    public boolean run(Runnable write) {
        long began = nanoTime.getAsLong();
        if (isPausing && began - resumeAt < 0 || !HELD_UP.tryAcquire()) {
            return false;
        }
        try {
            write.run();
        } finally {
            HELD_UP.release();
            long ended = nanoTime.getAsLong();
            long took = ended - began;
            isPausing = took > SLOW_NANOS;
            if (isPausing) {
                resumeAt = ended + Math.min(took * PAUSE, MAX_PAUSE_NANOS);
            }
        }
        return true;
    }
}
