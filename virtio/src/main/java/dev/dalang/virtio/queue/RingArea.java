package dev.dalang.virtio.queue;

import dev.dalang.bus.memory.GuestMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * One of the three areas of a queue, known to be memory. Its bytes are looked up once and not at
 * each access; only an area that lies across two regions goes through {@link GuestMemory}. No
 * aligned element does.
 *
 * <p>Writes are not reported to watches and to dirty tracking one by one: the queue fences once for
 * all of them and then calls {@link #report}.
 */
final class RingArea {
    private static final VarHandle SHORTS =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final GuestMemory memory;
    private final long address;
    private final @Nullable MemorySegment bytes;

    private RingArea(GuestMemory memory, long address, @Nullable MemorySegment bytes) {
        this.memory = memory;
        this.address = address;
        this.bytes = bytes;
    }

    /** The area, or null if not all of it is memory of the kind wanted. */
    static @Nullable RingArea of(GuestMemory memory, long address, long length, boolean isWritten) {
        boolean isFit =
                isWritten ? memory.isWritable(address, length) : memory.contains(address, length);
        if (!isFit) {
            return null;
        }
        int first = memory.regionIndex(address);
        int last = memory.regionIndex(address + (length - 1));
        return new RingArea(memory, address, first == last ? memory.slice(address, length) : null);
    }

    int getShort(long offset) {
        return Short.toUnsignedInt(
                bytes != null ? bytes.get(SHORT, offset) : memory.readShort(address + offset));
    }

    int getShortAcquire(long offset) {
        return Short.toUnsignedInt(
                bytes != null
                        ? (short) SHORTS.getAcquire(bytes, offset)
                        : memory.getShortAcquire(address + offset));
    }

    int getInt(long offset) {
        return bytes != null ? bytes.get(INT, offset) : memory.readInt(address + offset);
    }

    long getLong(long offset) {
        return bytes != null ? bytes.get(LONG, offset) : memory.readLong(address + offset);
    }

    void putShort(long offset, int value) {
        if (bytes != null) {
            bytes.set(SHORT, offset, (short) value);
        } else {
            memory.writeShort(address + offset, (short) value);
        }
    }

    void putShortRelease(long offset, int value) {
        if (bytes != null) {
            SHORTS.setRelease(bytes, offset, (short) value);
        } else {
            memory.setShortRelease(address + offset, (short) value);
        }
    }

    void putInt(long offset, int value) {
        if (bytes != null) {
            bytes.set(INT, offset, value);
        } else {
            memory.writeInt(address + offset, value);
        }
    }

    void putLong(long offset, long value) {
        if (bytes != null) {
            bytes.set(LONG, offset, value);
        } else {
            memory.writeLong(address + offset, value);
        }
    }

    /** Reports bytes that were written; the caller has fenced after writing them. */
    void report(long offset, int length) {
        if (bytes == null) {
            return; // whose writes have reported themselves
        }
        long first = address + offset;
        long page = first & -GuestMemory.PAGE_BYTES;
        for (long left = first - page + length; left > 0; left -= GuestMemory.PAGE_BYTES) {
            if (memory.wantsWriteReport(page)) {
                memory.written(page, 1);
            }
            page += GuestMemory.PAGE_BYTES;
        }
    }
}
