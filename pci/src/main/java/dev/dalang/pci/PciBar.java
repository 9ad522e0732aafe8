package dev.dalang.pci;

import dev.dalang.bus.BusRange;
import dev.dalang.bus.MmioRange;

import java.util.OptionalLong;

/**
 * One base address register, as a device asks for it. The constructors check nothing; {@link
 * PciConfiguration#addBar} does, because only there the device has a name.
 *
 * @param index 0..5, of a bridge 0..1; or {@link #ROM}
 * @param type width and space; the ROM's is {@link Type#MEMORY32}
 * @param size number of bytes, a power of two: at least 16 of memory, 4 ports, 2,048 of the ROM
 * @param prefetchable true if reads have no side effects (PCI Local Bus 3.0 §6.2.5.1); of memory
 *     only
 * @param address where it is at power-on, a multiple of {@code size}; empty leaves that to the
 *     guest. An address turns decoding of the BAR's space on.
 */
public record PciBar(int index, Type type, long size, boolean prefetchable, OptionalLong address) {
    /** The index of the expansion ROM, beside the six BARs. */
    public static final int ROM = 6;

    /** The kinds of BAR. */
    public enum Type {
        /** Memory below 4 GiB. */
        MEMORY32(16, 1L << 31),
        /** Memory anywhere; takes the register of the next BAR too. */
        MEMORY64(16, 1L << 63),
        /** Ports. */
        IO(4, 0x1_0000);

        private final int minBytes;
        private final long maxBytes;

        Type(int minBytes, long maxBytes) {
            this.minBytes = minBytes;
            this.maxBytes = maxBytes;
        }

        /** {@return the least size that a BAR of this type can have} */
        public int minBytes() {
            return minBytes;
        }

        /** {@return the greatest size that a BAR of this type can have, unsigned} */
        public long maxBytes() {
            return maxBytes;
        }
    }

    private static final int ROM_MIN_BYTES = 2048;

    /**
     * Memory below 4 GiB, not prefetchable.
     *
     * @param index 0..5
     * @param size bytes
     * @return the BAR, without an address
     */
    public static PciBar memory32(int index, long size) {
        return new PciBar(index, Type.MEMORY32, size, false, OptionalLong.empty());
    }

    /**
     * Memory anywhere, not prefetchable.
     *
     * @param index 0..4; the next one is taken too
     * @param size bytes
     * @return the BAR, without an address
     */
    public static PciBar memory64(int index, long size) {
        return new PciBar(index, Type.MEMORY64, size, false, OptionalLong.empty());
    }

    /**
     * Ports.
     *
     * @param index 0..5
     * @param size number of ports
     * @return the BAR, without an address
     */
    public static PciBar io(int index, long size) {
        return new PciBar(index, Type.IO, size, false, OptionalLong.empty());
    }

    /**
     * The expansion ROM.
     *
     * @param size bytes
     * @return the BAR, without an address
     */
    public static PciBar rom(long size) {
        return new PciBar(ROM, Type.MEMORY32, size, false, OptionalLong.empty());
    }

    /** {@return this BAR, prefetchable} */
    public PciBar prefetch() {
        return new PciBar(index, type, size, true, address);
    }

    /**
     * Places this BAR.
     *
     * @param base first address, unsigned
     * @return this BAR at that address
     */
    public PciBar at(long base) {
        return new PciBar(index, type, size, prefetchable, OptionalLong.of(base));
    }

    /** {@return the space that the BAR is in} */
    public BarRange.Space space() {
        return type == Type.IO ? BarRange.Space.IO : BarRange.Space.MEMORY;
    }

    /**
     * Checks that a placed BAR lies in what a bus or a bridge gives its devices.
     *
     * @param device the device's label, for the message
     * @param window the addresses that may be used
     * @throws PciException if the BAR is not placed, or is not in the window as a whole ({@link
     *     PciException.Kind#BAR_RANGE})
     */
    public void requireInside(String device, BusRange window) {
        boolean memory = window instanceof MmioRange;
        long base = address.orElse(0);
        if (address.isEmpty()
                || memory == (type == Type.IO)
                || !window.contains(base)
                || Long.compareUnsigned(size - 1, window.last() - base) > 0) {
            throw new PciException(
                    PciException.Kind.BAR_RANGE, device, this + " does not lie in " + window);
        }
    }

    /** Checks what can be told without knowing the other BARs: C.2's order. */
    void check(String device) {
        if (Long.bitCount(size) != 1) {
            throw error(device, PciException.Kind.BAR_SIZE, "expected a power of two");
        }
        if (index == ROM && type != Type.MEMORY32) {
            throw error(device, PciException.Kind.ROM_TYPE, "expected 32-bit memory");
        }
        int min = index == ROM ? ROM_MIN_BYTES : type.minBytes();
        if (Long.compareUnsigned(size, min) < 0) {
            throw error(device, PciException.Kind.BAR_SIZE, "expected at least " + min + " bytes");
        }
        if (Long.compareUnsigned(size, type.maxBytes()) > 0) {
            throw error(
                    device,
                    PciException.Kind.BAR_SIZE,
                    "expected at most 0x" + Long.toHexString(type.maxBytes()) + " bytes");
        }
        if (prefetchable && (type == Type.IO || index == ROM)) {
            throw error(
                    device,
                    PciException.Kind.INVALID_VALUE,
                    "only a BAR of memory can be prefetchable");
        }
        address.ifPresent(base -> checkAddress(device, base));
    }

    void checkAddress(String device, long base) {
        if ((base & (size - 1)) != 0) {
            throw at(base).error(
                            device,
                            PciException.Kind.BAR_ALIGNMENT,
                            "expected an address that is a multiple of the size");
        }
        if (type != Type.MEMORY64 && Long.compareUnsigned(base + (size - 1), 0xffff_ffffL) > 0) {
            throw at(base).error(
                            device,
                            PciException.Kind.BAR_RANGE,
                            "expected an end at or below 0xffffffff");
        }
    }

    private PciException error(String device, PciException.Kind kind, String what) {
        return new PciException(kind, device, this + ": " + what);
    }

    static String name(int index) {
        return index == ROM ? "expansion ROM" : "BAR " + index;
    }

    /** {@return index, type, size and address, in a form for messages} */
    @Override
    public String toString() {
        String kind =
                switch (type) {
                    case MEMORY32 -> "32-bit memory";
                    case MEMORY64 -> "64-bit memory";
                    case IO -> "I/O";
                };
        return name(index)
                + " ("
                + (prefetchable ? "prefetchable " : "")
                + kind
                + ", 0x"
                + Long.toHexString(size)
                + " bytes"
                + (address.isPresent() ? " at 0x" + Long.toHexString(address.getAsLong()) : "")
                + ")";
    }
}
