package dev.dalang.bus.resource;

import dev.dalang.bus.resource.AllocationException.Kind;

import java.util.OptionalLong;

/** What a device asks for. What could never be given cannot be built. */
public sealed interface ResourceConstraint {
    /** The alignment of memory that nobody asked another of: a page. */
    long DEFAULT_MMIO_ALIGNMENT = 0x1000;

    /** The highest port. */
    long MAX_PORT = 0xffff;

    /**
     * A range of ports.
     *
     * @param min the lowest port that it may have
     * @param max the highest port that it may have
     * @param alignment of the first one, a power of two
     * @param size number of ports
     * @param placement where among the places that are free
     */
    record PioAddress(long min, long max, long alignment, long size, Placement placement)
            implements ResourceConstraint {
        /**
         * Checks the numbers.
         *
         * @throws AllocationException with kind {@code INVALID_SIZE}, {@code INVALID_ALIGNMENT} or
         *     {@code INVALID_RANGE}
         */
        public PioAddress {
            Checks.addresses("ports", min, max, alignment, size);
            if (Long.compareUnsigned(max, MAX_PORT) > 0) {
                throw new AllocationException(
                        Kind.INVALID_RANGE,
                        "ports: expected at most 0xffff, got 0x" + Long.toHexString(max));
            }
        }
    }

    /**
     * A range of guest physical addresses.
     *
     * @param min the lowest address that it may have, unsigned
     * @param max the highest address that it may have, unsigned
     * @param alignment of the first one, a power of two
     * @param size number of bytes, unsigned
     * @param placement where among the places that are free
     */
    record MmioAddress(long min, long max, long alignment, long size, Placement placement)
            implements ResourceConstraint {
        /**
         * Checks the numbers.
         *
         * @throws AllocationException with kind {@code INVALID_SIZE}, {@code INVALID_ALIGNMENT} or
         *     {@code INVALID_RANGE}
         */
        public MmioAddress {
            Checks.addresses("memory", min, max, alignment, size);
        }

        /**
         * {@return this, below 4 GiB} For registers that hold 32 bits.
         *
         * @throws AllocationException if it cannot lie there ({@code INVALID_RANGE})
         */
        public MmioAddress below4GiB() {
            long limit = 0xffff_ffffL;
            long newMax = Long.compareUnsigned(max, limit) < 0 ? max : limit;
            return new MmioAddress(min, newMax, alignment, size, placement);
        }

        /** {@return this, as high as possible} */
        public MmioAddress topDown() {
            return new MmioAddress(min, max, alignment, size, Placement.HIGHEST);
        }
    }

    /**
     * An interrupt line.
     *
     * @param line a certain one, or any
     */
    record LegacyIrq(OptionalLong line) implements ResourceConstraint {
        /**
         * Checks the line.
         *
         * @throws AllocationException if it is no unsigned 32-bit number ({@code OUT_OF_RANGE})
         */
        public LegacyIrq {
            line.ifPresent(number -> Checks.id("interrupt line", number));
        }
    }

    /**
     * Messages of a PCI function's MSI capability: consecutive, and aligned to their number.
     *
     * @param count 1, 2, 4, 8, 16 or 32
     */
    record PciMsiIrq(int count) implements ResourceConstraint {
        /**
         * Checks the count.
         *
         * @throws AllocationException if it is none of those ({@code INVALID_SIZE})
         */
        public PciMsiIrq {
            Checks.count("MSI messages", count, 32);
            if (Integer.bitCount(count) != 1) {
                throw new AllocationException(
                        Kind.INVALID_SIZE,
                        "MSI messages: expected a power of two up to 32, got " + count);
            }
        }
    }

    /**
     * Messages of a PCI function's MSI-X table.
     *
     * @param count 1..2048
     */
    record PciMsixIrq(int count) implements ResourceConstraint {
        /**
         * Checks the count.
         *
         * @throws AllocationException if it is out of range ({@code INVALID_SIZE})
         */
        public PciMsixIrq {
            Checks.count("MSI-X messages", count, 2048);
        }
    }

    /**
     * Messages of a device that is not PCI.
     *
     * @param count at least 1
     */
    record GenericIrq(int count) implements ResourceConstraint {
        /**
         * Checks the count.
         *
         * @throws AllocationException if it is out of range ({@code INVALID_SIZE})
         */
        public GenericIrq {
            Checks.count("messages", count, Integer.MAX_VALUE);
        }
    }

    /**
     * Slots for memory regions of a hypervisor.
     *
     * @param slot the first one, a certain one or any
     * @param count how many, one after the other
     */
    record MemorySlot(OptionalLong slot, int count) implements ResourceConstraint {
        /**
         * Checks slot and count.
         *
         * @throws AllocationException with kind {@code OUT_OF_RANGE} or {@code INVALID_SIZE}
         */
        public MemorySlot {
            Checks.count("memory slots", count, Integer.MAX_VALUE);
            slot.ifPresent(number -> Checks.id("memory slot", number));
        }
    }

    /**
     * Asks for ports, wherever they are.
     *
     * @param size how many
     * @return the constraint
     */
    static PioAddress pio(long size) {
        return new PioAddress(0, MAX_PORT, 1, size, Placement.LOWEST);
    }

    /**
     * Asks for ports within bounds.
     *
     * @param size how many
     * @param min the lowest port
     * @param max the highest port
     * @param alignment of the first one
     * @return the constraint
     */
    static PioAddress pio(long size, long min, long max, long alignment) {
        return new PioAddress(min, max, alignment, size, Placement.LOWEST);
    }

    /**
     * Asks for memory aligned to a page, wherever it is.
     *
     * @param size how many bytes
     * @return the constraint
     */
    static MmioAddress mmio(long size) {
        return new MmioAddress(0, -1L, DEFAULT_MMIO_ALIGNMENT, size, Placement.LOWEST);
    }

    /**
     * Asks for memory within bounds.
     *
     * @param size how many bytes
     * @param min the lowest address
     * @param max the highest address
     * @param alignment of the first one
     * @return the constraint
     */
    static MmioAddress mmio(long size, long min, long max, long alignment) {
        return new MmioAddress(min, max, alignment, size, Placement.LOWEST);
    }

    /**
     * Asks for memory at one place.
     *
     * @param base the first address
     * @param size how many bytes
     * @return the constraint
     */
    static MmioAddress mmioAt(long base, long size) {
        return new MmioAddress(base, base + (size - 1), 1, size, Placement.LOWEST);
    }

    /**
     * Asks for any interrupt line.
     *
     * @return the constraint
     */
    static LegacyIrq legacyIrq() {
        return new LegacyIrq(OptionalLong.empty());
    }

    /**
     * Asks for one interrupt line.
     *
     * @param line which
     * @return the constraint
     */
    static LegacyIrq legacyIrq(long line) {
        return new LegacyIrq(OptionalLong.of(line));
    }

    /**
     * Asks for memory slots.
     *
     * @param count how many
     * @return the constraint
     */
    static MemorySlot memorySlots(int count) {
        return new MemorySlot(OptionalLong.empty(), count);
    }

    /**
     * Asks for certain memory slots.
     *
     * @param count how many
     * @param slot the first one
     * @return the constraint
     */
    static MemorySlot memorySlots(int count, long slot) {
        return new MemorySlot(OptionalLong.of(slot), count);
    }
}
