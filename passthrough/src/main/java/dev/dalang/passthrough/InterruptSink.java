package dev.dalang.passthrough;

/** Takes a device's interrupts. */
@FunctionalInterface
public interface InterruptSink {
    /**
     * An interrupt came. Any thread, several at a time; does not throw, and waits for nothing that
     * the backend does.
     *
     * @param vector its number among those of its kind, from 0
     */
    void signal(int vector);
}
