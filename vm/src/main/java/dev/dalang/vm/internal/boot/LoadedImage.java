package dev.dalang.vm.internal.boot;

/**
 * Where a kernel or firmware lies in guest memory.
 *
 * @param entry address of its first instruction
 * @param first address of its first byte
 * @param end address behind its last byte, uninitialised data included
 */
public record LoadedImage(long entry, long first, long end) {}
