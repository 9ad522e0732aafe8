package dev.dalang.riscv.internal.core;

import dev.dalang.riscv.internal.decode.Decoder;
import dev.dalang.riscv.internal.decode.Op;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * One physical page of code: a copy of its bytes, and what was decoded from them so far. The copy
 * is what makes {@code FENCE.I} cheap: a page whose bytes are still the same keeps all that was
 * made from it. Shared by the harts of a machine; filling a slot twice gives the same value.
 */
public final class CodePage {
    /** Half-words in a page: one slot each. */
    public static final int SLOTS = 2048;

    /**
     * Decoded instructions by half-word, {@link Op#UNDECODED} where nothing was decoded; two more
     * slots hold {@link Op#PAGE_END}.
     */
    public final long[] code = new long[SLOTS + 2];

    /**
     * How often control may still come to a slot by a jump before the engine has to hear of it, at
     * 1, to ask for a translation. Below 0 where a translation is entered, see {@link #region}.
     * Harts lose each other's counts, which does no harm; they may also undo what has just been
     * written here, and ask again.
     */
    public final short[] countdown = new short[SLOTS];

    /**
     * The translations that are entered in the page; where, is in {@link #countdown}. A table by
     * slot would have a line of the host's cache for each entry. Nothing is at 0.
     */
    private @Nullable Region[] regions = new Region[1];

    /** What the translator knows of the page; its own affair. */
    public volatile @Nullable Object notes;

    private static final VarHandle AS_LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final long address;
    private final byte[] bytes;

    /** The {@link CodeCache} epoch in which the bytes were last seen equal to memory. */
    volatile long epoch;

    CodePage(long address, byte[] bytes, long epoch, short countdown) {
        this.address = address;
        this.bytes = bytes;
        this.epoch = epoch;
        Arrays.fill(this.countdown, countdown);
        code[SLOTS] = Op.PAGE_END;
        code[SLOTS + 1] = Op.PAGE_END;
    }

    /** The translation that is entered at a slot; null if there is none. Any thread. */
    public @Nullable Region region(int slot) {
        int place = -countdown[slot];
        if (place <= 0) {
            return null;
        }
        // Without a lock a hart may see an older table, or what has taken the place of a region.
        // The one then has no region yet, and the other finds that it is not entered there.
        @Nullable Region[] all = regions;
        return place < all.length ? all[place] : null;
    }

    /**
     * Lets control into a translation at a slot. Any thread.
     *
     * @param region null for none
     * @param left the countdown if there is none
     */
    public synchronized void setRegion(int slot, @Nullable Region region, short left) {
        int before = -countdown[slot];
        if (region == null) {
            countdown[slot] = left;
        } else {
            int place = placeOf(region);
            // Who sees the place is to see what is there.
            VarHandle.releaseFence();
            countdown[slot] = (short) -place;
        }
        if (before > 0 && isUnused(before)) {
            regions[before] = null;
        }
    }

    private int placeOf(Region region) {
        int free = 0;
        for (int place = regions.length - 1; place > 0; place--) {
            if (regions[place] == region) {
                return place;
            }
            if (regions[place] == null) {
                free = place;
            }
        }
        if (free == 0) {
            free = regions.length;
            regions = Arrays.copyOf(regions, 2 * free);
        }
        regions[free] = region;
        return free;
    }

    private boolean isUnused(int place) {
        for (short left : countdown) {
            if (left == -place) {
                return false;
            }
        }
        return true;
    }

    /** Guest physical address of the page. */
    public long address() {
        return address;
    }

    /** A hash of the bytes: pages with the same bytes have the same, in all runs. */
    public long hash() {
        long hash = 0;
        for (int i = 0; i < bytes.length; i += 8) {
            hash = (hash ^ (long) AS_LONGS.get(bytes, i)) * 0x9E37_79B9_7F4A_7C15L;
            hash ^= hash >>> 29;
        }
        return hash;
    }

    byte[] bytes() {
        return bytes;
    }

    /** The half-word at a slot. */
    public int half(int slot) {
        return bytes[2 * slot] & 0xFF | (bytes[2 * slot + 1] & 0xFF) << 8;
    }

    /** Decodes the instruction at a slot and keeps it. */
    public long decode(int slot) {
        int half = half(slot);
        long decoded;
        if (!Decoder.isLong(half)) {
            decoded = Decoder.decode16(half);
        } else if (slot == SLOTS - 1) {
            decoded = Op.CROSS;
        } else {
            decoded = Decoder.decode32(half | half(slot + 1) << 16);
        }
        code[slot] = decoded;
        return decoded;
    }
}
