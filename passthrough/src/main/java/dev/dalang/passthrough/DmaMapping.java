package dev.dalang.passthrough;

import dev.dalang.bus.memory.MemoryBacking;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Memory that a device may reach.
 *
 * @param address the first address, as the device uses it; unsigned
 * @param memory the bytes: native, accessible from every thread; they live longer than the mapping
 * @param backing what the bytes are a shared mapping of: a descriptor and an offset to hand to
 *     another process. Empty if they are this process's alone; a device in another process then
 *     asks for them, message by message
 * @param isReadable true if the device may read
 * @param isWritable true if the device may write
 * @param access how bytes are read and written for a device that asks, message by message
 */
public record DmaMapping(
        long address,
        MemorySegment memory,
        Optional<MemoryBacking> backing,
        boolean isReadable,
        boolean isWritable,
        DmaAccess access) {
    /** Checks that there is memory, and that it does not wrap. */
    public DmaMapping {
        long size = memory.byteSize();
        if (size == 0 || Long.compareUnsigned(address + (size - 1), address) < 0) {
            throw new IllegalArgumentException(
                    "expected memory that ends inside the address space, got 0x%x bytes at 0x%x"
                            .formatted(size, address));
        }
        if (!isReadable && !isWritable) {
            throw new IllegalArgumentException(
                    "expected memory that can be read or written, at 0x%x".formatted(address));
        }
    }

    /** {@return bytes of the mapping} */
    public long bytes() {
        return memory.byteSize();
    }

    /** {@return the last address, unsigned} */
    public long last() {
        return address + (memory.byteSize() - 1);
    }
}
