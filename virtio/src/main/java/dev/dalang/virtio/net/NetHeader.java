package dev.dalang.virtio.net;

import dev.dalang.net.Frame;
import dev.dalang.net.Segmentation;
import dev.dalang.virtio.queue.DescriptorChain;

/** The header before each frame, {@code struct virtio_net_hdr} (virtio 1.3 §5.1.6). */
final class NetHeader {
    static final int BYTES = 12;

    private static final int F_NEEDS_CSUM = 1;
    private static final int F_DATA_VALID = 2;
    private static final int GSO_NONE = 0;
    private static final int GSO_TCPV4 = 1;
    private static final int GSO_TCPV6 = 4;
    private static final int GSO_UDP_L4 = 5;
    private static final int GSO_ECN = 0x80;

    private NetHeader() {}

    /**
     * Reads header and frame out of a chain, each byte once.
     *
     * @return false if they make no sense, or need what was not negotiated
     */
    static boolean read(DescriptorChain chain, Frame frame, long features) {
        long length = chain.readableBytes() - BYTES;
        if (length < Frame.HEADER_BYTES || length > Frame.MAX_BYTES) {
            return false;
        }
        long first = chain.readLong();
        int second = chain.readInt();
        int flags = (int) first & 0xff;
        int kind = (int) (first >> 8) & 0xff;
        int headerBytes = (int) (first >> 16) & 0xffff;
        int segmentBytes = (int) (first >> 32) & 0xffff;
        int start = (int) (first >> 48) & 0xffff;
        int offset = second & 0xffff;
        frame.begin((int) length);
        if ((flags & F_NEEDS_CSUM) != 0) {
            if (!VirtioNetFeatures.has(features, VirtioNetFeatures.VIRTIO_NET_F_CSUM)
                    || start + offset + Short.BYTES > length) {
                return false;
            }
            frame.leaveChecksum(start, offset);
        }
        if (kind != GSO_NONE) {
            Segmentation segmentation = segmentation(kind, features);
            if (segmentation == Segmentation.NONE
                    || segmentBytes == 0
                    || (flags & F_NEEDS_CSUM) == 0) {
                return false;
            }
            frame.leaveSegmentation(
                    segmentation,
                    segmentBytes,
                    Math.min(headerBytes, (int) length),
                    (kind & GSO_ECN) != 0);
        }
        chain.read(frame.segment().asSlice(0, length));
        return true;
    }

    /** The kind that was negotiated; none if it was not. */
    private static Segmentation segmentation(int kind, long features) {
        boolean ecn = (kind & GSO_ECN) != 0;
        if (ecn && !VirtioNetFeatures.has(features, VirtioNetFeatures.VIRTIO_NET_F_HOST_ECN)) {
            return Segmentation.NONE;
        }
        long needed;
        Segmentation segmentation;
        switch (kind & ~GSO_ECN) {
            case GSO_TCPV4 -> {
                needed = VirtioNetFeatures.VIRTIO_NET_F_HOST_TSO4;
                segmentation = Segmentation.TCP4;
            }
            case GSO_TCPV6 -> {
                needed = VirtioNetFeatures.VIRTIO_NET_F_HOST_TSO6;
                segmentation = Segmentation.TCP6;
            }
            case GSO_UDP_L4 -> {
                needed = VirtioNetFeatures.VIRTIO_NET_F_HOST_USO;
                segmentation = Segmentation.UDP;
            }
            default -> {
                return Segmentation.NONE;
            }
        }
        return VirtioNetFeatures.has(features, needed) ? segmentation : Segmentation.NONE;
    }

    /** Writes the header of a frame for the driver. */
    static void write(DescriptorChain chain, Frame frame, int buffers) {
        int flags =
                (frame.needsChecksum() ? F_NEEDS_CSUM : 0)
                        | (frame.isChecksumValid() ? F_DATA_VALID : 0);
        int kind =
                switch (frame.segmentation()) {
                            case NONE -> GSO_NONE;
                            case TCP4 -> GSO_TCPV4;
                            case TCP6 -> GSO_TCPV6;
                            case UDP -> GSO_UDP_L4;
                        }
                        | (frame.isEcn() ? GSO_ECN : 0);
        chain.writeLong(
                flags
                        | (long) kind << 8
                        | (frame.headerBytes() & 0xffffL) << 16
                        | (frame.segmentBytes() & 0xffffL) << 32
                        | (frame.checksumStart() & 0xffffL) << 48);
        chain.writeInt(frame.checksumOffset() & 0xffff | buffers << 16);
    }
}
