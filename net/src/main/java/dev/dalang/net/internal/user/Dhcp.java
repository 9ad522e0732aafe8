package dev.dalang.net.internal.user;

import dev.dalang.net.NetworkEvent;

import java.nio.ByteBuffer;

/**
 * The DHCP server (RFC 2131): leases 10.0.2.15 and the following addresses, one to each hardware
 * address, to a few of them.
 */
final class Dhcp {
    static final int SERVER_PORT = 67;
    private static final int CLIENT_PORT = 68;
    static final int LEASES = 16;

    private static final int MAGIC = 0x6382_5363;
    private static final int FIXED_BYTES = 240;
    private static final int REPLY_BYTES = 300;
    private static final int LEASE_SECONDS = 86_400;

    private static final int DISCOVER = 1;
    private static final int OFFER = 2;
    private static final int REQUEST = 3;
    private static final int DECLINE = 4;
    private static final int ACK = 5;
    private static final int NAK = 6;
    private static final int RELEASE = 7;
    private static final int INFORM = 8;

    private final Output output;
    private final Neighbours neighbours;
    private final Counters counters;

    /** Whose each address is; 0: nobody's. */
    final long[] leases = new long[LEASES];

    private int messageType;
    private int requested;
    private int server;

    Dhcp(Output output, Neighbours neighbours, Counters counters) {
        this.output = output;
        this.neighbours = neighbours;
        this.counters = counters;
    }

    /** Takes a datagram to the server's port, its payload at {@code at}. */
    void input(Packet packet, int at, int bytes) {
        ByteBuffer data = packet.data;
        if (bytes < FIXED_BYTES
                || data.get(at) != 1
                || data.getShort(at + 1) != 0x0106
                || data.getInt(at + 236) != MAGIC) {
            counters.count(NetworkEvent.MALFORMED);
            return;
        }
        readOptions(data, at + FIXED_BYTES, at + bytes);
        long mac = Ip.mac(data, at + 28);
        int client = data.getInt(at + 12);
        switch (messageType) {
            case DISCOVER -> {
                int address = lease(mac, requested);
                if (address != 0) {
                    reply(packet, at, OFFER, address, mac);
                }
            }
            case REQUEST -> request(packet, at, mac, client);
            case DECLINE, RELEASE -> release(mac);
            case INFORM -> reply(packet, at, ACK, 0, mac);
            default -> counters.count(NetworkEvent.IGNORED);
        }
    }

    private void request(Packet packet, int at, long mac, int client) {
        if (server != 0 && server != Ip.GATEWAY) {
            release(mac); // it took another's offer
            return;
        }
        int wanted = requested != 0 ? requested : client;
        int address = lease(mac, wanted);
        if (address != 0 && address == wanted) {
            neighbours.learn(0, Ip.mapped(address), mac);
            reply(packet, at, ACK, address, mac);
        } else {
            reply(packet, at, NAK, 0, mac);
        }
    }

    private void readOptions(ByteBuffer data, int begin, int end) {
        messageType = 0;
        requested = 0;
        server = 0;
        int at = begin;
        while (at < end) {
            int option = data.get(at) & 0xff;
            if (option == 255) {
                return;
            }
            if (option == 0) {
                at++;
                continue;
            }
            if (end - at < 2) {
                return;
            }
            int length = data.get(at + 1) & 0xff;
            if (length > end - at - 2) {
                return;
            }
            if (option == 53 && length == 1) {
                messageType = data.get(at + 2);
            } else if (option == 50 && length == 4) {
                requested = data.getInt(at + 2);
            } else if (option == 54 && length == 4) {
                server = data.getInt(at + 2);
            }
            at += 2 + length;
        }
    }

    /**
     * The address that is a client's already, the one it wants, or the first that is free; or 0.
     */
    private int lease(long mac, int wanted) {
        if (mac == 0 || (mac >>> 40 & 1) != 0) {
            return 0;
        }
        for (int i = 0; i < LEASES; i++) {
            if (leases[i] == mac) {
                return Ip.FIRST_LEASE + i;
            }
        }
        int place = wanted - Ip.FIRST_LEASE;
        if (place >= 0 && place < LEASES && leases[place] == 0) {
            leases[place] = mac;
            return wanted;
        }
        for (int i = 0; i < LEASES; i++) {
            if (leases[i] == 0) {
                leases[i] = mac;
                return Ip.FIRST_LEASE + i;
            }
        }
        return 0;
    }

    private void release(long mac) {
        for (int i = 0; i < LEASES; i++) {
            if (leases[i] == mac) {
                leases[i] = 0;
            }
        }
    }

    private void reply(Packet packet, int request, int type, int address, long mac) {
        ByteBuffer from = packet.data;
        // To the client's address where it has one, else to all: it cannot take anything else yet.
        int client = from.getInt(request + 12);
        boolean direct = type == ACK && client != 0 && Ip.isGuest(0, Ip.mapped(client));
        int at =
                output.ip(
                        direct ? packet.sourceMac : Ip.BROADCAST_MAC,
                        0,
                        Ip.mapped(Ip.GATEWAY),
                        0,
                        Ip.mapped(direct ? client : -1),
                        Ip.UDP,
                        8 + REPLY_BYTES);
        ByteBuffer to = output.data;
        to.putShort(at, (short) SERVER_PORT);
        to.putShort(at + 2, (short) CLIENT_PORT);
        to.putInt(at + 4, 8 + REPLY_BYTES << 16);
        int message = at + 8;
        for (int i = 0; i < REPLY_BYTES; i += 4) {
            to.putInt(message + i, 0);
        }
        to.putInt(message, 0x0201_0600);
        to.putInt(message + 4, from.getInt(request + 4));
        to.putShort(message + 10, from.getShort(request + 10));
        to.putInt(message + 12, direct ? client : 0);
        to.putInt(message + 16, address);
        to.putInt(message + 20, type == NAK ? 0 : Ip.GATEWAY);
        Ip.putMac(to, message + 28, mac);
        to.putInt(message + 236, MAGIC);
        int option = message + FIXED_BYTES;
        to.put(option, (byte) 53).put(option + 1, (byte) 1).put(option + 2, (byte) type);
        option = word(option + 3, 54, Ip.GATEWAY);
        if (type != NAK) {
            option = word(option, 1, Ip.NETMASK);
            option = word(option, 3, Ip.GATEWAY);
            option = word(option, 6, Ip.DNS);
            option = word(option, 28, Ip.BROADCAST);
            to.putShort(option, (short) (26 << 8 | 2));
            to.putShort(option + 2, (short) output.mtu());
            option += 4;
            if (address != 0) {
                option = word(option, 51, LEASE_SECONDS);
            }
        }
        to.put(option, (byte) 255);
        output.checksum(Ip.UDP, at, 6, false);
        output.send();
    }

    private int word(int at, int option, int value) {
        output.data.putShort(at, (short) (option << 8 | 4));
        output.data.putInt(at + 2, value);
        return at + 6;
    }
}
