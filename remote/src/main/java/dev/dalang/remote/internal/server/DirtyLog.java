package dev.dalang.remote.internal.server;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.remote.internal.wire.Refusal;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Which pages of the client's memory the device has written. Mapped memory keeps the account
 * itself; it is collected here whenever the memory is replaced or the client asks. Guarded by the
 * lock of the {@link ClientMemory} that owns it, but for {@link #written}.
 */
final class DirtyLog {
    /** More pages than these between two reports, and all of them are said to be dirty. */
    private static final int MAX_PAGES = 1 << 20;

    private final ConcurrentSkipListSet<Long> pages =
            new ConcurrentSkipListSet<>(Long::compareUnsigned);

    private final AtomicInteger count = new AtomicInteger();
    private volatile boolean isOn;
    private volatile boolean isOverfull;
    private @Nullable GuestMemory tracked;

    /** The memory before: an access that began there may end after it was replaced. */
    private @Nullable GuestMemory before;

    boolean isOn() {
        return isOn;
    }

    void start(GuestMemory memory) {
        if (isOn) {
            throw Refusal.invalid("DMA_LOGGING_START: it is on");
        }
        clear();
        isOn = true;
        tracked = memory;
        memory.startDirtyTracking();
    }

    void stop() {
        if (tracked != null) {
            tracked.stopDirtyTracking();
        }
        isOn = false;
        tracked = null;
        before = null;
        clear();
    }

    private void clear() {
        pages.clear();
        count.set(0);
        isOverfull = false;
    }

    private void remove(long page) {
        if (pages.remove(page)) {
            count.decrementAndGet();
        }
    }

    /** Other memory takes the place of what there was. */
    void replace(GuestMemory memory) {
        if (isOn) {
            memory.startDirtyTracking();
            collect();
            before = tracked;
            tracked = memory;
        }
    }

    /** A piece is gone: what was written there is nobody's concern. */
    void forget(long address, long length) {
        if (isOn) {
            collect();
            for (long page : pages.subSet(address, true, address + (length - 1), true)) {
                remove(page);
            }
        }
    }

    /** The device wrote by messages. Any thread. */
    void written(long address, long length) {
        if (isOn && length > 0) {
            long last = address + (length - 1) & -GuestMemory.PAGE_BYTES;
            for (long page = address & -GuestMemory.PAGE_BYTES; ; page += GuestMemory.PAGE_BYTES) {
                add(page);
                if (page == last) {
                    return;
                }
            }
        }
    }

    private void add(long page) {
        if (!isOverfull && pages.add(page) && count.incrementAndGet() > MAX_PAGES) {
            isOverfull = true;
        }
    }

    private void collect() {
        if (before != null) {
            before.harvestDirtyPages(this::add);
        }
        if (tracked != null) {
            tracked.harvestDirtyPages(this::add);
        }
    }

    /**
     * Takes a part of the log.
     *
     * @param address of its first byte
     * @param length bytes, above 0 and within the address space
     * @param pageBytes what a bit stands for: a power of two, at least a page of ours
     * @return the bits, the first page in bit 0
     * @throws Refusal if it is off
     */
    long[] take(long address, long length, long pageBytes) {
        if (!isOn) {
            throw Refusal.invalid("DMA_LOGGING_REPORT: it is off");
        }
        collect();
        int shift = Long.numberOfTrailingZeros(pageBytes);
        long wanted = (length - 1 >>> shift) + 1;
        long[] bits = new long[(int) (wanted + 63 >>> 6)];
        if (isOverfull) {
            for (long bit = 0; bit < wanted; bit++) {
                bits[(int) (bit >>> 6)] |= 1L << bit;
            }
            return bits;
        }
        for (long page : pages.subSet(address, true, address + (length - 1), true)) {
            // Whoever writes from here on is in the next report.
            remove(page);
            long bit = page - address >>> shift;
            bits[(int) (bit >>> 6)] |= 1L << bit;
        }
        return bits;
    }
}
