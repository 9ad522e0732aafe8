package dev.dalang.pci;

import dev.dalang.bus.memory.MemoryBacking;

import java.util.List;

/**
 * Parts of a BAR that are plain memory in a file, which the device has mapped as well: who serves
 * the device to another process may have that one map them too, so that its loads and stores there
 * ask nobody. The device answers the same accesses all the same, for those who do not.
 *
 * @param bar index of a memory BAR, 0..5
 * @param file what the BAR's bytes are a shared mapping of: its offset is where the BAR begins. It
 *     is the device's, and stays open and as long as it is while the device is there
 * @param areas the parts: whole pages, in order, inside the BAR, disjoint; none of MSI-X
 */
public record PciBarMemory(int bar, MemoryBacking file, List<Area> areas) {
    private static final long PAGE_MASK = 4095;

    /**
     * A part.
     *
     * @param offset its first byte in the BAR, a multiple of 4 KiB
     * @param size bytes, a multiple of 4 KiB
     */
    public record Area(long offset, long size) {}

    /** Copies the list. */
    public PciBarMemory {
        areas = List.copyOf(areas);
    }

    /** Checks the parts against the BAR, and that MSI-X keeps out of them. */
    void check(String device, PciBar of, List<Area> taken) {
        if (areas.isEmpty() || (file.offset() & PAGE_MASK) != 0) {
            throw wrong(device, "expected a part at least, and a file from the start of a page on");
        }
        long end = 0;
        for (Area area : areas) {
            if (((area.offset | area.size) & PAGE_MASK) != 0
                    || area.offset < end
                    || area.size <= 0
                    || Long.compareUnsigned(area.offset, of.size()) > 0
                    || Long.compareUnsigned(area.size, of.size() - area.offset) > 0) {
                throw wrong(device, "expected whole pages in order inside " + of + ", got " + area);
            }
            end = area.offset + area.size;
            for (Area other : taken) {
                if (other.offset < end && area.offset < other.offset + other.size) {
                    throw wrong(device, area + " holds something of MSI-X");
                }
            }
        }
    }

    private PciException wrong(String device, String what) {
        return new PciException(
                PciException.Kind.BAR_RANGE, device, "memory of BAR " + bar + ": " + what);
    }
}
