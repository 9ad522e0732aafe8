package dev.dalang.virtio.queue;

/**
 * What a driver writes to notify a queue, with {@code VIRTIO_F_NOTIFICATION_DATA} (virtio 1.3
 * §2.9): the queue's number in bits 0 to 15, the driver's next offset from bit 16 on, and for a
 * packed ring its wrap counter in bit 31. The place is a hint: the driver may have moved on, or may
 * lie, so a queue looks at its ring all the same.
 *
 * @param value what was written
 */
public record NotificationData(int value) {
    /**
     * The queue that is notified.
     *
     * @return 0 to 65535; may be a queue that does not exist
     */
    public int queue() {
        return value & 0xffff;
    }

    /**
     * Where the driver makes the next buffer available, in a split ring.
     *
     * @return the available index, 0 to 65535
     */
    public int splitNext() {
        return value >>> 16;
    }

    /**
     * Where the driver makes the next buffer available, in a packed ring.
     *
     * @return the offset in the ring, 0 to 32767
     */
    public int packedNext() {
        return value >>> 16 & 0x7fff;
    }

    /**
     * The driver's wrap counter, with a packed ring.
     *
     * @return true for 1
     */
    public boolean packedWrap() {
        return value < 0;
    }
}
