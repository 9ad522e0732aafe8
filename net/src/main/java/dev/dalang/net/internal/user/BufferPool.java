package dev.dalang.net.internal.user;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Memory for streams, in two sizes, out of one budget. A connection reserves what it may need when
 * it begins, so that what was promised to a peer is there; it takes memory only while it has bytes
 * to keep.
 */
final class BufferPool {
    static final int LARGE_BYTES = 1 << 20;
    static final int SMALL_BYTES = 1 << 16;

    private final Deque<ByteBuffer> large = new ArrayDeque<>();
    private final Deque<ByteBuffer> small = new ArrayDeque<>();

    /** What the large ones may take together, and the small ones: neither has the other's. */
    private final long largeBudget;

    private final long smallBudget;
    private long largeReserved;
    private long smallReserved;
    private long allocated;

    BufferPool(long budget) {
        // Half for each: memory that was allocated stays what it is.
        largeBudget = budget / 2 / (2L * LARGE_BYTES) * (2L * LARGE_BYTES);
        smallBudget = budget - largeBudget;
    }

    /** Reserves for two streams; gives the size of each, or 0 if there is no room. */
    int reserve() {
        if (largeReserved + 2L * LARGE_BYTES <= largeBudget) {
            largeReserved += 2L * LARGE_BYTES;
            return LARGE_BYTES;
        }
        if (smallReserved + 2L * SMALL_BYTES <= smallBudget) {
            smallReserved += 2L * SMALL_BYTES;
            return SMALL_BYTES;
        }
        return 0;
    }

    void unreserve(int size) {
        if (size == LARGE_BYTES) {
            largeReserved -= 2L * LARGE_BYTES;
        } else {
            smallReserved -= 2L * size;
        }
    }

    ByteBuffer take(int size) {
        ByteBuffer free = (size == LARGE_BYTES ? large : small).pollLast();
        if (free != null) {
            return free;
        }
        allocated += size;
        return ByteBuffer.allocateDirect(size);
    }

    void give(ByteBuffer buffer) {
        (buffer.capacity() == LARGE_BYTES ? large : small).addLast(buffer.clear());
    }

    /** What was ever allocated: it is kept for the next. */
    long allocatedBytes() {
        return allocated;
    }

    long reservedBytes() {
        return largeReserved + smallReserved;
    }
}
