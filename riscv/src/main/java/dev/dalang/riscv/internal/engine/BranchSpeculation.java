package dev.dalang.riscv.internal.engine;

/**
 * Keeps the JVM's compiler from leaving out branches that it has not seen taken, in methods that
 * say so.
 *
 * <p>It leaves them out in the belief that a method tells at its first calls what it will do. In
 * those that execute guest code the guest decides, and a wrong guess throws the compiled code away.
 * The compiler stops to guess in a method that has lost its code for this reason as often as {@code
 * PerMethodTrapLimit} says, be it in a method that was inlined. So one is made to lose it once, on
 * purpose, and is called by all others; the limit is 1. With 0 there would be no guesses anywhere,
 * and no null check that costs nothing either: the interpreter is a sixth slower then.
 */
public final class BranchSpeculation {
    /** Calls that the JVM, told to compile {@link #off} early and while all wait, needs less of. */
    private static final int CALLS = 20_000;

    private static int losses;

    private BranchSpeculation() {}

    /**
     * To be called before the first branch of a method, and to be inlined there: the compiler then
     * makes all its branches.
     *
     * @param never false
     */
    public static void off(boolean never) {
        if (never) {
            losses++;
        }
    }

    /** Makes {@link #off} what it is. Takes a few milliseconds, once in a JVM. Any thread. */
    public static synchronized void learn() {
        if (losses == 0) {
            for (int i = 0; i < CALLS; i++) {
                off(false);
            }
            off(true);
        }
    }
}
