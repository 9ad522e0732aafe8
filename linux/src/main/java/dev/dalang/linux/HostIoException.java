package dev.dalang.linux;

import java.io.IOException;
import java.util.Optional;

/** A call to the host failed. */
public final class HostIoException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final String subject;
    private final int number;

    HostIoException(String call, String subject, int number) {
        super(message(call, subject, number));
        this.call = call;
        this.subject = subject;
        this.number = number;
    }

    private static String message(String call, String subject, int number) {
        return Errno.of(number)
                .map(errno -> "%s: %s (%s, %s)".formatted(subject, errno.text(), call, errno))
                .orElseGet(() -> "%s: errno %d (%s)".formatted(subject, number, call));
    }

    /** {@return the name of the call, such as {@code fallocate}} */
    public String call() {
        return call;
    }

    /** {@return what it was about: a path, as a rule} */
    public String subject() {
        return subject;
    }

    /** {@return the number that {@code errno} had} */
    public int number() {
        return number;
    }

    /** {@return what {@code errno} was; empty if it is not one of {@link Errno}} */
    public Optional<Errno> errno() {
        return Errno.of(number);
    }

    /**
     * Tells whether it failed in a certain way.
     *
     * @param candidates the ways
     * @return true if it was one of them
     */
    public boolean is(Errno... candidates) {
        for (Errno candidate : candidates) {
            if (candidate.number() == number) {
                return true;
            }
        }
        return false;
    }

    /** {@return true if the kernel, the file system or the device cannot do it at all} */
    public boolean isUnsupported() {
        return is(Errno.EOPNOTSUPP, Errno.ENOSYS, Errno.ENOTTY);
    }
}
