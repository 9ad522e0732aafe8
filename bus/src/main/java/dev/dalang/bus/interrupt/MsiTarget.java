package dev.dalang.bus.interrupt;

/** Where message-signalled interrupts go. Any thread. */
@FunctionalInterface
public interface MsiTarget {
    /**
     * Delivers one message.
     *
     * @return false if nothing at that address takes messages
     */
    boolean signal(long address, int data);

    /** Delivers {@code message}. */
    default boolean signal(MsiMessage message) {
        return signal(message.address(), message.data());
    }
}
