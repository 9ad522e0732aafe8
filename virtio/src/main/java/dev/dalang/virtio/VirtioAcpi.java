package dev.dalang.virtio;

import dev.dalang.pci.PciFunction;
import dev.dalang.tables.acpi.AcpiTables;

/** The ability to have tables of ACPI of the device's own, such as a VIOT. Over PCI only. */
public interface VirtioAcpi {
    /**
     * Adds to the tables of the machine. Called once, when all functions have their places and
     * before the guest begins, if there is firmware that hands tables on.
     *
     * @param function the function that the device is carried as: its address, and its path in
     *     ACPI's namespace
     * @param tables what there is so far
     * @throws RuntimeException if the device cannot be described, or somebody else has added a
     *     table that there can be only one of: the machine is not built
     */
    void generateAcpi(PciFunction function, AcpiTables tables);
}
