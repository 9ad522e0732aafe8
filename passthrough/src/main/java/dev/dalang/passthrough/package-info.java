/**
 * Devices that live elsewhere. A {@link dev.dalang.passthrough.PassthroughBackend} reaches one;
 * everything that PCI asks for stands above it, once.
 *
 * <p>Addresses and offsets are unsigned 64-bit numbers in a {@code long}; access sizes are 1, 2, 4
 * or 8 bytes, values little-endian and zero-extended.
 */
package dev.dalang.passthrough;
