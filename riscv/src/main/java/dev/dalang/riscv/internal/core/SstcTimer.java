package dev.dalang.riscv.internal.core;

import static dev.dalang.riscv.internal.core.Csrs.*;

import dev.dalang.bus.time.VirtualClock;

/**
 * {@code stimecmp} (Sstc): the comparison belongs to the hart's thread; the clock's timer only asks
 * for attention, so that a late expiry of an old deadline cannot raise a false interrupt.
 */
public final class SstcTimer {
    /** {@code time} counts at 10 MHz. */
    public static final long NANOS_PER_TICK = 100;

    private final HartCore core;
    private final VirtualClock clock;
    private final VirtualClock.Timer timer;
    private long stimecmp;
    private volatile long timeOffset;
    private volatile boolean timeMoved;

    public SstcTimer(HartCore core, VirtualClock clock) {
        this.core = core;
        this.clock = clock;
        this.timer = clock.newTimer(() -> core.requestAttention(HartCore.ATTENTION_INTERRUPT));
        this.stimecmp = -1;
    }

    /** The {@code time} CSR. */
    public long time() {
        return clock.nanos() / NANOS_PER_TICK + timeOffset;
    }

    /** Takes what a snapshot held. The timer stays stopped until {@link #wake}. */
    void restore(long newStimecmp, long newTimeOffset) {
        stimecmp = newStimecmp;
        timeOffset = newTimeOffset;
    }

    /** What a write to {@code mtime} made of the difference to the clock. Any thread. */
    public void setTimeOffset(long ticks) {
        timeOffset = ticks;
        timeMoved = true;
        core.requestAttention(HartCore.ATTENTION_INTERRUPT);
    }

    public void reset() {
        stimecmp = -1;
        timer.cancel();
        core.sstcPending = false;
    }

    /** Stops the timer. */
    public void sleep() {
        timer.cancel();
    }

    /** Looks at the clock again and arms the timer. */
    public void wake() {
        update();
        core.requestAttention(HartCore.ATTENTION_INTERRUPT);
    }

    public long timeOffset() {
        return timeOffset;
    }

    public long stimecmp() {
        return stimecmp;
    }

    public void setStimecmp(long value) {
        stimecmp = value;
        update();
        core.interruptsMayHaveChanged();
    }

    /**
     * Looks at the clock again: the timer may have expired. While it has not, it stays armed as it
     * is: this is asked at each interrupt and each trap's return.
     */
    public void refresh() {
        if (timeMoved) {
            timeMoved = false;
            update();
        } else if ((core.menvcfg & MENVCFG_STCE) != 0
                && !core.sstcPending
                && stimecmp != -1
                && isDue()) {
            update();
        }
    }

    private boolean isDue() {
        return Long.compareUnsigned(time(), stimecmp) >= 0;
    }

    /** To be called when {@code menvcfg.STCE} has changed, and after a restore. */
    public void update() {
        boolean due = isDue();
        core.sstcPending = due;
        if (due || (core.menvcfg & MENVCFG_STCE) == 0) {
            timer.cancel();
            return;
        }
        long ticks = stimecmp - timeOffset;
        // A deadline beyond 292 years is never.
        if (Long.compareUnsigned(ticks, Long.MAX_VALUE / NANOS_PER_TICK) > 0) {
            timer.cancel();
        } else {
            timer.arm(ticks * NANOS_PER_TICK);
        }
    }
}
