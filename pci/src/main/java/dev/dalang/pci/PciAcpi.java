package dev.dalang.pci;

import dev.dalang.tables.acpi.AcpiTables;

/**
 * The ability of a {@link PciDevice} to have tables of ACPI of its own, beside the node that every
 * function has in the DSDT.
 */
public interface PciAcpi {
    /**
     * Adds to the tables of the machine. Called once, when all functions have their places and
     * before the guest begins, if there is firmware that hands tables on.
     *
     * @param function the device in the tree: its address, and its path in ACPI's namespace
     * @param tables what there is so far
     * @throws RuntimeException if the device cannot be described, or somebody else has added a
     *     table that there can be only one of: the machine is not built
     */
    void generateAcpi(PciFunction function, AcpiTables tables);
}
