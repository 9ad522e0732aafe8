package dev.dalang.net.internal.user;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * The bytes of a stream that were taken and not yet passed on: a ring that has memory on demand.
 */
final class StreamBuffer {
    private final BufferPool pool;
    private final int capacity;
    private @Nullable ByteBuffer memory;
    private int start;
    private int size;

    StreamBuffer(BufferPool pool, int capacity) {
        this.pool = pool;
        this.capacity = capacity;
    }

    int size() {
        return size;
    }

    int capacity() {
        return capacity;
    }

    int free() {
        return capacity - size;
    }

    private ByteBuffer memory() {
        ByteBuffer there = memory;
        if (there == null) {
            there = pool.take(capacity);
            memory = there;
            start = 0;
        }
        return there;
    }

    /** Writes bytes at a distance from the first; they do not count until {@link #extend}. */
    void put(int offset, ByteBuffer source, int from, int bytes) {
        ByteBuffer target = memory();
        int at = start + offset & capacity - 1;
        int first = Math.min(bytes, capacity - at);
        target.put(at, source, from, first);
        if (first < bytes) {
            target.put(0, source, from + first, bytes - first);
        }
    }

    /** So many more bytes count. */
    void extend(int bytes) {
        size += bytes;
    }

    /** Copies bytes at a distance from the first. */
    void get(int offset, ByteBuffer target, int to, int bytes) {
        ByteBuffer source = memory();
        int at = start + offset & capacity - 1;
        int first = Math.min(bytes, capacity - at);
        target.put(to, source, at, first);
        if (first < bytes) {
            target.put(to + first, source, 0, bytes - first);
        }
    }

    /** Forgets the first bytes. */
    void consume(int bytes) {
        start = start + bytes & capacity - 1;
        size -= bytes;
    }

    /** Takes what a channel has; gives how much, or -1 at its end. */
    int readFrom(SocketChannel channel) throws IOException {
        int total = 0;
        while (size < capacity) {
            ByteBuffer target = memory();
            if (size == 0) {
                start = 0;
            }
            int at = start + size & capacity - 1;
            int room = Math.min(capacity - size, capacity - at);
            int read = channel.read(target.limit(at + room).position(at));
            target.clear();
            if (read < 0) {
                return total > 0 ? total : -1;
            }
            size += read;
            total += read;
            if (read < room) {
                break;
            }
        }
        return total;
    }

    /** Passes on what a channel takes; gives how much. */
    int writeTo(SocketChannel channel) throws IOException {
        int total = 0;
        while (size > 0) {
            ByteBuffer source = memory();
            int bytes = Math.min(size, capacity - start);
            int written = channel.write(source.limit(start + bytes).position(start));
            source.clear();
            consume(written);
            total += written;
            if (written < bytes) {
                break;
            }
        }
        return total;
    }

    /** Gives the memory back while there is nothing in it. */
    void trim() {
        ByteBuffer there = memory;
        if (there != null && size == 0) {
            memory = null;
            pool.give(there);
        }
    }

    void close() {
        size = 0;
        trim();
    }
}
