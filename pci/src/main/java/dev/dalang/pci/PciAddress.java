package dev.dalang.pci;

import java.util.Locale;

/**
 * The address of one function: segment, bus, device, function. Ordered as written; equal by value.
 *
 * @param segment segment group, 0..65535; crosvm and ACPI call it domain too
 * @param bus bus, 0..255
 * @param device device, also called slot, 0..31
 * @param function function, 0..7
 */
public record PciAddress(int segment, int bus, int device, int function)
        implements Comparable<PciAddress> {
    /** Register bits of the access through ports 0xCF8 and 0xCFC: 256 bytes for each function. */
    public static final int CAM_REGISTER_BITS = 8;

    /** Register bits of the enhanced access mechanism: 4 KiB for each function. */
    public static final int ECAM_REGISTER_BITS = 12;

    /** Register bits of the virtual configuration space: 8 KiB for each function. */
    public static final int VIRTUAL_CONFIG_REGISTER_BITS = 13;

    private static final int MAX_SEGMENT = 0xffff;
    private static final int MAX_BUS = 0xff;
    private static final int MAX_DEVICE = 0x1f;
    private static final int MAX_FUNCTION = 7;

    /**
     * Checks the ranges.
     *
     * @throws PciException if a part is outside its range ({@link PciException.Kind#ADDRESS})
     */
    public PciAddress {
        require("segment", segment, MAX_SEGMENT);
        require("bus", bus, MAX_BUS);
        require("device", device, MAX_DEVICE);
        require("function", function, MAX_FUNCTION);
    }

    /**
     * Gives an address in segment 0.
     *
     * @param bus 0..255
     * @param device 0..31
     * @param function 0..7
     * @return the address
     * @throws PciException if a part is outside its range ({@link PciException.Kind#ADDRESS})
     */
    public static PciAddress of(int bus, int device, int function) {
        return new PciAddress(0, bus, device, function);
    }

    /**
     * Gives the address in segment 0 that a requester id stands for.
     *
     * @param requesterId bus in bits 15:8, device in 7:3, function in 2:0; other bits are ignored
     * @return the address
     */
    public static PciAddress ofRequesterId(int requesterId) {
        return of(requesterId >> 8 & MAX_BUS, requesterId >> 3 & MAX_DEVICE, requesterId & 7);
    }

    /**
     * Reads an address as {@link #toString} writes it; the segment may be left out.
     *
     * @param text {@code [segment:]bus:device.function} in hexadecimal digits, such as {@code
     *     0000:00:02.0} or {@code 00:02.0}
     * @return the address
     * @throws PciException if a delimiter is missing, a part is not hexadecimal or outside its
     *     range, or there are too many parts; the message says which ({@link
     *     PciException.Kind#ADDRESS})
     */
    public static PciAddress parse(String text) {
        String[] parts = text.split(":", -1);
        if (parts.length > 3) {
            throw malformed(
                    text,
                    "expected [segment:]bus:device.function, got "
                            + parts.length
                            + " parts between colons");
        }
        if (parts.length < 2) {
            throw malformed(text, "expected a colon between bus and device");
        }
        int bus = parts.length - 2;
        String[] leaf = parts[bus + 1].split("\\.", -1);
        if (leaf.length < 2) {
            throw malformed(text, "expected a dot between device and function");
        }
        if (leaf.length > 2) {
            throw malformed(
                    text, "expected one dot, after the device, got " + (leaf.length - 1) + " dots");
        }
        return new PciAddress(
                bus == 0 ? 0 : part(text, "segment", parts[0], MAX_SEGMENT),
                part(text, "bus", parts[bus], MAX_BUS),
                part(text, "device", leaf[0], MAX_DEVICE),
                part(text, "function", leaf[1], MAX_FUNCTION));
    }

    /**
     * Decodes the address part of a configuration access: bus, device and function stand above
     * {@code registerBits} bits of register offset, with 8, 5 and 3 bits. Whatever stands above the
     * bus is ignored. Every value decodes.
     *
     * @param address offset into the window, or the value of port 0xCF8
     * @param registerBits 8, 12 or 13
     * @return the function's address, in segment 0
     * @throws IllegalArgumentException if {@code registerBits} is another number
     */
    public static PciAddress fromConfigAddress(int address, int registerBits) {
        return ofRequesterId(requesterIdOf(address, registerBits));
    }

    /**
     * Decodes as {@link #fromConfigAddress} does, to a bare number: the hot path's form.
     *
     * @param address offset into the window, or the value of port 0xCF8
     * @param registerBits 8, 12 or 13
     * @return bus in bits 15:8, device in 7:3, function in 2:0
     * @throws IllegalArgumentException if {@code registerBits} is another number
     */
    public static int requesterIdOf(int address, int registerBits) {
        checkRegisterBits(registerBits);
        return address >>> registerBits & 0xffff;
    }

    /**
     * Decodes the register part of a configuration access. The low two bits of the address are
     * dropped.
     *
     * @param address offset into the window, or the value of port 0xCF8
     * @param registerBits 8, 12 or 13
     * @return the register: 0..63, 0..1023 or 0..2047
     * @throws IllegalArgumentException if {@code registerBits} is another number
     */
    public static int registerOf(int address, int registerBits) {
        checkRegisterBits(registerBits);
        return address >>> 2 & (1 << (registerBits - 2)) - 1;
    }

    /**
     * Encodes a configuration access, exactly as {@link #fromConfigAddress} and {@link #registerOf}
     * decode it.
     *
     * @param register the register: 0..63, 0..1023 or 0..2047
     * @param registerBits 8, 12 or 13
     * @return the offset into the window
     * @throws IllegalArgumentException if {@code registerBits} is another number, or the register
     *     is outside its range
     */
    public int toConfigAddress(int register, int registerBits) {
        checkRegisterBits(registerBits);
        int registers = 1 << (registerBits - 2);
        if (register < 0 || register >= registers) {
            throw new IllegalArgumentException(
                    "expected a register of 0.." + (registers - 1) + ", got " + register);
        }
        return requesterId() << registerBits | register << 2;
    }

    /**
     * Checks a number of register bits, for those who take it when they are made.
     *
     * @param registerBits 8, 12 or 13
     * @return {@code registerBits}
     * @throws IllegalArgumentException if it is another number
     */
    public static int checkRegisterBits(int registerBits) {
        if (registerBits != ECAM_REGISTER_BITS
                && registerBits != CAM_REGISTER_BITS
                && registerBits != VIRTUAL_CONFIG_REGISTER_BITS) {
            throw new IllegalArgumentException(
                    "expected 8, 12 or 13 register bits, got " + registerBits);
        }
        return registerBits;
    }

    /** {@return device in bits 7:3, function in bits 2:0} */
    public int devfn() {
        return device << 3 | function;
    }

    /** {@return bus in bits 15:8, device in 7:3, function in 2:0: the id that requests carry} */
    public int requesterId() {
        return bus << 8 | devfn();
    }

    /** {@return the value of {@code _ADR}: device in bits 31:16, function in 15:0 (ACPI §6.1.1)} */
    public int acpiAdr() {
        return device << 16 | function;
    }

    /** {@return true for 00:00.0 of the segment, where the host bridge is} */
    public boolean isRoot() {
        return requesterId() == 0;
    }

    @Override
    public int compareTo(PciAddress other) {
        int bySegment = Integer.compare(segment, other.segment);
        return bySegment != 0 ? bySegment : Integer.compare(requesterId(), other.requesterId());
    }

    /** {@return the text form, with segment: {@code 0000:00:02.0}} */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%04x:%02x:%02x.%x", segment, bus, device, function);
    }

    private static int part(String text, String name, String digits, int max) {
        int value = 0;
        for (int i = 0; i < digits.length(); i++) {
            // Not Character.digit: that takes the digits of every script.
            int digit = "0123456789abcdef".indexOf(Character.toLowerCase(digits.charAt(i)));
            if (digit < 0) {
                throw malformed(text, name + " '" + digits + "' is not hexadecimal");
            }
            value = Math.min(value << 4 | digit, max + 1);
        }
        if (digits.isEmpty()) {
            throw malformed(text, name + " is empty");
        }
        if (value > max) {
            throw malformed(text, outside(name, max, digits));
        }
        return value;
    }

    private static void require(String name, int value, int max) {
        if (value < 0 || value > max) {
            throw new PciException(
                    PciException.Kind.ADDRESS,
                    "PCI address",
                    outside(
                            name,
                            max,
                            value < 0 ? String.valueOf(value) : Integer.toHexString(value)));
        }
    }

    private static String outside(String name, int max, String got) {
        return name + ": expected 0.." + Integer.toHexString(max) + ", got " + got;
    }

    private static PciException malformed(String text, String what) {
        return new PciException(PciException.Kind.ADDRESS, "PCI address '" + text + "'", what);
    }
}
