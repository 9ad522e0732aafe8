package dev.dalang.bus.resource;

/** A resource that cannot be given or taken back. Nothing has changed. */
public final class AllocationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was wrong. */
    public enum Kind {
        /** A space or an interval that is empty, reversed, or ends past the greatest number. */
        INVALID_RANGE,
        /** A size or count that is zero, or that the resource cannot have. */
        INVALID_SIZE,
        /** An alignment that is no power of two. */
        INVALID_ALIGNMENT,
        /** A fixed address that is not aligned as asked. */
        UNALIGNED_ADDRESS,
        /** No room is left, or what was asked for is taken. */
        EXHAUSTED,
        /** The machine has none of this resource. */
        UNSUPPORTED,
        /** An id that does not belong to the space. */
        OUT_OF_RANGE,
        /** Something given back that was never given out. */
        NEVER_ALLOCATED,
        /** An id given back twice. */
        ALREADY_RELEASED
    }

    private final Kind kind;

    AllocationException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /** {@return what was wrong} */
    public Kind kind() {
        return kind;
    }
}
