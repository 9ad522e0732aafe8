package dev.dalang.virtio.block;

/** The feature bits of the block device, as masks (virtio 1.3 §5.2.3). */
public final class VirtioBlockFeatures {
    /** The configuration has the greatest length of a buffer. */
    public static final long VIRTIO_BLK_F_SIZE_MAX = 1L << 1;

    /** The configuration has the greatest number of buffers of a request. */
    public static final long VIRTIO_BLK_F_SEG_MAX = 1L << 2;

    /**
     * The configuration has cylinders, heads and sectors. Not offered: disks have had none since.
     */
    public static final long VIRTIO_BLK_F_GEOMETRY = 1L << 4;

    /** The disk is read-only. */
    public static final long VIRTIO_BLK_F_RO = 1L << 5;

    /** The configuration has the size of a block. */
    public static final long VIRTIO_BLK_F_BLK_SIZE = 1L << 6;

    /** The driver may ask that what was written be made durable. */
    public static final long VIRTIO_BLK_F_FLUSH = 1L << 9;

    /** The configuration has the sizes that suit the disk best. */
    public static final long VIRTIO_BLK_F_TOPOLOGY = 1L << 10;

    /** The driver may choose between writing back and writing through. */
    public static final long VIRTIO_BLK_F_CONFIG_WCE = 1L << 11;

    /** There are several queues. */
    public static final long VIRTIO_BLK_F_MQ = 1L << 12;

    /** The driver may say which sectors it does not need. */
    public static final long VIRTIO_BLK_F_DISCARD = 1L << 13;

    /** The driver may have sectors made zero. */
    public static final long VIRTIO_BLK_F_WRITE_ZEROES = 1L << 14;

    private VirtioBlockFeatures() {}

    static boolean has(long features, long mask) {
        return (features & mask) == mask;
    }

    /** What a disk offers. */
    static long offered(boolean isReadOnly, boolean hasQueues) {
        long always =
                VIRTIO_BLK_F_SIZE_MAX
                        | VIRTIO_BLK_F_SEG_MAX
                        | VIRTIO_BLK_F_BLK_SIZE
                        | VIRTIO_BLK_F_FLUSH
                        | VIRTIO_BLK_F_TOPOLOGY
                        | VIRTIO_BLK_F_CONFIG_WCE;
        long changes = VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES;
        return always
                | (isReadOnly ? VIRTIO_BLK_F_RO : changes)
                | (hasQueues ? VIRTIO_BLK_F_MQ : 0);
    }
}
