package dev.dalang.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory of this process alone, in pages as large as the host gives. What a guest does with its
 * memory costs much less in pages of two megabytes than in those of four kilobytes.
 */
public final class PrivateMemory {
    private static final long LARGE_PAGE = 2L << 20;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MADV_HUGEPAGE = 14;

    private PrivateMemory() {}

    /**
     * Maps zeroed memory of which the host pays what is touched, in its pages.
     *
     * @param bytes its size, at least 1
     * @param arena the memory's life; it is unmapped when it is closed
     * @return the memory, for all threads, at a multiple of two megabytes
     * @throws HostIoException if the host refuses so much
     */
    public static MemorySegment map(long bytes, Arena arena) throws HostIoException {
        if (bytes < 1) {
            throw new IllegalArgumentException("expected at least a byte, got " + bytes);
        }
        long whole = bytes + LARGE_PAGE;
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        long mapped = SocketCalls.mmap(0, whole, PROT_READ_WRITE, flags, -1, 0);
        if (mapped == -1) {
            throw new HostIoException("mmap", "%d bytes of memory".formatted(bytes), Calls.errno());
        }
        long address = mapped + LARGE_PAGE - 1 & -LARGE_PAGE;
        // A kernel that has no large pages, or gives none, says so; then there are small ones.
        SocketCalls.madvise(address, bytes, MADV_HUGEPAGE);
        return SharedMemory.view(address, bytes, mapped, whole, arena);
    }
}
