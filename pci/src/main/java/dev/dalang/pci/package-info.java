/**
 * PCI and PCI Express.
 *
 * <p>Addresses and the values of a device's registers are {@code long}, always unsigned. The
 * configuration space is made of 32-bit registers: a <em>register</em> is the index of one (its
 * byte offset divided by four), and its value an {@code int}, always unsigned. Everything is
 * little-endian.
 *
 * <p>Nothing that a guest can reach throws. What a caller configures wrongly is a {@link
 * dev.dalang.pci.PciException} that names the device and the numbers.
 */
package dev.dalang.pci;
