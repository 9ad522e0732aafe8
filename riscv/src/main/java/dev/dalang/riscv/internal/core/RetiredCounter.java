package dev.dalang.riscv.internal.core;

/**
 * A counter that follows the retired instructions, can be set, and can be stopped through {@code
 * mcountinhibit}. Belongs to the hart's thread.
 */
public final class RetiredCounter {
    private long offset;
    private long frozen;
    private boolean inhibited;

    void reset(long retired) {
        offset = -retired;
        frozen = 0;
        inhibited = false;
    }

    /** The counter's value when {@code retired} instructions have retired. */
    public long value(long retired) {
        return inhibited ? frozen : retired + offset;
    }

    /**
     * Sets the counter as the instruction that is about to retire asks; that instruction itself is
     * not counted (unprivileged spec, Zicsr).
     */
    public void write(long value, long retired) {
        frozen = value;
        offset = value - retired - 1;
    }

    /** Stops the counter or lets it go on. */
    public void inhibit(boolean stop, long retired) {
        if (stop && !inhibited) {
            frozen = retired + offset;
        } else if (!stop && inhibited) {
            offset = frozen - retired;
        }
        inhibited = stop;
    }

    public boolean isInhibited() {
        return inhibited;
    }
}
