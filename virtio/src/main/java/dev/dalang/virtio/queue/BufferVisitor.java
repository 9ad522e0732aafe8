package dev.dalang.virtio.queue;

/** Takes the buffers of a chain, one by one. */
@FunctionalInterface
public interface BufferVisitor {
    /**
     * Takes one buffer, or what is left of it. It may lie outside memory.
     *
     * @param address guest physical address, unsigned
     * @param length bytes, 1 to 2^32 - 1
     */
    void buffer(long address, long length);
}
