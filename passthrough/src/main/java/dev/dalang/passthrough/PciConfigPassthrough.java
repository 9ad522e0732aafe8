package dev.dalang.passthrough;

import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciConfiguration;

import java.util.List;
import java.util.Optional;

/**
 * The configuration space that a guest gets of a device: its identification as it is, and registers
 * of its own for what a guest writes. BARs answer the way in which guests find out sizes; the
 * device's own BARs are never written. Reads come from any thread, writes one at a time.
 *
 * <p>While the device is in a tree, this is the configuration space of its function there, and
 * writes go through the tree alone.
 */
public final class PciConfigPassthrough {
    private final PciConfiguration registers;
    private final Optional<PciAddress> address;

    PciConfigPassthrough(PciConfiguration registers, Optional<PciAddress> address) {
        this.registers = registers;
        this.address = address;
    }

    /**
     * The configuration space of a device without BARs and capabilities.
     *
     * @param vendor vendor id, 0..0xfffe
     * @param device device id, 0..0xffff
     * @param address where the device is on its host; empty if it is on none
     * @return the space
     */
    public static PciConfigPassthrough of(int vendor, int device, Optional<PciAddress> address) {
        return new PciConfigPassthrough(PciConfiguration.endpoint(vendor, device).build(), address);
    }

    /** {@return the vendor id that the guest sees} */
    public int vendor() {
        return registers.read(0, 0, 2);
    }

    /** {@return the device id that the guest sees} */
    public int device() {
        return registers.read(0, 2, 2);
    }

    /** {@return where the device is on its host; empty if it is on none} */
    public Optional<PciAddress> address() {
        return address;
    }

    /** {@return the BARs that the guest sees} */
    public List<PciBar> bars() {
        return registers.bars();
    }

    /**
     * Reads part of a register.
     *
     * @param offset 0..4095, a multiple of {@code size}
     * @param size 1, 2 or 4
     * @return the value, zero-extended; all ones for any other shape, and beyond the space
     */
    public int readConfig(int offset, int size) {
        int value = registers.read(offset >> 2, offset & 3, size);
        return size == 4 ? value : value & (1 << 8 * Math.clamp(size, 1, 3)) - 1;
    }

    /**
     * Reads a byte.
     *
     * @param offset 0..4095
     * @return 0..255
     */
    public int readConfig(int offset) {
        return readConfig(offset, 1);
    }

    /**
     * Reads a register.
     *
     * @param offset 0..4092, a multiple of 4
     * @return its value; all ones for any other offset
     */
    public int readConfig32(int offset) {
        return readConfig(offset, 4);
    }

    /**
     * Writes part of a register, as a guest does: bits that it may not write stay.
     *
     * @param offset 0..4095, a multiple of {@code size}; dropped otherwise
     * @param size 1, 2 or 4; dropped otherwise
     * @param value the value; bits above {@code size} bytes are ignored
     */
    public void writeConfig(int offset, int size, int value) {
        registers.write(offset >> 2, offset & 3, size, value);
    }

    /**
     * Writes a byte.
     *
     * @param offset 0..4095
     * @param value the value; bits above 7 are ignored
     */
    public void writeConfig(int offset, int value) {
        writeConfig(offset, 1, value);
    }

    /** Brings back what a guest has changed. */
    public void reset() {
        registers.reset();
    }
}
