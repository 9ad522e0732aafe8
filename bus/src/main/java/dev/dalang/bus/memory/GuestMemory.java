package dev.dalang.bus.memory;

import dev.dalang.bus.memory.GuestMemoryException.Kind;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * Guest physical memory: disjoint regions, sorted by base. Any thread.
 *
 * <p>Values are little-endian. Plain reads and writes take any alignment, may cross from a region
 * into an adjacent one, and are atomic only where they are aligned; ordered ({@code Acquire},
 * {@code Release}) and atomic accesses must be aligned to their size. An access that is not wholly
 * in memory throws {@link GuestMemoryException} and changes nothing.
 *
 * <p>Writes through this class are seen by page watches and by dirty tracking. Who writes through a
 * raw segment reports it with {@link #written}.
 */
public final class GuestMemory {
    /** Bytes of a page, the unit of watching and of dirty tracking. */
    public static final int PAGE_BYTES = 1 << PageFlags.PAGE_SHIFT;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle INTS =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle LONGS =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private static final PageWatcher[] NO_WATCHERS = {};

    private final List<MemoryRegion> regions;
    private final RegionTable table;

    // The table's arrays, at hand.
    private final long[] bases;
    private final long[] sizes;
    private final boolean[] readOnly;

    private final MemorySegment[] segments;
    private final PageFlags[] flags;
    private volatile PageWatcher[] watchers = NO_WATCHERS;

    private GuestMemory(List<MemoryRegion> sorted) {
        regions = sorted;
        table = new RegionTable(sorted);
        bases = table.bases;
        sizes = table.sizes;
        readOnly = table.readOnly;
        segments = sorted.stream().map(MemoryRegion::segment).toArray(MemorySegment[]::new);
        flags =
                sorted.stream()
                        .map(region -> new PageFlags(region.size()))
                        .toArray(PageFlags[]::new);
    }

    /**
     * Memory of these regions, in any order.
     *
     * @param regions disjoint, in any order
     * @return the memory
     */
    public static GuestMemory of(MemoryRegion... regions) {
        return of(List.of(regions));
    }

    /**
     * Memory of these regions, in any order.
     *
     * @param regions disjoint, in any order
     * @return the memory
     * @throws IllegalArgumentException if two of them overlap
     */
    public static GuestMemory of(List<MemoryRegion> regions) {
        return new GuestMemory(RegionTable.sorted(regions));
    }

    /**
     * The regions, sorted by base.
     *
     * @return the regions
     */
    public List<MemoryRegion> regions() {
        return regions;
    }

    /**
     * The region that holds the byte at {@code address}.
     *
     * @param address guest physical address, unsigned
     * @return the region, if there is memory
     */
    public Optional<MemoryRegion> regionAt(long address) {
        int index = regionIndex(address);
        return index < 0 ? Optional.empty() : Optional.of(regions.get(index));
    }

    /**
     * Position in {@link #regions} of the region that holds the byte at {@code address}, or -1.
     * Does not allocate.
     *
     * @param address guest physical address, unsigned
     * @return the position, or -1
     */
    public int regionIndex(long address) {
        return table.indexOf(address);
    }

    /**
     * True if every byte is memory; so it is where {@code length} is 0.
     *
     * @param address guest physical address, unsigned
     * @param length bytes, unsigned
     * @return true if all of it is memory
     */
    public boolean contains(long address, long length) {
        return table.spans(address, length, false);
    }

    /**
     * True if every byte is memory that can be written.
     *
     * @param address guest physical address, unsigned
     * @param length bytes, unsigned
     * @return true if all of it can be written
     */
    public boolean isWritable(long address, long length) {
        return table.spans(address, length, true);
    }

    // ---------------------------------------------------------------- plain access

    /**
     * Reads a byte.
     *
     * @param address guest physical address, unsigned
     * @return the value
     */
    public byte readByte(long address) {
        int r = regionIndex(address);
        if (r < 0) {
            throw unmapped(address, 1);
        }
        return segments[r].get(ValueLayout.JAVA_BYTE, address - bases[r]);
    }

    /**
     * Reads two bytes.
     *
     * @param address guest physical address, unsigned
     * @return the value
     */
    public short readShort(long address) {
        int r = whole(address, Short.BYTES);
        return r >= 0
                ? segments[r].get(SHORT, address - bases[r])
                : (short) readSplit(address, Short.BYTES);
    }

    /**
     * Reads four bytes.
     *
     * @param address guest physical address, unsigned
     * @return the value
     */
    public int readInt(long address) {
        int r = whole(address, Integer.BYTES);
        return r >= 0
                ? segments[r].get(INT, address - bases[r])
                : (int) readSplit(address, Integer.BYTES);
    }

    /**
     * Reads eight bytes.
     *
     * @param address guest physical address, unsigned
     * @return the value
     */
    public long readLong(long address) {
        int r = whole(address, Long.BYTES);
        return r >= 0 ? segments[r].get(LONG, address - bases[r]) : readSplit(address, Long.BYTES);
    }

    /**
     * Writes a byte.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     */
    public void writeByte(long address, byte value) {
        int r = writable(address, 1);
        segments[r].set(ValueLayout.JAVA_BYTE, address - bases[r], value);
        report(r, address, 1);
    }

    /**
     * Writes two bytes.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     */
    public void writeShort(long address, short value) {
        int r = wholeWritable(address, Short.BYTES);
        if (r < 0) {
            writeSplit(address, Short.BYTES, value);
            return;
        }
        segments[r].set(SHORT, address - bases[r], value);
        report(r, address, Short.BYTES);
    }

    /**
     * Writes four bytes.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     */
    public void writeInt(long address, int value) {
        int r = wholeWritable(address, Integer.BYTES);
        if (r < 0) {
            writeSplit(address, Integer.BYTES, value);
            return;
        }
        segments[r].set(INT, address - bases[r], value);
        report(r, address, Integer.BYTES);
    }

    /**
     * Writes eight bytes.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     */
    public void writeLong(long address, long value) {
        int r = wholeWritable(address, Long.BYTES);
        if (r < 0) {
            writeSplit(address, Long.BYTES, value);
            return;
        }
        segments[r].set(LONG, address - bases[r], value);
        report(r, address, Long.BYTES);
    }

    // ---------------------------------------------------------------- ordered access

    /**
     * Reads two aligned bytes; what comes later in program order happens later.
     *
     * @param address guest physical address, unsigned
     * @return the value
     */
    public short getShortAcquire(long address) {
        int r = aligned(address, Short.BYTES);
        return (short) SHORTS.getAcquire(segments[r], address - bases[r]);
    }

    /**
     * Reads four aligned bytes; what comes later in program order happens later.
     *
     * @param address guest physical address, unsigned
     * @return the value
     */
    public int getIntAcquire(long address) {
        int r = aligned(address, Integer.BYTES);
        return (int) INTS.getAcquire(segments[r], address - bases[r]);
    }

    /**
     * Reads eight aligned bytes; what comes later in program order happens later.
     *
     * @param address guest physical address, unsigned
     * @return the value
     */
    public long getLongAcquire(long address) {
        int r = aligned(address, Long.BYTES);
        return (long) LONGS.getAcquire(segments[r], address - bases[r]);
    }

    /**
     * Writes two aligned bytes; what came earlier in program order is visible before.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     */
    public void setShortRelease(long address, short value) {
        int r = alignedWritable(address, Short.BYTES);
        SHORTS.setRelease(segments[r], address - bases[r], value);
        report(r, address, Short.BYTES);
    }

    /**
     * Writes four aligned bytes; what came earlier in program order is visible before.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     */
    public void setIntRelease(long address, int value) {
        int r = alignedWritable(address, Integer.BYTES);
        INTS.setRelease(segments[r], address - bases[r], value);
        report(r, address, Integer.BYTES);
    }

    /**
     * Writes eight aligned bytes; what came earlier in program order is visible before.
     *
     * @param address guest physical address, unsigned
     * @param value the value
     */
    public void setLongRelease(long address, long value) {
        int r = alignedWritable(address, Long.BYTES);
        LONGS.setRelease(segments[r], address - bases[r], value);
        report(r, address, Long.BYTES);
    }

    // ---------------------------------------------------------------- atomic access

    /**
     * Replaces {@code expected} by {@code value}, fully fenced. True if it was there.
     *
     * @param address guest physical address, unsigned
     * @param expected the value to replace
     * @param value the value
     * @return true if {@code expected} was there and is replaced
     */
    public boolean compareAndSetInt(long address, int expected, int value) {
        return compareAndExchangeInt(address, expected, value) == expected;
    }

    /**
     * Replaces {@code expected} by {@code value}, fully fenced. True if it was there.
     *
     * @param address guest physical address, unsigned
     * @param expected the value to replace
     * @param value the value
     * @return true if {@code expected} was there and is replaced
     */
    public boolean compareAndSetLong(long address, long expected, long value) {
        return compareAndExchangeLong(address, expected, value) == expected;
    }

    /**
     * Replaces {@code expected} by {@code value}, fully fenced; gives what was there.
     *
     * @param address guest physical address, unsigned
     * @param expected the value to replace
     * @param value the value
     * @return what was there
     */
    public int compareAndExchangeInt(long address, int expected, int value) {
        int r = alignedWritable(address, Integer.BYTES);
        int found = (int) INTS.compareAndExchange(segments[r], address - bases[r], expected, value);
        if (found == expected) {
            report(r, address, Integer.BYTES);
        }
        return found;
    }

    /**
     * Replaces {@code expected} by {@code value}, fully fenced; gives what was there.
     *
     * @param address guest physical address, unsigned
     * @param expected the value to replace
     * @param value the value
     * @return what was there
     */
    public long compareAndExchangeLong(long address, long expected, long value) {
        int r = alignedWritable(address, Long.BYTES);
        long found =
                (long) LONGS.compareAndExchange(segments[r], address - bases[r], expected, value);
        if (found == expected) {
            report(r, address, Long.BYTES);
        }
        return found;
    }

    /**
     * Adds, fully fenced; gives what was there.
     *
     * @param address guest physical address, unsigned
     * @param delta what to add, wrapping
     * @return what was there
     */
    public int getAndAddInt(long address, int delta) {
        int r = alignedWritable(address, Integer.BYTES);
        int found = (int) INTS.getAndAdd(segments[r], address - bases[r], delta);
        report(r, address, Integer.BYTES);
        return found;
    }

    /**
     * Adds, fully fenced; gives what was there.
     *
     * @param address guest physical address, unsigned
     * @param delta what to add, wrapping
     * @return what was there
     */
    public long getAndAddLong(long address, long delta) {
        int r = alignedWritable(address, Long.BYTES);
        long found = (long) LONGS.getAndAdd(segments[r], address - bases[r], delta);
        report(r, address, Long.BYTES);
        return found;
    }

    // ---------------------------------------------------------------- bulk access

    /**
     * Copies the whole of {@code source} into memory.
     *
     * @param address guest physical address, unsigned
     * @param source where the bytes come from
     */
    public void copyIn(long address, byte[] source) {
        copyIn(address, source, 0, source.length);
    }

    /**
     * Copies {@code length} bytes of {@code source}, from {@code offset} on, into memory.
     *
     * @param address guest physical address, unsigned
     * @param source where the bytes come from
     * @param offset first byte to use of the array
     * @param length bytes, unsigned
     */
    public void copyIn(long address, byte[] source, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, source.length);
        requireWritable(address, length);
        // No segment is made of the array: this is where devices write for each request.
        for (int done = 0; done < length; ) {
            int r = regionIndex(address + done);
            long at = address + done - bases[r];
            int step = (int) Math.min(length - done, sizes[r] - at);
            MemorySegment.copy(source, offset + done, segments[r], ValueLayout.JAVA_BYTE, at, step);
            done += step;
        }
        written(address, (long) length);
    }

    /**
     * Copies the whole of {@code source} into memory.
     *
     * @param address guest physical address, unsigned
     * @param source where the bytes come from
     */
    public void copyIn(long address, MemorySegment source) {
        long length = source.byteSize();
        requireWritable(address, length);
        for (long done = 0; done < length; ) {
            int r = regionIndex(address + done);
            long offset = address + done - bases[r];
            long step = Math.min(length - done, sizes[r] - offset);
            MemorySegment.copy(source, done, segments[r], offset, step);
            done += step;
        }
        written(address, length);
    }

    /**
     * Fills the whole of {@code target} from memory.
     *
     * @param address guest physical address, unsigned
     * @param target where the bytes go
     */
    public void copyOut(long address, byte[] target) {
        copyOut(address, target, 0, target.length);
    }

    /**
     * Fills {@code length} bytes of {@code target}, from {@code offset} on, from memory.
     *
     * @param address guest physical address, unsigned
     * @param target where the bytes go
     * @param offset first byte to use of the array
     * @param length bytes, unsigned
     */
    public void copyOut(long address, byte[] target, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        if (!contains(address, length)) {
            throw unmapped(address, length);
        }
        for (int done = 0; done < length; ) {
            int r = regionIndex(address + done);
            long at = address + done - bases[r];
            int step = (int) Math.min(length - done, sizes[r] - at);
            MemorySegment.copy(segments[r], ValueLayout.JAVA_BYTE, at, target, offset + done, step);
            done += step;
        }
    }

    /**
     * Fills the whole of {@code target} from memory.
     *
     * @param address guest physical address, unsigned
     * @param target where the bytes go
     */
    public void copyOut(long address, MemorySegment target) {
        long length = target.byteSize();
        if (!contains(address, length)) {
            throw unmapped(address, length);
        }
        for (long done = 0; done < length; ) {
            int r = regionIndex(address + done);
            long offset = address + done - bases[r];
            long step = Math.min(length - done, sizes[r] - offset);
            MemorySegment.copy(segments[r], offset, target, done, step);
            done += step;
        }
    }

    /**
     * Sets {@code length} bytes to {@code value}.
     *
     * @param address guest physical address, unsigned
     * @param length bytes, unsigned
     * @param value the value
     */
    public void fill(long address, long length, byte value) {
        requireWritable(address, length);
        for (long done = 0; done < length; ) {
            int r = regionIndex(address + done);
            long offset = address + done - bases[r];
            long step = Math.min(length - done, sizes[r] - offset);
            segments[r].asSlice(offset, step).fill(value);
            done += step;
        }
        written(address, length);
    }

    /**
     * The bytes themselves, of one region. Writes through the segment are seen by no watch: report
     * them with {@link #written}.
     *
     * @param address guest physical address, unsigned
     * @param length bytes, unsigned
     * @return the bytes; a segment of the region, with its lifetime
     */
    public MemorySegment slice(long address, long length) {
        int r = regionIndex(address);
        if (r >= 0 && Long.compareUnsigned(length, sizes[r] - (address - bases[r])) <= 0) {
            return segments[r].asSlice(address - bases[r], length);
        }
        throw new GuestMemoryException(
                contains(address, length) ? Kind.SPLIT : Kind.UNMAPPED, address, length);
    }

    // ---------------------------------------------------------------- watching and tracking

    /**
     * Adds one who is told when a watched page is written.
     *
     * @param watcher whom to tell
     */
    public synchronized void addWatcher(PageWatcher watcher) {
        PageWatcher[] grown = Arrays.copyOf(watchers, watchers.length + 1);
        grown[watchers.length] = watcher;
        watchers = grown;
    }

    /**
     * Removes a watcher; it may still be called by a write that has begun.
     *
     * @param watcher the one that was added
     */
    public synchronized void removeWatcher(PageWatcher watcher) {
        watchers = Arrays.stream(watchers).filter(w -> w != watcher).toArray(PageWatcher[]::new);
    }

    /**
     * Watches a page: the next write to it clears the watch and then tells the watchers. Bytes read
     * after this call returns are either those that a write left, or the write is told.
     *
     * @param pageAddress any address in the page
     */
    public void watch(long pageAddress) {
        int r = inMemory(pageAddress);
        flags[r].watch(page(r, pageAddress));
    }

    /**
     * Ends the watch of a page; nobody is told.
     *
     * @param pageAddress any address in the page
     */
    public void unwatch(long pageAddress) {
        int r = inMemory(pageAddress);
        flags[r].unwatch(page(r, pageAddress));
    }

    /**
     * True if the page is watched; false also where there is no memory.
     *
     * @param pageAddress any address in the page
     * @return true if watched
     */
    public boolean isWatched(long pageAddress) {
        int r = regionIndex(pageAddress);
        return r >= 0 && (flags[r].get(page(r, pageAddress)) & PageFlags.WATCHED) != 0;
    }

    /**
     * True if the next write to the page must be reported: it is watched, or dirty tracking is on
     * and the page is clean. A hart keeps no writable translation of such a page.
     *
     * @param pageAddress any address in the page
     * @return true if writes must be reported
     */
    public boolean wantsWriteReport(long pageAddress) {
        int r = regionIndex(pageAddress);
        return r >= 0 && flags[r].get(page(r, pageAddress)) != 0;
    }

    /**
     * Reports bytes that were written through a raw segment, after the write.
     *
     * @param address guest physical address, unsigned
     * @param length bytes, unsigned
     */
    public void written(long address, int length) {
        written(address, (long) length);
    }

    private void written(long address, long length) {
        if (length == 0) {
            return;
        }
        if (!contains(address, length)) {
            throw unmapped(address, length);
        }
        // Write, fence, check: see PageFlags.
        VarHandle.fullFence();
        long last = address + (length - 1);
        long page = address & -PAGE_BYTES;
        while (true) {
            int r = regionIndex(page);
            if (flags[r].get(page(r, page)) != 0) {
                take(r, page);
            }
            if (page == (last & -PAGE_BYTES)) {
                return;
            }
            page += PAGE_BYTES;
        }
    }

    /**
     * Starts dirty tracking with every page clean. Harts drop their writable translations
     * afterwards, and after each harvest, or are stopped meanwhile.
     */
    public synchronized void startDirtyTracking() {
        for (PageFlags region : flags) {
            region.startTracking();
        }
    }

    /** Ends dirty tracking; what is dirty is forgotten with the next start. */
    public synchronized void stopDirtyTracking() {
        for (PageFlags region : flags) {
            region.stopTracking();
        }
    }

    /**
     * Gives the address of each page that was written since the last harvest or the start, in
     * ascending order, and marks it clean. Content that is read inside {@code pages} holds every
     * write that the next harvest does not name.
     *
     * @param pages takes the address of each page
     * @throws IllegalStateException if tracking is off
     */
    public synchronized void harvestDirtyPages(LongConsumer pages) {
        for (int r = 0; r < flags.length; r++) {
            if (!flags[r].isTracking()) {
                throw new IllegalStateException("dirty tracking is off");
            }
            flags[r].harvest(bases[r], pages);
        }
    }

    // ---------------------------------------------------------------- helpers

    private int page(int region, long address) {
        return (int) ((address - bases[region]) >>> PageFlags.PAGE_SHIFT);
    }

    /** After a write of up to eight bytes within one region. */
    private void report(int region, long address, int size) {
        // Write, fence, check: see PageFlags.
        VarHandle.fullFence();
        int first = page(region, address);
        int last = page(region, address + size - 1);
        PageFlags region0 = flags[region];
        if (region0.get(first) != 0) {
            take(region, address & -PAGE_BYTES);
        }
        if (last != first && region0.get(last) != 0) {
            take(region, (address + size - 1) & -PAGE_BYTES);
        }
    }

    private void take(int region, long pageAddress) {
        if (flags[region].take(page(region, pageAddress))) {
            for (PageWatcher watcher : watchers) {
                watcher.pageWritten(pageAddress);
            }
        }
    }

    /** The region that holds all {@code size} bytes, or -1. */
    private int whole(long address, int size) {
        int r = regionIndex(address);
        return r >= 0 && sizes[r] - (address - bases[r]) >= size ? r : -1;
    }

    private int wholeWritable(long address, int size) {
        int r = whole(address, size);
        if (r >= 0 && readOnly[r]) {
            throw new GuestMemoryException(Kind.READ_ONLY, address, size);
        }
        return r;
    }

    private int writable(long address, int size) {
        int r = wholeWritable(address, size);
        if (r < 0) {
            throw unmapped(address, size);
        }
        return r;
    }

    private int aligned(long address, int size) {
        int r = regionIndex(address);
        if (r < 0) {
            throw unmapped(address, size);
        }
        if ((address & (size - 1)) != 0) {
            throw new GuestMemoryException(Kind.MISALIGNED, address, size);
        }
        return r;
    }

    private int alignedWritable(long address, int size) {
        int r = aligned(address, size);
        if (readOnly[r]) {
            throw new GuestMemoryException(Kind.READ_ONLY, address, size);
        }
        return r;
    }

    private int inMemory(long address) {
        int r = regionIndex(address);
        if (r < 0) {
            throw unmapped(address, 1);
        }
        return r;
    }

    private void requireWritable(long address, long length) {
        if (!isWritable(address, length)) {
            throw contains(address, length)
                    ? new GuestMemoryException(Kind.READ_ONLY, address, length)
                    : unmapped(address, length);
        }
    }

    private long readSplit(long address, int size) {
        if (!contains(address, size)) {
            throw unmapped(address, size);
        }
        long value = 0;
        for (int i = 0; i < size; i++) {
            value |= (readByte(address + i) & 0xffL) << (8 * i);
        }
        return value;
    }

    private void writeSplit(long address, int size, long value) {
        requireWritable(address, size);
        for (int i = 0; i < size; i++) {
            writeByte(address + i, (byte) (value >>> (8 * i)));
        }
    }

    private static GuestMemoryException unmapped(long address, long length) {
        return new GuestMemoryException(Kind.UNMAPPED, address, length);
    }
}
