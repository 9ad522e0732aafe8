package dev.dalang.pci;

import dev.dalang.bus.BusRange;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioAddress;
import dev.dalang.bus.PioRange;

import java.util.Optional;

/**
 * The addresses that a function answers through one of its BARs: what a guest wrote there, with
 * decoding on. Aligned to its size, and never past the top of the address space.
 *
 * @param index the BAR, 0..5, or {@link PciBar#ROM}
 * @param space which bus
 * @param base first address, unsigned
 * @param size number of bytes, unsigned, a power of two
 */
public record BarRange(int index, Space space, long base, long size) {
    /** The two address spaces that a BAR can be in. */
    public enum Space {
        /** Memory. */
        MEMORY,
        /** Ports. */
        IO
    }

    /** {@return the last address, unsigned} */
    public long last() {
        return base + (size - 1);
    }

    /**
     * Tells whether an access lies whole in this range.
     *
     * @param address first byte, unsigned
     * @param bytes number of bytes, at least 1
     * @return true if it does
     */
    public boolean contains(long address, int bytes) {
        long offset = address - base;
        return Long.compareUnsigned(offset, size - 1) <= 0
                && Long.compareUnsigned(size - offset, bytes) >= 0;
    }

    /**
     * Tells whether two ranges of the same space share an address.
     *
     * @param other another range
     * @return true if they do
     */
    public boolean overlaps(BarRange other) {
        return space == other.space
                && Long.compareUnsigned(base, other.last()) <= 0
                && Long.compareUnsigned(other.base, last()) <= 0;
    }

    /**
     * {@return the range on the bus} Empty for ports above 0xffff: an I/O BAR holds 32 bits, and a
     * guest may write what no bus has.
     */
    public Optional<BusRange> busRange() {
        if (space == Space.MEMORY) {
            return Optional.of(new MmioRange(base, size));
        }
        return last() <= PioAddress.MAX_VALUE
                ? Optional.of(new PioRange(base, size))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return PciBar.name(index)
                + (space == Space.IO ? " ports 0x" : " at 0x")
                + Long.toHexString(base)
                + "..0x"
                + Long.toHexString(last());
    }
}
