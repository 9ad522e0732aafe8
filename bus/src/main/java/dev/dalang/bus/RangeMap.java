package dev.dalang.bus;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * An immutable map from addresses to devices: ranges that do not overlap, sorted by base. Changing
 * it gives a new one.
 */
final class RangeMap<R extends BusRange, D> {
    /** A range and its device, flattened for the search. */
    static class Entry<R extends BusRange, D> {
        final long base;

        /** Distance from the first address to the last: unlike the size it always fits. */
        final long span;

        final D device;
        final R range;

        Entry(R range, D device) {
            this.base = range.base();
            this.span = range.size() - 1;
            this.device = device;
            this.range = range;
        }

        boolean contains(long address) {
            return Long.compareUnsigned(address - base, span) <= 0;
        }

        /** For an address in the range: true if {@code size} bytes from there on are in it too. */
        boolean holds(long offset, long size) {
            return Long.compareUnsigned(span - offset, size - 1) >= 0;
        }

        BusMapping<R, D> mapping() {
            return new BusMapping<>(range, device);
        }
    }

    /** Makes entries; a bus may want more in them than the search does. */
    interface EntryMaker<R extends BusRange, D> {
        Entry<R, D> make(R range, D device);
    }

    private final EntryMaker<R, D> maker;

    /** The entries' bases. */
    private final long[] bases;

    private final Entry<R, D>[] entries;

    /** True if every base is below 2^63. */
    private final boolean isLow;

    private RangeMap(EntryMaker<R, D> maker, Entry<R, D>[] sorted) {
        this.maker = maker;
        entries = sorted;
        bases = new long[sorted.length];
        for (int i = 0; i < sorted.length; i++) {
            bases[i] = sorted[i].base;
        }
        isLow = sorted.length == 0 || sorted[sorted.length - 1].base >= 0;
    }

    static <R extends BusRange, D> RangeMap<R, D> empty(EntryMaker<R, D> maker) {
        return new RangeMap<>(maker, array(0));
    }

    // An array of a generic class can only be made unchecked; it never leaves this class.
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static <R extends BusRange, D> Entry<R, D>[] array(int length) {
        return new Entry[length];
    }

    /** The entry whose range holds {@code address}, or null. */
    @Nullable Entry<R, D> find(long address) {
        int index = floor(address);
        if (index < 0) {
            return null;
        }
        Entry<R, D> entry = entries[index];
        return entry.contains(address) ? entry : null;
    }

    /** The last entry whose base is at or below {@code address}, or -1 if there is none. */
    private int floor(long address) {
        if (bases.length == 0 || Long.compareUnsigned(address, bases[0]) < 0) {
            return -1;
        }
        if (isLow) {
            return address < 0 ? bases.length - 1 : floorLow(address);
        }
        return floorAny(address);
    }

    /**
     * The search without a branch on what is found, which random addresses would mispredict every
     * other time. The sign of a difference is the comparison where both numbers are below 2^63.
     */
    private int floorLow(long address) {
        long[] sorted = bases;
        int low = 0;
        int length = sorted.length;
        while (length > 1) {
            int half = length >>> 1;
            long isAbove = (address - sorted[low + half]) >> 63;
            low += half & (int) ~isAbove;
            length -= half;
        }
        return low;
    }

    private int floorAny(long address) {
        long[] sorted = bases;
        int low = 0;
        int length = sorted.length;
        while (length > 1) {
            int half = length >>> 1;
            low = Long.compareUnsigned(sorted[low + half], address) <= 0 ? low + half : low;
            length -= half;
        }
        return low;
    }

    List<BusMapping<R, D>> mappings() {
        return Arrays.stream(entries).map(Entry::mapping).toList();
    }

    int size() {
        return entries.length;
    }

    /**
     * This map and more.
     *
     * @throws BusException if a range overlaps with one that is there, or with another new one
     */
    RangeMap<R, D> with(Collection<BusMapping<R, D>> added) {
        List<Entry<R, D>> all = new ArrayList<>(entries.length + added.size());
        all.addAll(Arrays.asList(entries));
        for (BusMapping<R, D> mapping : added) {
            Entry<R, D> entry = maker.make(mapping.range(), mapping.device());
            int at = insertionPoint(all, entry.base);
            requireFree(entry, all, at - 1);
            requireFree(entry, all, at);
            all.add(at, entry);
        }
        return new RangeMap<>(maker, all.toArray(RangeMap.<R, D>array(0)));
    }

    /** This map without the entry of exactly this range. */
    RangeMap<R, D> without(Collection<R> removed) {
        List<Entry<R, D>> rest = new ArrayList<>(Arrays.asList(entries));
        rest.removeIf(entry -> removed.contains(entry.range));
        return new RangeMap<>(maker, rest.toArray(RangeMap.<R, D>array(0)));
    }

    private static <R extends BusRange, D> int insertionPoint(List<Entry<R, D>> sorted, long base) {
        int low = 0;
        int high = sorted.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(sorted.get(middle).base, base) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static <R extends BusRange, D> void requireFree(
            Entry<R, D> entry, List<Entry<R, D>> all, int neighbour) {
        if (neighbour >= 0
                && neighbour < all.size()
                && all.get(neighbour).range.overlaps(entry.range)) {
            throw BusException.overlap(entry.range, all.get(neighbour).range);
        }
    }
}
