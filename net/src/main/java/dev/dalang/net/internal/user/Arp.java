package dev.dalang.net.internal.user;

import dev.dalang.net.NetworkEvent;

/** The address resolution protocol (RFC 826): answers for the gateway and the name server. */
final class Arp {
    private static final int BYTES = 28;
    private static final long ETHERNET_AND_IPV4 = 0x0001_0800_0604L;
    private static final int REQUEST = 1;
    private static final int REPLY = 2;

    private final Output output;
    private final Neighbours neighbours;
    private final Counters counters;

    Arp(Output output, Neighbours neighbours, Counters counters) {
        this.output = output;
        this.neighbours = neighbours;
        this.counters = counters;
    }

    void input(Packet packet) {
        int at = packet.start + Ip.ETHERNET_BYTES;
        if (packet.end - at < BYTES) {
            counters.count(NetworkEvent.MALFORMED);
            return;
        }
        int operation = packet.data.getShort(at + 6);
        if (packet.data.getLong(at) >>> 16 != ETHERNET_AND_IPV4
                || operation != REQUEST && operation != REPLY) {
            counters.count(NetworkEvent.IGNORED);
            return;
        }
        long mac = Ip.mac(packet.data, at + 8);
        int sender = packet.data.getInt(at + 14);
        int target = packet.data.getInt(at + 24);
        neighbours.learn(0, Ip.mapped(sender), mac);
        if (operation == REQUEST && (target == Ip.GATEWAY || target == Ip.DNS)) {
            write(REPLY, mac, target, mac, sender);
        }
    }

    /** Asks who has an address of the guest's. */
    void request(int address) {
        write(REQUEST, Ip.BROADCAST_MAC, Ip.GATEWAY, 0, address);
    }

    private void write(int operation, long to, int sender, long targetMac, int target) {
        int at = output.ethernet(to, Ip.ETHERTYPE_ARP, BYTES);
        output.data.putLong(at, ETHERNET_AND_IPV4 << 16 | operation);
        Ip.putMac(output.data, at + 8, Ip.GATEWAY_MAC);
        output.data.putInt(at + 14, sender);
        Ip.putMac(output.data, at + 18, targetMac);
        output.data.putInt(at + 24, target);
        output.send();
    }
}
