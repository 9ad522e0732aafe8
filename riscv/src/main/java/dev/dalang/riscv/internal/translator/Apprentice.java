package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.core.Region;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A region before the JVM has compiled it. It runs a few times for a short while, so that the JVM's
 * interpreter, slow as it is, sees which ways its branches go.
 */
final class Apprentice extends Region {
    /** Guest instructions in one run. */
    private static final long INSTRUCTIONS = 256;

    /** Runs; so few that the JVM does not want to compile meanwhile, which would stall the hart. */
    private static final int RUNS = 24;

    /** How long a training takes at the most while control keeps coming in. */
    private static final long ENOUGH_NANOS = 20_000_000;

    private final Region region;
    private final Runnable onTrained;
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final long began = System.nanoTime();
    private int runs;

    Apprentice(Region region, Runnable onTrained) {
        super(region.instructions());
        this.region = region;
        this.onTrained = onTrained;
    }

    @Override
    public long run(
            @Nullable HartCore core,
            @Nullable Mmu mmu,
            @Nullable OtherOps others,
            long base,
            long limit) {
        if (core != null) {
            region.run(core, mmu, others, base, Math.min(limit, core.instret + INSTRUCTIONS));
            if (++runs >= RUNS) {
                end();
            }
        }
        return LOOK;
    }

    /**
     * Ends the training, as far as it came, if it had its time: where control comes in may be cold
     * by now, and something else in the region hot. Any thread.
     */
    void hurry() {
        if (System.nanoTime() - began > ENOUGH_NANOS) {
            end();
        }
    }

    /** Several harts may come here at the same time. */
    private void end() {
        if (isOver.compareAndSet(false, true)) {
            onTrained.run();
        }
    }
}
