package dev.dalang.vm;

/** A first-in first-out queue of bytes in a ring that grows up to a limit. Not thread-safe. */
final class ByteQueue {
    private final int limit;
    private byte[] ring;
    private int head;
    private int size;

    /** A queue of at most {@code limit} bytes; both are powers of two. */
    ByteQueue(int initial, int limit) {
        this.limit = limit;
        this.ring = new byte[initial];
    }

    int size() {
        return size;
    }

    int room() {
        return limit - size;
    }

    /** Appends one byte, or returns false if the queue is full. */
    boolean add(byte value) {
        if (size >= limit) {
            return false;
        }
        if (size == ring.length) {
            grow(size + 1);
        }
        ring[(head + size) & (ring.length - 1)] = value;
        size++;
        return true;
    }

    /** Puts a byte before the oldest, beyond the limit if need be. */
    void addFirst(byte value) {
        if (size == ring.length) {
            grow(size + 1);
        }
        head = (head - 1) & (ring.length - 1);
        ring[head] = value;
        size++;
    }

    /** Appends all of the bytes, or none and returns false if they do not fit. */
    boolean addAll(byte[] bytes, int offset, int length) {
        if (length > room()) {
            return false;
        }
        if (size + length > ring.length) {
            grow(size + length);
        }
        int tail = (head + size) & (ring.length - 1);
        int first = Math.min(length, ring.length - tail);
        System.arraycopy(bytes, offset, ring, tail, first);
        System.arraycopy(bytes, offset + first, ring, 0, length - first);
        size += length;
        return true;
    }

    /** Takes the oldest byte as 0..255, or −1 if there is none. */
    int poll() {
        if (size == 0) {
            return -1;
        }
        int value = ring[head] & 0xff;
        head = (head + 1) & (ring.length - 1);
        size--;
        return value;
    }

    /** Moves up to {@code target.length} of the oldest bytes to {@code target}; how many. */
    int drainTo(byte[] target) {
        int count = Math.min(size, target.length);
        int first = Math.min(count, ring.length - head);
        System.arraycopy(ring, head, target, 0, first);
        System.arraycopy(ring, 0, target, first, count - first);
        head = (head + count) & (ring.length - 1);
        size -= count;
        return count;
    }

    private void grow(int needed) {
        int capacity = ring.length;
        while (capacity < needed) {
            capacity <<= 1;
        }
        byte[] larger = new byte[capacity];
        int count = size;
        int first = Math.min(count, ring.length - head);
        System.arraycopy(ring, head, larger, 0, first);
        System.arraycopy(ring, 0, larger, first, count - first);
        ring = larger;
        head = 0;
    }
}
