package dev.dalang.virtio.queue;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.virtio.VirtioFeatures;

/**
 * Where a queue lies, as its driver has said, and what was negotiated.
 *
 * @param queue the queue's index
 * @param size the number of entries, valid for the layout
 * @param descriptorAddress guest physical address of the descriptor area, aligned
 * @param driverAddress guest physical address of the driver area, aligned
 * @param deviceAddress guest physical address of the device area, aligned
 * @param features the negotiated features
 */
record QueueAreas(
        int queue,
        int size,
        long descriptorAddress,
        long driverAddress,
        long deviceAddress,
        long features) {

    /** The areas in a memory. */
    record Bound(GuestMemory memory, RingArea descriptors, RingArea driver, RingArea device) {}

    boolean isPacked() {
        return (features & VirtioFeatures.VIRTIO_F_RING_PACKED) != 0;
    }

    boolean hasEventIdx() {
        return (features & VirtioFeatures.VIRTIO_F_EVENT_IDX) != 0;
    }

    boolean hasIndirect() {
        return (features & VirtioFeatures.VIRTIO_F_INDIRECT_DESC) != 0;
    }

    boolean isInOrder() {
        return (features & VirtioFeatures.VIRTIO_F_IN_ORDER) != 0;
    }

    /** Bytes of the descriptor table or ring. */
    long descriptorBytes() {
        return (long) AbstractQueue.DESCRIPTOR_BYTES * size;
    }

    /** Bytes of the available ring with its event index, or of the driver event suppression. */
    long driverBytes() {
        return isPacked() ? PackedQueue.EVENT_BYTES : 6 + 2L * size;
    }

    /** Bytes of the used ring with its event index, or of the device event suppression. */
    long deviceBytes() {
        return isPacked() ? PackedQueue.EVENT_BYTES : 6 + 8L * size;
    }

    /** Finds the areas in memory; a QueueException if they are not. */
    Bound bind(GuestMemory memory) {
        RingArea descriptors =
                RingArea.of(memory, descriptorAddress, descriptorBytes(), isPacked());
        if (descriptors == null) {
            throw unmapped(
                    QueueError.DESCRIPTOR_AREA_UNMAPPED, descriptorBytes(), descriptorAddress);
        }
        RingArea driver = RingArea.of(memory, driverAddress, driverBytes(), false);
        if (driver == null) {
            throw unmapped(QueueError.DRIVER_AREA_UNMAPPED, driverBytes(), driverAddress);
        }
        RingArea device = RingArea.of(memory, deviceAddress, deviceBytes(), true);
        if (device == null) {
            throw unmapped(QueueError.DEVICE_AREA_UNMAPPED, deviceBytes(), deviceAddress);
        }
        return new Bound(memory, descriptors, driver, device);
    }

    private QueueException unmapped(QueueError error, long bytes, long address) {
        return new QueueException(queue, error, bytes + " bytes at 0x" + Long.toHexString(address));
    }
}
