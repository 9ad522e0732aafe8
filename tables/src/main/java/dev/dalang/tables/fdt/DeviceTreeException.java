package dev.dalang.tables.fdt;

/**
 * A device tree that cannot be: a name or a value that the specification does not allow, a
 * reference to a label that no node has, or a blob that is malformed. The message says where, what
 * was expected, and what came.
 */
public final class DeviceTreeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one with this message.
     *
     * @param message what was expected, and what came
     */
    public DeviceTreeException(String message) {
        super(message);
    }
}
