package dev.dalang.bus.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Guest physical memory: disjoint regions, sorted by base. Any thread. */
public final class GuestMemory {
    /** Bytes of a page, the unit of watching and of dirty tracking. */
    public static final int PAGE_BYTES = 4096;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final List<MemoryRegion> regions;
    private final List<PageWatcher> watchers = new CopyOnWriteArrayList<>();

    private GuestMemory(List<MemoryRegion> regions) {
        this.regions = regions;
    }

    /** Memory of these regions. */
    public static GuestMemory of(MemoryRegion... regions) {
        return new GuestMemory(List.of(regions));
    }

    /** The regions, sorted by base. */
    public List<MemoryRegion> regions() {
        return regions;
    }
}
