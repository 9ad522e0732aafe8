package dev.dalang.vm;

/**
 * A machine that cannot be built or booted as it was asked for. The message is one line that names
 * the option or file, what was found and what was expected; it is meant for the user as it stands.
 */
public final class ConfigurationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message one line for the user
     */
    public ConfigurationException(String message) {
        super(message);
    }

    /**
     * Makes one with the failure behind it.
     *
     * @param message one line for the user
     * @param cause what the host reported
     */
    public ConfigurationException(String message, Throwable cause) {
        super(message, cause);
    }
}
