package dev.dalang.bus;

/**
 * A closed interval of addresses, never empty and never past the top of its bus. Equal to a range
 * of the same kind, base and size; ordered by base, then size, unsigned.
 */
public sealed interface BusRange extends Comparable<BusRange> permits MmioRange, PioRange {
    /** {@return the first address, unsigned} */
    long base();

    /** {@return the number of addresses, unsigned, at least 1} */
    long size();

    /** {@return the last address, unsigned} */
    default long last() {
        return base() + (size() - 1);
    }

    /**
     * Gives the range of the same size at another base.
     *
     * @param newBase first address, unsigned
     * @return the range
     * @throws BusException if it does not fit there ({@link BusException.Kind#INVALID_RANGE})
     */
    BusRange at(long newBase);

    /**
     * Tells whether an address lies in this range.
     *
     * @param address unsigned
     * @return true if it does
     */
    default boolean contains(long address) {
        return Long.compareUnsigned(address - base(), size() - 1) <= 0;
    }

    /**
     * Tells whether two ranges share an address. Ranges that only touch do not overlap.
     *
     * @param other a range of the same bus
     * @return true if they do
     */
    default boolean overlaps(BusRange other) {
        return Long.compareUnsigned(base(), other.last()) <= 0
                && Long.compareUnsigned(other.base(), last()) <= 0;
    }

    @Override
    default int compareTo(BusRange other) {
        int byBase = Long.compareUnsigned(base(), other.base());
        return byBase != 0 ? byBase : Long.compareUnsigned(size(), other.size());
    }
}
