package dev.dalang.bus;

/**
 * A range of ports. It may hold all 65,536.
 *
 * @param base the first port, 0..0xffff
 * @param size the number of ports, at least 1
 */
public record PioRange(long base, long size) implements BusRange {
    /**
     * Checks the range.
     *
     * @throws BusException if the size is 0 or the range does not fit below 2^16 ({@link
     *     BusException.Kind#INVALID_RANGE})
     */
    public PioRange {
        if (base < 0
                || base > PioAddress.MAX_VALUE
                || size <= 0
                || size - 1 > PioAddress.MAX_VALUE - base) {
            throw BusException.invalidRange(base, size, PioAddress.MAX_VALUE);
        }
    }

    /**
     * Gives the range of one port.
     *
     * @param address the port
     * @return the range
     */
    public static PioRange unit(PioAddress address) {
        return new PioRange(address.value(), 1);
    }

    @Override
    public PioRange at(long newBase) {
        return new PioRange(newBase, size);
    }

    @Override
    public String toString() {
        return "ports " + Numbers.range(base, last());
    }
}
