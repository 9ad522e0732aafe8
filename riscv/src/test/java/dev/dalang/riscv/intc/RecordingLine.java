package dev.dalang.riscv.intc;

import dev.dalang.bus.interrupt.InterruptLine;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A hart's input that remembers its level and how often it went up. Any thread, and without a lock,
 * so that the stress tests see the controllers' own interleavings and not a lock's.
 */
final class RecordingLine implements InterruptLine {
    private static final int HIGH = 1;

    /** Bit 0 is the level, the bits above it count the rises. */
    private final AtomicInteger state = new AtomicInteger();

    @Override
    public void raise() {
        state.updateAndGet(s -> (s & HIGH) != 0 ? s : (s + 2) | HIGH);
    }

    @Override
    public void lower() {
        state.updateAndGet(s -> s & ~HIGH);
    }

    boolean isHigh() {
        return (state.get() & HIGH) != 0;
    }

    int rises() {
        return state.get() >>> 1;
    }
}
