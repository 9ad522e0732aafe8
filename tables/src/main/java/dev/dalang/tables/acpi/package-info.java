/**
 * Writers for ACPI's tables (ACPI 6.6 §5.2) on hardware-reduced RISC-V machines, for the byte code
 * that describes such a machine's devices, and for the script by which firmware puts the tables in
 * memory.
 *
 * <p>Everything is a pure function of its parameters: the same ones give the same bytes. Addresses
 * and lengths are unsigned in a {@code long}, global system interrupts unsigned in an {@code int};
 * tables are little-endian. What cannot be expressed is refused with {@link
 * dev.dalang.tables.acpi.AcpiException}. Builders belong to one thread; tables are immutable.
 */
package dev.dalang.tables.acpi;
