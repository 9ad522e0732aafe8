package dev.dalang.net.internal.user;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.util.List;

/**
 * The socket behind a port of the guest's: for whoever is outside, for the host's loopback, or for
 * one conversation with a resolver. Outside, it takes datagrams only from addresses that the guest
 * has written to, from any port of theirs (RFC 4787 §5: address-dependent filtering).
 */
final class UdpFlow extends Flow implements Loop.Endpoint {
    /** What a flow is for; a flow's remote end is zero where it may be many. */
    enum Kind {
        OUTSIDE,
        LOOPBACK,
        RESOLVER
    }

    private static final int MAX_PEERS = 32;
    private static final long IDLE_NANOS = 60_000_000_000L;
    private static final long RESOLVER_IDLE_NANOS = 20_000_000_000L;
    private static final long RESOLVER_PATIENCE_NANOS = 900_000_000L;

    final Kind kind;
    private final UdpNat nat;
    private final DatagramChannel channel;
    private final SelectionKey key;
    private final List<InetSocketAddress> resolvers;
    private final long[] peerHis = new long[MAX_PEERS];
    private final long[] peerLos = new long[MAX_PEERS];
    private int peers;
    private int oldestPeer;
    private InetSocketAddress target;
    private long targetHi;
    private long targetLo;
    private int resolver;
    private boolean answered = true;
    private long lastSent;

    UdpFlow(
            UdpNat nat,
            Kind kind,
            Packet packet,
            int guestPort,
            int remotePort,
            List<InetSocketAddress> resolvers)
            throws IOException {
        super(
                packet.sourceHi,
                packet.sourceLo,
                guestPort,
                kind == Kind.OUTSIDE ? 0 : packet.targetHi,
                kind == Kind.OUTSIDE ? 0 : packet.targetLo,
                kind == Kind.RESOLVER ? remotePort : 0);
        this.nat = nat;
        this.kind = kind;
        this.resolvers = resolvers;
        this.target = resolvers.isEmpty() ? new InetSocketAddress(0) : resolvers.getFirst();
        boolean v4 = kind == Kind.RESOLVER ? target.getAddress() instanceof Inet4Address : isV4();
        channel =
                DatagramChannel.open(
                        v4 ? StandardProtocolFamily.INET : StandardProtocolFamily.INET6);
        try {
            channel.configureBlocking(false);
            if (kind == Kind.RESOLVER) {
                channel.connect(target);
            }
            key = nat.loop().register(channel, SelectionKey.OP_READ, this);
        } catch (IOException | RuntimeException failed) {
            channel.close();
            throw failed;
        }
    }

    long deadline() {
        return lastUsed + (kind == Kind.RESOLVER ? RESOLVER_IDLE_NANOS : IDLE_NANOS);
    }

    /** Sends what the guest sent. */
    void send(Packet packet, int remotePort, ByteBuffer payload) throws IOException {
        long now = nat.loop().now();
        if (kind == Kind.RESOLVER) {
            if (!answered && now - lastSent > RESOLVER_PATIENCE_NANOS) {
                nextResolver();
            }
            answered = false;
            lastSent = now;
            channel.write(payload);
            return;
        }
        if (target.getPort() != remotePort
                || targetLo != packet.targetLo
                || targetHi != packet.targetHi) {
            aim(packet, remotePort);
        }
        channel.send(payload, target);
    }

    private void aim(Packet packet, int remotePort) {
        targetHi = packet.targetHi;
        targetLo = packet.targetLo;
        InetAddress address =
                kind == Kind.LOOPBACK
                        ? InetAddress.ofLiteral(isV4() ? "127.0.0.1" : "::1")
                        : Ip.toInetAddress(targetHi, targetLo);
        target = new InetSocketAddress(address, remotePort);
        if (kind == Kind.OUTSIDE && !isPeer(targetHi, targetLo)) {
            int place = peers < MAX_PEERS ? peers++ : oldestPeer++ % MAX_PEERS;
            peerHis[place] = targetHi;
            peerLos[place] = targetLo;
        }
    }

    private boolean isPeer(long hi, long lo) {
        for (int i = 0; i < peers; i++) {
            if (peerLos[i] == lo && peerHis[i] == hi) {
                return true;
            }
        }
        return false;
    }

    /** The first did not answer; the guest asks again and gets another. */
    private void nextResolver() throws IOException {
        if (resolvers.size() < 2) {
            return;
        }
        boolean v4 = target.getAddress() instanceof Inet4Address;
        for (int i = 0; i < resolvers.size(); i++) {
            resolver = (resolver + 1) % resolvers.size();
            InetSocketAddress other = resolvers.get(resolver);
            if (other.getAddress() instanceof Inet4Address == v4) {
                target = other;
                channel.disconnect();
                channel.connect(target);
                return;
            }
        }
    }

    @Override
    public void ready(SelectionKey ready) throws IOException {
        nat.receive(this, channel);
    }

    /** Whether a datagram is one that the guest waits for. */
    boolean isAsked(InetSocketAddress source) {
        InetAddress address = source.getAddress();
        return switch (kind) {
            case RESOLVER -> true; // connected: the kernel has looked already
            case LOOPBACK -> address.isLoopbackAddress();
            case OUTSIDE -> isPeer(Ip.hi(address), Ip.lo(address));
        };
    }

    void answered() {
        answered = true;
    }

    SelectionKey key() {
        return key;
    }

    @Override
    public void fail() {
        nat.remove(this);
    }

    void close() {
        Closing.quietly(channel);
    }
}
