package dev.dalang.devices.nvme;

import dev.dalang.storage.BlockBackend;

/**
 * The one namespace there is: the whole of the disk, in blocks of the size that it was formatted
 * to. Any thread.
 */
final class NvmeNamespace {
    static final int ID = 1;
    static final int ALL = 0xffff_ffff;

    /** The sizes of blocks that are offered, where the disk has none that are larger. */
    private static final int[] SHIFTS = {9, 12};

    private final BlockBackend backend;
    private final int[] shifts;
    private volatile int format;
    private volatile boolean isFormatting;

    /**
     * Makes it of a disk.
     *
     * @param blockBytes the size of blocks at first; 0 for the smallest that there is
     * @throws IllegalArgumentException if the disk cannot have such blocks
     */
    NvmeNamespace(BlockBackend backend, int blockBytes) {
        this.backend = backend;
        shifts = shifts(Integer.numberOfTrailingZeros(backend.topology().logicalBlockBytes()));
        format = blockBytes == 0 ? 0 : formatOf(blockBytes);
    }

    private static int[] shifts(int least) {
        int count = 0;
        for (int shift : SHIFTS) {
            count += shift >= least ? 1 : 0;
        }
        int[] possible = new int[Math.max(count, 1)];
        possible[0] = least;
        System.arraycopy(SHIFTS, SHIFTS.length - count, possible, 0, count);
        return possible;
    }

    private int formatOf(int blockBytes) {
        for (int n = 0; n < shifts.length; n++) {
            if (1 << shifts[n] == blockBytes) {
                return n;
            }
        }
        throw new IllegalArgumentException(
                "blocks: expected 512 or 4096 bytes, and no less than the disk's %d, got %d"
                        .formatted(backend.topology().logicalBlockBytes(), blockBytes));
    }

    BlockBackend backend() {
        return backend;
    }

    int formats() {
        return shifts.length;
    }

    int shift(int ofFormat) {
        return shifts[ofFormat];
    }

    int format() {
        return format;
    }

    void format(int chosen) {
        format = chosen;
    }

    int shift() {
        return shifts[format];
    }

    /** How many blocks there are; what is left of the disk is not used. */
    long blocks() {
        return backend.sizeBytes() >>> shift();
    }

    /** True if there are such blocks. */
    boolean has(long block, long count) {
        long all = blocks();
        return Long.compareUnsigned(block, all) <= 0
                && Long.compareUnsigned(count, all - block) <= 0;
    }

    boolean isReadOnly() {
        return backend.isReadOnly();
    }

    boolean isFormatting() {
        return isFormatting;
    }

    void formatting(boolean now) {
        isFormatting = now;
    }
}
