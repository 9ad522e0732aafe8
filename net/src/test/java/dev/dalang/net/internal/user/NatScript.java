package dev.dalang.net.internal.user;

import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.net.Frame;
import dev.dalang.net.FrameSink;
import dev.dalang.net.NetworkEvent;
import dev.dalang.net.Offload;
import dev.dalang.net.Segmentation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * A guest's doings, read from bytes: frames made from patterns, some of them answers to what came
 * before, with bytes of theirs changed. The network is turned by hand, on this thread; only the
 * host's loopback is behind it. Used by Jazzer, and by a campaign with random bytes.
 */
final class NatScript implements AutoCloseable {
    private static final int FORGETS = 8;
    private static final int MAX_CONNECTIONS = 64;
    private static final long BUFFER_BYTES = 8L << 20;
    private static final long MAC = 0x5254_0012_3456L;
    private static final int GUEST = 0x0a00_020f;

    /** What the guest knows of a connection: a segment is likely to fit. */
    private static final class Known {
        int port;
        int next;
        int expected;
    }

    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final Engine engine;
    private final Frame frame = new Frame();
    private final Selector selector;
    private final ServerSocketChannel listener;
    private final int serverPort;
    private final List<Known> known = new ArrayList<>();
    private final ByteBuffer scratch = ByteBuffer.allocateDirect(1 << 16);
    private boolean refuses;
    private boolean arpAnswered;
    private int nextPort = 1024;
    private long frames;

    private byte[] script = {};
    private int at;

    NatScript() throws IOException {
        InetSocketAddress resolver = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 9);
        engine =
                new Engine(
                        new EngineConfig(
                                true,
                                false,
                                false,
                                1500,
                                MAX_CONNECTIONS,
                                32,
                                BUFFER_BYTES,
                                List.of(resolver),
                                null));
        engine.connect(clock, new Sink());
        selector = Selector.open();
        listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0), 512);
        listener.configureBlocking(false);
        listener.register(selector, SelectionKey.OP_ACCEPT);
        serverPort = listener.socket().getLocalPort();
    }

    long frames() {
        return frames;
    }

    private final class Sink implements FrameSink {
        @Override
        public boolean receive(Frame arrived) {
            if (refuses) {
                return false;
            }
            ByteBuffer data = arrived.data();
            if (arrived.length() > Frame.MAX_BYTES || arrived.length() < 14) {
                throw new AssertionError("a frame of " + arrived.length() + " bytes");
            }
            int type = data.getShort(12) & 0xffff;
            if (type == Ip.ETHERTYPE_ARP) {
                arpAnswered = true;
            } else if (type == Ip.ETHERTYPE_IPV4 && data.get(23) == Ip.TCP) {
                learn(data);
            }
            return true;
        }

        @Override
        public void readyToSend() {}
    }

    private void learn(ByteBuffer data) {
        int port = data.getShort(36) & 0xffff;
        for (Known one : known) {
            if (one.port == port) {
                boolean syn = (data.get(47) & TcpHeader.SYN) != 0;
                int total = data.getShort(16) & 0xffff;
                int bytes = total - 20 - (data.get(46) >> 4 & 0xf) * 4;
                int fin = data.get(47) & TcpHeader.FIN;
                one.expected = data.getInt(38) + Math.max(0, bytes) + (syn ? 1 : 0) + fin;
                return;
            }
        }
    }

    // ---- the script

    private int take() {
        return at < script.length ? script[at++] & 0xff : 0;
    }

    private int takeShort() {
        return take() << 8 | take();
    }

    /** Plays a script to its end, and asks whether the network still lives. */
    void run(byte[] bytes) {
        script = bytes;
        at = 0;
        while (at < script.length) {
            step();
        }
        refuses = false;
        engine.readyToReceive();
        settle();
        arpAnswered = false;
        arp(Ip.GATEWAY);
        settle();
        check();
    }

    private void check() {
        if (!arpAnswered) {
            throw new AssertionError("the gateway answers no more");
        }
        long mistakes = engine.counters().get(NetworkEvent.INTERNAL_ERROR);
        if (mistakes != 0) {
            throw new AssertionError(mistakes + " mistakes in the network");
        }
        if (engine.bufferBytes() > BUFFER_BYTES) {
            throw new AssertionError(engine.bufferBytes() + " bytes of buffers");
        }
    }

    /** Turns until the network has worked everything off. */
    private void settle() {
        for (int i = 0; i < 20; i++) {
            turn();
        }
    }

    private void turn() {
        try {
            engine.turn(false);
            serve();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** The server: sends back what it gets, now and then. */
    private void serve() throws IOException {
        selector.selectNow();
        for (SelectionKey key : selector.selectedKeys()) {
            if (key.isAcceptable()) {
                SocketChannel accepted = listener.accept();
                if (accepted != null) {
                    accepted.configureBlocking(false);
                    accepted.register(selector, SelectionKey.OP_READ);
                }
            } else {
                echo(key);
            }
        }
        selector.selectedKeys().clear();
    }

    private void echo(SelectionKey key) {
        SocketChannel channel = (SocketChannel) key.channel();
        try {
            if (channel.read(scratch.clear()) < 0) {
                channel.close();
            } else {
                channel.write(scratch.flip());
            }
        } catch (IOException reset) {
            Closing.quietly(channel);
        }
    }

    private void step() {
        int operation = take();
        switch (operation % 20) {
            case 0 -> arp(take() % 3 == 0 ? Ip.GATEWAY : 0x0a00_0200 | take());
            case 1 -> dhcp();
            case 2, 3 -> udp(Ip.GATEWAY, takeShort(), take() * 8);
            case 4 -> udp(Ip.DNS, 53, take());
            case 5 -> icmp(take() * 8);
            case 6 -> neighbour();
            case 7 -> echo6(take());
            case 8, 9 -> open();
            case 10, 11, 12, 13 -> segment(TcpHeader.ACK | TcpHeader.PSH, takeShort() % 3000);
            case 14 -> segment(TcpHeader.ACK, 0);
            case 15 -> segment(TcpHeader.ACK | TcpHeader.FIN, take());
            case 16 -> segment(take(), takeShort() % 60_000);
            case 17 -> fragment();
            case 18 -> raw();
            default -> {
                surroundings(take());
                return;
            }
        }
        mutate(operation);
        send();
    }

    private void surroundings(int what) {
        switch (what % FORGETS) {
            case 0 -> clock.advance(take() * 10_000_000L);
            case 1 -> clock.advance(take() * 1_000_000_000L);
            case 2 -> refuses = !refuses;
            case 3 -> engine.readyToReceive();
            case 4 -> engine.acceptOffloads(Set.of());
            case 5 -> engine.acceptOffloads(EnumSet.of(Offload.CHECKSUM, Offload.TCP4));
            default -> {}
        }
        turn();
    }

    /** Changes some bytes; without a change every fourth time, or nothing would get far. */
    private void mutate(int operation) {
        int kind = take();
        if (kind % 4 != 0) {
            return;
        }
        int changes = kind >> 2 & 7;
        for (int i = 0; i < changes && frame.length() > 0; i++) {
            int place =
                    (take() << 8 | take())
                            % Math.min(frame.length(), operation < 128 ? 80 : 1 << 16);
            frame.data().put(place, (byte) take());
        }
        int length = frame.length();
        if ((kind & 0x20) != 0 && length > 0) {
            length = take() % length;
        } else if ((kind & 0x40) != 0) {
            length = Math.min(Frame.MAX_BYTES, length + take());
        }
        boolean left = frame.needsChecksum() || (kind & 0x80) != 0;
        frame.begin(length);
        if (left) {
            frame.leaveChecksum(takeShort(), takeShort());
        }
        if ((kind & 0x90) == 0x90) {
            Segmentation[] all = Segmentation.values();
            frame.leaveSegmentation(all[take() % all.length], takeShort(), takeShort(), false);
        }
    }

    private void send() {
        frames++;
        for (int tries = 0; !engine.send(frame); tries++) {
            if (tries > 1000) {
                throw new AssertionError("the network takes no frame any more");
            }
            turn();
        }
        if (frames % 32 == 0) {
            turn();
        }
    }

    // ---- patterns

    private ByteBuffer ethernet(int type, int payload) {
        frame.begin(14 + payload);
        ByteBuffer data = frame.data();
        Ip.putMac(data, 0, Ip.GATEWAY_MAC);
        Ip.putMac(data, 6, MAC);
        data.putShort(12, (short) type);
        return data;
    }

    private void arp(int target) {
        ByteBuffer data = ethernet(Ip.ETHERTYPE_ARP, 28);
        data.putLong(14, 0x0001_0800_0604_0001L);
        Ip.putMac(data, 22, MAC);
        data.putInt(28, GUEST);
        Ip.putMac(data, 32, 0);
        data.putInt(38, target);
        if (at >= script.length) {
            send();
        }
    }

    private int ip4(int protocol, int target, int payload, int fragment) {
        ByteBuffer data = ethernet(Ip.ETHERTYPE_IPV4, 20 + payload);
        data.putInt(14, 0x4500_0000 | 20 + payload & 0xffff).putInt(18, 7 << 16 | fragment);
        data.putInt(22, 64 << 24 | protocol << 16).putInt(26, GUEST).putInt(30, target);
        data.putShort(24, (short) Checksums.finish(Checksums.sum(data, 14, 20)));
        return 34;
    }

    private void leaveChecksum() {
        frame.leaveChecksum(34, 0);
    }

    private void dhcp() {
        ip4(Ip.UDP, -1, 8 + 300, 0);
        ByteBuffer data = frame.data();
        data.putInt(26, 0).putShort(24, (short) 0);
        data.putShort(24, (short) Checksums.finish(Checksums.sum(data, 14, 20)));
        data.putShort(34, (short) 68).putShort(36, (short) 67).putInt(38, 308 << 16);
        for (int i = 0; i < 300; i += 4) {
            data.putInt(42 + i, 0);
        }
        data.putInt(42, 0x0101_0600);
        Ip.putMac(data, 70, MAC + take());
        data.putInt(278, 0x6382_5363);
        data.put(282, (byte) 53).put(283, (byte) 1).put(284, (byte) (1 + take() % 8));
        data.put(285, (byte) 50).put(286, (byte) 4).putInt(287, GUEST + take() % 20);
        data.put(291, (byte) 255);
        leaveChecksum();
    }

    private void udp(int target, int port, int bytes) {
        ip4(Ip.UDP, target, 8 + bytes, 0);
        ByteBuffer data = frame.data();
        // Not to whoever happens to listen on this machine: to a port where nobody does.
        int chosen = target == Ip.GATEWAY ? 1 + port % 5 : port;
        data.putShort(34, (short) (1000 + take())).putShort(36, (short) chosen);
        data.putInt(38, 8 + bytes << 16);
        leaveChecksum();
    }

    private void icmp(int bytes) {
        int at4 = ip4(Ip.ICMP, take() % 2 == 0 ? Ip.GATEWAY : 0xc000_0201, 8 + bytes, 0);
        ByteBuffer data = frame.data();
        data.putInt(at4, 8 << 24).putInt(at4 + 4, take());
        data.putShort(at4 + 2, (short) Checksums.finish(Checksums.sum(data, at4, 8 + bytes)));
    }

    private int ip6(int protocol, int payload) {
        ByteBuffer data = ethernet(Ip.ETHERTYPE_IPV6, 40 + payload);
        data.putInt(14, 0x6000_0000).putInt(18, payload << 16 | protocol << 8 | 255);
        data.putLong(22, Ip.PREFIX_HI).putLong(30, 0x15);
        data.putLong(38, Ip.PREFIX_HI).putLong(46, take() % 4);
        return 54;
    }

    private void neighbour() {
        int at6 = ip6(Ip.ICMPV6, 32);
        ByteBuffer data = frame.data();
        data.putInt(at6, 133 + take() % 4 << 24).putInt(at6 + 4, 0);
        data.putLong(at6 + 8, Ip.PREFIX_HI).putLong(at6 + 16, 2 + take() % 3);
        data.putLong(at6 + 24, 0x0101_0000_0000_0000L | MAC);
        frame.leaveChecksum(54, 2);
    }

    private void echo6(int bytes) {
        int at6 = ip6(Ip.ICMPV6, 8 + bytes);
        frame.data().putInt(at6, 128 << 24).putInt(at6 + 4, take());
        frame.leaveChecksum(54, 2);
    }

    private void tcp(int port, int sequence, int acknowledgment, int flags, int bytes) {
        ip4(Ip.TCP, Ip.GATEWAY, 20 + bytes, 0);
        ByteBuffer data = frame.data();
        data.putShort(34, (short) port).putShort(36, (short) serverPort);
        data.putInt(38, sequence).putInt(42, acknowledgment);
        data.putInt(46, 0x5000_0000 | (flags & 0x3f) << 16 | 0xffff).putInt(50, 0);
        leaveChecksum();
    }

    private void open() {
        Known one = new Known();
        one.port = nextPort;
        nextPort = nextPort == 65_000 ? 1024 : nextPort + 1;
        one.next = takeShort() << 16;
        if (known.size() >= MAX_CONNECTIONS) {
            known.removeFirst();
        }
        known.add(one);
        tcp(one.port, one.next, 0, TcpHeader.SYN, 0);
        one.next++;
    }

    private void segment(int flags, int bytes) {
        if (known.isEmpty()) {
            tcp(takeShort(), takeShort(), takeShort(), flags, bytes);
            return;
        }
        Known one = known.get(take() % known.size());
        int shift = take();
        int sequence = one.next + (shift % 8 == 1 ? takeShort() - 0x8000 : 0);
        int acknowledgment = one.expected - (shift % 8 == 2 ? takeShort() : 0);
        tcp(one.port, sequence, acknowledgment, flags, bytes);
        if (shift % 8 > 1) {
            one.next += bytes + (flags & TcpHeader.FIN);
        }
        if (bytes > 1460) {
            frame.leaveSegmentation(Segmentation.TCP4, 1460, 54, false);
        }
    }

    private void fragment() {
        int bytes = take() * 8;
        ip4(Ip.UDP, Ip.GATEWAY, bytes, (take() % 2 << 13 | take()) & 0x3fff);
        frame.data().putShort(18, (short) (take() % 12)).putShort(24, (short) 0);
        frame.data().putShort(24, (short) Checksums.finish(Checksums.sum(frame.data(), 14, 20)));
    }

    private void raw() {
        int bytes = take();
        frame.begin(bytes);
        for (int i = 0; i < bytes; i++) {
            frame.data().put(i, (byte) take());
        }
    }

    @Override
    public void close() throws IOException {
        engine.close();
        for (SelectionKey key : selector.keys()) {
            key.channel().close();
        }
        selector.close();
    }
}
