package dev.dalang.bus.memory;

import java.util.Comparator;
import java.util.List;

/** Where regions lie: what each access asks first, in arrays. */
final class RegionTable {
    final long[] bases;
    final long[] sizes;
    final boolean[] readOnly;

    RegionTable(List<MemoryRegion> sorted) {
        bases = sorted.stream().mapToLong(MemoryRegion::base).toArray();
        sizes = sorted.stream().mapToLong(MemoryRegion::size).toArray();
        readOnly = new boolean[sorted.size()];
        for (int i = 0; i < readOnly.length; i++) {
            readOnly[i] = sorted.get(i).isReadOnly();
        }
    }

    /** Regions by base; an IllegalArgumentException if two overlap. */
    static List<MemoryRegion> sorted(List<MemoryRegion> regions) {
        List<MemoryRegion> sorted =
                regions.stream()
                        .sorted(Comparator.comparing(MemoryRegion::base, Long::compareUnsigned))
                        .toList();
        for (int i = 1; i < sorted.size(); i++) {
            MemoryRegion below = sorted.get(i - 1);
            MemoryRegion above = sorted.get(i);
            if (Long.compareUnsigned(below.last(), above.base()) >= 0) {
                throw new IllegalArgumentException(
                        "memory regions overlap: " + extent(below) + " and " + extent(above));
            }
        }
        return sorted;
    }

    private static String extent(MemoryRegion region) {
        return "0x" + Long.toHexString(region.base()) + "..0x" + Long.toHexString(region.last());
    }

    /** Position of the region that holds the byte at {@code address}, or -1. */
    int indexOf(long address) {
        // Machines have two or three regions: a loop is the fastest search.
        for (int i = 0; i < bases.length; i++) {
            if (Long.compareUnsigned(address - bases[i], sizes[i]) < 0) {
                return i;
            }
        }
        return -1;
    }

    /** True if every byte is memory, and writable if {@code write} asks for it. */
    boolean spans(long address, long length, boolean write) {
        long at = address;
        long left = length;
        while (left != 0) {
            int index = indexOf(at);
            if (index < 0 || (write && readOnly[index])) {
                return false;
            }
            long room = sizes[index] - (at - bases[index]);
            if (Long.compareUnsigned(left, room) <= 0) {
                return true;
            }
            left -= room;
            at += room;
            if (at == 0) {
                return false; // past the top of the address space
            }
        }
        return true;
    }
}
