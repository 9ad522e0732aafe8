package dev.dalang.bus.resource;

import dev.dalang.bus.resource.AllocationException.Kind;

import java.util.Map;
import java.util.TreeMap;

/**
 * Gives out disjoint ranges of a space of unsigned numbers: addresses, ports, or ids where several
 * must follow each other. Any thread.
 */
public final class AddressAllocator {
    private final String what;
    private final long base;
    private final long last;

    /** The holes: first address to last address, ordered unsigned. */
    private final TreeMap<Long, Long> free = new TreeMap<>(Long::compareUnsigned);

    /** What is given out, in the same form. */
    private final TreeMap<Long, Long> taken = new TreeMap<>(Long::compareUnsigned);

    private AddressAllocator(String what, long base, long last) {
        this.what = what;
        this.base = base;
        this.last = last;
        free.put(base, last);
    }

    /**
     * Makes an allocator.
     *
     * @param what the space's name, for messages
     * @param base its first address, unsigned
     * @param size how many addresses it has, unsigned
     * @return the allocator
     * @throws AllocationException if the space is empty or ends past 2^64 ({@code INVALID_RANGE})
     */
    public static AddressAllocator of(String what, long base, long size) {
        if (size == 0 || Long.compareUnsigned(base + (size - 1), base) < 0) {
            throw new AllocationException(
                    Kind.INVALID_RANGE,
                    what
                            + ": expected a space that is not empty and ends below 2^64, got "
                            + Long.toUnsignedString(size)
                            + " from "
                            + hex(base)
                            + " on");
        }
        return new AddressAllocator(what, base, base + (size - 1));
    }

    /** {@return the first address of the space, unsigned} */
    public long base() {
        return base;
    }

    /** {@return the last address of the space, unsigned} */
    public long last() {
        return last;
    }

    /**
     * Gives out a range anywhere in the space.
     *
     * @param size how many addresses, unsigned, at least 1
     * @param alignment of the first one, a power of two
     * @param placement where among the places that are free
     * @return the first address
     * @throws AllocationException with kind {@code INVALID_SIZE}, {@code INVALID_ALIGNMENT} or
     *     {@code EXHAUSTED}
     */
    public long allocate(long size, long alignment, Placement placement) {
        return allocate(size, alignment, placement, base, last);
    }

    /**
     * Gives out a range within bounds.
     *
     * @param size how many addresses, unsigned, at least 1
     * @param alignment of the first one, a power of two
     * @param placement where among the places that are free
     * @param min the lowest address that the range may have, unsigned
     * @param max the highest address that the range may have, unsigned
     * @return the first address
     * @throws AllocationException with kind {@code INVALID_SIZE}, {@code INVALID_ALIGNMENT}, {@code
     *     INVALID_RANGE} or {@code EXHAUSTED}
     */
    public synchronized long allocate(
            long size, long alignment, Placement placement, long min, long max) {
        requireSize(size);
        requireAlignment(alignment);
        if (Long.compareUnsigned(min, max) > 0) {
            throw new AllocationException(
                    Kind.INVALID_RANGE,
                    what + ": the lowest address " + hex(min) + " lies above " + hex(max));
        }
        Map<Long, Long> holes = placement == Placement.LOWEST ? free : free.descendingMap();
        for (Map.Entry<Long, Long> hole : holes.entrySet()) {
            long low = maxUnsigned(hole.getKey(), min);
            long high = minUnsigned(hole.getValue(), max);
            if (Long.compareUnsigned(low, high) > 0
                    || Long.compareUnsigned(size - 1, high - low) > 0) {
                continue;
            }
            long first =
                    placement == Placement.LOWEST
                            ? alignUp(low, alignment)
                            : (high - (size - 1)) & -alignment;
            if (Long.compareUnsigned(first, low) >= 0
                    && Long.compareUnsigned(first, high) <= 0
                    && Long.compareUnsigned(size - 1, high - first) <= 0) {
                take(hole.getKey(), hole.getValue(), first, first + (size - 1));
                return first;
            }
        }
        throw exhausted(
                Long.toUnsignedString(size)
                        + " aligned to "
                        + Long.toUnsignedString(alignment)
                        + " in "
                        + hex(min)
                        + ".."
                        + hex(max));
    }

    /**
     * Gives out one certain range.
     *
     * @param address the first address, unsigned
     * @param size how many addresses, unsigned, at least 1
     * @param alignment that the first one must have, a power of two
     * @throws AllocationException with kind {@code INVALID_SIZE}, {@code INVALID_ALIGNMENT}, {@code
     *     UNALIGNED_ADDRESS}, or {@code EXHAUSTED} if not all of it is free
     */
    public synchronized void allocateAt(long address, long size, long alignment) {
        requireSize(size);
        requireAlignment(alignment);
        if ((address & (alignment - 1)) != 0) {
            throw new AllocationException(
                    Kind.UNALIGNED_ADDRESS,
                    what
                            + ": expected an address aligned to "
                            + Long.toUnsignedString(alignment)
                            + ", got "
                            + hex(address));
        }
        Map.Entry<Long, Long> hole = free.floorEntry(address);
        if (hole == null
                || Long.compareUnsigned(address, hole.getValue()) > 0
                || Long.compareUnsigned(size - 1, hole.getValue() - address) > 0) {
            throw exhausted(Long.toUnsignedString(size) + " at " + hex(address));
        }
        take(hole.getKey(), hole.getValue(), address, address + (size - 1));
    }

    /**
     * Takes a range back.
     *
     * @param address its first address
     * @param size its size, exactly as it was given out
     * @throws AllocationException if no such range is given out ({@code NEVER_ALLOCATED})
     */
    public synchronized void free(long address, long size) {
        requireSize(size);
        long end = address + (size - 1);
        Long taker = taken.get(address);
        if (taker == null || taker != end) {
            throw new AllocationException(
                    Kind.NEVER_ALLOCATED,
                    what
                            + ": expected a range that is given out, got "
                            + Long.toUnsignedString(size)
                            + " at "
                            + hex(address));
        }
        taken.remove(address);
        long first = address;
        Map.Entry<Long, Long> below = free.lowerEntry(address);
        if (below != null && below.getValue() + 1 == address) {
            first = below.getKey();
        }
        Map.Entry<Long, Long> above = free.higherEntry(address);
        if (above != null && above.getKey() == end + 1) {
            free.remove(above.getKey());
            end = above.getValue();
        }
        free.put(first, end);
    }

    /** {@return the size of the largest hole, unsigned; 0 if there is none} */
    public synchronized long largestFree() {
        long largest = 0;
        for (Map.Entry<Long, Long> hole : free.entrySet()) {
            largest = maxUnsigned(largest, hole.getValue() - hole.getKey() + 1);
        }
        return largest;
    }

    /** {@return how many addresses are free, unsigned} */
    public synchronized long totalFree() {
        long sum = 0;
        for (Map.Entry<Long, Long> hole : free.entrySet()) {
            sum += hole.getValue() - hole.getKey() + 1;
        }
        return sum;
    }

    private void take(long holeFirst, long holeLast, long first, long end) {
        free.remove(holeFirst);
        if (holeFirst != first) {
            free.put(holeFirst, first - 1);
        }
        if (holeLast != end) {
            free.put(end + 1, holeLast);
        }
        taken.put(first, end);
    }

    private void requireSize(long size) {
        if (size == 0) {
            throw new AllocationException(Kind.INVALID_SIZE, what + ": expected a size, got 0");
        }
    }

    private void requireAlignment(long alignment) {
        if (Long.bitCount(alignment) != 1) {
            throw new AllocationException(
                    Kind.INVALID_ALIGNMENT,
                    what
                            + ": expected an alignment that is a power of two, got "
                            + Long.toUnsignedString(alignment));
        }
    }

    private AllocationException exhausted(String wanted) {
        return new AllocationException(
                Kind.EXHAUSTED,
                what
                        + ": no room for "
                        + wanted
                        + "; "
                        + Long.toUnsignedString(totalFree())
                        + " free, at most "
                        + Long.toUnsignedString(largestFree())
                        + " in one piece, of "
                        + hex(base)
                        + ".."
                        + hex(last));
    }

    private static long alignUp(long address, long alignment) {
        return (address + (alignment - 1)) & -alignment;
    }

    private static long maxUnsigned(long a, long b) {
        return Long.compareUnsigned(a, b) >= 0 ? a : b;
    }

    private static long minUnsigned(long a, long b) {
        return Long.compareUnsigned(a, b) <= 0 ? a : b;
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }
}
