package dev.dalang.passthrough;

/**
 * A range of addresses as a device uses them.
 *
 * @param address the first, unsigned
 * @param bytes how many, at least 1
 */
public record DmaRange(long address, long bytes) {
    /** Checks that there is such a range. */
    public DmaRange {
        if (bytes < 1 || Long.compareUnsigned(address + (bytes - 1), address) < 0) {
            throw new IllegalArgumentException(
                    "expected a range of at least a byte, got 0x%x bytes at 0x%x"
                            .formatted(bytes, address));
        }
    }
}
