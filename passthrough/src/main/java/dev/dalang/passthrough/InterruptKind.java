package dev.dalang.passthrough;

/** The kinds of interrupts that a PCI device has, in VFIO's order. */
public enum InterruptKind {
    /** The wired one. */
    INTX,
    /** Messages of MSI. */
    MSI,
    /** Messages of MSI-X. */
    MSIX,
    /** The device cannot go on: an error that its bus reports. */
    ERROR,
    /** Whoever gave the device away wants it back. */
    REQUEST;

    /** {@return the number that VFIO has for it} */
    public int index() {
        return ordinal();
    }
}
