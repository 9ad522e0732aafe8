package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;

import java.util.Arrays;

/**
 * The entries of an MSI-X table as a guest reads them (PCIe 6.0 §7.7.2.5 ff.), two words each: the
 * address; the data in bits 31:0, and above them Vector Control, of which the mask bit alone is
 * stored. Under the lock of {@link MsixConfig}.
 */
final class MsixTable {
    private static final long MASK_BIT = 1L << 32;
    private static final long LOW = 0xffff_ffffL;

    /** The bits of a second word that are stored. */
    static final long STORED = LOW | MASK_BIT;

    private final long[] words;

    /** Makes entries that are zero and masked. */
    MsixTable(int count) {
        words = new long[2 * count];
        reset();
    }

    /** Takes over the words of a snapshot, checked. */
    MsixTable(long[] words) {
        this.words = words.clone();
    }

    void reset() {
        Arrays.fill(words, 0);
        for (int vector = 0; vector < count(); vector++) {
            mask(vector, true);
        }
    }

    int count() {
        return words.length / 2;
    }

    long[] words() {
        return words.clone();
    }

    MsiMessage message(int vector) {
        return new MsiMessage(words[2 * vector], (int) words[2 * vector + 1]);
    }

    boolean isMasked(int vector) {
        return (words[2 * vector + 1] & MASK_BIT) != 0;
    }

    void mask(int vector, boolean masked) {
        int control = 2 * vector + 1;
        words[control] = words[control] & ~MASK_BIT | (masked ? MASK_BIT : 0);
    }

    /** {@return the word that an access is legal in, or -1} Software accesses whole fields only. */
    int word(long offset, int size) {
        boolean aligned = (size == 4 || size == 8) && (offset & size - 1) == 0;
        long word = offset >>> 3;
        return aligned && word < words.length ? (int) word : -1;
    }

    long read(int word, long offset, int size) {
        return size == Long.BYTES ? words[word] : words[word] >>> (offset & 4) * Byte.SIZE & LOW;
    }

    /** {@return what a word becomes by a write} Nothing is stored. */
    long merged(int word, long offset, int size, long value) {
        long shift = (offset & 4) * Byte.SIZE;
        long written = size == Long.BYTES ? -1 : LOW << shift;
        long merged = words[word] & ~written | value << shift & written;
        return isControl(word) ? merged & STORED : merged;
    }

    void store(int word, long value) {
        words[word] = value;
    }

    long get(int word) {
        return words[word];
    }

    /** Tells whether a word has the data and the mask bit. */
    static boolean isControl(int word) {
        return (word & 1) != 0;
    }

    static boolean isMasked(long control) {
        return (control & MASK_BIT) != 0;
    }
}
