package dev.dalang.pci;

/**
 * The interrupts of one function, as its device sees them: which of MSI-X, MSI and the wired
 * interrupt is used, the guest decides, and it may change its mind at any time. Any thread; nothing
 * waits or throws.
 *
 * <p>A device that wants to be served by whatever there is calls {@link #trigger} for each event,
 * and {@link #lower} once software has told it, in its registers, that it was served. One whose
 * wired interrupt follows a register of its own (such as virtio's ISR status) calls {@link
 * #triggerMessage}, and drives the wire itself where that answers false.
 */
public interface PciInterrupts {
    /** The vector that means none: nothing happens while messages are used. */
    int NO_VECTOR = 0xffff;

    /**
     * An event: sends the vector's message, sets its pending bit if it is masked, or, while the
     * guest uses no messages, asserts the wired interrupt until {@link #lower}.
     *
     * @param vector the vector, or {@link #NO_VECTOR}; one that there is not is dropped and counted
     */
    default void trigger(int vector) {
        if (!triggerMessage(vector)) {
            raise();
        }
    }

    /**
     * Sends the vector's message, or sets its pending bit, if the guest uses messages.
     *
     * @param vector the vector, or {@link #NO_VECTOR}; one that there is not is dropped and counted
     * @return false if it does not, and nothing was done
     */
    boolean triggerMessage(int vector);

    /**
     * Asserts the wired interrupt. It reaches the wire while the guest uses no messages and has not
     * disabled it. Asserting it twice changes nothing.
     */
    void raise();

    /** Deasserts the wired interrupt. */
    void lower();

    /** {@return true while the guest has MSI-X or MSI enabled} */
    boolean isMessageSignalled();

    /**
     * {@return how many vectors the function has, the wired interrupt being the one if no others}
     */
    int vectors();
}
