package dev.dalang.bus;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Accesses of odd lengths, as series of natural ones. */
final class BulkAccess {
    /** The longest access: a page. */
    static final int MAX_BYTES = 4096;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private BulkAccess() {}

    static boolean isNatural(long length) {
        return length == 1 || length == 2 || length == 4 || length == 8;
    }

    /** All ones of {@code size} bytes: what a guest reads where nothing answers. */
    static long ones(int size) {
        return -1L >>> (64 - 8 * size);
    }

    /** The largest natural size that is aligned at {@code address} and fits in what is left. */
    static int step(long address, long left) {
        long size = Math.min(8, Long.highestOneBit(left));
        long alignment = Long.lowestOneBit(address | 8);
        return (int) Math.min(size, alignment);
    }

    static void put(MemorySegment target, long offset, int size, long value) {
        switch (size) {
            case 1 -> target.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
            case 2 -> target.set(SHORT, offset, (short) value);
            case 4 -> target.set(INT, offset, (int) value);
            default -> target.set(LONG, offset, value);
        }
    }

    static long get(MemorySegment source, long offset, int size) {
        return switch (size) {
            case 1 -> source.get(ValueLayout.JAVA_BYTE, offset) & 0xffL;
            case 2 -> source.get(SHORT, offset) & 0xffffL;
            case 4 -> source.get(INT, offset) & 0xffff_ffffL;
            default -> source.get(LONG, offset);
        };
    }
}
