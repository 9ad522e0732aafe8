package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.Region;

import java.util.concurrent.locks.LockSupport;

/**
 * Makes the JVM compile a region before a hart needs it, by calls without effect. The JVM does not
 * say when it has; calls that take no time do.
 */
final class JvmCompiler {
    /** Calls after which the JVM's interpreter counts branches. */
    private static final int PROFILE_CALLS = 48;

    /** Calls in a batch whose time tells whether the JVM has compiled a region. */
    private static final int BATCH = 64;

    private static final long COMPILED_NANOS = 40;

    /** Batches without a pause; a JVM that compiles in the background then wants the processor. */
    private static final int EAGER_BATCHES = 200;

    private static final long PAUSE_NANOS = 200_000;

    /** How long to wait for the JVM's compiler, which may have much to do, in nanoseconds. */
    private static final long LONGEST_WAIT = 2_000_000_000;

    private JvmCompiler() {}

    /** Has the JVM's interpreter count where a region's branches go from now on. */
    static void profile(Region region) {
        call(region, PROFILE_CALLS);
    }

    /** Calls a region without effect. */
    private static void call(Region region, int times) {
        for (int i = 0; i < times; i++) {
            region.run(null, null, null, 0, 0);
        }
    }

    /** Waits until the JVM has compiled a region; false if it does not. */
    static boolean compile(Region region) {
        long began = System.nanoTime();
        for (int batch = 0; !Thread.currentThread().isInterrupted(); batch++) {
            long start = System.nanoTime();
            call(region, BATCH);
            long end = System.nanoTime();
            if (end - start < BATCH * COMPILED_NANOS) {
                return true;
            }
            if (end - began > LONGEST_WAIT) {
                return false;
            }
            if (batch >= EAGER_BATCHES) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
        return false;
    }
}
