package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.core.Region;

import org.jspecify.annotations.Nullable;

/**
 * A region before the JVM has compiled it. It runs a few times for a short while, so that the JVM's
 * interpreter, slow as it is, sees which ways its branches go.
 */
final class Apprentice extends Region {
    /** Guest instructions in one run. */
    private static final long INSTRUCTIONS = 256;

    /** Runs; so few that the JVM does not want to compile meanwhile, which would stall the hart. */
    private static final int RUNS = 24;

    private final Region region;
    private final Runnable onTrained;
    private int runs;

    Apprentice(Region region, Runnable onTrained) {
        super(region.instructions());
        this.region = region;
        this.onTrained = onTrained;
    }

    @Override
    public void run(
            @Nullable HartCore core,
            @Nullable Mmu mmu,
            @Nullable OtherOps others,
            long base,
            long limit) {
        if (core != null) {
            region.run(core, mmu, others, base, Math.min(limit, core.instret + INSTRUCTIONS));
            if (++runs == RUNS) {
                onTrained.run();
            }
        }
    }
}
