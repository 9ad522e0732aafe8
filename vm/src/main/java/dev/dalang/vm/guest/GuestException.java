package dev.dalang.vm.guest;

/**
 * A guest cannot be had: it is unknown, the machine has no package manager that could fetch it, the
 * download was cut, the disk is full, or what came is not what was promised.
 *
 * <p>The message is one line, names what was looked for and what was found, and says what to do; it
 * is fit to be shown to a user as it is.
 */
public final class GuestException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes an exception with a line for the user.
     *
     * @param message one line
     */
    public GuestException(String message) {
        super(message);
    }

    /**
     * Makes an exception with a line for the user and what lies behind it.
     *
     * @param message one line
     * @param cause what was caught
     */
    public GuestException(String message, Throwable cause) {
        super(message, cause);
    }
}
