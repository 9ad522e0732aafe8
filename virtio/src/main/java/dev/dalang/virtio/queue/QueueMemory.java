package dev.dalang.virtio.queue;

import dev.dalang.bus.memory.GuestMemory;

import org.jspecify.annotations.Nullable;

/**
 * The memory that a device's queues and buffers lie in, asked for at each pop and each completion:
 * so that a device loses its access when its driver takes it away (bus mastering of PCI), and finds
 * its rings again when the memory map is another one. Must be cheap, and must give the same object
 * while nothing has changed.
 */
@FunctionalInterface
public interface QueueMemory {
    /**
     * The memory at this moment.
     *
     * @return the memory, or null while the device may not access any
     */
    @Nullable GuestMemory memory();

    /**
     * Memory that the device may always access.
     *
     * @param memory the memory
     * @return that memory, always
     */
    static QueueMemory of(GuestMemory memory) {
        return () -> memory;
    }
}
