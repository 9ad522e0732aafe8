package dev.dalang.bus.interrupt;

/** Where message-signalled interrupts go. Any thread. */
@FunctionalInterface
public interface MsiTarget {
    /**
     * Delivers one message.
     *
     * @param address guest physical address the message is written to, unsigned
     * @param data the message data
     * @return false if nothing at that address takes messages
     */
    boolean signal(long address, int data);

    /**
     * Delivers one message.
     *
     * @param message the message
     * @return false if nothing at its address takes messages
     */
    default boolean signal(MsiMessage message) {
        return signal(message.address(), message.data());
    }
}
