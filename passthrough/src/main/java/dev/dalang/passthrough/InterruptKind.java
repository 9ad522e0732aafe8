package dev.dalang.passthrough;

/** The kinds of interrupts that a PCI device has, in VFIO's order. */
public enum InterruptKind {
    /** The wired one. */
    INTX(0),
    /** Messages of MSI. */
    MSI(1),
    /** Messages of MSI-X. */
    MSIX(2),
    /** The device cannot go on: an error that its bus reports. */
    ERROR(3),
    /** Whoever gave the device away wants it back. */
    REQUEST(4);

    private final int index;

    InterruptKind(int index) {
        this.index = index;
    }

    /** {@return the number that VFIO has for it} */
    public int index() {
        return index;
    }
}
