package dev.dalang.net.internal.user;

import dev.dalang.net.NetworkEvent;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** TCP (RFC 9293): a socket of the host's for each connection of the guest's, and back. */
final class TcpNat {
    private static final int DNS_PORT = 53;

    /** What nothing was heard of for so long may be ended when there are too many. */
    private static final long STALE_NANOS = 60_000_000_000L;

    private final Loop loop;
    private final Output output;
    private final Counters counters;
    private final Destinations destinations;
    private final Neighbours neighbours;
    private final UdpNat.Resolution resolution;
    private final BufferPool pool;
    private final int limit;
    private final SplittableRandom random;
    private final FlowTable<TcpConnection> connections;
    private final List<TcpForward> forwards = new ArrayList<>();
    private final TcpHeader header = new TcpHeader();

    /** Connections that are over. */
    private int timeWaits;

    /** No connection was found stale, and none becomes it before this time. */
    private long noneStaleBefore = Long.MIN_VALUE;

    /** Whether a connection waits for the guest's hardware address. */
    private boolean searches;

    private List<TcpConnection> work = new ArrayList<>();
    private List<TcpConnection> spare = new ArrayList<>();

    TcpNat(
            Loop loop,
            Output output,
            Counters counters,
            Destinations destinations,
            Neighbours neighbours,
            UdpNat.Resolution resolution,
            BufferPool pool,
            int limit,
            long secret) {
        this.loop = loop;
        this.output = output;
        this.counters = counters;
        this.destinations = destinations;
        this.neighbours = neighbours;
        this.resolution = resolution;
        this.pool = pool;
        this.limit = limit;
        this.random = new SplittableRandom(secret);
        this.connections = new FlowTable<>(limit, random.nextLong());
    }

    Loop loop() {
        return loop;
    }

    int size() {
        return connections.size();
    }

    TcpConnection get(int index) {
        return connections.get(index);
    }

    void count(NetworkEvent event) {
        counters.count(event);
    }

    int randomSequence() {
        return random.nextInt();
    }

    void add(TcpForward forward) {
        forwards.add(forward);
    }

    // ---- from the guest

    void input(Packet packet) {
        if (!header.read(packet)) {
            counters.count(NetworkEvent.MALFORMED);
            return;
        }
        if (!packet.isChecksumRight()) {
            counters.count(NetworkEvent.BAD_CHECKSUM);
            return;
        }
        if (!Ip.isGuest(packet.sourceHi, packet.sourceLo)) {
            counters.count(NetworkEvent.MARTIAN);
            return;
        }
        TcpConnection connection =
                connections.find(
                        packet.sourceHi,
                        packet.sourceLo,
                        header.guestPort,
                        packet.targetHi,
                        packet.targetLo,
                        header.remotePort);
        if (connection != null && startsAfresh(connection)) {
            remove(connection);
            connection = null;
        }
        if (connection != null) {
            connection.input(header, packet);
        } else if (header.has(TcpHeader.RST)) {
            counters.count(NetworkEvent.IGNORED);
        } else if (header.has(TcpHeader.SYN) && !header.has(TcpHeader.ACK)) {
            open(packet);
        } else {
            refuse(packet);
        }
    }

    /** A SYN may take the place of a connection that is over (RFC 9293 §3.6.1). */
    private boolean startsAfresh(TcpConnection connection) {
        return connection.state == TcpConnection.State.TIME_WAIT
                && header.has(TcpHeader.SYN)
                && !header.has(TcpHeader.ACK)
                && header.sequence - connection.receiver.next > 0;
    }

    private void open(Packet packet) {
        destinations.refresh(loop.now());
        InetSocketAddress target = target(packet);
        if (target == null) {
            return;
        }
        int reserved = reserve();
        if (reserved == 0) {
            counters.count(NetworkEvent.TCP_LIMIT);
            refuse(packet);
            return;
        }
        SocketChannel channel = null;
        TcpConnection connection = null;
        try {
            channel = SocketChannel.open();
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            boolean connected = channel.connect(target);
            connection =
                    new TcpConnection(
                            this,
                            output,
                            channel,
                            TcpConnection.State.CONNECTING,
                            pool,
                            reserved,
                            new long[] {
                                packet.sourceHi, packet.sourceLo, packet.targetHi, packet.targetLo
                            },
                            header.guestPort,
                            header.remotePort);
            begin(connection, channel, packet.sourceMac);
            connection.connecting(header, connected);
        } catch (IOException | RuntimeException refused) {
            // Also what the JDK thinks of an address: whatever it is, the guest cannot go there.
            counters.count(NetworkEvent.HOST_ERROR);
            refuse(packet);
            abandon(channel, connection, reserved);
        }
    }

    private void begin(TcpConnection connection, SocketChannel channel, long mac)
            throws IOException {
        connection.guestMac = mac;
        connection.lastUsed = loop.now();
        connection.attach(loop.register(channel, 0, connection), 0);
        connections.add(connection);
        counters.count(NetworkEvent.TCP_OPENED);
    }

    private void abandon(
            @Nullable SocketChannel channel, @Nullable TcpConnection connection, int reserved) {
        if (connection != null) {
            remove(connection);
            return;
        }
        pool.unreserve(reserved);
        if (channel != null) {
            Closing.quietly(channel);
        }
    }

    /** Where a connection goes on the host's side; null: nowhere, which the guest was told. */
    private @Nullable InetSocketAddress target(Packet packet) {
        long hi = packet.targetHi;
        long lo = packet.targetLo;
        int port = header.remotePort;
        if (port == 0 || header.guestPort == 0) {
            counters.count(NetworkEvent.IGNORED);
            return null;
        }
        if (Ip.isDns(hi, lo) && port == DNS_PORT && !destinations.isRestricted()) {
            if (!destinations.resolvers().isEmpty()) {
                return destinations.resolvers().getFirst();
            }
        } else if (Ip.isGateway(hi, lo) && destinations.isHostLoopbackOpen()) {
            return new InetSocketAddress(
                    InetAddress.ofLiteral(packet.isV4() ? "127.0.0.1" : "::1"), port);
        } else if (!Ip.isLocal(hi, lo) && !destinations.isForbidden(hi, lo)) {
            return new InetSocketAddress(Ip.toInetAddress(hi, lo), port);
        }
        counters.count(NetworkEvent.FORBIDDEN);
        refuse(packet);
        return null;
    }

    /** Finds a place and memory for one more connection; gives its buffers' size, or 0. */
    private int reserve() {
        if (connections.size() >= limit && !endOneThatIsOver() && !endTheStalest()) {
            return 0;
        }
        int reserved = pool.reserve();
        // One that is over has given its memory back already.
        return reserved == 0 && endTheStalest() ? pool.reserve() : reserved;
    }

    /** Ends a connection that only waits for the guest to ask for our last word again. */
    private boolean endOneThatIsOver() {
        for (int i = 0; timeWaits > 0 && i < connections.size(); i++) {
            if (connections.get(i).state == TcpConnection.State.TIME_WAIT) {
                remove(connections.get(i));
                return true;
            }
        }
        return false;
    }

    /** Ends the connection that was not heard of for longest, if that is long. */
    private boolean endTheStalest() {
        long now = loop.now();
        if (now < noneStaleBefore) {
            return false; // a guest that asks again and again has nobody look again and again
        }
        TcpConnection stalest = null;
        for (int i = 0; i < connections.size(); i++) {
            TcpConnection candidate = connections.get(i);
            if (candidate.state != TcpConnection.State.TIME_WAIT
                    && (stalest == null || candidate.lastUsed < stalest.lastUsed)) {
                stalest = candidate;
            }
        }
        if (stalest == null) {
            return false;
        }
        if (now - stalest.lastUsed < STALE_NANOS) {
            noneStaleBefore = stalest.lastUsed + STALE_NANOS;
            return false;
        }
        stalest.abort();
        return true;
    }

    /** Answers a segment that belongs to nothing (RFC 9293 §3.10.7.1). */
    private void refuse(Packet packet) {
        boolean acknowledges = header.has(TcpHeader.ACK);
        reset(
                packet.sourceMac,
                new long[] {packet.sourceHi, packet.sourceLo, packet.targetHi, packet.targetLo},
                header.guestPort,
                header.remotePort,
                acknowledges ? header.acknowledgment : 0,
                acknowledges ? 0 : header.sequence + header.sequenceBytes(),
                acknowledges ? TcpHeader.RST : TcpHeader.RST | TcpHeader.ACK);
    }

    /** Tells the guest that a connection is no more. */
    void reset(TcpConnection connection, int sequence, int acknowledgment, int flags) {
        reset(
                connection.guestMac,
                new long[] {
                    connection.guestHi, connection.guestLo, connection.remoteHi, connection.remoteLo
                },
                connection.guestPort,
                connection.remotePort,
                sequence,
                acknowledgment,
                flags);
    }

    void reset(
            long mac,
            long[] ends,
            int guestPort,
            int remotePort,
            int sequence,
            int acknowledgment,
            int flags) {
        counters.count(NetworkEvent.TCP_RESET);
        int at = output.ip(mac, ends[2], ends[3], ends[0], ends[1], Ip.TCP, TcpHeader.BYTES);
        output.data.putInt(at, remotePort << 16 | guestPort);
        output.data.putInt(at + 4, sequence);
        output.data.putInt(at + 8, acknowledgment);
        output.data.putInt(at + 12, TcpHeader.BYTES / 4 << 28 | flags << 16);
        output.data.putInt(at + 16, 0);
        output.checksum(Ip.TCP, at, 16, true);
        output.send();
    }

    // ---- from a forward

    void accepted(TcpForward forward, SocketChannel channel) {
        int reserved = reserve();
        int port = reserved == 0 ? 0 : freePort(forward, channel);
        if (port == 0) {
            pool.unreserve(reserved);
            counters.count(NetworkEvent.TCP_LIMIT);
            Closing.quietly(channel);
            return;
        }
        boolean v4 = Ip.isV4(forward.guestHi, forward.guestLo);
        TcpConnection connection =
                new TcpConnection(
                        this,
                        output,
                        channel,
                        TcpConnection.State.SYN_SENT,
                        pool,
                        reserved,
                        new long[] {
                            forward.guestHi,
                            forward.guestLo,
                            v4 ? 0 : Ip.PREFIX_HI,
                            v4 ? Ip.mapped(Ip.GATEWAY) : Ip.GATEWAY_LO
                        },
                        forward.guestPort,
                        port);
        try {
            channel.configureBlocking(false);
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            begin(connection, channel, neighbours.mac(forward.guestHi, forward.guestLo));
            connection.knock();
        } catch (IOException refused) {
            counters.count(NetworkEvent.HOST_ERROR);
            abandon(channel, connection, reserved);
        }
    }

    /** The peer's port, if the guest knows nobody with it yet, or one that is free; 0: none. */
    private int freePort(TcpForward forward, SocketChannel channel) {
        boolean v4 = Ip.isV4(forward.guestHi, forward.guestLo);
        long hi = v4 ? 0 : Ip.PREFIX_HI;
        long lo = v4 ? Ip.mapped(Ip.GATEWAY) : Ip.GATEWAY_LO;
        int port;
        try {
            port =
                    channel.getRemoteAddress() instanceof InetSocketAddress peer
                            ? peer.getPort()
                            : 1;
        } catch (IOException gone) {
            return 0;
        }
        for (int tries = 0; tries <= limit; tries++) {
            if (connections.find(forward.guestHi, forward.guestLo, forward.guestPort, hi, lo, port)
                    == null) {
                return port;
            }
            port = port % 65_535 + 1;
        }
        return 0;
    }

    /** Looks where a forward's guest is, and asks if that is not known. */
    void findGuest(TcpConnection connection) {
        connection.guestMac = neighbours.mac(connection.guestHi, connection.guestLo);
        if (connection.guestMac == 0) {
            searches = true;
            resolution.ask(connection.guestHi, connection.guestLo);
        }
    }

    /** Who waited for the guest's hardware address need not wait longer. */
    void learnt() {
        if (!searches) {
            return;
        }
        searches = false;
        for (int i = 0; i < connections.size(); i++) {
            TcpConnection connection = connections.get(i);
            if (connection.state == TcpConnection.State.SYN_SENT && connection.guestMac == 0) {
                if (neighbours.mac(connection.guestHi, connection.guestLo) == 0) {
                    searches = true;
                } else {
                    connection.sendSyn();
                }
            }
        }
    }

    // ---- the engine's calls

    void queue(TcpConnection connection) {
        if (!connection.queued && connection.state != TcpConnection.State.CLOSED) {
            connection.queued = true;
            work.add(connection);
        }
    }

    /** Whether there is work that does not wait for the card. */
    boolean hasWork() {
        return !work.isEmpty() && !output.isFull();
    }

    /** Does what the batch made due. */
    void flush() {
        List<TcpConnection> due = work;
        work = spare;
        spare = due;
        for (int i = 0; i < due.size(); i++) {
            TcpConnection connection = due.get(i);
            if (connection.work()) {
                queue(connection);
            }
        }
        due.clear();
    }

    /** A connection is over, and stays for a while. */
    void isOver(TcpConnection connection) {
        connection.state = TcpConnection.State.TIME_WAIT;
        timeWaits++;
    }

    void remove(TcpConnection connection) {
        connections.remove(connection);
        if (connection.state == TcpConnection.State.TIME_WAIT) {
            timeWaits--;
        }
        connection.state = TcpConnection.State.CLOSED;
        connection.release();
    }

    void released(TcpConnection connection) {
        pool.unreserve(connection.reserved);
    }

    /** Does what is due; gives when the next is. */
    long tick(long now) {
        long next = Long.MAX_VALUE;
        for (int i = connections.size() - 1; i >= 0; i--) {
            TcpConnection connection = connections.get(i);
            if (connection.deadline <= now) {
                connection.deadline = Long.MAX_VALUE;
                connection.expire(now);
            }
            next = Math.min(next, connection.deadline);
        }
        for (int i = 0; i < forwards.size(); i++) {
            next = Math.min(next, forwards.get(i).tick(now));
        }
        return next;
    }

    /** Gives every connection up, without a word to the guest. */
    void clear() {
        for (int i = connections.size() - 1; i >= 0; i--) {
            remove(connections.get(i));
        }
        work.clear();
        noneStaleBefore = Long.MIN_VALUE;
    }
}
