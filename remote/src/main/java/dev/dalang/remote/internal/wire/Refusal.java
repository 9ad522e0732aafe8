package dev.dalang.remote.internal.wire;

import dev.dalang.linux.Errno;

/**
 * A request that cannot be done, as the peer is told. A peer can cause it at will, so it carries no
 * stack trace.
 */
public final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Errno errno;

    public Refusal(Errno errno, String message) {
        super(message, null, false, false);
        this.errno = errno;
    }

    /** One for a message that is not as it should be. */
    public static Refusal invalid(String message) {
        return new Refusal(Errno.EINVAL, message);
    }

    /** What the peer is told. */
    public Errno errno() {
        return errno;
    }

    /** Throws one for a message that is not as it should be. */
    public static void unless(boolean condition, String message) {
        if (!condition) {
            throw invalid(message);
        }
    }
}
