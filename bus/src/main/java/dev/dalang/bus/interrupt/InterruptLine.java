package dev.dalang.bus.interrupt;

/**
 * A level-triggered interrupt wire, seen from the device. Any thread. Raising a raised line and
 * lowering a lowered one change nothing.
 */
public interface InterruptLine {
    /** Drives the line active. */
    void raise();

    /** Drives the line inactive. */
    void lower();

    /**
     * Drives the line to a level.
     *
     * @param level true for active
     */
    default void set(boolean level) {
        if (level) {
            raise();
        } else {
            lower();
        }
    }
}
