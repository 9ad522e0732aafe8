package dev.dalang.testkit.pci;

import java.util.Locale;

/**
 * The address of a function.
 *
 * @param bus 0..255
 * @param device 0..31
 * @param function 0..7
 */
public record PciBdf(int bus, int device, int function) {
    /** Checks the numbers. */
    public PciBdf {
        if (bus < 0 || bus > 255 || device < 0 || device > 31 || function < 0 || function > 7) {
            throw new IllegalArgumentException(
                    "no function has the address " + bus + ":" + device + "." + function);
        }
    }

    /** {@return the offset of the function's space in ECAM (PCIe 6.0 §7.2.2)} */
    public long ecamOffset() {
        return (long) bus << 20 | (long) device << 15 | (long) function << 12;
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%02x:%02x.%x", bus, device, function);
    }
}
