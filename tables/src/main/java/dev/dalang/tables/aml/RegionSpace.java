package dev.dalang.tables.aml;

/** The address space of an operation region (ACPI 6.5 §19.6.100). */
public enum RegionSpace {
    /** Physical memory. */
    SYSTEM_MEMORY(0),
    /** Ports. */
    SYSTEM_IO(1),
    /** The configuration space of the PCI function in whose scope the region is declared. */
    PCI_CONFIG(2);

    private final int code;

    RegionSpace(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }
}
