package dev.dalang.virtio.queue;

/**
 * A device wanted more of a chain than its driver gave. A guest can cause it at will, so it carries
 * no stack trace; the device answers the request with an error, or completes it with nothing
 * written.
 */
public final class ChainException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ChainException(String what, long wanted, long left) {
        super(
                "expected at least " + wanted + " " + what + " bytes in a chain, got " + left,
                null,
                false,
                false);
    }
}
