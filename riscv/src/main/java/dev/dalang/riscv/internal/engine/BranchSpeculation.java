package dev.dalang.riscv.internal.engine;

/**
 * Keeps the JVM's compiler from leaving out branches that it has not seen taken, and from taking
 * loops for such as do not overflow, in methods that say so.
 *
 * <p>It does so in the belief that a method tells at its first calls what it will do. In those that
 * execute guest code the guest decides, and a wrong guess throws the compiled code away. The
 * compiler stops to guess in a method that has lost its code for the same reason as often as {@code
 * PerMethodTrapLimit} says, be it in a method that was inlined. So one is made to lose it once for
 * each reason, on purpose, and is called by all others; the limit is 1. With 0 there would be no
 * guesses anywhere, and no null check that costs nothing either: the interpreter is a sixth slower
 * then.
 */
public final class BranchSpeculation {
    /** Calls that the JVM, told to compile {@link #off} early and while all wait, needs less of. */
    private static final int CALLS = 20_000;

    /** What the loop has added up; 0 before its first turn. */
    private static int sum;

    /** Where a loop ends whose counter may or may not pass the largest int. */
    private static int end;

    private BranchSpeculation() {}

    /**
     * To be called before the first branch of a method, and to be inlined there: the compiler then
     * makes all its branches, and takes no loop for one whose counter does not overflow.
     *
     * @param never false
     */
    public static void off(boolean never) {
        if (never) {
            int last = end;
            for (int i = last - 8; i < last; i += 3) {
                sum += i;
            }
        }
    }

    /** Makes {@link #off} what it is. Takes a few milliseconds, once in a JVM. Any thread. */
    public static synchronized void learn() {
        if (sum == 0) {
            // First the way that was never taken; then, compiled with it, the loop's end.
            call(false);
            off(true);
            call(true);
            end = Integer.MAX_VALUE - 1;
            off(true);
        }
    }

    private static void call(boolean never) {
        for (int i = 0; i < CALLS; i++) {
            off(never);
        }
    }
}
