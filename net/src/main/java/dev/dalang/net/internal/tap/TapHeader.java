package dev.dalang.net.internal.tap;

import dev.dalang.linux.Tap;
import dev.dalang.net.Frame;
import dev.dalang.net.Segmentation;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** What is before each frame of a tap: {@code struct virtio_net_hdr_mrg_rxbuf}, little-endian. */
public final class TapHeader {
    private static final int NEEDS_CSUM = 1;
    private static final int DATA_VALID = 2;
    private static final int GSO_TCPV4 = 1;
    private static final int GSO_TCPV6 = 4;
    private static final int GSO_ECN = 0x80;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private TapHeader() {}

    /**
     * Puts a frame behind its header.
     *
     * @param frame the frame
     * @param target where to, from the start
     */
    public static void write(Frame frame, MemorySegment target) {
        int kind =
                switch (frame.segmentation()) {
                    case NONE -> 0;
                    case TCP4 -> GSO_TCPV4;
                    case TCP6 -> GSO_TCPV6;
                    case UDP -> throw new IllegalArgumentException("the tap takes no such frames");
                };
        target.set(ValueLayout.JAVA_BYTE, 0, (byte) (frame.needsChecksum() ? NEEDS_CSUM : 0));
        target.set(ValueLayout.JAVA_BYTE, 1, (byte) (kind | (frame.isEcn() ? GSO_ECN : 0)));
        target.set(SHORT, 2, (short) frame.headerBytes());
        target.set(SHORT, 4, (short) frame.segmentBytes());
        target.set(SHORT, 6, (short) frame.checksumStart());
        target.set(SHORT, 8, (short) frame.checksumOffset());
        target.set(SHORT, 10, (short) 0);
        MemorySegment.copy(frame.segment(), 0, target, Tap.HEADER_BYTES, frame.length());
    }

    /**
     * Takes a frame from behind its header.
     *
     * @param source header and frame
     * @param bytes how many they are
     * @param frame becomes it
     * @return false if it is too short or too long to be one, or of a kind that was not agreed upon
     */
    public static boolean read(MemorySegment source, int bytes, Frame frame) {
        int length = bytes - Tap.HEADER_BYTES;
        if (length < Frame.HEADER_BYTES || length > Frame.MAX_BYTES) {
            return false;
        }
        int flags = source.get(ValueLayout.JAVA_BYTE, 0);
        int kind = source.get(ValueLayout.JAVA_BYTE, 1) & 0xff;
        frame.begin(length);
        MemorySegment.copy(source, Tap.HEADER_BYTES, frame.segment(), 0, length);
        if ((flags & NEEDS_CSUM) != 0) {
            frame.leaveChecksum(unsigned(source, 6), unsigned(source, 8));
        } else if ((flags & DATA_VALID) != 0) {
            frame.vouchForChecksum();
        }
        if (kind == 0) {
            return true;
        }
        Segmentation segmentation =
                switch (kind & ~GSO_ECN) {
                    case GSO_TCPV4 -> Segmentation.TCP4;
                    case GSO_TCPV6 -> Segmentation.TCP6;
                    default -> Segmentation.NONE;
                };
        frame.leaveSegmentation(
                segmentation, unsigned(source, 4), unsigned(source, 2), (kind & GSO_ECN) != 0);
        return segmentation != Segmentation.NONE;
    }

    private static int unsigned(MemorySegment source, long offset) {
        return source.get(SHORT, offset) & 0xffff;
    }
}
