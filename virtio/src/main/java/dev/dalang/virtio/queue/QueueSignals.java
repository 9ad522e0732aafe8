package dev.dalang.virtio.queue;

/** What a queue tells the transport of its device. Called on the queue's thread. */
public interface QueueSignals {
    /**
     * The driver wants to hear that buffers were used: interrupt it with the vector that the queue
     * has now.
     *
     * @param queue the queue's index
     */
    void used(int queue);

    /**
     * The queue is broken: set {@code DEVICE_NEEDS_RESET} and say so with a configuration
     * interrupt. Called once for each life of a queue.
     *
     * @param queue the queue's index
     * @param error what the driver did
     */
    void broken(int queue, QueueError error);
}
