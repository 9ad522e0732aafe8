package dev.dalang.virtio;

/**
 * How an active device reaches its driver. Any thread; nothing waits or throws, and nothing happens
 * once the device was reset or put to sleep.
 */
public interface VirtioInterrupt {
    /**
     * Interrupts the driver on behalf of a queue. {@link
     * dev.dalang.virtio.queue.VirtQueue#notifyDriver} comes here; a device calls it by itself only
     * if its queues are served elsewhere.
     *
     * @param queue the queue; one that there is not is dropped
     */
    void queue(int queue);

    /** Tells that the configuration has changed, as {@link VirtioHost#configChanged} does. */
    void config();

    /**
     * Gives up: the driver sees {@code DEVICE_NEEDS_RESET} and hears of it (virtio 1.3 §2.1.2).
     * Counted, and logged once.
     *
     * @param reason what is wrong, for the log
     */
    void needsReset(String reason);
}
