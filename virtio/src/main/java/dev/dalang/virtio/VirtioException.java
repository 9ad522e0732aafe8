package dev.dalang.virtio;

/** A virtio device or a transport is used as it cannot be: a mistake of who builds a machine. */
public class VirtioException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message what was expected, and what came
     */
    public VirtioException(String message) {
        super(message);
    }

    /**
     * Makes one with a cause.
     *
     * @param message what was expected, and what came
     * @param cause why
     */
    public VirtioException(String message, Throwable cause) {
        super(message, cause);
    }
}
