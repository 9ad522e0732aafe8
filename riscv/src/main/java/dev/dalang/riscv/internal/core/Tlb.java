package dev.dalang.riscv.internal.core;

import java.util.Arrays;

/**
 * Where the pages of RAM are that loads, or stores, of one context may reach: an array of pairs,
 * direct-mapped by page number. The first of a pair is the page's virtual address, the second what
 * has to be added to an address in the page to get the offset in RAM. Only RAM has entries.
 *
 * <p>Whoever looks into it does it with indices that are masked by the length of the very array: of
 * these the JVM's compiler knows that they are inside, and it makes none of the code that would
 * throw, which is several times as much as the access.
 */
public final class Tlb {
    /** Pages at the most; a power of two. */
    private static final int ENTRIES = 1024;

    /** Mask of a page number for the number of a pair. */
    public static final int MASK = ENTRIES - 1;

    /** A page that no masked address has. */
    static final long INVALID_TAG = -1;

    private Tlb() {}

    /** An empty one. */
    static long[] empty() {
        long[] tlb = new long[2 * ENTRIES];
        flush(tlb);
        return tlb;
    }

    /** The index of the pair for an address. */
    public static int index(long[] tlb, long address) {
        return (int) (address >>> 11) & ~1 & tlb.length - 1;
    }

    /**
     * Whether an access needs to look no further.
     *
     * @param mask the bits of the address that have to be those of the page: the page's, and those
     *     that are zero in an aligned access
     */
    public static boolean hits(long[] tlb, long address, long mask) {
        return tlb[index(tlb, address)] == (address & mask);
    }

    /** The offset in RAM of an address that hits. */
    public static long offset(long[] tlb, long address) {
        return address + tlb[((int) (address >>> 11) | 1) & tlb.length - 1];
    }

    /** Makes an entry for the page of an address. */
    static void fill(long[] tlb, long address, long offset) {
        int index = index(tlb, address);
        tlb[index] = address & Mmu.TAG_1;
        tlb[index + 1] = offset - address;
    }

    static void flush(long[] tlb) {
        Arrays.fill(tlb, INVALID_TAG);
    }

    /** Drops the entry for the page of an address, if there is one. */
    static void flushPage(long[] tlb, long address) {
        if (hits(tlb, address, Mmu.TAG_1)) {
            tlb[index(tlb, address)] = INVALID_TAG;
        }
    }
}
