package dev.dalang.riscv.intc;

import dev.dalang.bus.interrupt.InterruptLine;

/**
 * A controller's output to a hart: passes on changes of its level only, so that re-evaluating a
 * controller that did not change costs the hart nothing. Guarded by the controller's lock.
 */
final class OutputWire {
    private final InterruptLine line;
    private boolean level;
    private long raised;

    OutputWire(InterruptLine line) {
        this.line = line;
    }

    void set(boolean newLevel) {
        if (newLevel == level) {
            return;
        }
        level = newLevel;
        if (newLevel) {
            raised++;
        }
        line.set(newLevel);
    }

    /** Drives the present level again, for a hart that was restored or reset meanwhile. */
    void repeat() {
        line.set(level);
    }

    /** How often the level went from low to high. */
    long raised() {
        return raised;
    }
}
