package dev.dalang.pci;

/** What a router could not do. Nothing has changed. */
public final class MsiRouterException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was wrong. */
    public enum Kind {
        /** All handles are given out. */
        EXHAUSTED,
        /** The handle asked for is given out already. */
        HANDLE_IN_USE,
        /** The router has no such handle, or it is not given out. */
        UNKNOWN_HANDLE,
        /** The router needs the requester id of the sender, and the sender has none. */
        NO_REQUESTER_ID,
        /** The host refused; the message or the cause says why. */
        HOST
    }

    private final Kind kind;

    /**
     * Makes one.
     *
     * @param kind what was wrong
     * @param message names the numbers: what was expected, and what came
     */
    public MsiRouterException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /**
     * Makes one that something else caused.
     *
     * @param kind what was wrong
     * @param message names the numbers: what was expected, and what came
     * @param cause what the host said
     */
    public MsiRouterException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** {@return what was wrong} */
    public Kind kind() {
        return kind;
    }
}
