package dev.dalang.storage;

import java.io.IOException;

/**
 * What stands behind a disk: takes requests, many at a time, and completes each when it is done, in
 * any order. Requests in flight that touch the same bytes are done in any order, too; a {@link
 * BlockOperation#FLUSH} is about what had ended before it was submitted. Any thread.
 *
 * <p>A back end belongs to one device. The device waits for its requests before it sleeps; a back
 * end has no state to save beside what the disk holds.
 */
public interface BlockBackend extends AutoCloseable {
    /** {@return how large the disk is at this moment, a multiple of the logical block} */
    long sizeBytes();

    /** {@return whether changes are refused. Constant} */
    boolean isReadOnly();

    /** {@return in what the disk reads and writes. Constant} */
    BlockTopology topology();

    /**
     * Takes a request. Does not wait for the disk, unless the back end was made to, but may do at
     * once what takes no longer than copying the bytes. What is wrong with a request is said by its
     * status.
     *
     * @param request a new request
     */
    void submit(BlockRequest request);

    /**
     * Names who is told when the size has changed: on the thread of {@link #resize}, or on one of
     * the back end's. There is one at most; another takes its place.
     *
     * @param listener is quick
     */
    void onResize(Runnable listener);

    /**
     * Makes the disk larger, or takes over the size of what grew by itself. Tells the listener
     * before it returns.
     *
     * @param bytes the size, a multiple of the logical block
     * @throws IOException if the host refuses
     * @throws IllegalArgumentException if it would be smaller, or is no multiple; nothing has
     *     changed
     */
    void resize(long bytes) throws IOException;

    /**
     * Tells how often something happened.
     *
     * @param event what happened
     * @return how often
     */
    long count(StorageEvent event);

    /** Waits for what is in flight and gives up the disk. Closing twice does nothing. */
    @Override
    void close();
}
