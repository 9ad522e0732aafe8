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
    static final class Entry<R extends BusRange, D> {
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

    /** Bases with the sign bit flipped, so that signed comparison orders them. */
    private final long[] keys;

    private final Entry<R, D>[] entries;

    private RangeMap(Entry<R, D>[] sorted) {
        entries = sorted;
        keys = new long[sorted.length];
        for (int i = 0; i < sorted.length; i++) {
            keys[i] = key(sorted[i].base);
        }
    }

    static <R extends BusRange, D> RangeMap<R, D> empty() {
        return new RangeMap<>(array(0));
    }

    // An array of a generic class can only be made unchecked; it never leaves this class.
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static <R extends BusRange, D> Entry<R, D>[] array(int length) {
        return new Entry[length];
    }

    private static long key(long address) {
        return address ^ Long.MIN_VALUE;
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

    /**
     * The last entry whose base is at or below {@code address}, or -1 if there is none. The loop
     * has no branch that depends on the address: random addresses would mispredict half of them.
     */
    private int floor(long address) {
        long[] sorted = keys;
        long key = key(address);
        int length = sorted.length;
        if (length == 0 || key < sorted[0]) {
            return -1;
        }
        int low = 0;
        while (length > 1) {
            int half = length >>> 1;
            low = sorted[low + half] <= key ? low + half : low;
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
            Entry<R, D> entry = new Entry<>(mapping.range(), mapping.device());
            int at = insertionPoint(all, entry.base);
            requireFree(entry, all, at - 1);
            requireFree(entry, all, at);
            all.add(at, entry);
        }
        return new RangeMap<>(all.toArray(RangeMap.<R, D>array(0)));
    }

    /** This map without the entry of exactly this range. */
    RangeMap<R, D> without(Collection<R> removed) {
        List<Entry<R, D>> rest = new ArrayList<>(Arrays.asList(entries));
        rest.removeIf(entry -> removed.contains(entry.range));
        return new RangeMap<>(rest.toArray(RangeMap.<R, D>array(0)));
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
