package dev.dalang.net.internal.user;

import dev.dalang.net.NetworkEvent;

/**
 * Neighbour discovery (RFC 4861): the gateway advertises the prefix, itself and the name server
 * (RFC 8106), so that a guest configures itself, and answers for its addresses.
 */
final class Ndp {
    private static final int ROUTER_SOLICITATION = 133;
    private static final int ROUTER_ADVERTISEMENT = 134;
    private static final int NEIGHBOUR_SOLICITATION = 135;
    private static final int NEIGHBOUR_ADVERTISEMENT = 136;
    private static final int SOURCE_LINK_ADDRESS = 1;
    private static final int TARGET_LINK_ADDRESS = 2;
    private static final int ROUTER_LIFETIME_SECONDS = 1800;
    private static final int PREFIX_LIFETIME_SECONDS = 86_400;
    private static final long ALL_NODES_HI = 0xff02_0000_0000_0000L;
    private static final long ALL_NODES_LO = 1;
    private static final long ALL_NODES_MAC = 0x3333_0000_0001L;
    private static final int ADVERTISEMENT_BYTES = 16 + 8 + 8 + 32 + 24;

    /** Well within the router's lifetime. */
    private static final long INTERVAL_NANOS = 300_000_000_000L;

    private final Output output;
    private final Neighbours neighbours;
    private final Counters counters;
    private final Icmp icmp;

    /** When the next advertisement goes out by itself; only guests that asked once get any. */
    private long nextAdvertisement = Long.MAX_VALUE;

    Ndp(Output output, Neighbours neighbours, Counters counters, Icmp icmp) {
        this.output = output;
        this.neighbours = neighbours;
        this.counters = counters;
        this.icmp = icmp;
    }

    /** Takes a message of ICMPv6. */
    void input(Packet packet, long now) {
        int at = packet.payload;
        if (packet.payloadBytes < 8) {
            counters.count(NetworkEvent.MALFORMED);
            return;
        }
        if (!packet.isChecksumRight()) {
            counters.count(NetworkEvent.BAD_CHECKSUM);
            return;
        }
        int type = packet.data.get(at) & 0xff;
        // What comes over a router is not about this link (RFC 4861 §7.1).
        boolean onLink = packet.hopLimit == 255 && packet.data.get(at + 1) == 0;
        if (type == Icmp.ECHO_REQUEST6 && Ip.isGuest(packet.sourceHi, packet.sourceLo)) {
            icmp.echo6(packet);
        } else if (type == ROUTER_SOLICITATION && onLink) {
            learn(packet, 8, SOURCE_LINK_ADDRESS, packet.sourceHi, packet.sourceLo);
            advertise(now);
        } else if (type == NEIGHBOUR_SOLICITATION && onLink && packet.payloadBytes >= 24) {
            solicited(packet);
        } else if (type == NEIGHBOUR_ADVERTISEMENT && onLink && packet.payloadBytes >= 24) {
            learn(
                    packet,
                    24,
                    TARGET_LINK_ADDRESS,
                    packet.data.getLong(at + 8),
                    packet.data.getLong(at + 16));
        } else {
            counters.count(NetworkEvent.IGNORED);
        }
    }

    private void learn(Packet packet, int optionsAt, int wanted, long hi, long lo) {
        int at = packet.payload + optionsAt;
        int end = packet.payload + packet.payloadBytes;
        while (end - at >= 8) {
            int bytes = (packet.data.get(at + 1) & 0xff) * 8;
            if (bytes == 0 || bytes > end - at) {
                return;
            }
            if (packet.data.get(at) == wanted) {
                neighbours.learn(hi, lo, Ip.mac(packet.data, at + 2));
                return;
            }
            at += bytes;
        }
    }

    private void solicited(Packet packet) {
        long hi = packet.data.getLong(packet.payload + 8);
        long lo = packet.data.getLong(packet.payload + 16);
        boolean ours =
                (hi == Ip.PREFIX_HI || hi == Ip.LINK_LOCAL_HI) && lo == Ip.GATEWAY_LO
                        || hi == Ip.PREFIX_HI && lo == Ip.DNS_LO;
        // Without a source, somebody asks whether the address is free (RFC 4862 §5.4.3).
        boolean probing = packet.sourceHi == 0 && packet.sourceLo == 0;
        learn(packet, 24, SOURCE_LINK_ADDRESS, packet.sourceHi, packet.sourceLo);
        if (!ours || !probing && !Ip.isGuest(packet.sourceHi, packet.sourceLo)) {
            return;
        }
        int at =
                output.ip(
                        probing ? ALL_NODES_MAC : packet.sourceMac,
                        hi,
                        lo,
                        probing ? ALL_NODES_HI : packet.sourceHi,
                        probing ? ALL_NODES_LO : packet.sourceLo,
                        Ip.ICMPV6,
                        32);
        boolean router = lo == Ip.GATEWAY_LO;
        output.data.putInt(at, NEIGHBOUR_ADVERTISEMENT << 24);
        output.data.putInt(
                at + 4, (router ? 0x8000_0000 : 0) | (probing ? 0 : 0x4000_0000) | 0x2000_0000);
        output.data.putLong(at + 8, hi);
        output.data.putLong(at + 16, lo);
        linkAddress(at + 24, TARGET_LINK_ADDRESS);
        finish(at);
    }

    /** Asks who has an address of the guest's. */
    void request(long hi, long lo) {
        // The solicited-node multicast address (RFC 4291 §2.7.1).
        long group = 0x1_ff00_0000L | lo & 0xff_ffff;
        int at =
                output.ip(
                        0x3333_ff00_0000L | lo & 0xff_ffff,
                        hi == Ip.LINK_LOCAL_HI ? Ip.LINK_LOCAL_HI : Ip.PREFIX_HI,
                        Ip.GATEWAY_LO,
                        ALL_NODES_HI,
                        group,
                        Ip.ICMPV6,
                        32);
        output.data.putLong(at, (long) NEIGHBOUR_SOLICITATION << 56);
        output.data.putLong(at + 8, hi);
        output.data.putLong(at + 16, lo);
        linkAddress(at + 24, SOURCE_LINK_ADDRESS);
        finish(at);
    }

    /** RFC 4861 §4.2. */
    private void advertise(long now) {
        nextAdvertisement = now + INTERVAL_NANOS;
        int at =
                output.ip(
                        ALL_NODES_MAC,
                        Ip.LINK_LOCAL_HI,
                        Ip.GATEWAY_LO,
                        ALL_NODES_HI,
                        ALL_NODES_LO,
                        Ip.ICMPV6,
                        ADVERTISEMENT_BYTES);
        output.data.putInt(at, ROUTER_ADVERTISEMENT << 24);
        output.data.putInt(at + 4, 64 << 24 | ROUTER_LIFETIME_SECONDS);
        output.data.putLong(at + 8, 0);
        linkAddress(at + 16, SOURCE_LINK_ADDRESS);
        output.data.putInt(at + 24, 5 << 24 | 1 << 16);
        output.data.putInt(at + 28, output.mtu());
        int prefix = at + 32;
        output.data.putInt(prefix, 3 << 24 | 4 << 16 | 64 << 8 | 0xc0);
        output.data.putInt(prefix + 4, PREFIX_LIFETIME_SECONDS);
        output.data.putInt(prefix + 8, PREFIX_LIFETIME_SECONDS);
        output.data.putInt(prefix + 12, 0);
        output.data.putLong(prefix + 16, Ip.PREFIX_HI);
        output.data.putLong(prefix + 24, 0);
        int dns = prefix + 32;
        output.data.putInt(dns, 25 << 24 | 3 << 16);
        output.data.putInt(dns + 4, ROUTER_LIFETIME_SECONDS);
        output.data.putLong(dns + 8, Ip.PREFIX_HI);
        output.data.putLong(dns + 16, Ip.DNS_LO);
        finish(at);
    }

    private void linkAddress(int at, int option) {
        output.data.putShort(at, (short) (option << 8 | 1));
        Ip.putMac(output.data, at + 2, Ip.GATEWAY_MAC);
    }

    private void finish(int at) {
        output.hopLimit6(255);
        output.checksum(Ip.ICMPV6, at, 2, false);
        output.send();
    }

    /** Sends an advertisement if one is due; gives when the next is. */
    long tick(long now) {
        if (now >= nextAdvertisement) {
            advertise(now);
        }
        return nextAdvertisement;
    }
}
