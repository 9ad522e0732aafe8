package dev.dalang.riscv.internal.engine;

/**
 * What executes instructions on a {@code HartCore}. State, memory path and trap path are the
 * core's, so that engines can take turns between any two instructions. Called on the hart's thread.
 */
public interface Engine {
    /**
     * Executes until attention is asked for or {@code core.instret} has reached {@code limit}; may
     * run past the limit by less than {@link #OVERRUN} instructions.
     */
    void run(long limit);

    /** Executes exactly one instruction, or takes its exception. */
    void step();

    /**
     * Instructions that {@link #run} may execute beyond its limit: a page without a taken branch.
     */
    long OVERRUN = 2048;
}
