package dev.dalang.net.internal.user;

import dev.dalang.net.HostForward;

import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A port of the host's whose connections go to the guest. */
final class TcpForward implements Loop.Endpoint {
    private static final int BATCH = 16;
    private static final long PAUSE_NANOS = 500_000_000L;

    final long guestHi;
    final long guestLo;
    final int guestPort;
    private final TcpNat nat;
    private final ServerSocketChannel channel;
    private final SelectionKey key;
    private long pausedUntil = Long.MAX_VALUE;

    TcpForward(TcpNat nat, HostForward forward, ServerSocketChannel channel) throws IOException {
        this.nat = nat;
        this.channel = channel;
        this.guestHi = forward.guestAddress().map(Ip::hi).orElse(0L);
        this.guestLo = forward.guestAddress().map(Ip::lo).orElse(Ip.mapped(Ip.FIRST_LEASE));
        this.guestPort = forward.guestPort();
        channel.configureBlocking(false);
        this.key = nat.loop().register(channel, SelectionKey.OP_ACCEPT, this);
    }

    @Override
    public void ready(SelectionKey ready) throws IOException {
        for (int i = 0; i < BATCH; i++) {
            SocketChannel peer = channel.accept();
            if (peer == null) {
                return;
            }
            nat.accepted(this, peer);
        }
    }

    /** The host has no more sockets, say: it is asked again later, not in a loop. */
    @Override
    public void fail() {
        key.interestOps(0);
        pausedUntil = nat.loop().now() + PAUSE_NANOS;
        nat.loop().schedule(pausedUntil);
    }

    /** Listens again after a pause; gives when that is. */
    long tick(long now) {
        if (now >= pausedUntil) {
            pausedUntil = Long.MAX_VALUE;
            key.interestOps(SelectionKey.OP_ACCEPT);
        }
        return pausedUntil;
    }
}
