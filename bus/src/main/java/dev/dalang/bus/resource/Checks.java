package dev.dalang.bus.resource;

import dev.dalang.bus.resource.AllocationException.Kind;

/** What requests and grants are checked for when they are made. */
final class Checks {
    private Checks() {}

    static void addresses(String what, long min, long max, long alignment, long size) {
        if (size == 0) {
            throw new AllocationException(Kind.INVALID_SIZE, what + ": expected a size, got 0");
        }
        if (Long.bitCount(alignment) != 1) {
            throw new AllocationException(
                    Kind.INVALID_ALIGNMENT,
                    what
                            + ": expected an alignment that is a power of two, got "
                            + Long.toUnsignedString(alignment));
        }
        if (Long.compareUnsigned(min, max) > 0 || Long.compareUnsigned(size - 1, max - min) > 0) {
            throw new AllocationException(
                    Kind.INVALID_RANGE,
                    what
                            + ": "
                            + Long.toUnsignedString(size)
                            + " do not fit in 0x"
                            + Long.toHexString(min)
                            + "..0x"
                            + Long.toHexString(max));
        }
    }

    static void count(String what, long count, long most) {
        if (count < 1 || count > most) {
            throw new AllocationException(
                    Kind.INVALID_SIZE, what + ": expected 1.." + most + ", got " + count);
        }
    }

    static void id(String what, long id) {
        if (id < 0 || id > 0xffff_ffffL) {
            throw new AllocationException(
                    Kind.OUT_OF_RANGE, what + ": expected 0..4294967295, got " + id);
        }
    }

    static void ids(String what, long base, long count) {
        id(what, base);
        count(what, count, 0x1_0000_0000L - base);
    }
}
