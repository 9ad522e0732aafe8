package dev.dalang.bench.guest;

/** The comparison cannot be made; the message is for the user. */
public final class BenchException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * One that nothing caused.
     *
     * @param message for the user
     */
    public BenchException(String message) {
        super(message);
    }

    /**
     * One that something else caused.
     *
     * @param message for the user
     * @param cause what it was
     */
    public BenchException(String message, Throwable cause) {
        super(message, cause);
    }
}
