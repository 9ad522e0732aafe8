package dev.dalang.bus;

/**
 * A range of guest physical addresses. It may end with the topmost address; all 2^64 addresses are
 * more than one range can hold.
 *
 * @param base the first address, unsigned
 * @param size the number of bytes, unsigned, at least 1
 */
public record MmioRange(long base, long size) implements BusRange {
    /**
     * Checks the range.
     *
     * @throws BusException if the size is 0 or the range does not fit below 2^64 ({@link
     *     BusException.Kind#INVALID_RANGE})
     */
    public MmioRange {
        if (size == 0 || Long.compareUnsigned(base + (size - 1), base) < 0) {
            throw BusException.invalidRange(base, size, -1L);
        }
    }

    /**
     * Gives the range of one byte.
     *
     * @param address its address
     * @return the range
     */
    public static MmioRange unit(MmioAddress address) {
        return new MmioRange(address.value(), 1);
    }

    @Override
    public MmioRange at(long newBase) {
        return new MmioRange(newBase, size);
    }

    @Override
    public String toString() {
        return "mmio " + Numbers.range(base, last());
    }
}
