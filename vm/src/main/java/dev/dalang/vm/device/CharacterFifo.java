package dev.dalang.vm.device;

/**
 * The 16 characters of a UART's FIFO, each with its error bits as in LSR. Bit 0, which is no error,
 * marks a character that came from the host. Not thread-safe.
 */
final class CharacterFifo {
    static final int DEPTH = 16;

    static final int FROM_HOST = 0x01;

    private final byte[] octets = new byte[DEPTH];
    private final byte[] errors = new byte[DEPTH];
    private int head;
    private int count;

    int count() {
        return count;
    }

    void clear() {
        head = 0;
        count = 0;
    }

    /** Appends a character; the caller has checked that there is room. */
    void add(int octet, int bits) {
        int tail = (head + count) & (DEPTH - 1);
        octets[tail] = (byte) octet;
        errors[tail] = (byte) bits;
        count++;
    }

    /** The oldest character; the caller has checked that there is one. */
    int first() {
        return octets[head] & 0xff;
    }

    /** Error bits of the oldest character; none if there is no character. */
    int firstErrors() {
        return count == 0 ? 0 : errors[head] & 0xff & ~FROM_HOST;
    }

    /** Drops the oldest character. */
    void remove() {
        head = (head + 1) & (DEPTH - 1);
        count--;
    }

    /** Takes the newest character away; −1 if it did not come from the host. */
    int removeLast() {
        int last = (head + --count) & (DEPTH - 1);
        return (errors[last] & FROM_HOST) != 0 ? octets[last] & 0xff : -1;
    }

    /** Whether a character behind the oldest has error bits. */
    boolean hasErrorsBehindFirst() {
        for (int i = 1; i < count; i++) {
            if ((errors[(head + i) & (DEPTH - 1)] & ~FROM_HOST) != 0) {
                return true;
            }
        }
        return false;
    }

    byte[] octetsInOrder() {
        return inOrder(octets);
    }

    byte[] errorsInOrder() {
        return inOrder(errors);
    }

    private byte[] inOrder(byte[] ring) {
        byte[] copy = new byte[count];
        for (int i = 0; i < count; i++) {
            copy[i] = ring[(head + i) & (DEPTH - 1)];
        }
        return copy;
    }
}
