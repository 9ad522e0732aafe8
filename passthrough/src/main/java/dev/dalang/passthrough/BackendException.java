package dev.dalang.passthrough;

import dev.dalang.linux.Errno;
import dev.dalang.linux.HostIoException;

import java.io.IOException;
import java.util.Locale;

/** A device that lives elsewhere did not do what it was asked for. */
public sealed class BackendException extends IOException permits MigrationException {
    private static final long serialVersionUID = 1L;

    private final String operation;
    private final int errno;
    private final boolean lost;

    /**
     * Makes one for what the device, or the host, answered.
     *
     * @param operation what was asked for, such as {@code map memory at 0x80000000}
     * @param errno the error's number, as Linux has it; 0 if there is none
     * @param detail more about it; may be empty
     */
    public BackendException(String operation, int errno, String detail) {
        this(operation, errno, detail, false);
    }

    private BackendException(String operation, int errno, String detail, boolean lost) {
        super(message(operation, errno, detail));
        this.operation = operation;
        this.errno = errno;
        this.lost = lost;
    }

    private static String message(String operation, int errno, String detail) {
        StringBuilder text = new StringBuilder(operation);
        if (errno != 0) {
            text.append(": ")
                    .append(
                            Errno.of(errno)
                                    .map(known -> known.text() + " (" + known + ")")
                                    .orElse(String.format(Locale.ROOT, "errno %d", errno)));
        }
        return detail.isEmpty() ? text.toString() : text.append(": ").append(detail).toString();
    }

    /**
     * The device is gone, and will not come back by itself.
     *
     * @param operation what was asked for
     * @param why what is known of it; may be empty
     * @return the exception, with {@code ENODEV}
     */
    public static BackendException lost(String operation, String why) {
        return new BackendException(operation, Errno.ENODEV.number(), why, true);
    }

    /**
     * The device cannot do this at all.
     *
     * @param operation what was asked for
     * @return the exception, with {@code EOPNOTSUPP}
     */
    public static BackendException unsupported(String operation) {
        return new BackendException(operation, Errno.EOPNOTSUPP.number(), "");
    }

    /**
     * A call to the host failed.
     *
     * @param operation what was asked for
     * @param failure the call's failure
     * @return the exception, with the call's number
     */
    public static BackendException of(String operation, HostIoException failure) {
        BackendException exception =
                new BackendException(
                        operation, failure.number(), String.valueOf(failure.getMessage()));
        exception.initCause(failure);
        return exception;
    }

    /** {@return what was asked for} */
    public String operation() {
        return operation;
    }

    /** {@return the error's number, as Linux has it; 0 if there is none} */
    public int errno() {
        return errno;
    }

    /** {@return true if the device is gone} */
    public boolean isLost() {
        return lost;
    }
}
