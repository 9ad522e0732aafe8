package dev.dalang.riscv;

/**
 * Who decides what a hart does next. Both methods are called on the hart's thread between two
 * instructions, and do not wait: while the answer is {@link Action#HOLD} the hart stands, runs what
 * is posted to it, and asks again after {@link Hart#callDebugger}.
 */
public interface HartDebugger {
    /** What a hart does. */
    enum Action {
        /** Executes, until it is called or stops. */
        RUN,
        /**
         * Executes one instruction, whether it has a breakpoint or not, takes no interrupt, and
         * asks again. A watchpoint stops it before it has executed anything.
         */
        STEP,
        /** As {@link #STEP}, and watchpoints do not stop it either. */
        PASS,
        /** Stands. */
        HOLD
    }

    /** Why a hart stopped by itself. */
    sealed interface Stop {
        /**
         * It is about to execute an instruction with a breakpoint.
         *
         * @param address the instruction's address
         */
        record AtBreakpoint(long address) implements Stop {}

        /**
         * It is about to execute an instruction that accesses watched bytes.
         *
         * @param address first byte of the access
         * @param write whether it was a store
         */
        record AtWatchpoint(long address, boolean write) implements Stop {}
    }

    /**
     * The hart has come to a breakpoint or watchpoint. {@link #next} is asked after this.
     *
     * @param hart the hart
     * @param stop why it stopped
     */
    void stopped(Hart hart, Stop stop);

    /**
     * What the hart is to do.
     *
     * @param hart the hart
     * @return the answer
     */
    Action next(Hart hart);
}
