package dev.dalang.linux;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open descriptor of this process. Any thread. It is closed for good only when no call uses it
 * any more: the kernel gives a number that is free to whoever opens something next, and a late call
 * would go there.
 *
 * {@snippet :
 * int number = descriptor.acquire();
 * try {
 *     // a call with the number
 * } finally {
 *     descriptor.release();
 * }
 * }
 */
public final class Descriptor implements AutoCloseable {
    /** Added to the number of users once it is to be closed. */
    private static final int CLOSING = Integer.MIN_VALUE;

    private final int number;
    private final String subject;
    private final AtomicInteger users = new AtomicInteger();

    private Descriptor(int number, String subject) {
        this.number = number;
        this.subject = subject;
    }

    /**
     * Takes over a descriptor, which is closed with the object.
     *
     * @param number the descriptor's number
     * @param subject what it is, for messages: a path, as a rule
     * @return the descriptor
     * @throws IllegalArgumentException if the number is negative
     */
    public static Descriptor of(int number, String subject) {
        if (number < 0) {
            throw new IllegalArgumentException(
                    "expected a descriptor of at least 0, got " + number);
        }
        return new Descriptor(number, subject);
    }

    /** {@return what it is, for messages} */
    public String subject() {
        return subject;
    }

    /**
     * Begins a use.
     *
     * @return the number, which stays this descriptor's until {@link #release}
     * @throws HostIoException if it is closed: {@link Errno#EBADF}
     */
    public int acquire() throws HostIoException {
        while (true) {
            int now = users.get();
            if (now < 0) {
                throw new HostIoException("acquire", subject, Errno.EBADF.number());
            }
            if (users.compareAndSet(now, now + 1)) {
                return number;
            }
        }
    }

    /** Ends a use. */
    public void release() {
        if (users.decrementAndGet() == CLOSING) {
            Calls.close(number);
        }
    }

    /** {@return true if it is open} */
    public boolean isOpen() {
        return users.get() >= 0;
    }

    /**
     * Closes it as soon as no call uses it; none can begin any more. Closing twice does nothing.
     */
    @Override
    public void close() {
        while (true) {
            int now = users.get();
            if (now < 0) {
                return;
            }
            if (users.compareAndSet(now, now + CLOSING)) {
                if (now == 0) {
                    // Errors of close mean nothing here: what must be on disk was synced before.
                    Calls.close(number);
                }
                return;
            }
        }
    }

    @Override
    public String toString() {
        return "descriptor %d of %s".formatted(number, subject);
    }
}
