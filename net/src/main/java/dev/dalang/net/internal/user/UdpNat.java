package dev.dalang.net.internal.user;

import dev.dalang.net.NetworkEvent;
import dev.dalang.net.Segmentation;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.List;

/** UDP (RFC 768): a socket for each port that the guest uses, and the ports of forwards. */
final class UdpNat {
    private static final int HEADER_BYTES = 8;
    private static final int DNS_PORT = 53;

    /** Datagrams of one socket between two looks at the others. */
    private static final int BATCH = 64;

    private static final int MAX_PAYLOAD = 65_535 - Ip.IPV4_BYTES - HEADER_BYTES;
    private static final long FORWARD_IDLE_NANOS = 120_000_000_000L;

    private final Loop loop;
    private final Output output;
    private final Counters counters;
    private final Destinations destinations;
    private final Dhcp dhcp;
    private final Icmp icmp;
    private final Neighbours neighbours;
    private final Resolution resolution;
    private final FlowTable<Flow> flows;
    private final int limit;
    private final ByteBuffer received;

    /** Asks for the hardware address of one of the guest's addresses. */
    interface Resolution {
        void ask(long hi, long lo);
    }

    UdpNat(
            Loop loop,
            Output output,
            Counters counters,
            Destinations destinations,
            Dhcp dhcp,
            Icmp icmp,
            Neighbours neighbours,
            Resolution resolution,
            int limit,
            long secret) {
        this.loop = loop;
        this.output = output;
        this.counters = counters;
        this.destinations = destinations;
        this.dhcp = dhcp;
        this.icmp = icmp;
        this.neighbours = neighbours;
        this.resolution = resolution;
        this.limit = limit;
        this.flows = new FlowTable<>(limit, secret);
        this.received = output.data.duplicate();
    }

    Loop loop() {
        return loop;
    }

    int size() {
        return flows.size();
    }

    void input(Packet packet) {
        int at = packet.payload;
        if (packet.payloadBytes < HEADER_BYTES) {
            counters.count(NetworkEvent.MALFORMED);
            return;
        }
        int bytes = packet.data.getShort(at + 4) & 0xffff;
        if (bytes < HEADER_BYTES || bytes > packet.payloadBytes) {
            counters.count(NetworkEvent.MALFORMED);
            return;
        }
        packet.payloadBytes = bytes;
        boolean without = packet.data.getShort(at + 6) == 0 && packet.isV4();
        if (!without && !packet.isChecksumRight()) {
            counters.count(NetworkEvent.BAD_CHECKSUM);
            return;
        }
        int guestPort = packet.data.getShort(at) & 0xffff;
        int remotePort = packet.data.getShort(at + 2) & 0xffff;
        boolean broadcast = packet.isV4() && (int) packet.targetLo == -1;
        boolean gateway = Ip.isGateway(packet.targetHi, packet.targetLo);
        if (remotePort == Dhcp.SERVER_PORT && packet.isV4() && (broadcast || gateway)) {
            dhcp.input(packet, at + HEADER_BYTES, bytes - HEADER_BYTES);
            return;
        }
        if (!Ip.isGuest(packet.sourceHi, packet.sourceLo)) {
            counters.count(NetworkEvent.MARTIAN);
            return;
        }
        if (guestPort == 0 || remotePort == 0) {
            counters.count(NetworkEvent.IGNORED);
            return;
        }
        Flow flow = find(packet, guestPort, remotePort);
        if (flow != null) {
            flow.guestMac = packet.sourceMac;
            flow.lastUsed = loop.now();
            send(flow, packet, remotePort);
        }
    }

    private @Nullable Flow find(Packet packet, int guestPort, int remotePort) {
        Flow exact =
                flows.find(
                        packet.sourceHi,
                        packet.sourceLo,
                        guestPort,
                        packet.targetHi,
                        packet.targetLo,
                        remotePort);
        if (exact != null) {
            return exact;
        }
        destinations.refresh(loop.now());
        boolean dns = Ip.isDns(packet.targetHi, packet.targetLo);
        boolean gateway = Ip.isGateway(packet.targetHi, packet.targetLo);
        boolean closed =
                dns
                        ? destinations.isRestricted()
                                || remotePort != DNS_PORT
                                || destinations.resolvers().isEmpty()
                        : gateway && !destinations.isHostLoopbackOpen();
        if (closed) {
            counters.count(NetworkEvent.FORBIDDEN);
            icmp.unreachable(packet, Icmp.Unreachable.PORT);
            return null;
        }
        if (dns) {
            return open(packet, UdpFlow.Kind.RESOLVER, guestPort, remotePort);
        }
        if (gateway) {
            Flow flow =
                    flows.find(
                            packet.sourceHi,
                            packet.sourceLo,
                            guestPort,
                            packet.targetHi,
                            packet.targetLo,
                            0);
            return flow != null ? flow : open(packet, UdpFlow.Kind.LOOPBACK, guestPort, remotePort);
        }
        boolean group =
                packet.isV4()
                        ? packet.targetLo << 32 >>> 60 == 0xe || (int) packet.targetLo == -1
                        : packet.targetHi >>> 56 == 0xff;
        if (group || Ip.isLocal(packet.targetHi, packet.targetLo)) {
            counters.count(NetworkEvent.IGNORED); // services that announce themselves to the link
            return null;
        }
        if (destinations.isForbidden(packet.targetHi, packet.targetLo)) {
            counters.count(NetworkEvent.FORBIDDEN);
            icmp.unreachable(packet, Icmp.Unreachable.PROHIBITED);
            return null;
        }
        Flow flow = flows.find(packet.sourceHi, packet.sourceLo, guestPort, 0, 0, 0);
        return flow != null ? flow : open(packet, UdpFlow.Kind.OUTSIDE, guestPort, remotePort);
    }

    private @Nullable Flow open(Packet packet, UdpFlow.Kind kind, int guestPort, int remotePort) {
        makeRoom();
        try {
            List<InetSocketAddress> resolvers =
                    kind == UdpFlow.Kind.RESOLVER ? destinations.resolvers() : List.of();
            UdpFlow flow = new UdpFlow(this, kind, packet, guestPort, remotePort, resolvers);
            flow.lastUsed = loop.now();
            flows.add(flow);
            loop.schedule(flow.deadline());
            counters.count(NetworkEvent.UDP_OPENED);
            return flow;
        } catch (IOException refused) {
            counters.count(NetworkEvent.HOST_ERROR);
            icmp.unreachable(packet, Icmp.Unreachable.NETWORK);
            return null;
        }
    }

    /** The flow that was used longest ago makes way: UDP has no end that could be waited for. */
    private void makeRoom() {
        if (flows.size() < limit) {
            return;
        }
        Flow oldest = flows.get(0);
        for (int i = 1; i < flows.size(); i++) {
            if (flows.get(i).lastUsed < oldest.lastUsed) {
                oldest = flows.get(i);
            }
        }
        remove(oldest);
        counters.count(NetworkEvent.UDP_EVICTED);
    }

    private void send(Flow flow, Packet packet, int remotePort) {
        int at = packet.payload + HEADER_BYTES;
        int left = packet.payloadBytes - HEADER_BYTES;
        int step =
                packet.segmentation == Segmentation.UDP && packet.segmentBytes > 0
                        ? packet.segmentBytes
                        : Math.max(left, 1);
        try {
            do {
                int bytes = Math.min(step, left);
                ByteBuffer payload = loop.view(packet.data, at, bytes);
                if (flow instanceof UdpForward.Peer peer) {
                    peer.forward.send(peer, payload);
                } else if (flow instanceof UdpFlow udp) {
                    udp.send(packet, remotePort, payload);
                }
                at += bytes;
                left -= bytes;
            } while (left > 0);
        } catch (IOException refused) {
            counters.count(NetworkEvent.HOST_ERROR);
            icmp.unreachable(packet, Icmp.Unreachable.NETWORK);
        }
    }

    /** Takes datagrams off a flow's socket. */
    void receive(UdpFlow flow, DatagramChannel channel) {
        int at = payloadAt(flow.isV4());
        for (int i = 0; i < BATCH; i++) {
            if (output.isFull()) {
                loop.pauseReading(flow.key());
                return;
            }
            InetSocketAddress source = receive(channel, at);
            if (source == null) {
                return;
            }
            if (!flow.isAsked(source)) {
                counters.count(NetworkEvent.UDP_UNASKED);
                continue;
            }
            flow.answered();
            flow.lastUsed = loop.now();
            boolean outside = flow.kind == UdpFlow.Kind.OUTSIDE;
            long hi = outside ? Ip.hi(source.getAddress()) : flow.remoteHi;
            long lo = outside ? Ip.lo(source.getAddress()) : flow.remoteLo;
            boolean resolver = flow.kind == UdpFlow.Kind.RESOLVER;
            deliver(flow, at, hi, lo, resolver ? flow.remotePort : source.getPort());
        }
    }

    /** Takes datagrams off a forward's socket. */
    void receive(UdpForward forward, DatagramChannel channel) {
        boolean v4 = Ip.isV4(forward.guestHi, forward.guestLo);
        int at = payloadAt(v4);
        for (int i = 0; i < BATCH; i++) {
            if (output.isFull()) {
                loop.pauseReading(forward.key());
                return;
            }
            InetSocketAddress source = receive(channel, at);
            if (source == null) {
                return;
            }
            long mac = neighbours.mac(forward.guestHi, forward.guestLo);
            if (mac == 0) {
                // The datagram is lost, as datagrams are; the answer is here for the next.
                resolution.ask(forward.guestHi, forward.guestLo);
                counters.count(NetworkEvent.TO_GUEST_DROPPED);
                continue;
            }
            UdpForward.Peer peer = peer(forward, source, v4);
            if (peer != null) {
                peer.guestMac = mac;
                peer.lastUsed = loop.now();
                deliver(peer, at, peer.remoteHi, peer.remoteLo, peer.remotePort);
            }
        }
    }

    private UdpForward.@Nullable Peer peer(
            UdpForward forward, InetSocketAddress source, boolean v4) {
        UdpForward.Peer known = forward.peers.get(source);
        if (known != null) {
            return known;
        }
        makeRoom();
        long hi = v4 ? 0 : Ip.PREFIX_HI;
        long lo = v4 ? Ip.mapped(Ip.GATEWAY) : Ip.GATEWAY_LO;
        int port = source.getPort();
        for (int tries = 0; tries <= limit; tries++) {
            if (flows.find(forward.guestHi, forward.guestLo, forward.guestPort, hi, lo, port)
                    == null) {
                UdpForward.Peer peer = new UdpForward.Peer(forward, source, hi, lo, port);
                forward.peers.put(source, peer);
                peer.lastUsed = loop.now();
                flows.add(peer);
                loop.schedule(peer.lastUsed + FORWARD_IDLE_NANOS);
                counters.count(NetworkEvent.UDP_OPENED);
                return peer;
            }
            port = port % 65_535 + 1;
        }
        return null;
    }

    /** Where the payload of a datagram is in a frame: it is received there. */
    private static int payloadAt(boolean v4) {
        return Ip.ETHERNET_BYTES + (v4 ? Ip.IPV4_BYTES : Ip.IPV6_BYTES) + HEADER_BYTES;
    }

    private @Nullable InetSocketAddress receive(DatagramChannel channel, int at) {
        received.limit(at + MAX_PAYLOAD).position(at);
        try {
            SocketAddress source = channel.receive(received);
            return source instanceof InetSocketAddress address ? address : null;
        } catch (IOException unreachable) {
            counters.count(NetworkEvent.HOST_ERROR); // such as nobody at the resolver's port
            return null;
        }
    }

    private void deliver(Flow flow, int at, long hi, long lo, int port) {
        int bytes = HEADER_BYTES + received.position() - at;
        int header = output.ip(flow.guestMac, hi, lo, flow.guestHi, flow.guestLo, Ip.UDP, bytes);
        output.data.putShort(header, (short) port);
        output.data.putShort(header + 2, (short) flow.guestPort);
        output.data.putShort(header + 4, (short) bytes);
        boolean fits = output.frame.length() - Ip.ETHERNET_BYTES <= output.mtu();
        output.checksum(Ip.UDP, header, 6, fits);
        output.sendFragmented();
    }

    void remove(Flow flow) {
        flows.remove(flow);
        if (flow instanceof UdpForward.Peer peer) {
            peer.forward.peers.remove(peer.address);
        } else if (flow instanceof UdpFlow udp) {
            udp.close();
        }
    }

    void failed() {
        counters.count(NetworkEvent.HOST_ERROR);
    }

    /** Ends flows that were not used for long; gives when the next one may be. */
    long tick(long now) {
        long next = Long.MAX_VALUE;
        for (int i = flows.size() - 1; i >= 0; i--) {
            Flow flow = flows.get(i);
            long deadline =
                    flow instanceof UdpFlow udp
                            ? udp.deadline()
                            : flow.lastUsed + FORWARD_IDLE_NANOS;
            if (deadline <= now) {
                remove(flow);
            } else {
                next = Math.min(next, deadline);
            }
        }
        return next;
    }

    void clear() {
        for (int i = flows.size() - 1; i >= 0; i--) {
            remove(flows.get(i));
        }
    }
}
