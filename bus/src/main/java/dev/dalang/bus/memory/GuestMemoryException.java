package dev.dalang.bus.memory;

/**
 * An access to guest memory that cannot be done. A guest can cause it at will (a device is told to
 * write where there is no memory), so it carries no stack trace; the device that meets it counts it
 * and goes on, or goes to its broken state.
 */
public final class GuestMemoryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was wrong with the access. */
    public enum Kind {
        /** Not every byte is memory. */
        UNMAPPED,
        /** A write to memory that cannot be written. */
        READ_ONLY,
        /** An ordered or atomic access that is not aligned to its size. */
        MISALIGNED,
        /** A direct view was asked of bytes that lie in more than one region. */
        SPLIT,
        /** The device may not reach memory at present: its driver has not enabled it to. */
        REFUSED
    }

    private final Kind kind;
    private final long address;
    private final long length;

    /**
     * Makes one.
     *
     * @param kind what was wrong
     * @param address guest physical address of the first byte of the access, unsigned
     * @param length bytes of the access, unsigned
     */
    public GuestMemoryException(Kind kind, long address, long length) {
        super(message(kind, address, length), null, false, false);
        this.kind = kind;
        this.address = address;
        this.length = length;
    }

    /**
     * What was wrong.
     *
     * @return the kind
     */
    public Kind kind() {
        return kind;
    }

    /**
     * Guest physical address of the first byte of the access, unsigned.
     *
     * @return the address
     */
    public long address() {
        return address;
    }

    /**
     * Bytes of the access, unsigned.
     *
     * @return the length
     */
    public long length() {
        return length;
    }

    private static String message(Kind kind, long address, long length) {
        String what =
                switch (kind) {
                    case UNMAPPED -> "not all of it is memory";
                    case READ_ONLY -> "the memory is read-only";
                    case MISALIGNED -> "the address is not a multiple of the length";
                    case SPLIT -> "it lies in more than one region";
                    case REFUSED -> "the device is not enabled to access memory";
                };
        return "guest memory access of "
                + Long.toUnsignedString(length)
                + " bytes at 0x"
                + Long.toHexString(address)
                + ": "
                + what;
    }
}
