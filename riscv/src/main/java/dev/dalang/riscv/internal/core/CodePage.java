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
     * How often control may still come to a slot by a jump before the engine has to hear of it: to
     * run its translation, or to ask for one. At least 1 until then. Harts lose each other's
     * counts, which does no harm.
     */
    public final short[] countdown = new short[SLOTS];

    /** Translations by the slot of their entry; where there is one, the countdown is at 1. */
    public final @Nullable Region[] regions = new Region[SLOTS];

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
