package dev.dalang.virtio;

/**
 * A region of memory that a device shares with its driver (virtio 1.3 §2.10).
 *
 * @param id the region's id, 0 to 255, which the type of device gives a meaning
 * @param bytes its length, at least 1; the driver sees it, whatever is mapped
 */
public record SharedMemoryRegion(int id, long bytes) {
    /** The greatest length: 2 to the power of 46. */
    public static final long MAX_BYTES = 1L << 46;

    /**
     * Checks the values.
     *
     * @throws VirtioException if one is out of range
     */
    public SharedMemoryRegion {
        if (id < 0 || id > 0xff || bytes < 1 || bytes > MAX_BYTES) {
            throw new VirtioException(
                    "expected a shared memory region with an id of 0..255 and 1..%d bytes, got"
                                    .formatted(MAX_BYTES)
                            + " id %d and %d bytes".formatted(id, bytes));
        }
    }
}
