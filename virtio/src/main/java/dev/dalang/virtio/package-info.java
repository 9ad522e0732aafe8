/**
 * Virtio devices and what carries them. Guest addresses, register values, and sets of feature bits
 * are {@code long} and unsigned; configuration space is little-endian.
 */
package dev.dalang.virtio;
