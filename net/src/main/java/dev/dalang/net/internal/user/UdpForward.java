package dev.dalang.net.internal.user;

import dev.dalang.net.HostForward;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.util.HashMap;
import java.util.Map;

/** A port of the host's whose datagrams go to the guest. */
final class UdpForward implements Loop.Endpoint {
    /** One of those who write to the port; the guest sees it as a port of the gateway's. */
    static final class Peer extends Flow {
        final UdpForward forward;
        final InetSocketAddress address;

        Peer(
                UdpForward forward,
                InetSocketAddress address,
                long gatewayHi,
                long gatewayLo,
                int port) {
            super(forward.guestHi, forward.guestLo, forward.guestPort, gatewayHi, gatewayLo, port);
            this.forward = forward;
            this.address = address;
        }
    }

    final long guestHi;
    final long guestLo;
    final int guestPort;
    final Map<InetSocketAddress, Peer> peers = new HashMap<>();
    private final UdpNat nat;
    private final DatagramChannel channel;
    private final SelectionKey key;

    UdpForward(UdpNat nat, HostForward forward, DatagramChannel channel) throws IOException {
        this.nat = nat;
        this.channel = channel;
        this.guestHi = forward.guestAddress().map(Ip::hi).orElse(0L);
        this.guestLo = forward.guestAddress().map(Ip::lo).orElse(Ip.mapped(Ip.FIRST_LEASE));
        this.guestPort = forward.guestPort();
        channel.configureBlocking(false);
        this.key = nat.loop().register(channel, SelectionKey.OP_READ, this);
    }

    void send(Peer peer, ByteBuffer payload) throws IOException {
        channel.send(payload, peer.address);
    }

    @Override
    public void ready(SelectionKey ready) throws IOException {
        nat.receive(this, channel);
    }

    SelectionKey key() {
        return key;
    }

    /** One datagram failed; the port stays open. */
    @Override
    public void fail() {
        nat.failed();
    }
}
