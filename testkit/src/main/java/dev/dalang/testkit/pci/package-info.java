/**
 * A driver's side of PCI: finds functions through ECAM, sizes and assigns BARs, walks capabilities,
 * turns interrupts on, and works slots for hot plug. Written from the specifications alone, against
 * the memory bus, so that it tests whatever stands behind that. Addresses are unsigned {@code
 * long}s.
 */
package dev.dalang.testkit.pci;
