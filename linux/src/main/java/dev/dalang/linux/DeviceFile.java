package dev.dalang.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Files of devices that are told what to do by control calls (ioctl), and whose registers are read
 * and written at offsets. What the calls mean is the caller's business. Any thread.
 */
public final class DeviceFile {
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x8_0000;

    private DeviceFile() {}

    /**
     * Opens a file for reading and writing.
     *
     * @param path its path
     * @return the descriptor
     * @throws HostIoException if it cannot be opened
     */
    public static Descriptor open(String path) throws HostIoException {
        int number;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocateFrom(path);
            do {
                number = Calls.open(name, O_RDWR | O_CLOEXEC, 0);
            } while (number < 0 && Calls.errno() == Errno.EINTR.number());
        }
        if (number < 0) {
            throw new HostIoException("open", path, Calls.errno());
        }
        return Descriptor.of(number, path);
    }

    /**
     * Makes a control call.
     *
     * @param descriptor the file
     * @param call the call's name, for messages
     * @param request its number
     * @param argument native memory that the call reads or writes; or, of calls that take a number,
     *     {@link MemorySegment#ofAddress} of it
     * @return what the call gives, at least 0
     * @throws HostIoException if it fails
     */
    public static int control(
            Descriptor descriptor, String call, long request, MemorySegment argument)
            throws HostIoException {
        int number = descriptor.acquire();
        try {
            int result;
            do {
                result = Calls.ioctl(number, request, argument);
            } while (result < 0 && Calls.errno() == Errno.EINTR.number());
            if (result < 0) {
                throw new HostIoException(call, descriptor.subject(), Calls.errno());
            }
            return result;
        } finally {
            descriptor.release();
        }
    }

    /**
     * Reads at an offset, in one call.
     *
     * @param descriptor the file
     * @param offset where
     * @param target native memory for the bytes
     * @throws HostIoException if it fails; {@link Errno#EIO} if fewer bytes came
     */
    public static void read(Descriptor descriptor, long offset, MemorySegment target)
            throws HostIoException {
        int number = descriptor.acquire();
        try {
            long count = Calls.pread(number, target, target.byteSize(), offset);
            require("pread", descriptor, count, target.byteSize());
        } finally {
            descriptor.release();
        }
    }

    /**
     * Writes at an offset, in one call.
     *
     * @param descriptor the file
     * @param offset where
     * @param source native memory with the bytes
     * @throws HostIoException if it fails; {@link Errno#EIO} if fewer bytes were taken
     */
    public static void write(Descriptor descriptor, long offset, MemorySegment source)
            throws HostIoException {
        int number = descriptor.acquire();
        try {
            long count = Calls.pwrite(number, source, source.byteSize(), offset);
            require("pwrite", descriptor, count, source.byteSize());
        } finally {
            descriptor.release();
        }
    }

    private static void require(String call, Descriptor descriptor, long count, long bytes)
            throws HostIoException {
        if (count != bytes) {
            int errno = count < 0 ? Calls.errno() : Errno.EIO.number();
            throw new HostIoException(call, descriptor.subject(), errno);
        }
    }
}
