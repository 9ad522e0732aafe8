package dev.dalang.virtio.queue;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.jspecify.annotations.Nullable;

/**
 * An active queue, seen from the device; the same over split and packed rings. Made by {@link
 * QueueConfig#activate}.
 *
 * <p>One thread at a time: the task of a {@link dev.dalang.bus.DeviceExecutor} that serves the
 * queue, as a rule. {@link #isBroken} and {@link #retire} are for any thread. No method allocates
 * in steady state, none blocks, and none throws because of what the driver does. The usual handler:
 *
 * {@snippet :
 * do {
 *     queue.disableNotification();
 *     DescriptorChain chain;
 *     while ((chain = queue.pop()) != null) {
 *         queue.complete(chain, serve(chain));
 *     }
 *     if (queue.needsNotification()) {
 *         queue.notifyDriver();
 *     }
 * } while (queue.enableNotification());
 * }
 *
 * <p>A driver that breaks the rules of its rings breaks the queue: the device is told through
 * {@link QueueSignals#broken}, and from then on the queue gives no chain and takes none until the
 * driver resets the device.
 */
public sealed interface VirtQueue permits AbstractQueue {
    /**
     * The queue's index.
     *
     * @return the index, from 0
     */
    int index();

    /**
     * The number of entries.
     *
     * @return 1 to 32768
     */
    int size();

    /**
     * Takes the next available chain. It is in flight until {@link #complete} or {@link #undoPop};
     * the object is then used again for another chain.
     *
     * @return a well-formed chain, or null if there is none, if the queue is broken or retired, or
     *     if the device may not access memory
     */
    @Nullable DescriptorChain pop();

    /**
     * Gives a chain back as if it had not been popped. Only the chain that was popped last, unless
     * those after it have been given back.
     *
     * @param chain in flight
     * @throws IllegalStateException if it is not in flight, or not the last
     */
    void undoPop(DescriptorChain chain);

    /**
     * Tells whether chains are in flight.
     *
     * @return the number of chains that were popped and not completed
     */
    int inFlight();

    /**
     * Returns a chain to the driver. Chains may come in any order; with {@code VIRTIO_F_IN_ORDER}
     * the queue holds each back until those before it are complete. Does not interrupt the driver.
     *
     * @param chain in flight
     * @param bytesWritten how much of the writable buffers was written, from the start; all of it
     *     must have been written
     * @throws IllegalStateException if the chain is not in flight
     * @throws IllegalArgumentException if it has fewer writable bytes
     */
    default void complete(DescriptorChain chain, long bytesWritten) {
        completeLater(chain, bytesWritten);
        publish();
    }

    /**
     * Returns a chain to the driver with the next {@link #publish}: the driver then sees several at
     * once, as a packet in merged receive buffers demands, and one publication costs less than
     * many.
     *
     * @param chain in flight
     * @param bytesWritten as of {@link #complete}
     * @throws IllegalStateException if the chain is not in flight
     * @throws IllegalArgumentException if it has fewer writable bytes
     */
    void completeLater(DescriptorChain chain, long bytesWritten);

    /**
     * Shows the driver what {@link #completeLater} has collected. After one or more publications
     * comes {@link #needsNotification}, which also reports what was written to dirty tracking.
     */
    void publish();

    /** Tells the driver that it need not notify: the device looks by itself. A hint only. */
    void disableNotification();

    /**
     * Asks the driver to notify when it makes the next chain available.
     *
     * @return true if it has done so already, and may have seen no need to notify: look again
     */
    boolean enableNotification();

    /**
     * Tells whether the driver wants an interrupt for what was published since this was last asked.
     *
     * @return true if so: call {@link #notifyDriver}
     */
    boolean needsNotification();

    /** Interrupts the driver. */
    void notifyDriver();

    /**
     * True once the driver has broken the rules of its rings. Any thread.
     *
     * @return true until the end of this queue's life
     */
    boolean isBroken();

    /**
     * What broke the queue. Any thread.
     *
     * @return the error, or null if the queue is not broken
     */
    @Nullable QueueError error();

    /**
     * Breaks the queue: for a device that finds in a chain what no driver may send.
     *
     * @param error what is wrong
     */
    void fail(QueueError error);

    /**
     * Ends the queue's life, for a reset of the queue or its device: from then on nothing is read
     * from its rings or written to them, and completions of chains in flight are dropped. Any
     * thread; a handler that runs meanwhile finds no further chain, so that a driver which keeps
     * feeding it cannot hold up a reset. What it does at this moment it may still do.
     */
    void retire();

    /**
     * What has happened since the activation. From another thread approximately.
     *
     * @return the counts
     */
    QueueCounts counts();

    /**
     * The state of the queue beside its configuration: places in the rings, and whether it is
     * broken.
     *
     * @return the state
     * @throws IllegalStateException if chains are in flight: complete them, or give them back
     */
    Snapshot snapshot();

    /**
     * Takes the state of a snapshot. All or nothing.
     *
     * @param snapshot what {@link #snapshot} gave, of a queue of the same layout and size
     * @throws SnapshotException if it is of another kind or holds impossible values
     * @throws IllegalStateException if chains are in flight
     */
    void restore(Snapshot snapshot);
}
