package dev.dalang.remote;

import dev.dalang.linux.Errno;

import java.io.IOException;
import java.util.Optional;

/** A device in another process did not do what it was asked for. */
public final class VfioUserException extends IOException {
    private static final long serialVersionUID = 1L;

    /** What went wrong. */
    public enum Kind {
        /** There is no server, or none that the device can be had from: it was never connected. */
        UNREACHABLE,
        /** The server answered that it cannot, or what it said of itself rules it out. */
        REFUSED,
        /** The connection is over: so is whatever was asked, and it may have been done or not. */
        LOST
    }

    private final Kind kind;
    private final int errno;

    /**
     * Makes one.
     *
     * @param kind what went wrong
     * @param errno the error's number, as Linux has it; 0 if there is none
     * @param message what was asked, and what came
     */
    public VfioUserException(Kind kind, int errno, String message) {
        super(message);
        this.kind = kind;
        this.errno = errno;
    }

    /** {@return what went wrong} */
    public Kind kind() {
        return kind;
    }

    /** {@return true if the connection is over} */
    public boolean isLost() {
        return kind == Kind.LOST;
    }

    /** {@return the error's number, as Linux has it; 0 if the server gave none} */
    public int number() {
        return errno;
    }

    /** {@return the error; empty if it has no number, or one that is not known here} */
    public Optional<Errno> errno() {
        return Errno.of(errno);
    }
}
