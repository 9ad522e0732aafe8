package dev.dalang.virtio.net;

import dev.dalang.net.Offload;

import java.util.EnumSet;
import java.util.Set;

/** The feature bits of a network card, as masks (virtio 1.3 §5.1.3). */
public final class VirtioNetFeatures {
    /** The device completes checksums. */
    public static final long VIRTIO_NET_F_CSUM = 1L;

    /** The driver takes packets whose checksum is not complete. */
    public static final long VIRTIO_NET_F_GUEST_CSUM = 1L << 1;

    /** What the driver takes can be changed while it runs. */
    public static final long VIRTIO_NET_F_CTRL_GUEST_OFFLOADS = 1L << 2;

    /** The device says how long a packet may be. */
    public static final long VIRTIO_NET_F_MTU = 1L << 3;

    /** The device has an address. */
    public static final long VIRTIO_NET_F_MAC = 1L << 5;

    /** The driver takes long segments of TCP over IPv4. */
    public static final long VIRTIO_NET_F_GUEST_TSO4 = 1L << 7;

    /** The driver takes long segments of TCP over IPv6. */
    public static final long VIRTIO_NET_F_GUEST_TSO6 = 1L << 8;

    /** The driver takes long segments of TCP with congestion bits. */
    public static final long VIRTIO_NET_F_GUEST_ECN = 1L << 9;

    /** The device takes long segments of TCP over IPv4. */
    public static final long VIRTIO_NET_F_HOST_TSO4 = 1L << 11;

    /** The device takes long segments of TCP over IPv6. */
    public static final long VIRTIO_NET_F_HOST_TSO6 = 1L << 12;

    /** The device takes long segments of TCP with congestion bits. */
    public static final long VIRTIO_NET_F_HOST_ECN = 1L << 13;

    /** A packet may lie in several receive buffers. */
    public static final long VIRTIO_NET_F_MRG_RXBUF = 1L << 15;

    /** The configuration has the state of the link. */
    public static final long VIRTIO_NET_F_STATUS = 1L << 16;

    /** There is a control queue. */
    public static final long VIRTIO_NET_F_CTRL_VQ = 1L << 17;

    /** What is received can be chosen. */
    public static final long VIRTIO_NET_F_CTRL_RX = 1L << 18;

    /** What is received can be chosen by VLAN. */
    public static final long VIRTIO_NET_F_CTRL_VLAN = 1L << 19;

    /** More of what is received can be chosen. */
    public static final long VIRTIO_NET_F_CTRL_RX_EXTRA = 1L << 20;

    /** The device can ask the driver to announce itself. */
    public static final long VIRTIO_NET_F_GUEST_ANNOUNCE = 1L << 21;

    /** There are several pairs of queues. */
    public static final long VIRTIO_NET_F_MQ = 1L << 22;

    /** The address can be changed. */
    public static final long VIRTIO_NET_F_CTRL_MAC_ADDR = 1L << 23;

    /** The device takes several datagrams of UDP as one. */
    public static final long VIRTIO_NET_F_HOST_USO = 1L << 56;

    /** What needs the control queue. */
    private static final long OF_CONTROL_QUEUE =
            VIRTIO_NET_F_CTRL_GUEST_OFFLOADS
                    | VIRTIO_NET_F_CTRL_RX
                    | VIRTIO_NET_F_CTRL_VLAN
                    | VIRTIO_NET_F_CTRL_RX_EXTRA
                    | VIRTIO_NET_F_GUEST_ANNOUNCE
                    | VIRTIO_NET_F_MQ
                    | VIRTIO_NET_F_CTRL_MAC_ADDR;

    /** What VIRTIO_NET_CTRL_GUEST_OFFLOADS can switch. */
    static final long GUEST_OFFLOADS =
            VIRTIO_NET_F_GUEST_CSUM
                    | VIRTIO_NET_F_GUEST_TSO4
                    | VIRTIO_NET_F_GUEST_TSO6
                    | VIRTIO_NET_F_GUEST_ECN;

    private VirtioNetFeatures() {}

    static boolean has(long features, long mask) {
        return (features & mask) != 0;
    }

    /** What a card offers over a back end that takes and gives some offloads. */
    static long offered(Set<Offload> send, Set<Offload> receive, boolean multiQueue) {
        long features =
                VIRTIO_NET_F_MTU
                        | VIRTIO_NET_F_MAC
                        | VIRTIO_NET_F_MRG_RXBUF
                        | VIRTIO_NET_F_STATUS
                        | VIRTIO_NET_F_CTRL_VQ
                        | VIRTIO_NET_F_CTRL_RX
                        | VIRTIO_NET_F_CTRL_VLAN
                        | VIRTIO_NET_F_CTRL_RX_EXTRA
                        | VIRTIO_NET_F_GUEST_ANNOUNCE
                        | VIRTIO_NET_F_CTRL_MAC_ADDR;
        features |= multiQueue ? VIRTIO_NET_F_MQ : 0;
        features |= send.contains(Offload.CHECKSUM) ? VIRTIO_NET_F_CSUM : 0;
        features |= send.contains(Offload.TCP4) ? VIRTIO_NET_F_HOST_TSO4 : 0;
        features |= send.contains(Offload.TCP6) ? VIRTIO_NET_F_HOST_TSO6 : 0;
        features |= send.contains(Offload.TCP_ECN) ? VIRTIO_NET_F_HOST_ECN : 0;
        features |= send.contains(Offload.UDP) ? VIRTIO_NET_F_HOST_USO : 0;
        features |= receive.contains(Offload.TCP4) ? VIRTIO_NET_F_GUEST_TSO4 : 0;
        features |= receive.contains(Offload.TCP6) ? VIRTIO_NET_F_GUEST_TSO6 : 0;
        features |= receive.contains(Offload.TCP_ECN) ? VIRTIO_NET_F_GUEST_ECN : 0;
        if (receive.contains(Offload.CHECKSUM)) {
            features |= VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_CTRL_GUEST_OFFLOADS;
        }
        return features;
    }

    /** Whether each feature comes with those that it needs (virtio 1.3 §5.1.3.1). */
    static boolean areConsistent(long features) {
        boolean guestTcp = has(features, VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6);
        boolean hostTcp = has(features, VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6);
        boolean hostAny = hostTcp || has(features, VIRTIO_NET_F_HOST_USO);
        return (!guestTcp || has(features, VIRTIO_NET_F_GUEST_CSUM))
                && (!hostAny || has(features, VIRTIO_NET_F_CSUM))
                && (!has(features, VIRTIO_NET_F_GUEST_ECN) || guestTcp)
                && (!has(features, VIRTIO_NET_F_HOST_ECN) || hostTcp)
                && (!has(features, OF_CONTROL_QUEUE) || has(features, VIRTIO_NET_F_CTRL_VQ))
                && (!has(features, VIRTIO_NET_F_CTRL_RX_EXTRA)
                        || has(features, VIRTIO_NET_F_CTRL_RX));
    }

    /** What the back end is told that the driver takes. */
    static Set<Offload> accepted(long offloads) {
        Set<Offload> accepted = EnumSet.noneOf(Offload.class);
        if (!has(offloads, VIRTIO_NET_F_GUEST_CSUM)) {
            return accepted;
        }
        accepted.add(Offload.CHECKSUM);
        if (has(offloads, VIRTIO_NET_F_GUEST_TSO4)) {
            accepted.add(Offload.TCP4);
        }
        if (has(offloads, VIRTIO_NET_F_GUEST_TSO6)) {
            accepted.add(Offload.TCP6);
        }
        if (has(offloads, VIRTIO_NET_F_GUEST_ECN)) {
            accepted.add(Offload.TCP_ECN);
        }
        return accepted;
    }
}
