package dev.dalang.tables.aml;

/**
 * Builds a resource template, the value of {@code _CRS}, {@code _PRS} and the like (ACPI 6.5 §6.4).
 * Addresses and lengths are unsigned; ranges are given by their first address and their bytes,
 * which are more than nothing. The methods throw {@link AmlException} for a range that does not fit
 * the descriptor.
 */
public final class ResourceTemplate {
    private static final int IO_PORT = 0x47;
    private static final int END_TAG = 0x79;
    private static final int FIXED_MEMORY_32 = 0x86;
    private static final int DWORD_ADDRESS = 0x87;
    private static final int WORD_ADDRESS = 0x88;
    private static final int EXTENDED_INTERRUPT = 0x89;
    private static final int QWORD_ADDRESS = 0x8a;

    private static final int MEMORY_RANGE = 0;
    private static final int IO_RANGE = 1;
    private static final int BUS_NUMBER_RANGE = 2;

    /** General flags: minimum and maximum are fixed; produced for the devices below. */
    private static final int PRODUCED_AND_FIXED = 1 << 2 | 1 << 3;

    private static final int READ_WRITE = 1;
    private static final int PREFETCHABLE = 3 << 1;

    /** Ports that ISA decodes and ports that it does not. */
    private static final int ENTIRE_RANGE = 3;

    private static final int TYPE_TRANSLATION = 1 << 4;

    private static final int CONSUMER = 1;
    private static final int EDGE_TRIGGERED = 1 << 1;
    private static final int ACTIVE_LOW = 1 << 2;
    private static final int SHARED = 1 << 3;

    private static final int DECODE_16 = 1;

    private final AmlBytes bytes = new AmlBytes();

    private ResourceTemplate() {}

    /** {@return an empty template} */
    public static ResourceTemplate create() {
        return new ResourceTemplate();
    }

    /**
     * Adds memory that a device has for itself: Memory32Fixed where it lies below 4 GiB,
     * QWordMemory elsewhere.
     *
     * @param base first address
     * @param length bytes
     * @return this
     */
    public ResourceTemplate memory(long base, long length) {
        checkRange("Memory", base, length, Long.SIZE);
        if (!isBelow4GiB(base, length)) {
            return window64(CONSUMER | PRODUCED_AND_FIXED, READ_WRITE, base, length);
        }
        checkRange("Memory32Fixed", base, length, Integer.SIZE);
        bytes.octet(FIXED_MEMORY_32)
                .word(9)
                .octet(READ_WRITE)
                .dword((int) base)
                .dword((int) length);
        return this;
    }

    /**
     * Adds a range of memory that a bridge hands down unchanged: with 32 bits where it lies below 4
     * GiB, with 64 elsewhere (DWordMemory, QWordMemory).
     *
     * @param base first address
     * @param length bytes
     * @param prefetchable whether reads have no side effects
     * @return this
     */
    public ResourceTemplate memoryWindow(long base, long length, boolean prefetchable) {
        int flags = READ_WRITE | (prefetchable ? PREFETCHABLE : 0);
        checkRange("QWordMemory", base, length, Long.SIZE);
        return isBelow4GiB(base, length)
                ? window32("DWordMemory", MEMORY_RANGE, flags, base, length, 0)
                : window64(PRODUCED_AND_FIXED, flags, base, length);
    }

    private static boolean isBelow4GiB(long base, long length) {
        return base + length - 1 >>> Integer.SIZE == 0;
    }

    /**
     * Adds ports that a bridge hands down, and that the processor reaches through memory (DWordIO
     * with a translation by type).
     *
     * @param port the first port
     * @param length ports
     * @param memoryBase where the processor finds the first one
     * @return this
     */
    public ResourceTemplate ioWindow(long port, long length, long memoryBase) {
        checkRange("DWordIO", port, length, Short.SIZE);
        checkRange("DWordIO", memoryBase, length, Integer.SIZE);
        return window32(
                "DWordIO",
                IO_RANGE,
                ENTIRE_RANGE | TYPE_TRANSLATION,
                port,
                length,
                memoryBase - port);
    }

    /**
     * Adds the buses below a host bridge (WordBusNumber).
     *
     * @param first 0..255
     * @param last {@code first}..255
     * @return this
     */
    public ResourceTemplate busNumbers(int first, int last) {
        if (first < 0 || last < first || last > 0xff) {
            throw new AmlException(
                    "WordBusNumber: expected a range in 0..255, got %d..%d".formatted(first, last));
        }
        bytes.octet(WORD_ADDRESS)
                .word(13)
                .octet(BUS_NUMBER_RANGE)
                .octet(PRODUCED_AND_FIXED)
                .octet(0)
                .word(0)
                .word(first)
                .word(last)
                .word(0)
                .word(last - first + 1);
        return this;
    }

    /**
     * Adds ports of a device (IO, 16-bit decode).
     *
     * @param port the first port
     * @param length ports, 1..255
     * @return this
     */
    public ResourceTemplate ports(int port, int length) {
        checkRange("IO", port, length, Short.SIZE);
        if (length > 0xff) {
            throw new AmlException("IO: expected 1..255 ports, got " + length);
        }
        bytes.octet(IO_PORT).octet(DECODE_16).word(port).word(port).octet(1).octet(length);
        return this;
    }

    /**
     * Adds a wired interrupt that is active while its line is high (Interrupt).
     *
     * @param gsi the global system interrupt, 32 bits unsigned
     * @param shared whether other devices may have it too
     * @return this
     */
    public ResourceTemplate levelInterrupt(int gsi, boolean shared) {
        return interrupt(gsi, CONSUMER | (shared ? SHARED : 0));
    }

    /**
     * Adds a wired interrupt that a rising edge makes pending (Interrupt).
     *
     * @param gsi the global system interrupt, 32 bits unsigned
     * @return this
     */
    public ResourceTemplate edgeInterrupt(int gsi) {
        return interrupt(gsi, CONSUMER | EDGE_TRIGGERED);
    }

    /**
     * Adds a wired interrupt that is active while its line is low (Interrupt).
     *
     * @param gsi the global system interrupt, 32 bits unsigned
     * @param shared whether other devices may have it too
     * @return this
     */
    public ResourceTemplate lowInterrupt(int gsi, boolean shared) {
        return interrupt(gsi, CONSUMER | ACTIVE_LOW | (shared ? SHARED : 0));
    }

    private ResourceTemplate interrupt(int gsi, int flags) {
        bytes.octet(EXTENDED_INTERRUPT).word(6).octet(flags).octet(1).dword(gsi);
        return this;
    }

    /** {@return the template as a value, with its end tag} More can be added for another value. */
    public AmlValue toValue() {
        // A checksum of zero says that there is none (§6.4.2.9).
        return Aml.buffer(new AmlBytes().bytes(bytes.toBytes()).octet(END_TAG).octet(0).toBytes());
    }

    private ResourceTemplate window32(
            String what, int type, int typeFlags, long base, long length, long translation) {
        checkRange(what, base, length, Integer.SIZE);
        bytes.octet(DWORD_ADDRESS)
                .word(23)
                .octet(type)
                .octet(PRODUCED_AND_FIXED)
                .octet(typeFlags)
                .dword(0)
                .dword((int) base)
                .dword((int) (base + length - 1))
                .dword((int) translation)
                .dword((int) length);
        return this;
    }

    private ResourceTemplate window64(int generalFlags, int typeFlags, long base, long length) {
        bytes.octet(QWORD_ADDRESS)
                .word(43)
                .octet(MEMORY_RANGE)
                .octet(generalFlags)
                .octet(typeFlags)
                .qword(0)
                .qword(base)
                .qword(base + length - 1)
                .qword(0)
                .qword(length);
        return this;
    }

    private static void checkRange(String what, long base, long length, int bits) {
        long limit = -1L >>> Long.SIZE - bits;
        long last = base + length - 1;
        if (length == 0
                || Long.compareUnsigned(last, base) < 0
                || Long.compareUnsigned(last, limit) > 0
                || length >>> Integer.SIZE != 0 && bits != Long.SIZE) {
            throw new AmlException(
                    "%s: expected a range of %d bits, got 0x%x bytes at 0x%x"
                            .formatted(what, bits, length, base));
        }
    }
}
