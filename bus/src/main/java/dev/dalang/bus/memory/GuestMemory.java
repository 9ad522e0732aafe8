package dev.dalang.bus.memory;

import java.util.List;

/** Guest physical memory: disjoint regions, sorted by base. Any thread. */
public final class GuestMemory {
    /** Bytes of a page, the unit of watching and of dirty tracking. */
    public static final int PAGE_BYTES = 4096;

    private final List<MemoryRegion> regions;

    private GuestMemory(List<MemoryRegion> regions) {
        this.regions = regions;
    }

    /**
     * Makes a memory of regions.
     *
     * @param regions disjoint, in any order
     * @return the memory
     */
    public static GuestMemory of(MemoryRegion... regions) {
        return new GuestMemory(List.of(regions));
    }

    /** {@return the regions, sorted by base} */
    public List<MemoryRegion> regions() {
        return regions;
    }
}
