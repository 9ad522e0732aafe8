package dev.dalang.riscv.internal.core;

import java.util.Arrays;

/**
 * Where the pages of RAM are that loads, or stores, of one context may reach: an array of pairs,
 * direct-mapped by page number, that grows with what is used. The first of a pair is the page's
 * virtual address, the second what has to be added to an address in the page to get the offset in
 * RAM. Only RAM has entries.
 *
 * <p>Whoever looks into it does it with indices that are masked by the length of the very array: of
 * these the JVM's compiler knows that they are inside, and it makes none of the code that would
 * throw, which is several times as much as the access.
 */
public final class Tlb {
    /** Pages at the beginning; a power of two, as all numbers of pages. */
    private static final int ENTRIES = 1024;

    /** Pages at the most. */
    private static final int MOST = 8192;

    /** A page that no masked address has. */
    static final long INVALID_TAG = -1;

    private Tlb() {}

    /** An empty one. */
    static long[] empty() {
        return empty(ENTRIES);
    }

    private static long[] empty(int entries) {
        long[] tlb = new long[2 * entries];
        Arrays.fill(tlb, INVALID_TAG);
        return tlb;
    }

    /** The index of the pair for an address. */
    public static int index(long[] tlb, long address) {
        return (int) (address >>> 11) & ~1 & tlb.length - 1;
    }

    /**
     * Whether an access needs to look no further.
     *
     * @param size of the access in bytes; the first looks where it is, the last has to be there
     *     too, and there need be no other test of an access that lies on two pages
     */
    public static boolean hits(long[] tlb, long address, int size) {
        return tlb[index(tlb, address)] == (address + (size - 1) & Mmu.PAGE_MASK);
    }

    /** The offset in RAM of an address that hits. */
    public static long offset(long[] tlb, long address) {
        return address + tlb[((int) (address >>> 11) | 1) & tlb.length - 1];
    }

    /** Makes an entry for the page of an address. */
    static void fill(long[] tlb, long address, long offset) {
        int index = index(tlb, address);
        tlb[index] = address & Mmu.PAGE_MASK;
        tlb[index + 1] = offset - address;
    }

    /**
     * What takes the place of one that was filled so often: itself, or an empty one of twice the
     * size if its pages keep displacing each other.
     *
     * @param fills since it was empty
     */
    static long[] grown(long[] tlb, int fills) {
        int entries = tlb.length / 2;
        return fills > 4 * entries && entries < MOST ? empty(2 * entries) : tlb;
    }

    /**
     * What takes its place when nothing in it is valid any more: itself, or a smaller one if it was
     * hardly used, because emptying it has to be worth while.
     *
     * @param fills since it was empty
     */
    static long[] flushed(long[] tlb, int fills) {
        int entries = tlb.length / 2;
        if (fills == 0) {
            return tlb;
        }
        if (fills < entries / 4 && entries > ENTRIES) {
            return empty(entries / 2);
        }
        Arrays.fill(tlb, INVALID_TAG);
        return tlb;
    }

    /** Drops the entry for the page of an address, if there is one. */
    static void flushPage(long[] tlb, long address) {
        if (hits(tlb, address, 1)) {
            tlb[index(tlb, address)] = INVALID_TAG;
        }
    }
}
