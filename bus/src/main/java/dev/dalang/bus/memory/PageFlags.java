package dev.dalang.bus.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongConsumer;

/**
 * One byte per page of a region that says who wants to hear of writes. Zero, the usual case, means
 * nobody, so that a write costs one byte load.
 *
 * <p>Memory order: a writer stores its data, fences, and loads the flag; whoever sets a flag stores
 * it, fences, and reads the data. One of the two sees the other.
 */
final class PageFlags {
    /** The next write to the page is told to the watchers. */
    static final byte WATCHED = 1;

    /** The next write to the page sets its dirty bit. */
    static final byte CLEAN = 2;

    static final int PAGE_SHIFT = 12;

    /** 4 TiB: the flags of one region are one array. */
    private static final int MAX_PAGES = 1 << 30;

    private static final VarHandle FLAG = MethodHandles.arrayElementVarHandle(byte[].class);

    private final byte[] flags;
    private final AtomicLongArray dirty;
    private volatile boolean tracking;

    PageFlags(long regionBytes) {
        long count = regionBytes >>> PAGE_SHIFT;
        if (count > MAX_PAGES) {
            throw new IllegalArgumentException(
                    "expected a memory region of at most "
                            + MAX_PAGES
                            + " pages, got one of "
                            + count);
        }
        int pages = (int) count;
        flags = new byte[pages];
        dirty = new AtomicLongArray((pages + 63) >>> 6);
    }

    /** The flags of a page; racy by design, the caller has fenced. */
    byte get(int page) {
        return (byte) FLAG.getOpaque(flags, page);
    }

    void watch(int page) {
        FLAG.getAndBitwiseOr(flags, page, WATCHED);
        VarHandle.fullFence();
    }

    void unwatch(int page) {
        FLAG.getAndBitwiseAnd(flags, page, (byte) ~WATCHED);
    }

    /**
     * Takes a write to a page whose flags are not zero.
     *
     * @return true if the page was watched and this call cleared the watch
     */
    boolean take(int page) {
        byte before = (byte) FLAG.getAndBitwiseAnd(flags, page, (byte) ~(WATCHED | CLEAN));
        if ((before & CLEAN) != 0) {
            // The flag goes first: the other way round, a harvest between the two steps would
            // leave a page neither dirty nor marked clean, and later writes would be lost.
            dirty.getAndUpdate(page >>> 6, word -> word | 1L << page);
        }
        return (before & WATCHED) != 0;
    }

    void startTracking() {
        tracking = true;
        for (int word = 0; word < dirty.length(); word++) {
            dirty.set(word, 0);
        }
        for (int page = 0; page < flags.length; page++) {
            FLAG.getAndBitwiseOr(flags, page, CLEAN);
        }
        VarHandle.fullFence();
    }

    void stopTracking() {
        tracking = false;
        for (int page = 0; page < flags.length; page++) {
            FLAG.getAndBitwiseAnd(flags, page, (byte) ~CLEAN);
        }
    }

    boolean isTracking() {
        return tracking;
    }

    /** Gives the address of every dirty page to {@code pages} and marks them clean again. */
    void harvest(long base, LongConsumer pages) {
        for (int word = 0; word < dirty.length(); word++) {
            long bits = dirty.get(word) == 0 ? 0 : dirty.getAndSet(word, 0);
            while (bits != 0) {
                int page = (word << 6) + Long.numberOfTrailingZeros(bits);
                bits &= bits - 1;
                FLAG.getAndBitwiseOr(flags, page, CLEAN);
                // Whoever takes the page's content now must see every write that found no flag.
                VarHandle.fullFence();
                pages.accept(base + ((long) page << PAGE_SHIFT));
            }
        }
    }
}
