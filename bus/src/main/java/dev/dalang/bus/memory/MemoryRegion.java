package dev.dalang.bus.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A piece of guest physical memory. Base and size are multiples of {@link GuestMemory#PAGE_BYTES},
 * and the region does not wrap past the top of the address space. A region over a read-only segment
 * is read-only memory.
 *
 * @param base guest physical address of the first byte, unsigned
 * @param segment the bytes: native, accessible from every thread, at an address that is a multiple
 *     of 8; whoever made it ends its life, after the machine's
 * @param padded begins with the segment, and may go on with bytes that belong to nobody: who knows
 *     that an access begins inside the segment may leave it to these to keep it from harm
 * @param backing what the bytes are a shared mapping of, if anything
 */
public record MemoryRegion(
        long base, MemorySegment segment, MemorySegment padded, Optional<MemoryBacking> backing) {
    /** Bytes that {@link #padded} regions have behind their segment. */
    public static final int PADDING = GuestMemory.PAGE_BYTES;

    private static final int PAGE_MASK = GuestMemory.PAGE_BYTES - 1;

    /** Checks what the class comment says. */
    public MemoryRegion {
        long size = segment.byteSize();
        if ((base & PAGE_MASK) != 0 || size == 0 || (size & PAGE_MASK) != 0) {
            throw new IllegalArgumentException(
                    "expected a memory region of whole pages of "
                            + GuestMemory.PAGE_BYTES
                            + " bytes, got "
                            + size
                            + " bytes at 0x"
                            + Long.toHexString(base));
        }
        if (Long.compareUnsigned(base + (size - 1), base) < 0) {
            throw new IllegalArgumentException(
                    "a memory region of "
                            + size
                            + " bytes at 0x"
                            + Long.toHexString(base)
                            + " ends above the 64-bit address space");
        }
        if (!segment.isNative() || (segment.address() & 7) != 0) {
            throw new IllegalArgumentException(
                    "expected a native segment aligned to 8 bytes, got " + segment);
        }
        if (!segment.isAccessibleBy(new Thread())) {
            throw new IllegalArgumentException(
                    "expected a segment that every thread may access, got " + segment);
        }
        if (padded.address() != segment.address() || padded.byteSize() < size) {
            throw new IllegalArgumentException(
                    "expected padding behind " + segment + ", got " + padded);
        }
    }

    /**
     * A region without padding.
     *
     * @param base guest physical address, a multiple of the page size
     * @param segment the bytes
     * @param backing what the bytes are a shared mapping of, if anything
     */
    public MemoryRegion(long base, MemorySegment segment, Optional<MemoryBacking> backing) {
        this(base, segment, segment, backing);
    }

    /**
     * A region without a backing.
     *
     * @param base guest physical address, a multiple of the page size
     * @param segment the bytes
     */
    public MemoryRegion(long base, MemorySegment segment) {
        this(base, segment, Optional.empty());
    }

    /**
     * A region over all but the last {@link #PADDING} bytes of a segment.
     *
     * @param base guest physical address, a multiple of the page size
     * @param padded the bytes, and the padding
     * @param backing what the bytes are a shared mapping of, if anything
     * @return the region
     */
    public static MemoryRegion padded(
            long base, MemorySegment padded, Optional<MemoryBacking> backing) {
        MemorySegment segment = padded.asSlice(0, padded.byteSize() - PADDING);
        return new MemoryRegion(base, segment, padded, backing);
    }

    /**
     * Reserves zeroed memory of which the host pays only what the guest touches.
     *
     * @param base guest physical address, a multiple of the page size
     * @param bytes size, a multiple of the page size
     * @param arena ends the memory's life; shared, so that every thread may access it
     * @return the region
     * @throws IOException if the host refuses so much
     */
    public static MemoryRegion reserve(long base, long bytes, Arena arena) throws IOException {
        return padded(base, SparseMemory.map(bytes + PADDING, arena), Optional.empty());
    }

    /**
     * Size in bytes.
     *
     * @return the size
     */
    public long size() {
        return segment.byteSize();
    }

    /**
     * Guest physical address of the last byte, unsigned.
     *
     * @return the address
     */
    public long last() {
        return base + (segment.byteSize() - 1);
    }

    /**
     * True if nothing may write here: a guest's store is dropped, a device's write is an error.
     *
     * @return true if nothing may write here
     */
    public boolean isReadOnly() {
        return segment.isReadOnly();
    }
}
