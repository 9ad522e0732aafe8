package dev.dalang.riscv.internal.translator;

/** How often a region was made anew, larger, and how large it may be by then. */
final class Generation {
    /** The generation that is as large as regions become, if they are not joined. */
    static final int LARGE = 2;

    /** The last that joins no others. */
    static final int LAST = 3;

    /** The first generation that takes the place of several regions. */
    static final int JOINT = LAST + 1;

    /** The last of those: what took the place of several is made anew a few times, larger. */
    static final int LAST_JOINT = JOINT + 4;

    /**
     * Estimated bytes of bytecode of the largest that joins no others. Beyond, registers go to the
     * stack too often.
     */
    static final int MAX_BYTES = 2_500;

    /**
     * As {@link #MAX_BYTES}, of what joins regions: more than HotSpot compiles unless it is told to
     * ({@code -XX:-DontCompileHugeMethods}).
     */
    static final int JOINT_BYTES = 7_000;

    /** As {@link #MAX_BYTES}, of a bridge: as much as the JVM compiles. */
    static final int BRIDGE_BYTES = 5_000;

    /**
     * As {@link #MAX_BYTES}, of a first region. The JVM's compiler takes some 20 microseconds for
     * each: a small region is there soon, and grows if control keeps leaving it.
     */
    private static final int FIRST_BYTES = 800;

    private Generation() {}

    static boolean isJoint(int generation) {
        return generation >= JOINT;
    }

    /** As {@link #MAX_BYTES}, of a region that joins no others. */
    static int maxBytes(int generation) {
        return Math.min(FIRST_BYTES << generation, MAX_BYTES);
    }
}
