package dev.dalang.testkit.virtio;

import dev.dalang.bus.memory.GuestMemory;

/** Hands out guest memory from a range, upwards, for rings and buffers; never twice the same. */
public final class GuestHeap {
    private final GuestMemory memory;
    private final long end;
    private long next;

    /**
     * A heap over a range of memory.
     *
     * @param memory the memory
     * @param base guest physical address of the range
     * @param bytes its length
     */
    public GuestHeap(GuestMemory memory, long base, long bytes) {
        if (!memory.isWritable(base, bytes)) {
            throw new IllegalArgumentException(
                    bytes + " bytes at 0x" + Long.toHexString(base) + " are not memory");
        }
        this.memory = memory;
        this.next = base;
        this.end = base + bytes;
    }

    /**
     * The memory that the heap lies in.
     *
     * @return the memory
     */
    public GuestMemory memory() {
        return memory;
    }

    /**
     * Takes some bytes.
     *
     * @param bytes how many
     * @param alignment a power of two
     * @return guest physical address of the first
     * @throws IllegalStateException if there are not so many left
     */
    public long take(long bytes, long alignment) {
        long address = (next + alignment - 1) & -alignment;
        if (bytes > end - address) {
            throw new IllegalStateException(
                    "the heap has " + (end - address) + " bytes left, not " + bytes);
        }
        next = address + bytes;
        return address;
    }

    /**
     * Takes a buffer that the device reads, and fills it.
     *
     * @param content what the device reads
     * @return the buffer
     */
    public DriverBuffer readable(byte... content) {
        long address = take(content.length, 16);
        memory.copyIn(address, content);
        return DriverBuffer.readable(address, content.length);
    }

    /**
     * Takes a buffer that the device writes.
     *
     * @param bytes its length
     * @return the buffer
     */
    public DriverBuffer writable(int bytes) {
        return DriverBuffer.writable(take(bytes, 16), bytes);
    }
}
