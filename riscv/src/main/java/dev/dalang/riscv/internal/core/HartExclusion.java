package dev.dalang.riscv.internal.core;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets one hart of a machine run alone for a moment: the others stand still between two
 * instructions. For what has no atomic operation on the host.
 */
public final class HartExclusion {
    private final ReentrantLock alone = new ReentrantLock();
    private final List<HartCore> cores = new CopyOnWriteArrayList<>();

    /** Adds a hart of the machine. */
    public void add(HartCore core) {
        cores.add(core);
    }

    /** Instructions that all harts have interpreted; a moment old. Any thread. */
    public long interpreted() {
        long sum = 0;
        for (HartCore core : cores) {
            sum += core.interpreted;
        }
        return sum;
    }

    /** The calling hart runs alone when this returns. */
    public void begin(HartCore self) {
        // Two harts that want to be alone: the one that waits here counts as standing still.
        self.standStill();
        alone.lock();
        self.moveOn();
        for (HartCore core : cores) {
            if (core != self) {
                core.hold();
            }
        }
        for (HartCore core : cores) {
            while (core != self && !core.standsStill()) {
                Thread.onSpinWait();
            }
        }
    }

    /** The others go on. */
    public void end(HartCore self) {
        for (HartCore core : cores) {
            if (core != self) {
                core.release();
            }
        }
        alone.unlock();
    }
}
