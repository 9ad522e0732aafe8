package dev.dalang.virtio;

import dev.dalang.virtio.queue.VirtQueue;

/**
 * The ability to let one queue go while the others work on (virtio 1.3 §2.6.1). The transport
 * offers {@code VIRTIO_F_RING_RESET} for devices that have it. State active.
 */
public interface VirtioQueueReset {
    /**
     * Ends all work on a queue and drops it. No handler of the queue runs any more; one that it
     * shared with others goes on for those.
     *
     * @param queue the queue's index; not asked for again before {@link #queueEnabled}
     */
    void queueReset(int queue);

    /**
     * Takes up a queue that the driver has set up anew.
     *
     * @param queue the queue
     * @param active the activation, which has the queue from now on; its handlers must be bound
     *     anew
     */
    void queueEnabled(VirtQueue queue, VirtioActivation active);
}
