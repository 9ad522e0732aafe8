package dev.dalang.vm;

/**
 * A text that was awaited on a console did not come: the time was over, or the console was closed.
 * The message names the text, the time, and the last lines that the guest wrote.
 */
public final class ConsoleTimeoutException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message names the text, the time and the guest's last lines
     */
    public ConsoleTimeoutException(String message) {
        super(message);
    }
}
