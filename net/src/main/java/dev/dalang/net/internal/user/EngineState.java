package dev.dalang.net.internal.user;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import java.util.ArrayList;
import java.util.List;

/**
 * What of a network is saved: who has which address, and which connections there were, so that
 * after a restore each is reset instead of hanging: their other ends do not come back.
 */
final class EngineState {
    private static final String TYPE = "user-network";
    private static final int VERSION = 1;
    private static final int LONGS = 8;
    private static final int MAX_CONNECTIONS = 65_536;

    /** A connection that the guest may still believe in. */
    private record Lost(
            long mac,
            long guestHi,
            long guestLo,
            long remoteHi,
            long remoteLo,
            int guestPort,
            int remotePort,
            int sequence,
            int acknowledgment) {}

    private final Neighbours neighbours;
    private final Dhcp dhcp;
    private final TcpNat tcp;
    private List<Lost> lost = List.of();

    EngineState(Neighbours neighbours, Dhcp dhcp, TcpNat tcp) {
        this.neighbours = neighbours;
        this.dhcp = dhcp;
        this.tcp = tcp;
    }

    Snapshot save() {
        List<Lost> all = new ArrayList<>(lost);
        for (int i = 0; i < tcp.size(); i++) {
            TcpConnection connection = tcp.get(i);
            if (connection.guestMac != 0 && connection.state != TcpConnection.State.TIME_WAIT) {
                all.add(
                        new Lost(
                                connection.guestMac,
                                connection.guestHi,
                                connection.guestLo,
                                connection.remoteHi,
                                connection.remoteLo,
                                connection.guestPort,
                                connection.remotePort,
                                connection.sender.max,
                                connection.receiver.next));
            }
        }
        long[] connections = new long[all.size() * LONGS];
        for (int i = 0; i < all.size(); i++) {
            Lost one = all.get(i);
            int at = i * LONGS;
            connections[at] = one.mac;
            connections[at + 1] = one.guestHi;
            connections[at + 2] = one.guestLo;
            connections[at + 3] = one.remoteHi;
            connections[at + 4] = one.remoteLo;
            connections[at + 5] = (long) one.guestPort << 16 | one.remotePort;
            connections[at + 6] = one.sequence & 0xffff_ffffL;
            connections[at + 7] = one.acknowledgment & 0xffff_ffffL;
        }
        long[] addresses = new long[neighbours.size() * 3];
        for (int i = 0; i < neighbours.size(); i++) {
            System.arraycopy(neighbours.entry(i), 0, addresses, i * 3, 3);
        }
        return Snapshot.builder(TYPE, VERSION)
                .put("leases", dhcp.leases)
                .put("neighbour-count", neighbours.size())
                .put("neighbours", addresses)
                .put("connection-count", all.size())
                .put("connections", connections)
                .build();
    }

    void restore(Snapshot snapshot, Runnable clear) {
        snapshot.expect(TYPE, VERSION);
        long[] leases = snapshot.getLongs("leases", Dhcp.LEASES);
        for (long mac : leases) {
            requireMac("leases", mac);
        }
        int neighbourCount = snapshot.getInt("neighbour-count", 0, Neighbours.LIMIT);
        long[] addresses = snapshot.getLongs("neighbours", neighbourCount * 3);
        for (int i = 0; i < addresses.length; i += 3) {
            requireGuest("neighbours", addresses[i], addresses[i + 1]);
            requireMac("neighbours", addresses[i + 2]);
        }
        int count = snapshot.getInt("connection-count", 0, MAX_CONNECTIONS);
        long[] connections = snapshot.getLongs("connections", count * LONGS);
        List<Lost> read = new ArrayList<>();
        for (int at = 0; at < connections.length; at += LONGS) {
            read.add(read(connections, at));
        }
        clear.run();
        System.arraycopy(leases, 0, dhcp.leases, 0, leases.length);
        neighbours.clear();
        for (int i = 0; i < addresses.length; i += 3) {
            neighbours.learn(addresses[i], addresses[i + 1], addresses[i + 2]);
        }
        lost = List.copyOf(read);
    }

    private static Lost read(long[] values, int at) {
        requireMac("connections", values[at]);
        requireGuest("connections", values[at + 1], values[at + 2]);
        if (Ip.isV4(values[at + 1], values[at + 2]) != Ip.isV4(values[at + 3], values[at + 4])
                || values[at + 5] >>> 32 != 0
                || values[at + 6] >>> 32 != 0
                || values[at + 7] >>> 32 != 0) {
            throw new SnapshotException(TYPE + ".connections: expected two ends, got neither");
        }
        return new Lost(
                values[at],
                values[at + 1],
                values[at + 2],
                values[at + 3],
                values[at + 4],
                (int) (values[at + 5] >>> 16),
                (int) values[at + 5] & 0xffff,
                (int) values[at + 6],
                (int) values[at + 7]);
    }

    private static void requireMac(String name, long mac) {
        if (mac >>> 48 != 0 || (mac >>> 40 & 1) != 0) {
            throw new SnapshotException(
                    TYPE + "." + name + ": expected a hardware address, got " + mac);
        }
    }

    private static void requireGuest(String name, long hi, long lo) {
        if (!Ip.isGuest(hi, lo)) {
            throw new SnapshotException(
                    TYPE + "." + name + ": expected an address of the guest's network");
        }
    }

    /** Resets the connections that did not come back. */
    void tellLost() {
        for (Lost one : lost) {
            tcp.reset(
                    one.mac,
                    new long[] {one.guestHi, one.guestLo, one.remoteHi, one.remoteLo},
                    one.guestPort,
                    one.remotePort,
                    one.sequence,
                    one.acknowledgment,
                    TcpHeader.RST | TcpHeader.ACK);
        }
        lost = List.of();
    }
}
