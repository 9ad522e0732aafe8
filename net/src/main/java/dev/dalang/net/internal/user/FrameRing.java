package dev.dalang.net.internal.user;

import dev.dalang.net.Frame;
import dev.dalang.net.Segmentation;

import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * A ring of frames of any length in one piece of memory. Any thread puts them in, one thread takes
 * them out and looks at them where they lie. Neither waits for the other.
 */
final class FrameRing {
    private static final int HEADER_BYTES = 16;
    private static final int PADDING = -1;
    private static final int NEEDS_CHECKSUM = 1;
    private static final int CHECKSUM_VALID = 2;
    private static final int ECN = 4;
    private static final int SEGMENTATION_SHIFT = 4;
    private static final VarHandle HEAD;
    private static final VarHandle TAIL;

    static {
        try {
            HEAD = MethodHandles.lookup().findVarHandle(FrameRing.class, "head", long.class);
            TAIL = MethodHandles.lookup().findVarHandle(FrameRing.class, "tail", long.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final ByteBuffer memory;
    private final int capacity;

    /** Up to where the consumer is done; it publishes with release what the producer acquires. */
    private long head;

    /** Up to where producers have filled; published with release after the bytes. */
    private long tail;

    private int recordBytes;

    /** Makes a ring of a power of two of bytes, enough for several frames. */
    FrameRing(int capacity) {
        if (Integer.bitCount(capacity) != 1 || capacity < 4 * Frame.MAX_BYTES / 2) {
            throw new IllegalArgumentException("a ring of " + capacity + " bytes");
        }
        this.capacity = capacity;
        this.memory = Arena.ofAuto().allocate(capacity, 8).asByteBuffer();
    }

    /** Puts a frame in, if there is room for the longest one. */
    synchronized boolean offer(Frame frame) {
        int length = frame.length();
        int record = HEADER_BYTES + (length + 7 & ~7);
        int at = (int) tail & capacity - 1;
        int toEnd = capacity - at;
        int needed = record <= toEnd ? record : toEnd + record;
        if (tail + needed - (long) HEAD.getAcquire(this) > capacity) {
            return false;
        }
        if (record > toEnd) {
            memory.putInt(at, PADDING);
            at = 0;
        }
        int flags =
                (frame.needsChecksum() ? NEEDS_CHECKSUM : 0)
                        | (frame.isChecksumValid() ? CHECKSUM_VALID : 0)
                        | (frame.isEcn() ? ECN : 0)
                        | code(frame.segmentation()) << SEGMENTATION_SHIFT;
        memory.putInt(at, length);
        memory.putShort(at + 4, (short) flags);
        memory.putShort(at + 6, (short) frame.checksumStart());
        memory.putShort(at + 8, (short) frame.checksumOffset());
        memory.putShort(at + 10, (short) frame.segmentBytes());
        memory.putInt(at + 12, frame.headerBytes());
        memory.put(at + HEADER_BYTES, frame.data(), 0, length);
        TAIL.setRelease(this, tail + needed);
        return true;
    }

    private static int code(Segmentation segmentation) {
        return switch (segmentation) {
            case NONE -> 0;
            case TCP4 -> 1;
            case TCP6 -> 2;
            case UDP -> 3;
        };
    }

    private static Segmentation segmentation(int code) {
        return switch (code) {
            case 1 -> Segmentation.TCP4;
            case 2 -> Segmentation.TCP6;
            case 3 -> Segmentation.UDP;
            default -> Segmentation.NONE;
        };
    }

    boolean isEmpty() {
        return head == (long) TAIL.getAcquire(this);
    }

    /** Bytes that are free; a producer may take some at any time. */
    long free() {
        return capacity - ((long) TAIL.getAcquire(this) - head);
    }

    /** Shows the oldest frame where it lies, until {@link #release}. */
    boolean peek(Packet packet) {
        long end = (long) TAIL.getAcquire(this);
        if (head == end) {
            return false;
        }
        int at = (int) head & capacity - 1;
        if (memory.getInt(at) == PADDING) {
            HEAD.setRelease(this, head + capacity - at);
            at = 0;
        }
        int length = memory.getInt(at);
        int flags = memory.getShort(at + 4);
        recordBytes = HEADER_BYTES + (length + 7 & ~7);
        packet.data = memory;
        packet.start = at + HEADER_BYTES;
        packet.end = packet.start + length;
        packet.needsChecksum = (flags & (NEEDS_CHECKSUM | CHECKSUM_VALID)) != 0;
        packet.segmentation = segmentation(flags >> SEGMENTATION_SHIFT);
        packet.segmentBytes = memory.getShort(at + 10) & 0xffff;
        return true;
    }

    /** Copies the oldest frame out, as it was put in. */
    boolean peek(Frame frame) {
        long end = (long) TAIL.getAcquire(this);
        if (head == end) {
            return false;
        }
        int at = (int) head & capacity - 1;
        if (memory.getInt(at) == PADDING) {
            HEAD.setRelease(this, head + capacity - at);
            at = 0;
        }
        int length = memory.getInt(at);
        int flags = memory.getShort(at + 4);
        recordBytes = HEADER_BYTES + (length + 7 & ~7);
        frame.begin(length);
        frame.data().put(0, memory, at + HEADER_BYTES, length);
        if ((flags & NEEDS_CHECKSUM) != 0) {
            frame.leaveChecksum(memory.getShort(at + 6) & 0xffff, memory.getShort(at + 8) & 0xffff);
        }
        if ((flags & CHECKSUM_VALID) != 0) {
            frame.vouchForChecksum();
        }
        Segmentation segmentation = segmentation(flags >> SEGMENTATION_SHIFT);
        if (segmentation != Segmentation.NONE) {
            frame.leaveSegmentation(
                    segmentation,
                    memory.getShort(at + 10) & 0xffff,
                    memory.getInt(at + 12),
                    (flags & ECN) != 0);
        }
        return true;
    }

    /** Gives the room of the frame that was looked at back. */
    void release() {
        HEAD.setRelease(this, head + recordBytes);
    }

    /** Forgets all frames. */
    void clear() {
        HEAD.setRelease(this, (long) TAIL.getAcquire(this));
    }
}
