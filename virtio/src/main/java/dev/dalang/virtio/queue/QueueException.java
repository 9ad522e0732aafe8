package dev.dalang.virtio.queue;

/**
 * A queue cannot be activated as its driver has configured it. A guest can cause it at will, so it
 * carries no stack trace; the device's transport answers with {@code DEVICE_NEEDS_RESET}.
 */
public final class QueueException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int queue;
    private final QueueError error;

    QueueException(int queue, QueueError error, String detail) {
        super("queue " + queue + " " + error.text() + ": " + detail, null, false, false);
        this.queue = queue;
        this.error = error;
    }

    /**
     * The queue's index.
     *
     * @return the index
     */
    public int queue() {
        return queue;
    }

    /**
     * What is wrong.
     *
     * @return the error
     */
    public QueueError error() {
        return error;
    }
}
