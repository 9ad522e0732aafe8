package dev.dalang.pci;

import java.util.OptionalLong;

/**
 * A register that a driver writes to tell that there is work, and whose write may therefore come
 * late, and once for several: who serves the device to another process may give that one an event
 * for it, to be signalled instead. The device's {@link PciDevice#writeBar} is called in either
 * case.
 *
 * @param bar index of the BAR, 0..5
 * @param offset of the register in the BAR, a multiple of its size
 * @param size bytes of the register: 1, 2, 4 or 8
 * @param value the one value that is told so, zero-extended, as the device gets it; empty if it is
 *     any value, of which the device gets 0
 */
public record PciDoorbell(int bar, long offset, int size, OptionalLong value) {
    /** Checks size and alignment. */
    public PciDoorbell {
        if (size < 1 || size > Long.BYTES || Integer.bitCount(size) != 1) {
            throw new IllegalArgumentException(
                    "expected a register of 1, 2, 4 or 8 bytes, got " + size);
        }
        if (offset < 0 || (offset & size - 1) != 0) {
            throw new IllegalArgumentException(
                    "expected a register of %d bytes at a multiple of that, got 0x%x"
                            .formatted(size, offset));
        }
        if (value.isPresent() && size < Long.BYTES && value.getAsLong() >>> 8 * size != 0) {
            throw new IllegalArgumentException(
                    "expected a value of %d bytes, got 0x%x".formatted(size, value.getAsLong()));
        }
    }
}
