package dev.dalang.linux;

import java.util.Optional;

/** The values of {@code errno} that mean something to somebody here; the numbers are Linux's. */
public enum Errno {
    /** Operation not permitted. */
    EPERM(1, "operation not permitted"),
    /** No such file or directory. */
    ENOENT(2, "no such file or directory"),
    /** Interrupted system call. */
    EINTR(4, "interrupted"),
    /** Input or output error. */
    EIO(5, "input/output error"),
    /** No such device or address. */
    ENXIO(6, "no such device or address"),
    /** Bad file descriptor. */
    EBADF(9, "bad file descriptor"),
    /** Try again. */
    EAGAIN(11, "try again"),
    /** Out of memory. */
    ENOMEM(12, "out of memory"),
    /** Permission denied. */
    EACCES(13, "permission denied"),
    /** Bad address. */
    EFAULT(14, "bad address"),
    /** Device or resource busy. */
    EBUSY(16, "device or resource busy"),
    /** File exists. */
    EEXIST(17, "file exists"),
    /** No such device. */
    ENODEV(19, "no such device"),
    /** Not a directory. */
    ENOTDIR(20, "not a directory"),
    /** Is a directory. */
    EISDIR(21, "is a directory"),
    /** Invalid argument. */
    EINVAL(22, "invalid argument"),
    /** Too many open files in the system. */
    ENFILE(23, "too many open files in the system"),
    /** Too many open files. */
    EMFILE(24, "too many open files"),
    /** Inappropriate ioctl for the device. */
    ENOTTY(25, "inappropriate ioctl for the device"),
    /** Text file busy. */
    ETXTBSY(26, "file is being executed"),
    /** File too large. */
    EFBIG(27, "file too large"),
    /** No space left on device. */
    ENOSPC(28, "no space left on device"),
    /** Illegal seek. */
    ESPIPE(29, "illegal seek"),
    /** Read-only file system. */
    EROFS(30, "read-only file system"),
    /** Broken pipe. */
    EPIPE(32, "the other end is closed"),
    /** Resource deadlock avoided. */
    EDEADLK(35, "deadlock avoided"),
    /** File name too long. */
    ENAMETOOLONG(36, "file name too long"),
    /** No locks available. */
    ENOLCK(37, "no locks available"),
    /** Function not implemented. */
    ENOSYS(38, "not implemented"),
    /** Too many levels of symbolic links. */
    ELOOP(40, "too many symbolic links"),
    /** File descriptor in bad state. */
    EBADFD(77, "file descriptor in bad state"),
    /** Operation not supported. */
    EOPNOTSUPP(95, "operation not supported"),
    /** Address already in use. */
    EADDRINUSE(98, "address already in use"),
    /** Software caused connection abort. */
    ECONNABORTED(103, "the other end went away"),
    /** Connection reset by peer. */
    ECONNRESET(104, "connection reset by the other end"),
    /** Transport endpoint is not connected. */
    ENOTCONN(107, "not connected"),
    /** Connection timed out. */
    ETIMEDOUT(110, "the other end takes too long"),
    /** Connection refused. */
    ECONNREFUSED(111, "connection refused"),
    /** Disk quota exceeded. */
    EDQUOT(122, "disk quota exceeded"),
    /** No medium found. */
    ENOMEDIUM(123, "no medium found");

    private final int number;
    private final String text;

    Errno(int number, String text) {
        this.number = number;
        this.text = text;
    }

    /** {@return the number} */
    public int number() {
        return number;
    }

    /** {@return what it means, in a few words} */
    public String text() {
        return text;
    }

    /**
     * Finds a value by its number.
     *
     * @param number of {@code errno}
     * @return the value; empty if it is not known here
     */
    public static Optional<Errno> of(int number) {
        for (Errno errno : values()) {
            if (errno.number == number) {
                return Optional.of(errno);
            }
        }
        return Optional.empty();
    }
}
