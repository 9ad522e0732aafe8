package dev.dalang.bus.memory;

import java.lang.foreign.MemorySegment;

/**
 * A piece of guest physical memory.
 *
 * @param base guest physical address of the first byte, unsigned
 * @param segment the bytes, native and shared between threads
 */
public record MemoryRegion(long base, MemorySegment segment) {
    /** {@return the size in bytes} */
    public long size() {
        return segment.byteSize();
    }
}
