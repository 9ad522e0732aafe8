package dev.dalang.bus;

/**
 * An access that no device can take, or a change of a bus that cannot be made. What is thrown has
 * changed nothing.
 */
public final class BusException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was wrong. */
    public enum Kind {
        /** Nothing is registered at the address. */
        NO_DEVICE,
        /** A device is there, but the access runs past the end of its range. */
        CROSSES_BOUNDARY,
        /** A range to be registered shares addresses with one that is. */
        OVERLAP,
        /** Addresses that cannot be: none at all, or past the top of the bus. */
        INVALID_RANGE,
        /** A length that the kind of access cannot have. */
        INVALID_LENGTH,
        /** The range to be moved or removed is not registered in exactly this extent. */
        NOT_REGISTERED,
        /** The range to be moved or removed belongs to another device. */
        FOREIGN_OWNER
    }

    private final Kind kind;
    private final long address;
    private final long length;

    private BusException(Kind kind, long address, long length, String message) {
        super(message);
        this.kind = kind;
        this.address = address;
        this.length = length;
    }

    /** {@return what was wrong} */
    public Kind kind() {
        return kind;
    }

    /** {@return the first address of the access or range, unsigned} */
    public long address() {
        return address;
    }

    /** {@return the length of the access or range, unsigned} */
    public long length() {
        return length;
    }

    static BusException noDevice(long address, long length) {
        return new BusException(
                Kind.NO_DEVICE,
                address,
                length,
                "no device at " + Numbers.hex(address) + " for an access of " + count(length));
    }

    static BusException crossesBoundary(long address, long length, BusRange range) {
        return new BusException(
                Kind.CROSSES_BOUNDARY,
                address,
                length,
                "an access of "
                        + count(length)
                        + " at "
                        + Numbers.hex(address)
                        + " runs past the end of "
                        + range);
    }

    static BusException overlap(BusRange range, BusRange other) {
        return new BusException(
                Kind.OVERLAP, range.base(), range.size(), range + " overlaps with " + other);
    }

    static BusException invalidRange(long base, long size, long highest) {
        String why = size == 0 ? " is empty" : " does not end at or below " + Numbers.hex(highest);
        return new BusException(
                Kind.INVALID_RANGE,
                base,
                size,
                "a range of " + count(size) + " at " + Numbers.hex(base) + why);
    }

    static BusException invalidLength(long address, long length, String expected) {
        return new BusException(
                Kind.INVALID_LENGTH,
                address,
                length,
                "an access at "
                        + Numbers.hex(address)
                        + ": expected "
                        + expected
                        + ", got "
                        + count(length));
    }

    static BusException notRegistered(BusRange range) {
        return new BusException(
                Kind.NOT_REGISTERED,
                range.base(),
                range.size(),
                range + " is not registered in exactly this extent");
    }

    static BusException foreignOwner(BusRange range) {
        return new BusException(
                Kind.FOREIGN_OWNER,
                range.base(),
                range.size(),
                range + " belongs to another device");
    }

    private static String count(long length) {
        return Long.toUnsignedString(length) + (length == 1 ? " byte" : " bytes");
    }
}
