package dev.dalang.testkit.net;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A guest's IP stack, small and honest. Frames come in by {@link #input}, on any thread, and go out
 * by the {@link GuestPort}. It has one interface, one address of each family, one gateway.
 */
public final class GuestStack implements AutoCloseable {
    private static final long BROADCAST = 0xffff_ffff_ffffL;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** After this long, nothing is expected to come any more. */
    private static final long SILENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    final ReentrantLock lock = new ReentrantLock();
    final Map<Integer, GuestUdp> ports = new HashMap<>();

    private record Key(InetAddress remote, int remotePort, int localPort) {}

    private final long mac;
    private final GuestPort port;
    private final Impairment.Direction outward;
    private final Impairment.Direction inward;
    private final Map<Key, GuestTcp> connections = new HashMap<>();
    private final Map<Integer, GuestListener> listeners = new HashMap<>();
    private final List<GuestTcp> finished = new ArrayList<>();
    private final Map<InetAddress, Long> neighbours = new HashMap<>();
    private final GuestFrame frame = new GuestFrame();
    private final Condition event = lock.newCondition();
    private final SplittableRandom random = new SplittableRandom(1);
    private final Thread ticker =
            Thread.ofPlatform().daemon().name("guest-stack").unstarted(this::tick);
    private final GuestReassembly reassembly = new GuestReassembly();
    private final GuestDhcp dhcp;

    private InetAddress address = literal("10.0.2.15");
    private InetAddress address6 = literal("fec0::15");
    private int nextPort = 40_000;
    private int identification;
    private int mtu = 1500;
    private int bufferBytes = 1 << 19;
    private boolean longSegments;
    private boolean leaveChecksums;
    private boolean closed;
    private int echoReplies;
    private @Nullable ByteBuffer routerAdvertisement;
    private long badChecksums;

    /**
     * Makes a stack.
     *
     * @param mac its hardware address
     * @param port the way out
     * @param impairment what the link does to frames, in both directions
     */
    public GuestStack(long mac, GuestPort port, Impairment impairment) {
        this.mac = mac;
        this.port = port;
        this.outward = new Impairment.Direction(impairment, 0x6f75);
        this.inward = new Impairment.Direction(impairment, 0x696e);
        this.dhcp = new GuestDhcp(this);
        ticker.start();
    }

    /**
     * An address that is written as one.
     *
     * @param text the address
     * @return the address
     */
    public static InetAddress literal(String text) {
        return InetAddress.ofLiteral(text);
    }

    // ---- settings

    /**
     * Sends long segments, and leaves their checksums to be completed.
     *
     * @param on whether
     */
    public void offload(boolean on) {
        longSegments = on;
        leaveChecksums = on;
    }

    /**
     * Sets how much each connection keeps, in each direction, before it takes no more.
     *
     * @param bytes at least 1
     */
    public void bufferBytes(int bytes) {
        bufferBytes = bytes;
    }

    /**
     * Sets the longest packet.
     *
     * @param bytes how long
     */
    public void mtu(int bytes) {
        mtu = bytes;
    }

    int mtu() {
        return mtu;
    }

    boolean longSegments() {
        return longSegments;
    }

    long mac() {
        return mac;
    }

    /** {@return the guest's IPv4 address} */
    public InetAddress address() {
        return address;
    }

    void address(InetAddress leased) {
        address = leased;
    }

    /** {@return how many frames came with a wrong checksum} */
    public long badChecksums() {
        return badChecksums;
    }

    private InetAddress localFor(InetAddress remote) {
        return remote instanceof Inet4Address ? address : address6;
    }

    // ---- what tests do

    /**
     * Gets an address by DHCP and takes it.
     *
     * @return what the server said, option by option
     * @throws IOException if it says nothing
     */
    public GuestDhcp.Lease dhcp() throws IOException {
        return dhcp.run();
    }

    /**
     * Asks for a hardware address.
     *
     * @param target of whom
     * @return the address, or -1 if nobody answers
     */
    public long resolve(InetAddress target) {
        return resolve(target, PATIENCE_NANOS);
    }

    /**
     * Asks for a hardware address that nobody should have.
     *
     * @param target of whom
     * @return whether nobody answers for half a second
     */
    public boolean isNobodysAddress(InetAddress target) {
        return resolve(target, SILENCE_NANOS) == -1;
    }

    private long resolve(InetAddress target, long nanos) {
        lock.lock();
        try {
            neighbours.remove(target);
            long left = nanos;
            ask(target);
            while (!neighbours.containsKey(target) && left > 0) {
                left = await(event, left);
            }
            return neighbours.getOrDefault(target, -1L);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sends an echo request.
     *
     * @param target to whom
     * @param payloadBytes how long
     * @return whether the reply came, with the same payload
     */
    public boolean ping(InetAddress target, int payloadBytes) {
        return ping(target, payloadBytes, PATIENCE_NANOS);
    }

    /**
     * Sends an echo request that nobody should answer.
     *
     * @param target to whom
     * @param payloadBytes how long
     * @return whether no reply comes for half a second
     */
    public boolean isSilent(InetAddress target, int payloadBytes) {
        return !ping(target, payloadBytes, SILENCE_NANOS);
    }

    private boolean ping(InetAddress target, int payloadBytes, long nanos) {
        lock.lock();
        try {
            boolean v4 = target instanceof Inet4Address;
            byte[] message = new byte[8 + payloadBytes];
            random.nextBytes(message);
            message[0] = (byte) (v4 ? 8 : 128);
            message[1] = 0;
            message[2] = 0;
            message[3] = 0;
            expectedEcho = Arrays.copyOfRange(message, 4, message.length);
            int before = echoReplies;
            sendDatagram(target, v4 ? 1 : 58, message, 2);
            long left = nanos;
            while (echoReplies == before && left > 0) {
                left = await(event, left);
            }
            return echoReplies != before;
        } finally {
            lock.unlock();
        }
    }

    private byte[] expectedEcho = new byte[0];

    /**
     * Asks for a router.
     *
     * @return its advertisement, the message of ICMPv6
     * @throws IOException if there is none
     */
    public ByteBuffer solicitRouter() throws IOException {
        lock.lock();
        try {
            byte[] message = new byte[16];
            ByteBuffer.wrap(message).putLong(0, 133L << 56).putShort(8, (short) 0x0101);
            putMac(ByteBuffer.wrap(message), 10, mac);
            routerAdvertisement = null;
            sendDatagram(literal("ff02::2"), 58, message, 2);
            long left = PATIENCE_NANOS;
            while (routerAdvertisement == null && left > 0) {
                left = await(event, left);
            }
            if (routerAdvertisement == null) {
                throw new IOException("no router advertises itself");
            }
            return routerAdvertisement;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Opens a port of UDP.
     *
     * @param number the port; 0: a free one
     * @return the port
     */
    public GuestUdp udp(int number) {
        lock.lock();
        try {
            int chosen = number == 0 ? nextPort++ : number;
            GuestUdp opened = new GuestUdp(this, chosen);
            ports.put(chosen, opened);
            return opened;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Begins a connection without waiting for it.
     *
     * @param remote to whom
     * @param remotePort to which port
     * @return the connection
     */
    public GuestTcp beginConnect(InetAddress remote, int remotePort) {
        lock.lock();
        try {
            GuestTcp connection =
                    new GuestTcp(
                            this,
                            localFor(remote),
                            nextPort++,
                            remote,
                            remotePort,
                            random.nextInt(),
                            bufferBytes);
            connections.put(new Key(remote, remotePort, connection.localPort), connection);
            connection.connect();
            return connection;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Connects.
     *
     * @param remote to whom
     * @param remotePort to which port
     * @return the connection, open
     * @throws IOException if it was refused, or nobody answers
     */
    public GuestTcp connect(InetAddress remote, int remotePort) throws IOException {
        GuestTcp connection = beginConnect(remote, remotePort);
        connection.awaitOpen();
        return connection;
    }

    /**
     * Listens.
     *
     * @param number the port
     * @return what comes
     */
    public GuestListener listen(int number) {
        lock.lock();
        try {
            GuestListener listener = new GuestListener(this);
            listeners.put(number, listener);
            return listener;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sends a frame as it is, over the bad link.
     *
     * @param bytes the frame
     * @return false if there was no room
     */
    public boolean sendRaw(byte[] bytes) {
        lock.lock();
        try {
            frame.clear();
            frame.data.put(0, bytes);
            frame.length = bytes.length;
            return outward.pass(frame, port::transmit);
        } finally {
            lock.unlock();
        }
    }

    /** The way out has room again. */
    public void readyToSend() {
        lock.lock();
        try {
            for (GuestTcp connection : connections.values()) {
                connection.pump();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            connections.clear();
            ports.clear();
        } finally {
            lock.unlock();
        }
    }

    // ---- for its parts, with the lock

    /** For loops: gives how long is left. */
    @SuppressWarnings("WaitNotInLoop") // the callers have the loop
    long await(Condition condition, long nanos) {
        try {
            return condition.awaitNanos(nanos);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            return 0;
        }
    }

    void forget(GuestTcp connection) {
        connections.remove(new Key(connection.remote, connection.remotePort, connection.localPort));
    }

    /** The other side may still ask for the last acknowledgment. */
    void forgetLater(GuestTcp connection) {
        if (finished.size() > 64) {
            forget(finished.removeFirst());
        }
        finished.add(connection);
    }

    private void tick() {
        boolean stop = false;
        while (!stop) {
            lock.lock();
            try {
                stop = closed;
                long now = System.nanoTime();
                for (GuestTcp connection : List.copyOf(connections.values())) {
                    connection.tick(now);
                }
                await(event, 10_000_000);
            } finally {
                lock.unlock();
            }
        }
    }

    // ---- out

    GuestFrame beginIp(InetAddress source, InetAddress target, int protocol, int payloadBytes) {
        boolean v4 = target instanceof Inet4Address;
        int header = v4 ? 20 : 40;
        frame.clear();
        frame.length = 14 + header + payloadBytes;
        ByteBuffer data = frame.data;
        putMac(data, 0, linkAddress(target));
        putMac(data, 6, mac);
        if (v4) {
            data.putShort(12, (short) 0x0800);
            data.putInt(14, 0x4500_0000 | 20 + payloadBytes & 0xffff);
            data.putInt(18, (identification++ & 0xffff) << 16);
            data.putInt(22, 64 << 24 | protocol << 16);
            data.put(26, source.getAddress());
            data.put(30, target.getAddress());
            data.putShort(24, (short) ~GuestSums.fold(GuestSums.sum(data, 14, 20)));
        } else {
            data.putShort(12, (short) 0x86dd);
            data.putInt(14, 0x6000_0000);
            data.putInt(18, payloadBytes << 16 | protocol << 8 | (protocol == 58 ? 255 : 64));
            data.put(22, source.getAddress());
            data.put(38, target.getAddress());
        }
        return frame;
    }

    private static long linkAddress(InetAddress target) {
        byte[] bytes = target.getAddress();
        if (target.isMulticastAddress() && bytes.length == 16) {
            return 0x3333_0000_0000L | ByteBuffer.wrap(bytes).getInt(12) & 0xffff_ffffL;
        }
        return ByteBuffer.wrap(bytes).getInt(0) == -1 ? BROADCAST : 0x5255_0a00_0202L;
    }

    boolean finishAndSend(int protocol, int at, int fieldOffset) {
        int bytes = frame.length - at;
        boolean v4 = frame.data.getShort(12) == 0x0800;
        long sum = 0;
        if (protocol != 1) {
            sum = protocol + bytes + GuestSums.sum(frame.data, v4 ? 26 : 22, v4 ? 8 : 32);
        }
        boolean leave = leaveChecksums && protocol != 1 && protocol != 58;
        if (leave) {
            frame.data.putShort(at + fieldOffset, (short) GuestSums.fold(sum));
            frame.needsChecksum = true;
            frame.checksumStart = at;
            frame.checksumOffset = fieldOffset;
        } else {
            int value = ~GuestSums.fold(sum + GuestSums.sum(frame.data, at, bytes)) & 0xffff;
            frame.data.putShort(at + fieldOffset, (short) (value == 0 ? 0xffff : value));
        }
        return outward.pass(frame, port::transmit);
    }

    void sendUdp(int sourcePort, InetAddress target, int targetPort, byte[] payload) {
        byte[] datagram = new byte[8 + payload.length];
        ByteBuffer.wrap(datagram)
                .putShort(0, (short) sourcePort)
                .putShort(2, (short) targetPort)
                .putShort(4, (short) datagram.length)
                .put(8, payload);
        sendDatagram(target, 17, datagram, 6);
    }

    /** Sends a packet, in fragments if it is long. The checksum is always complete. */
    private void sendDatagram(InetAddress target, int protocol, byte[] payload, int fieldOffset) {
        boolean v4 = target instanceof Inet4Address;
        InetAddress source = localFor(target);
        if (ByteBuffer.wrap(target.getAddress()).getInt(0) == -1) {
            source = literal("0.0.0.0");
        }
        beginIp(source, target, protocol, payload.length);
        int at = 14 + (v4 ? 20 : 40);
        frame.data.put(at, payload);
        long sum = GuestSums.sum(frame.data, at, payload.length);
        if (protocol != 1) {
            sum += protocol + payload.length;
            sum += GuestSums.sum(frame.data, v4 ? 26 : 22, v4 ? 8 : 32);
        }
        int value = ~GuestSums.fold(sum) & 0xffff;
        ByteBuffer.wrap(payload).putShort(fieldOffset, (short) (value == 0 ? 0xffff : value));
        int room = mtu - (v4 ? 20 : 40);
        if (payload.length <= room) {
            frame.data.put(at, payload);
            outward.pass(frame, port::transmit);
            return;
        }
        int step = v4 ? room & ~7 : room - 8 & ~7;
        int id = identification++;
        for (int offset = 0; offset < payload.length; offset += step) {
            int bytes = Math.min(step, payload.length - offset);
            boolean more = offset + bytes < payload.length;
            beginIp(source, target, v4 ? protocol : 44, v4 ? bytes : bytes + 8);
            if (v4) {
                frame.data.putShort(18, (short) id);
                frame.data.putShort(20, (short) ((more ? 0x2000 : 0) | offset >> 3));
                frame.data.putShort(24, (short) 0);
                frame.data.putShort(24, (short) ~GuestSums.fold(GuestSums.sum(frame.data, 14, 20)));
                frame.data.put(34, payload, offset, bytes);
            } else {
                frame.data.putInt(54, protocol << 24 | offset | (more ? 1 : 0));
                frame.data.putInt(58, id);
                frame.data.put(62, payload, offset, bytes);
            }
            outward.pass(frame, port::transmit);
        }
    }

    private void ask(InetAddress target) {
        if (target instanceof Inet4Address) {
            frame.clear();
            frame.length = 42;
            ByteBuffer data = frame.data;
            putMac(data, 0, BROADCAST);
            putMac(data, 6, mac);
            data.putShort(12, (short) 0x0806);
            data.putLong(14, 0x0001_0800_0604_0001L);
            putMac(data, 22, mac);
            data.put(28, address.getAddress());
            putMac(data, 32, 0);
            data.put(38, target.getAddress());
            outward.pass(frame, port::transmit);
            return;
        }
        byte[] message = new byte[32];
        ByteBuffer buffer = ByteBuffer.wrap(message);
        buffer.put(0, (byte) 135).put(8, target.getAddress()).putShort(24, (short) 0x0101);
        putMac(buffer, 26, mac);
        sendDatagram(target, 58, message, 2);
    }

    static void putMac(ByteBuffer data, int at, long value) {
        data.putInt(at, (int) (value >>> 16));
        data.putShort(at + 4, (short) value);
    }

    private static long mac(ByteBuffer data, int at) {
        return (data.getInt(at) & 0xffff_ffffL) << 16 | data.getShort(at + 4) & 0xffffL;
    }

    // ---- in

    /**
     * Takes a frame from the network.
     *
     * @param arrived the frame, to be copied
     */
    public void input(GuestFrame arrived) {
        lock.lock();
        try {
            if (!closed) {
                inward.pass(arrived, this::take);
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean take(GuestFrame arrived) {
        ByteBuffer data = arrived.data;
        int type = data.getShort(12) & 0xffff;
        try {
            if (type == 0x0806) {
                takeArp(data);
            } else if (type == 0x0800 || type == 0x86dd) {
                GuestReassembly.Whole whole = reassembly.take(arrived, type == 0x0800);
                if (whole != null) {
                    takePacket(whole);
                }
            }
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible);
        }
        return true;
    }

    private void takeArp(ByteBuffer data) throws UnknownHostException {
        byte[] sender = new byte[4];
        byte[] target = new byte[4];
        data.get(28, sender);
        data.get(38, target);
        if (data.getShort(20) == 2) {
            neighbours.put(InetAddress.getByAddress(sender), mac(data, 22));
            event.signalAll();
        } else if (Arrays.equals(target, address.getAddress())) {
            frame.clear();
            frame.length = 42;
            putMac(frame.data, 0, mac(data, 22));
            putMac(frame.data, 6, mac);
            frame.data.putShort(12, (short) 0x0806);
            frame.data.putLong(14, 0x0001_0800_0604_0002L);
            putMac(frame.data, 22, mac);
            frame.data.put(28, target);
            putMac(frame.data, 32, mac(data, 22));
            frame.data.put(38, sender);
            outward.pass(frame, port::transmit);
        }
    }

    private void takePacket(GuestReassembly.Whole packet) {
        boolean right = packet.checksumLeft() || packet.isChecksumRight();
        if (!right) {
            badChecksums++;
            return;
        }
        switch (packet.protocol()) {
            case 6 -> takeTcp(packet);
            case 17 -> takeUdp(packet);
            case 1 -> takeIcmp(packet, 0, 3);
            case 58 -> takeIcmp6(packet);
            default -> {}
        }
    }

    private void takeTcp(GuestReassembly.Whole packet) {
        ByteBuffer data = packet.data();
        int at = packet.at();
        int remotePort = data.getShort(at) & 0xffff;
        int localPort = data.getShort(at + 2) & 0xffff;
        int header = (data.get(at + 12) >> 4 & 0xf) * 4;
        int flags = data.get(at + 13) & 0x3f;
        int scale = -1;
        int largest = 536;
        for (int option = at + 20; option < at + header; ) {
            int kind = data.get(option);
            if (kind == 0) {
                break;
            }
            if (kind == 2) {
                largest = data.getShort(option + 2) & 0xffff;
            } else if (kind == 3) {
                scale = data.get(option + 2);
            }
            option += kind == 1 ? 1 : data.get(option + 1);
        }
        GuestTcp connection = connections.get(new Key(packet.source(), remotePort, localPort));
        int sequence = data.getInt(at + 4);
        if (connection == null && (flags & GuestTcp.SYN) != 0) {
            GuestListener listener = listeners.get(localPort);
            if (listener != null) {
                connection =
                        new GuestTcp(
                                this,
                                packet.target(),
                                localPort,
                                packet.source(),
                                remotePort,
                                random.nextInt(),
                                bufferBytes);
                connections.put(new Key(packet.source(), remotePort, localPort), connection);
                connection.accept(sequence, scale, largest, listener);
                return;
            }
        }
        if (connection == null) {
            if ((flags & GuestTcp.RST) == 0) {
                refuse(packet, remotePort, localPort, flags, sequence);
            }
            return;
        }
        connection.input(
                sequence,
                data.getInt(at + 8),
                flags,
                data.getShort(at + 14) & 0xffff,
                scale,
                largest,
                data,
                at + header,
                packet.bytes() - header);
    }

    private void refuse(
            GuestReassembly.Whole packet, int remotePort, int localPort, int flags, int sequence) {
        int acknowledgment = packet.data().getInt(packet.at() + 8);
        boolean acknowledges = (flags & GuestTcp.ACK) != 0;
        InetAddress self = packet.target();
        InetAddress peer = packet.source();
        beginIp(self, peer, 6, 20);
        int at = frame.length - 20;
        frame.data.putInt(at, localPort << 16 | remotePort);
        frame.data.putInt(at + 4, acknowledges ? acknowledgment : 0);
        frame.data.putInt(at + 8, acknowledges ? 0 : sequence + 1);
        frame.data.putInt(
                at + 12, 0x5000_0000 | (GuestTcp.RST | (acknowledges ? 0 : GuestTcp.ACK)) << 16);
        frame.data.putInt(at + 16, 0);
        finishAndSend(6, at, 16);
    }

    private void takeUdp(GuestReassembly.Whole packet) {
        ByteBuffer data = packet.data();
        int at = packet.at();
        int sourcePort = data.getShort(at) & 0xffff;
        byte[] payload = new byte[packet.bytes() - 8];
        data.get(at + 8, payload);
        int localPort = data.getShort(at + 2) & 0xffff;
        if (localPort == GuestDhcp.CLIENT_PORT) {
            dhcp.input(payload);
            event.signalAll();
        }
        GuestUdp opened = ports.get(localPort);
        if (opened != null) {
            opened.deliver(
                    new GuestUdp.Datagram(packet.source(), sourcePort, ByteBuffer.wrap(payload)));
        }
    }

    private void takeIcmp(GuestReassembly.Whole packet, int reply, int unreachable) {
        int type = packet.data().get(packet.at()) & 0xff;
        if (type == reply) {
            byte[] rest = new byte[packet.bytes() - 4];
            packet.data().get(packet.at() + 4, rest);
            if (Arrays.equals(rest, expectedEcho)) {
                echoReplies++;
                event.signalAll();
            }
        } else if (type == unreachable) {
            int header = packet.source() instanceof Inet4Address ? 20 : 40;
            int quoted = packet.data().getShort(packet.at() + 8 + header) & 0xffff;
            GuestUdp opened = ports.get(quoted);
            if (opened != null) {
                opened.unreachable();
            }
        }
    }

    private void takeIcmp6(GuestReassembly.Whole packet) {
        ByteBuffer data = packet.data();
        int type = data.get(packet.at()) & 0xff;
        if (type == 134) {
            byte[] message = new byte[packet.bytes()];
            data.get(packet.at(), message);
            routerAdvertisement = ByteBuffer.wrap(message);
            event.signalAll();
        } else if (type == 135) {
            byte[] wanted = new byte[16];
            data.get(packet.at() + 8, wanted);
            if (Arrays.equals(wanted, address6.getAddress())) {
                byte[] message = new byte[32];
                ByteBuffer buffer = ByteBuffer.wrap(message);
                buffer.putLong(0, 0x8800_0000_6000_0000L).put(8, wanted);
                buffer.putShort(24, (short) 0x0201);
                putMac(buffer, 26, mac);
                sendDatagram(packet.source(), 58, message, 2);
            }
        } else if (type == 136) {
            byte[] target = new byte[16];
            data.get(packet.at() + 8, target);
            try {
                neighbours.put(InetAddress.getByAddress(target), mac(data, packet.at() + 26));
            } catch (UnknownHostException impossible) {
                throw new AssertionError(impossible);
            }
            event.signalAll();
        } else {
            takeIcmp(packet, 129, 1);
        }
    }

    /**
     * The bytes of a text.
     *
     * @param text in ASCII
     * @return its bytes
     */
    public static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
