package dev.dalang.pci;

/** The wired interrupts of a function, as the register Interrupt Pin has them (PCI 3.0 §6.2.4). */
public enum InterruptPin {
    /** The function uses no wired interrupt. */
    NONE(0),
    /** INTA#. */
    INTA(1),
    /** INTB#. */
    INTB(2),
    /** INTC#. */
    INTC(3),
    /** INTD#. */
    INTD(4);

    /** Number of pins of a slot, and of wires of a bus. */
    public static final int PINS = 4;

    private static final InterruptPin[] ALL = {NONE, INTA, INTB, INTC, INTD};

    private final int code;

    InterruptPin(int code) {
        this.code = code;
    }

    /** {@return the register's value: 0 for none, 1..4} */
    public int code() {
        return code;
    }

    /**
     * Decodes the register.
     *
     * @param code 0..4
     * @return the pin
     * @throws PciException if the code is another
     */
    public static InterruptPin of(int code) {
        if (code < 0 || code > PINS) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    "interrupt pin",
                    "expected 0 for none, or 1..4, got " + code);
        }
        return ALL[code];
    }

    /**
     * The pin that a function gets if it does not ask for a certain one: each of the first four
     * functions of a device its own.
     *
     * @param function function number, 0..7
     * @return the pin
     */
    public static InterruptPin ofFunction(int function) {
        return ALL[1 + (function & PINS - 1)];
    }

    /**
     * Follows the wire of a device through its slot: to the bridge's pin behind which the device
     * is, or to the wire of the root bus, INTA being wire 0 (PCI-to-PCI bridge 1.2 §9.1, PCIe 6.0
     * §2.2.8.1).
     *
     * @param device the device's number on its bus, 0..31
     * @return the pin on the other side
     */
    public InterruptPin swizzle(int device) {
        return this == NONE ? NONE : ALL[1 + (code - 1 + device & PINS - 1)];
    }

    /**
     * Follows the wire through all slots and bridges up to the host bridge.
     *
     * @param devices the device's number on its bus, then those of the bridges above it, each on
     *     its own bus, the one on the root bus last
     * @return the wire of the host bridge, 0..3, or -1 if the function has none
     */
    public int wire(int... devices) {
        InterruptPin pin = this;
        for (int device : devices) {
            pin = pin.swizzle(device);
        }
        return pin.code - 1;
    }
}
