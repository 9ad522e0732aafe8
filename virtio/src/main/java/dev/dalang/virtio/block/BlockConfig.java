package dev.dalang.virtio.block;

import dev.dalang.storage.BlockTopology;

/** The configuration space of a disk (virtio 1.3 §5.2.4). Any thread. */
final class BlockConfig {
    /** Up to what is about erasing for good and about zones, which are not offered. */
    static final int BYTES = 60;

    static final int WRITEBACK = 32;

    /** Buffers of a request, beside header and status. */
    static final int SEG_MAX = 254;

    /** What one buffer holds at most: with so many of them a request stays below 16 MiB. */
    static final int SIZE_MAX = 1 << 16;

    /** Ranges of one discard, or one write of zeros. */
    static final int MAX_RANGES = 64;

    /** Sectors of one range: 1 GiB. */
    static final int MAX_RANGE_SECTORS = 1 << 21;

    private final BlockTopology topology;
    private final int queues;
    private final boolean isReadOnly;

    BlockConfig(BlockTopology topology, int queues, boolean isReadOnly) {
        this.topology = topology;
        this.queues = queues;
        this.isReadOnly = isReadOnly;
    }

    long read(int offset, int size, long capacity, boolean isWriteback) {
        if (offset == 0 && size == Long.BYTES) {
            return capacity; // whole, also while it changes
        }
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            value = value << 8 | read(offset + i, capacity, isWriteback);
        }
        return value;
    }

    private long read(int offset, long capacity, boolean isWriteback) {
        int logical = topology.logicalBlockBytes();
        return switch (offset) {
            case 0, 1, 2, 3, 4, 5, 6, 7 -> part(capacity, offset);
            case 8, 9, 10, 11 -> part(SIZE_MAX, offset - 8);
            case 12, 13, 14, 15 -> part(SEG_MAX, offset - 12);
            case 20, 21, 22, 23 -> part(logical, offset - 20);
            case 24 -> Integer.numberOfTrailingZeros(topology.physicalBlockBytes() / logical);
            case 26, 27 -> part(topology.physicalBlockBytes() / logical, offset - 26);
            case 28, 29, 30, 31 -> part(topology.optimalIoBytes() / logical, offset - 28);
            case WRITEBACK -> isWriteback ? 1 : 0;
            case 34, 35 -> part(queues, offset - 34);
            default -> isReadOnly ? 0 : readOfChanges(offset);
        };
    }

    private long readOfChanges(int offset) {
        return switch (offset) {
            case 36, 37, 38, 39 -> part(MAX_RANGE_SECTORS, offset - 36);
            case 40, 41, 42, 43 -> part(MAX_RANGES, offset - 40);
            case 44, 45, 46, 47 ->
                    part(topology.discardBytes() / BlockTopology.SECTOR_BYTES, offset - 44);
            case 48, 49, 50, 51 -> part(MAX_RANGE_SECTORS, offset - 48);
            case 52, 53, 54, 55 -> part(MAX_RANGES, offset - 52);
            case 56 -> 1; // the space of zeros may be given back
            default -> 0;
        };
    }

    private static long part(long value, int index) {
        return value >>> 8 * index & 0xff;
    }
}
