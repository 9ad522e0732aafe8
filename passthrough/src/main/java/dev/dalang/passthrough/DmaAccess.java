package dev.dalang.passthrough;

import dev.dalang.bus.memory.GuestMemoryException;

import java.lang.foreign.MemorySegment;

/**
 * Reads and writes memory for a device that cannot map it. Any thread. Addresses are those of the
 * device.
 */
public interface DmaAccess {
    /**
     * Reads memory.
     *
     * @param address the first address, unsigned
     * @param target where the bytes go
     * @throws GuestMemoryException if not every byte may be read
     */
    void read(long address, MemorySegment target);

    /**
     * Writes memory.
     *
     * @param address the first address, unsigned
     * @param source where the bytes come from
     * @throws GuestMemoryException if not every byte may be written; then none is
     */
    void write(long address, MemorySegment source);
}
