package dev.dalang.remote;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;

import java.lang.foreign.MemorySegment;

/**
 * Memory that a device reaches by messages. Addresses are those of the device, unsigned, inside of
 * what was mapped for it. Called by one thread of the client's; it should not wait.
 */
public interface DmaMemory {
    /**
     * Reads memory.
     *
     * @param address the first address
     * @param target where the bytes go
     * @throws GuestMemoryException if not every byte can be read
     */
    void read(long address, MemorySegment target);

    /**
     * Writes memory.
     *
     * @param address the first address
     * @param source where the bytes come from
     * @throws GuestMemoryException if not every byte can be written
     */
    void write(long address, MemorySegment source);

    /**
     * A guest's memory, whose addresses the device uses.
     *
     * @param memory the memory
     * @return it for a device
     */
    static DmaMemory of(GuestMemory memory) {
        return new DmaMemory() {
            @Override
            public void read(long address, MemorySegment target) {
                memory.copyOut(address, target);
            }

            @Override
            public void write(long address, MemorySegment source) {
                memory.copyIn(address, source);
            }
        };
    }
}
