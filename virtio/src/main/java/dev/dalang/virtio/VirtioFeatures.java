package dev.dalang.virtio;

/**
 * The feature bits that belong to the transport and the queues, as masks (virtio 1.3 §6). Bits 0 to
 * 23 and 50 to 63 are the device's own.
 */
public final class VirtioFeatures {
    /** A descriptor may point to a table of descriptors. */
    public static final long VIRTIO_F_INDIRECT_DESC = 1L << 28;

    /** Each side says at which index it next wants to hear of progress. */
    public static final long VIRTIO_F_EVENT_IDX = 1L << 29;

    /** The device follows virtio 1.0 or later. Dalang offers it always, and demands it. */
    public static final long VIRTIO_F_VERSION_1 = 1L << 32;

    /**
     * The device reaches memory as the platform's other devices do, behind an IOMMU if there is
     * one.
     */
    public static final long VIRTIO_F_ACCESS_PLATFORM = 1L << 33;

    /** Packed virtqueues (virtio 1.3 §2.8). */
    public static final long VIRTIO_F_RING_PACKED = 1L << 34;

    /** The device uses buffers in the order in which they were made available. */
    public static final long VIRTIO_F_IN_ORDER = 1L << 35;

    /** Memory is ordered as the platform orders it for devices. */
    public static final long VIRTIO_F_ORDER_PLATFORM = 1L << 36;

    /** The device has single root I/O virtualization. */
    public static final long VIRTIO_F_SR_IOV = 1L << 37;

    /** A notification carries the driver's place in the queue (virtio 1.3 §4.1.5.2). */
    public static final long VIRTIO_F_NOTIFICATION_DATA = 1L << 38;

    /** The device tells the driver which value to notify a queue with. */
    public static final long VIRTIO_F_NOTIF_CONFIG_DATA = 1L << 39;

    /** The driver may reset one queue alone (virtio 1.3 §2.6.1). */
    public static final long VIRTIO_F_RING_RESET = 1L << 40;

    /** The device has administration queues. */
    public static final long VIRTIO_F_ADMIN_VQ = 1L << 41;

    /** The driver may suspend the device through its status (virtio 1.3 §3.4). */
    public static final long VIRTIO_F_SUSPEND = 1L << 42;

    /** The bits that are the transport's and the queues', 24 to 49 (virtio 1.3 §6). */
    public static final long TRANSPORT = (1L << 50) - (1L << 24);

    /** What a transport of ours offers unless it is told otherwise. */
    public static final long STANDARD =
            VIRTIO_F_INDIRECT_DESC
                    | VIRTIO_F_EVENT_IDX
                    | VIRTIO_F_VERSION_1
                    | VIRTIO_F_RING_RESET
                    | VIRTIO_F_SUSPEND;

    private VirtioFeatures() {}
}
