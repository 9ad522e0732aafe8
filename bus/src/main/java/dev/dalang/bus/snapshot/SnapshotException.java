package dev.dalang.bus.snapshot;

/** A snapshot that cannot be restored: what was expected, and what came. */
public final class SnapshotException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message names the field, the value expected and the value found
     */
    public SnapshotException(String message) {
        super(message);
    }
}
