package dev.dalang.passthrough;

/**
 * A device cannot be assigned, or something be done with it. The message is one line that names the
 * device, what was asked for, and the numbers. What is thrown has changed nothing, unless the
 * device itself failed on the way back.
 */
public final class PassthroughException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was wrong. */
    public enum Kind {
        /** It belongs to a machine already. */
        ALREADY_ASSIGNED,
        /** It belongs to none. */
        NOT_ASSIGNED,
        /** A region that is empty, not aligned, wraps, or lies outside the device's. */
        INVALID_REGION,
        /** Two regions at one guest address. */
        OVERLAP,
        /** More vectors than the device has. */
        VECTOR_LIMIT,
        /** One vector of the device's twice. */
        DUPLICATE_VECTOR,
        /** A vector's number, or a hart that the machine does not have. */
        INVALID_TARGET,
        /** It cannot be kept apart from a device that somebody else has. */
        ISOLATION,
        /** Somebody has it in hand already, or what is asked of it is under way. */
        BUSY,
        /** Nobody knows of it. */
        UNKNOWN,
        /** It was given up. */
        CLOSED,
        /** It describes itself in a way that no device can. */
        INVALID_DEVICE,
        /** The device, or the host, did not do it. */
        BACKEND
    }

    private final Kind kind;
    private final String device;
    private final String operation;
    private final int errno;

    PassthroughException(Kind kind, String device, String operation, String what) {
        super(device + ": " + operation + ": " + what);
        this.kind = kind;
        this.device = device;
        this.operation = operation;
        this.errno = 0;
    }

    PassthroughException(String device, String operation, BackendException cause) {
        super(device + ": " + operation + ": " + cause.getMessage(), cause);
        this.kind = Kind.BACKEND;
        this.device = device;
        this.operation = operation;
        this.errno = cause.errno();
    }

    /** {@return what was wrong} */
    public Kind kind() {
        return kind;
    }

    /** {@return the label of the device} */
    public String device() {
        return device;
    }

    /** {@return what was asked for} */
    public String operation() {
        return operation;
    }

    /** {@return the error's number, as Linux has it; 0 if there is none} */
    public int errno() {
        return errno;
    }
}
