package dev.dalang.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory that several processes see. A view of it ends with its own arena, after which an access is
 * an exception and not the end of the process. A peer that makes the file smaller makes an access
 * fail with an {@link InternalError}.
 */
public final class SharedMemory {
    private static final int MFD_CLOEXEC = 1;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;

    private SharedMemory() {}

    /**
     * Makes memory without a name in any file system, all zeros.
     *
     * @param subject what it is, for messages
     * @param bytes its size, at least 1
     * @return the descriptor, to be mapped here and sent to others
     * @throws HostIoException if the host refuses
     */
    public static Descriptor create(String subject, long bytes) throws HostIoException {
        if (bytes < 1) {
            throw new IllegalArgumentException("expected at least a byte, got " + bytes);
        }
        int number;
        try (Arena arena = Arena.ofConfined()) {
            number = SocketCalls.memfdCreate(arena.allocateFrom("dalang"), MFD_CLOEXEC);
        }
        if (number < 0) {
            throw new HostIoException("memfd_create", subject, Calls.errno());
        }
        Descriptor made = Descriptor.of(number, subject);
        if (Calls.ftruncate(number, bytes) < 0) {
            int errno = Calls.errno();
            made.close();
            throw new HostIoException("ftruncate", subject, errno);
        }
        return made;
    }

    /**
     * Maps a part of it. The descriptor may be closed afterwards.
     *
     * @param descriptor of the memory, or of any file that can be mapped
     * @param offset where the part begins, a multiple of the page size
     * @param bytes of the part, at least 1
     * @param isWritable false for a view that is only read
     * @param arena the view's life; memory is unmapped when it is closed
     * @return the view
     * @throws HostIoException if the host refuses
     */
    public static MemorySegment map(
            Descriptor descriptor, long offset, long bytes, boolean isWritable, Arena arena)
            throws HostIoException {
        if (bytes < 1 || offset < 0) {
            throw new IllegalArgumentException(
                    "expected at least a byte from 0 on, got %d from %d".formatted(bytes, offset));
        }
        int number = descriptor.acquire();
        long address;
        try {
            int access = isWritable ? PROT_READ | PROT_WRITE : PROT_READ;
            address = SocketCalls.mmap(0, bytes, access, MAP_SHARED, number, offset);
            if (address == -1) {
                throw new HostIoException("mmap", descriptor.subject(), Calls.errno());
            }
        } finally {
            descriptor.release();
        }
        MemorySegment view = view(address, bytes, address, bytes, arena);
        return isWritable ? view : view.asReadOnly();
    }

    /**
     * The only place that makes memory of an address: of what the kernel has just mapped, or of a
     * part of it.
     */
    @SuppressWarnings("restricted")
    static MemorySegment view(
            long address, long bytes, long mapped, long mappedBytes, Arena arena) {
        return MemorySegment.ofAddress(address)
                .reinterpret(bytes, arena, view -> SocketCalls.munmap(mapped, mappedBytes));
    }
}
