package dev.dalang.pci;

import dev.dalang.bus.BusRange;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.resource.AddressAllocator;
import dev.dalang.bus.resource.AllocationException;
import dev.dalang.bus.resource.Placement;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * The addresses that a bus has for its functions, and their first placement: that of power-on,
 * before any guest moves anything. Guarded by the root's lock.
 */
final class PciApertures {
    private static final long LEGACY_PORTS = 0x1000;
    private static final long BELOW_4_GIB = 0xffff_ffffL;

    /** A range that was given out. */
    record Grant(AddressAllocator from, long base, long size) {
        void release() {
            from.free(base, size);
        }
    }

    private final List<BusRange> ranges = new ArrayList<>();
    private final @Nullable AddressAllocator ports;
    private final @Nullable AddressAllocator memory32;
    private final @Nullable AddressAllocator memory64;

    /**
     * Apertures of a bus.
     *
     * @param ports the ports, if there are any; the lowest 4,096 are kept for devices of old
     * @param memory32 memory below 4 GiB, if there is any
     * @param memory64 memory for 64-bit BARs: anywhere on the root bus, prefetchable below a bridge
     */
    PciApertures(
            @Nullable PioRange ports, @Nullable MmioRange memory32, @Nullable MmioRange memory64) {
        this.ports = ports == null ? null : allocator("I/O window", ports);
        this.memory32 = memory32 == null ? null : allocator("32-bit memory window", memory32);
        this.memory64 = memory64 == null ? null : allocator("64-bit memory window", memory64);
    }

    private AddressAllocator allocator(String what, BusRange range) {
        ranges.add(range);
        return AddressAllocator.of(what, range.base(), range.size());
    }

    /** The apertures as ranges. */
    List<BusRange> ranges() {
        return ranges;
    }

    /** True if a range lies whole in one of them. */
    boolean admits(BusRange range) {
        for (BusRange aperture : ranges) {
            if (aperture.getClass() == range.getClass()
                    && aperture.contains(range.base())
                    && aperture.contains(range.last())) {
                return true;
            }
        }
        return false;
    }

    /** Keeps the ports of devices of old from being given out. */
    void keepLegacyPorts() {
        if (ports != null && ports.base() < LEGACY_PORTS) {
            long last = Math.min(ports.last(), LEGACY_PORTS - 1);
            ports.allocateAt(ports.base(), last - ports.base() + 1, 1);
        }
    }

    /** Finds a place for a BAR. */
    Grant place(String label, PciBar bar, boolean belowBridge) {
        if (bar.type() == PciBar.Type.IO) {
            return grant(label, bar.toString(), ports, "I/O", bar.size(), bar.size(), false);
        }
        boolean is64 = bar.type() == PciBar.Type.MEMORY64;
        if (is64 && memory64 != null && (bar.prefetchable() || !belowBridge)) {
            try {
                return grant(
                        label, bar.toString(), memory64, "64-bit", bar.size(), bar.size(), false);
            } catch (PciException full) {
                // The other window may have room.
                if (memory32 == null) {
                    throw full;
                }
            }
        }
        return grant(
                label, bar.toString(), memory32, "32-bit memory", bar.size(), bar.size(), true);
    }

    /** Finds a place for a bridge's window of ports. */
    Grant placePorts(String label, long size) {
        return grant(label, "I/O window", ports, "I/O", size, 0x1000, false);
    }

    /** Finds a place for a bridge's window of memory. */
    Grant placeMemory(String label, long size) {
        return grant(label, "memory window", memory32, "32-bit memory", size, 1L << 20, true);
    }

    /** Finds a place for a bridge's window of prefetchable memory. */
    Grant placePrefetchable(String label, long size) {
        String what = "prefetchable memory window";
        return memory64 != null
                ? grant(label, what, memory64, "64-bit memory", size, 1L << 20, false)
                : grant(label, what, memory32, "32-bit memory", size, 1L << 20, true);
    }

    boolean hasPorts() {
        return ports != null;
    }

    private static Grant grant(
            String label,
            String what,
            @Nullable AddressAllocator from,
            String kind,
            long size,
            long alignment,
            boolean below4GiB) {
        if (from == null) {
            throw new PciException(
                    PciException.Kind.BAR_RANGE,
                    label,
                    what + ": its bus has no " + kind + " window");
        }
        try {
            long max = below4GiB ? minUnsigned(from.last(), BELOW_4_GIB) : from.last();
            long base = from.allocate(size, alignment, Placement.LOWEST, from.base(), max);
            return new Grant(from, base, size);
        } catch (AllocationException full) {
            throw new PciException(
                    PciException.Kind.BAR_RANGE, label, what + ": " + full.getMessage());
        }
    }

    private static long minUnsigned(long a, long b) {
        return Long.compareUnsigned(a, b) <= 0 ? a : b;
    }
}
