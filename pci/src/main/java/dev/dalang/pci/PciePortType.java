package dev.dalang.pci;

/** What a PCI Express function is in its tree (PCI Express 6.0 §7.5.3.2, Device/Port Type). */
public enum PciePortType {
    /** An endpoint below a port. */
    ENDPOINT(0),
    /** A legacy endpoint below a port. */
    LEGACY_ENDPOINT(1),
    /** A port of the root complex. */
    ROOT_PORT(4),
    /** A switch's port towards the root. */
    UPSTREAM_PORT(5),
    /** A switch's port towards a device. */
    DOWNSTREAM_PORT(6),
    /** A bridge from PCI Express to PCI. */
    PCIE_TO_PCI_BRIDGE(7),
    /** A bridge from PCI to PCI Express. */
    PCI_TO_PCIE_BRIDGE(8),
    /** An endpoint on the root bus: it has no link. */
    ROOT_COMPLEX_ENDPOINT(9),
    /** What collects the events of such endpoints: it has no link. */
    ROOT_COMPLEX_EVENT_COLLECTOR(10);

    private final int code;

    PciePortType(int code) {
        this.code = code;
    }

    /** {@return the value in the capability, 0..15} */
    public int code() {
        return code;
    }

    /** {@return true if there is a link, and registers that tell of it} */
    public boolean hasLink() {
        return this != ROOT_COMPLEX_ENDPOINT && this != ROOT_COMPLEX_EVENT_COLLECTOR;
    }

    /** {@return true if a slot can be below it} */
    public boolean canHaveSlot() {
        return this == ROOT_PORT || this == DOWNSTREAM_PORT;
    }

    /** {@return true if it has root control and root status} */
    public boolean isRoot() {
        return this == ROOT_PORT || this == ROOT_COMPLEX_EVENT_COLLECTOR;
    }
}
