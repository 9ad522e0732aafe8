package dev.dalang.riscv.internal.core;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * Translated code: some basic blocks, entered at some of them. Generated classes extend it. They
 * hold no state of a hart, so that all harts of a machine share them.
 */
public abstract class Region {
    /** A bit of what {@link #run} returns: the hart has to be looked at before it goes on. */
    public static final long LOOK = 1;

    private static final @Nullable Region[] NO_BRIDGES = {};

    private final int instructions;
    private long weight;
    private volatile @Nullable Region[] bridges = NO_BRIDGES;
    private final Departures departures = new Departures();
    private int crossings;
    private long bridgesAskedFor;

    /**
     * For the generated classes.
     *
     * @param instructions see {@link #instructions}
     */
    protected Region(int instructions) {
        this.instructions = instructions;
    }

    /** Guest instructions that were translated. */
    public final int instructions() {
        return instructions;
    }

    /** Guest instructions that were seen to be executed here, by some of the runs. */
    public final long weight() {
        return weight;
    }

    /** Tells of guest instructions of one run; harts lose each other's, which does no harm. */
    public final void weigh(long executed) {
        weight += executed;
    }

    /** Where control went from here, after some of the runs. */
    public final Departures departures() {
        return departures;
    }

    /**
     * What executes the rest of a basic block from the first of a group of accesses on, each of
     * which looks for its page itself.
     *
     * @param group its number, from 1, see {@link HartCore#crossing}
     * @return null if there is none (yet)
     */
    public final @Nullable Region bridge(int group) {
        @Nullable Region[] all = bridges;
        return group <= all.length ? all[group - 1] : null;
    }

    /** Gives a group its bridge. One thread at a time; the harts see it from now on. */
    public final void setBridge(int group, Region bridge) {
        @Nullable Region[] all = Arrays.copyOf(bridges, Math.max(group, bridges.length));
        all[group - 1] = bridge;
        bridges = all;
    }

    /** Counts a time that a group lay on two pages; harts lose each other's, which does no harm. */
    public final int crossed() {
        return ++crossings;
    }

    /**
     * Notes that a group is to have a bridge. One thread at a time. Of the groups beyond the 63rd,
     * which no region has by its size, one is noted.
     *
     * @return false if that was noted before
     */
    public final boolean askForBridge(int group) {
        long before = bridgesAskedFor;
        bridgesAskedFor |= 1L << Math.min(group, Long.SIZE) - 1;
        return bridgesAskedFor != before;
    }

    /**
     * Executes from the region's entry, which is where {@code core.pc} points, until control leaves
     * the region, an exception was taken, attention is asked for, or the limit is reached. Leaves
     * {@code core.pc}, the registers and {@code core.instret} exact.
     *
     * <p>May return without having executed anything: where floating point is off, or its dynamic
     * rounding mode is not one, the interpreter raises the exception.
     *
     * @param core null (with the next two) to return at once: the JVM's compilers count such calls
     *     too
     * @param others what is not translated, executed on the registers of the core
     * @param base virtual address of the page that holds the entry
     * @param limit value of {@code core.instret} to stop at, at the next taken branch
     * @return {@code core.pc} where nothing has happened but that control has left, so that whoever
     *     knows what is there may go on at once; else a value with the bit {@link #LOOK}
     */
    public abstract long run(
            @Nullable HartCore core,
            @Nullable Mmu mmu,
            @Nullable OtherOps others,
            long base,
            long limit);

    /** What generated code leaves to the interpreter's parts. */
    public interface OtherOps {
        /**
         * Executes a decoded instruction at {@code pc} that is neither a system instruction nor
         * changes control flow.
         *
         * @return false if it raised an exception; {@code core.pc} is then {@code pc}
         */
        boolean execute(long decoded, long pc);

        /**
         * Executes a decoded system instruction at {@code core.pc}, takes its exception if it
         * raises one, and leaves {@code core.pc} at the next instruction.
         *
         * @return true if the next instruction is the one behind it, in an unchanged context with
         *     floating point as it was, and nothing asks for attention
         */
        boolean executeSystem(long decoded);

        /**
         * Executes an atomic memory operation.
         *
         * @param op its number in {@code Op}, LR and SC included
         * @param operand rs2
         * @param expected rd before, for AMOCAS
         * @return the new value of rd; nothing if {@code core.trapCause} is set
         */
        long atomic(int op, long address, long operand, long expected);
    }
}
