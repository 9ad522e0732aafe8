package dev.dalang.storage;

/**
 * In what a disk reads and writes best. All are powers of two, in bytes.
 *
 * @param logicalBlockBytes the least that can be addressed, 512 or more
 * @param physicalBlockBytes what is written at once, without being read before; a multiple of the
 *     logical block
 * @param optimalIoBytes the best size of large requests; a multiple of the physical block, or 0 if
 *     none is better than others
 * @param discardBytes what discarded ranges are best multiples of, at least a logical block
 */
public record BlockTopology(
        int logicalBlockBytes, int physicalBlockBytes, int optimalIoBytes, int discardBytes) {
    /** The smallest block: what disks count in. */
    public static final int SECTOR_BYTES = 512;

    /** The largest block that is accepted. */
    public static final int MAX_BLOCK_BYTES = 1 << 24;

    /** Checks what the record's comment says. */
    public BlockTopology {
        require("logicalBlockBytes", logicalBlockBytes, SECTOR_BYTES);
        require("physicalBlockBytes", physicalBlockBytes, logicalBlockBytes);
        if (optimalIoBytes != 0) {
            require("optimalIoBytes", optimalIoBytes, physicalBlockBytes);
        }
        require("discardBytes", discardBytes, logicalBlockBytes);
    }

    private static void require(String name, int bytes, int least) {
        if (bytes < least || bytes > MAX_BLOCK_BYTES || Integer.bitCount(bytes) != 1) {
            throw new IllegalArgumentException(
                    "%s: expected a power of two of %d..%d bytes, got %d"
                            .formatted(name, least, MAX_BLOCK_BYTES, bytes));
        }
    }
}
