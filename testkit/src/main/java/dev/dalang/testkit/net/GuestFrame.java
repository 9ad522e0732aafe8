package dev.dalang.testkit.net;

import java.nio.ByteBuffer;

/**
 * A frame between the guest's stack and its card: big-endian bytes from 0 to {@link #length}, and
 * what is left to be done with them. Reused by whoever made it.
 */
public final class GuestFrame {
    /** The longest frame. */
    public static final int MAX_BYTES = 65_600;

    /** The bytes; for accesses with an index. */
    public final ByteBuffer data = ByteBuffer.allocateDirect(MAX_BYTES);

    /** How many bytes are in use. */
    public int length;

    /** Whether the checksum is still to be completed. */
    public boolean needsChecksum;

    /** Where summing begins. */
    public int checksumStart;

    /** Where the checksum is, from there. */
    public int checksumOffset;

    /** The payload of each segment of TCP that the frame is to be cut into; 0: it is one. */
    public int segmentBytes;

    /** The length of all headers, if it is to be cut. */
    public int headerBytes;

    /** Makes an empty one. */
    public GuestFrame() {}

    /** Forgets what was to be done. */
    public void clear() {
        length = 0;
        needsChecksum = false;
        checksumStart = 0;
        checksumOffset = 0;
        segmentBytes = 0;
        headerBytes = 0;
    }

    /**
     * Becomes a copy.
     *
     * @param other what is copied
     */
    public void copyFrom(GuestFrame other) {
        data.put(0, other.data, 0, other.length);
        length = other.length;
        needsChecksum = other.needsChecksum;
        checksumStart = other.checksumStart;
        checksumOffset = other.checksumOffset;
        segmentBytes = other.segmentBytes;
        headerBytes = other.headerBytes;
    }
}
