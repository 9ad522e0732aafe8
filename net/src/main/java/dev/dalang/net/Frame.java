package dev.dalang.net;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * The carrier of one frame between a card and a back end: the bytes, and what is left to be done
 * with them. It is made once and used for many frames; who passes one keeps it, and who gets one
 * has it until it returns. Not for several threads at a time.
 */
public final class Frame {
    /**
     * The longest frame: IPv6 with a payload of 65,535 bytes and two VLAN tags, which is more than
     * any segmentation gives.
     */
    public static final int MAX_BYTES = 65_600;

    /** The length of an Ethernet header, and of the shortest frame that is looked at. */
    public static final int HEADER_BYTES = 14;

    private final MemorySegment segment = Arena.ofAuto().allocate(MAX_BYTES, 8);
    private final ByteBuffer data = segment.asByteBuffer();
    private int length;
    private boolean needsChecksum;
    private boolean checksumValid;
    private int checksumStart;
    private int checksumOffset;
    private Segmentation segmentation = Segmentation.NONE;
    private int segmentBytes;
    private int headerBytes;
    private boolean ecn;

    /** Makes an empty frame with room for {@link #MAX_BYTES}. */
    public Frame() {}

    /**
     * {@return the bytes, big-endian, with the whole capacity as its limit} For accesses with an
     * index: its position and limit stay 0 and {@link #MAX_BYTES}.
     */
    public ByteBuffer data() {
        return data;
    }

    /** {@return the memory behind {@link #data}} */
    public MemorySegment segment() {
        return segment;
    }

    /** {@return the number of bytes in use} */
    public int length() {
        return length;
    }

    /**
     * Begins a new frame: sets its length and forgets what was to be done with the last one. The
     * bytes stay what they were.
     *
     * @param lengthBytes its length, 0 to {@link #MAX_BYTES}
     */
    public void begin(int lengthBytes) {
        if (lengthBytes < 0 || lengthBytes > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "expected a frame of 0.." + MAX_BYTES + " bytes, got " + lengthBytes);
        }
        length = lengthBytes;
        needsChecksum = false;
        checksumValid = false;
        checksumStart = 0;
        checksumOffset = 0;
        segmentation = Segmentation.NONE;
        segmentBytes = 0;
        headerBytes = 0;
        ecn = false;
    }

    /**
     * Leaves the checksum of what follows the header to whoever needs it: the field holds the sum
     * of the pseudo header, not inverted.
     *
     * @param startBytes where summing begins, from the start of the frame
     * @param offsetBytes where the field is, from there
     */
    public void leaveChecksum(int startBytes, int offsetBytes) {
        needsChecksum = true;
        checksumStart = startBytes;
        checksumOffset = offsetBytes;
    }

    /** Says that the checksum in the frame has been checked and is right. */
    public void vouchForChecksum() {
        checksumValid = true;
    }

    /**
     * Leaves the cutting into segments to whoever needs it.
     *
     * @param kind what to cut into
     * @param payloadBytes the payload of each segment
     * @param allHeadersBytes the length of all headers; a hint
     * @param reducedOnce whether the congestion window reduced bit belongs to the first only
     */
    public void leaveSegmentation(
            Segmentation kind, int payloadBytes, int allHeadersBytes, boolean reducedOnce) {
        segmentation = kind;
        segmentBytes = payloadBytes;
        headerBytes = allHeadersBytes;
        ecn = reducedOnce;
    }

    /** {@return whether the checksum is still to be completed} */
    public boolean needsChecksum() {
        return needsChecksum;
    }

    /** {@return whether somebody vouches for the checksum} */
    public boolean isChecksumValid() {
        return checksumValid;
    }

    /** {@return where summing begins, if the checksum is to be completed} */
    public int checksumStart() {
        return checksumStart;
    }

    /** {@return where the checksum is, from {@link #checksumStart}} */
    public int checksumOffset() {
        return checksumOffset;
    }

    /** {@return what the frame is to be cut into} */
    public Segmentation segmentation() {
        return segmentation;
    }

    /** {@return the payload of each segment, if it is to be cut} */
    public int segmentBytes() {
        return segmentBytes;
    }

    /** {@return the length of all headers, if it is to be cut; a hint} */
    public int headerBytes() {
        return headerBytes;
    }

    /** {@return whether the congestion window reduced bit belongs to the first segment only} */
    public boolean isEcn() {
        return ecn;
    }

    /**
     * Becomes a copy of another frame.
     *
     * @param other what is copied
     */
    public void copyFrom(Frame other) {
        begin(other.length);
        data.put(0, other.data, 0, other.length);
        needsChecksum = other.needsChecksum;
        checksumValid = other.checksumValid;
        checksumStart = other.checksumStart;
        checksumOffset = other.checksumOffset;
        segmentation = other.segmentation;
        segmentBytes = other.segmentBytes;
        headerBytes = other.headerBytes;
        ecn = other.ecn;
    }
}
