package dev.dalang.virtio;

import java.lang.foreign.MemorySegment;

/** Puts memory into a device's shared memory region, where the guest then finds it. Any thread. */
public interface SharedMemoryMapper {
    /**
     * Maps memory. Where nothing is mapped, a guest reads all ones and its stores are dropped.
     *
     * @param offset where in the region
     * @param memory native memory that every thread may access; it stays alive until it is removed
     * @param isWritable whether the guest may store to it
     * @throws VirtioException if it does not lie whole inside the region, or on top of what is
     *     mapped
     */
    void addMapping(long offset, MemorySegment memory, boolean isWritable);

    /**
     * Takes memory out again. When this returns, no access is inside.
     *
     * @param offset where it was mapped
     * @throws VirtioException if nothing was mapped there
     */
    void removeMapping(long offset);
}
