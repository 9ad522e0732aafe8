package dev.dalang.riscv.intc;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Register arrays as the little-endian bytes of a snapshot's field, and bit sets in words. */
final class Arrays32 {
    private Arrays32() {}

    static byte[] toBytes(int[] words) {
        ByteBuffer bytes = ByteBuffer.allocate(words.length * 4).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(words);
        return bytes.array();
    }

    static byte[] toBytes(long[] words) {
        ByteBuffer bytes = ByteBuffer.allocate(words.length * 8).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(words);
        return bytes.array();
    }

    /** The {@code length} words of a field; any other number of bytes is refused. */
    static int[] ints(Snapshot snapshot, String name, int length) {
        int[] words = new int[length];
        bytes(snapshot, name, length * 4).asIntBuffer().get(words);
        return words;
    }

    /** The {@code length} words of a field; any other number of bytes is refused. */
    static long[] longs(Snapshot snapshot, String name, int length) {
        long[] words = new long[length];
        bytes(snapshot, name, length * 8).asLongBuffer().get(words);
        return words;
    }

    private static ByteBuffer bytes(Snapshot snapshot, String name, int length) {
        byte[] bytes = snapshot.getBytes(name, length);
        if (bytes.length != length) {
            throw new SnapshotException(
                    snapshot.type()
                            + "."
                            + name
                            + ": expected "
                            + length
                            + " bytes, got "
                            + bytes.length);
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Refuses a snapshot whose field {@code name} holds what this controller cannot. */
    static void require(boolean legal, Snapshot snapshot, String name, String expected) {
        if (!legal) {
            throw new SnapshotException(
                    snapshot.type()
                            + "."
                            + name
                            + ": expected "
                            + expected
                            + ", got another value");
        }
    }

    static boolean get(int[] bits, int index) {
        return (bits[index >>> 5] >>> index & 1) != 0;
    }

    static void set(int[] bits, int index, boolean value) {
        if (value) {
            bits[index >>> 5] |= 1 << index;
        } else {
            bits[index >>> 5] &= ~(1 << index);
        }
    }

    /** The bits of word {@code word} that belong to the identities 1..{@code last}. */
    static int mask(int word, int last) {
        int first = word << 5;
        int mask = last - first >= 31 ? -1 : last < first ? 0 : (2 << last - first) - 1;
        return word == 0 ? mask & ~1 : mask;
    }
}
