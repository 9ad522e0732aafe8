package dev.dalang.net.internal.user;

import dev.dalang.net.NetworkEvent;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/**
 * A connection: TCP towards the guest, a socket towards the host's side. Each half has its buffer;
 * a side that takes nothing closes the other side's window.
 */
final class TcpConnection extends Flow implements Loop.Endpoint {
    enum State {
        /** The guest has sent its SYN; the host connects. */
        CONNECTING,
        /** A forward's peer has come; the guest was sent a SYN. */
        SYN_SENT,
        /** The host is connected; the guest was sent the answer to its SYN. */
        SYN_RECEIVED,
        ESTABLISHED,
        /** Both ends are over; the guest may ask for our last word again. */
        TIME_WAIT,
        CLOSED
    }

    private static final int MAX_RETRIES = 8;
    private static final int MAX_KEEPALIVES = 8;
    private static final long CONNECT_NANOS = 75_000_000_000L;
    private static final long TIME_WAIT_NANOS = 2_000_000_000L;
    private static final long KEEPALIVE_IDLE_NANOS = 300_000_000_000L;
    private static final long KEEPALIVE_NANOS = 20_000_000_000L;

    /** Shorter segments are collected, so that the host is not asked for each. */
    private static final int DIRECT_BYTES = 8192;

    /** What a connection sends before it is another's turn. */
    private static final int TURN_BYTES = 1 << 19;

    final TcpReceiver receiver;
    final TcpSender sender;
    final int reserved;
    State state;
    long deadline = Long.MAX_VALUE;

    /** Whether it is on the list of those with work. */
    boolean queued;

    private final TcpNat nat;
    private final Output output;
    private final SocketChannel channel;
    private @Nullable SelectionKey key;
    private int interest;
    private boolean selective;
    private boolean acknowledgmentDue;
    private boolean hostShut;
    private boolean finishedFirst;

    /** The socket may have more than the buffer had room for; nobody watches it meanwhile. */
    private boolean readable;

    private int keepalives;
    private int windowScale;
    private boolean released;

    /** Since when the guest owes an answer, and to what. */
    private long waitingSince = Long.MAX_VALUE;

    private int waitingUna;

    TcpConnection(
            TcpNat nat,
            Output output,
            SocketChannel channel,
            State state,
            BufferPool pool,
            int reserved,
            long[] ends,
            int guestPort,
            int remotePort) {
        super(ends[0], ends[1], guestPort, ends[2], ends[3], remotePort);
        this.nat = nat;
        this.output = output;
        this.channel = channel;
        this.state = state;
        this.reserved = reserved;
        this.receiver = new TcpReceiver(pool, reserved);
        this.sender = new TcpSender(pool, reserved);
    }

    private long now() {
        return nat.loop().now();
    }

    private void setDeadline(long time) {
        deadline = time;
        nat.loop().schedule(time);
    }

    /** Begins for a guest's SYN. */
    void connecting(TcpHeader syn, boolean connected) throws IOException {
        takeOptions(syn);
        receiver.begin(syn.sequence + 1, syn.windowScale >= 0);
        windowScale = Math.max(syn.windowScale, 0);
        if (connected) {
            answerSyn();
        } else {
            watch(SelectionKey.OP_CONNECT);
            setDeadline(now() + CONNECT_NANOS);
        }
    }

    private void takeOptions(TcpHeader syn) {
        selective = syn.selective;
        int largest = output.mtu() - TcpHeader.BYTES - (isV4() ? Ip.IPV4_BYTES : Ip.IPV6_BYTES);
        int wanted = syn.maxSegment == 0 ? 536 : syn.maxSegment;
        // A guest that asks for crumbs gets larger ones: each costs a frame.
        sender.segmentBytes = Math.clamp(wanted, 64, largest);
    }

    /** Begins for a forward's peer. */
    void knock() {
        sender.begin(nat.randomSequence());
        setDeadline(now() + sender.timeout());
        sendSyn();
    }

    /** Sends the SYN, or asks first where the guest is. */
    void sendSyn() {
        if (guestMac == 0) {
            nat.findGuest(this);
        }
        if (guestMac != 0) {
            emit(sender.una, TcpHeader.SYN, 0, 0);
        }
    }

    private void answerSyn() {
        state = State.SYN_RECEIVED;
        sender.begin(nat.randomSequence());
        setDeadline(now() + sender.timeout());
        if (!emit(sender.una, TcpHeader.SYN | TcpHeader.ACK, 0, 0)) {
            nat.queue(this);
            acknowledgmentDue = true;
        }
    }

    // ---- from the guest

    void input(TcpHeader header, Packet packet) {
        lastUsed = now();
        keepalives = 0;
        guestMac = packet.sourceMac;
        switch (state) {
            case CONNECTING -> {
                if (header.has(TcpHeader.RST) && header.sequence == receiver.next) {
                    dropped();
                }
            }
            case SYN_SENT -> inputSynSent(header);
            case CLOSED -> {}
            default -> inputSynchronized(header, packet);
        }
    }

    private void inputSynSent(TcpHeader header) {
        boolean acceptable = header.has(TcpHeader.ACK) && header.acknowledgment == sender.next;
        if (!acceptable) {
            if (header.has(TcpHeader.ACK) && !header.has(TcpHeader.RST)) {
                nat.reset(this, header.acknowledgment, 0, TcpHeader.RST);
            }
            return;
        }
        if (header.has(TcpHeader.RST)) {
            dropped();
        } else if (header.has(TcpHeader.SYN)) {
            takeOptions(header);
            receiver.begin(header.sequence + 1, header.windowScale >= 0);
            sender.synAcknowledged(header, Math.max(header.windowScale, 0));
            acknowledgmentDue = true;
            established();
        }
    }

    private void established() {
        state = State.ESTABLISHED;
        readable = true;
        setDeadline(now() + KEEPALIVE_IDLE_NANOS);
        nat.queue(this);
    }

    /** RFC 9293 §3.10.7.4, with the answers to forged segments of RFC 5961. */
    private void inputSynchronized(TcpHeader header, Packet packet) {
        if (!receiver.isAcceptable(header.sequence, header.sequenceBytes())) {
            if (!header.has(TcpHeader.RST)) {
                acknowledge();
            }
            // An acknowledgment counts beside data that came too early or twice.
            boolean useful =
                    header.has(TcpHeader.ACK)
                            && !header.has(TcpHeader.RST)
                            && !header.has(TcpHeader.SYN)
                            && state == State.ESTABLISHED
                            && receiver.next - header.sequence >= 0
                            && !sender.isBeyond(header.acknowledgment);
            if (useful) {
                sender.acknowledge(header, now());
                nat.queue(this);
            }
            return;
        }
        if (header.has(TcpHeader.RST)) {
            if (header.sequence != receiver.next) {
                acknowledge();
            } else if (state == State.TIME_WAIT) {
                nat.remove(this);
            } else {
                dropped();
            }
            return;
        }
        if (header.has(TcpHeader.SYN)) {
            acknowledge();
            return;
        }
        if (!header.has(TcpHeader.ACK)) {
            return;
        }
        if (state == State.SYN_RECEIVED) {
            if (header.acknowledgment != sender.next) {
                nat.reset(this, header.acknowledgment, 0, TcpHeader.RST);
                return;
            }
            sender.synAcknowledged(header, windowScale);
            established();
        }
        if (sender.isBeyond(header.acknowledgment)) {
            acknowledge();
            return;
        }
        if (state == State.TIME_WAIT) {
            acknowledge();
            return;
        }
        sender.acknowledge(header, now());
        if (header.dataBytes > 0 || header.has(TcpHeader.FIN)) {
            takeData(header, packet.data);
        }
        nat.queue(this);
    }

    private void takeData(TcpHeader header, ByteBuffer data) {
        acknowledgmentDue = true;
        if (receiver.isFinished()) {
            return;
        }
        boolean direct =
                header.dataBytes >= DIRECT_BYTES
                        && header.sequence == receiver.next
                        && !header.has(TcpHeader.FIN)
                        && header.dataBytes <= receiver.window()
                        && receiver.isIdle();
        if (direct) {
            int written = passDirectly(header, data);
            header.sequence += written;
            header.data += written;
            header.dataBytes -= written;
            if (header.dataBytes == 0 || state == State.CLOSED) {
                return;
            }
        }
        if (!receiver.accept(header, data)) {
            nat.count(NetworkEvent.TCP_OUT_OF_ORDER);
        }
    }

    private int passDirectly(TcpHeader header, ByteBuffer data) {
        try {
            int written = channel.write(nat.loop().view(data, header.data, header.dataBytes));
            receiver.passed(written);
            return written;
        } catch (IOException broken) {
            hostBroke();
            return 0;
        }
    }

    void acknowledge() {
        acknowledgmentDue = true;
        nat.queue(this);
    }

    // ---- the work at the end of a batch

    /** Does what the batch made due; true if it has more to do than its turn allows. */
    boolean work() {
        queued = false;
        if (state == State.ESTABLISHED) {
            passOn();
        }
        boolean more = state == State.ESTABLISHED && pump();
        if (state == State.CLOSED) {
            return false;
        }
        if (!acknowledgmentDue
                && state == State.ESTABLISHED
                && receiver.shouldTell(sender.segmentBytes)) {
            acknowledgmentDue = true;
        }
        if (acknowledgmentDue && !emitAcknowledgment()) {
            return true;
        }
        if (state == State.ESTABLISHED) {
            finishIfDone();
        }
        if (state == State.ESTABLISHED) {
            arm();
            receiver.trim();
            sender.buffer.trim();
        }
        return more;
    }

    private boolean emitAcknowledgment() {
        return state == State.SYN_RECEIVED
                ? emit(sender.una, TcpHeader.SYN | TcpHeader.ACK, 0, 0)
                : emit(state == State.ESTABLISHED ? sender.next : sender.max, TcpHeader.ACK, 0, 0);
    }

    /** Gives the host what came from the guest. */
    private void passOn() {
        try {
            if (receiver.buffer.size() > 0) {
                receiver.buffer.writeTo(channel);
            }
            if (receiver.buffer.size() > 0) {
                watch(interest | SelectionKey.OP_WRITE);
            } else {
                watch(interest & ~SelectionKey.OP_WRITE);
                if (receiver.isFinished() && !hostShut) {
                    hostShut = true;
                    channel.shutdownOutput();
                }
            }
        } catch (IOException broken) {
            hostBroke();
        }
    }

    /** Takes what the host has, and sends the guest what its window allows. */
    private boolean pump() {
        int budget = TURN_BYTES;
        while (true) {
            if (readable && !sender.finished) {
                readHost();
                if (state == State.CLOSED) {
                    return false;
                }
            }
            int sent = sendSegments(budget);
            if (sent < 0) {
                return true; // the card is full
            }
            budget -= sent;
            if (budget <= 0) {
                return true;
            }
            if (sent == 0 || !readable || sender.finished) {
                return false;
            }
        }
    }

    private void readHost() {
        if (sender.buffer.free() < sender.buffer.capacity() / 2) {
            return; // in larger pieces
        }
        try {
            int read = sender.buffer.readFrom(channel);
            if (read < 0) {
                sender.finished = true;
                finishedFirst = !receiver.isFinished();
                readable = false;
                watch(interest & ~SelectionKey.OP_READ);
            } else if (sender.buffer.free() > 0) {
                readable = false;
                watch(interest | SelectionKey.OP_READ);
            } else {
                watch(interest & ~SelectionKey.OP_READ);
            }
        } catch (IOException broken) {
            hostBroke();
        }
    }

    /** Sends segments; gives how many bytes, or -1 if the card is full. */
    private int sendSegments(int budget) {
        int longest = longestSegment();
        int repair = sender.repairBytes(longest);
        if (repair > 0) {
            if (!emit(sender.una, TcpHeader.ACK, 0, repair)) {
                return -1;
            }
            nat.count(NetworkEvent.TCP_RETRANSMITTED);
        }
        sender.repaired();
        int total = 0;
        while (total < budget) {
            int bytes = sender.nextBytes(longest);
            if (bytes < 0) {
                break;
            }
            boolean end = sender.carriesEnd(bytes);
            boolean last = sender.inFlight() + bytes == sender.buffer.size();
            int flags =
                    TcpHeader.ACK
                            | (end ? TcpHeader.FIN : 0)
                            | (last && bytes > 0 ? TcpHeader.PSH : 0);
            if (!emit(sender.next, flags, sender.inFlight(), bytes)) {
                return -1;
            }
            if (sender.sent(bytes, end, now())) {
                nat.count(NetworkEvent.TCP_RETRANSMITTED);
            }
            total += Math.max(bytes, 1);
        }
        return total;
    }

    private int longestSegment() {
        int segment = sender.segmentBytes;
        if (!output.takesLongSegments(isV4())) {
            return segment;
        }
        return (65_535 - Ip.IPV6_BYTES - 60) / segment * segment;
    }

    private void finishIfDone() {
        if (!hostShut || !sender.isFinAcknowledged()) {
            return;
        }
        if (finishedFirst) {
            nat.isOver(this);
            release();
            setDeadline(now() + TIME_WAIT_NANOS);
        } else {
            nat.remove(this);
        }
    }

    /** Sets the time at which something is to be done if the guest does nothing. */
    private void arm() {
        boolean waits = sender.inFlight() > 0 || sender.isHeldByWindow();
        if (!waits) {
            waitingSince = Long.MAX_VALUE;
            setDeadline(lastUsed + KEEPALIVE_IDLE_NANOS);
        } else if (waitingSince == Long.MAX_VALUE || waitingUna != sender.una) {
            waitingSince = now();
            waitingUna = sender.una;
            setDeadline(waitingSince + sender.timeout());
        }
    }

    // ---- from the host

    @Override
    public void ready(SelectionKey ready) throws IOException {
        if (state == State.CONNECTING) {
            if (channel.finishConnect()) {
                watch(0);
                answerSyn();
            }
            return;
        }
        if (ready.isReadable()) {
            readable = true;
            if (sender.buffer.free() < sender.buffer.capacity() / 2) {
                watch(interest & ~SelectionKey.OP_READ);
            }
        }
        nat.queue(this);
    }

    /** The host's side is gone without an end: so is the guest's. */
    @Override
    public void fail() {
        hostBroke();
    }

    private void hostBroke() {
        if (state == State.CLOSED) {
            return;
        }
        if (state == State.CONNECTING) {
            nat.reset(this, 0, receiver.next, TcpHeader.RST | TcpHeader.ACK);
        } else {
            nat.reset(this, sender.max, receiver.next, TcpHeader.RST | TcpHeader.ACK);
        }
        nat.remove(this);
    }

    /** The guest's side is gone without an end: so is the host's. */
    private void dropped() {
        nat.count(NetworkEvent.TCP_RESET);
        try {
            // The other side is to see a reset too.
            channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        } catch (IOException gone) {
            nat.count(NetworkEvent.HOST_ERROR);
        }
        nat.remove(this);
    }

    /** Both sides are told that it is over. */
    void abort() {
        nat.reset(this, sender.max, receiver.next, TcpHeader.RST | TcpHeader.ACK);
        dropped();
    }

    // ---- time

    void expire(long now) {
        switch (state) {
            case CONNECTING -> hostBroke();
            case TIME_WAIT -> nat.remove(this);
            case SYN_SENT, SYN_RECEIVED -> {
                if (++sender.retries > MAX_RETRIES - 2) {
                    abort();
                    return;
                }
                sender.backOff();
                setDeadline(now + sender.timeout());
                if (state == State.SYN_SENT) {
                    sendSyn();
                } else {
                    acknowledge();
                }
            }
            case ESTABLISHED -> expireEstablished(now);
            case CLOSED -> {}
        }
    }

    private void expireEstablished(long now) {
        if (output.isFull()) {
            setDeadline(now + sender.timeout()); // what waits here is not the guest's to answer
        } else if (sender.inFlight() > 0) {
            if (sender.retries >= MAX_RETRIES) {
                abort();
            } else {
                sender.timedOut();
                setDeadline(now + sender.timeout());
                nat.queue(this);
            }
        } else if (sender.isHeldByWindow()) {
            // RFC 9293 §3.8.6.1: as long as the guest answers, the window may stay closed.
            probe(now, sender.timeout());
            sender.backOff();
        } else {
            probe(now, KEEPALIVE_NANOS);
        }
    }

    /** Sends what must be answered, and gives up when it was not for several times. */
    private void probe(long now, long interval) {
        if (keepalives++ >= MAX_KEEPALIVES) {
            abort();
            return;
        }
        setDeadline(now + interval);
        emit(sender.una - 1, TcpHeader.ACK, 0, 0);
    }

    // ---- segments

    private boolean emit(int sequence, int flags, int offset, int bytes) {
        boolean syn = (flags & TcpHeader.SYN) != 0;
        int pieces = selective && bytes == 0 && !syn ? Math.min(receiver.pieces(), 3) : 0;
        int options = syn ? 12 : pieces > 0 ? 4 + 8 * pieces : 0;
        int header = TcpHeader.BYTES + options;
        int at = output.ip(this, Ip.TCP, header + bytes);
        ByteBuffer data = output.data;
        boolean acknowledges = (flags & TcpHeader.ACK) != 0;
        data.putInt(at, remotePort << 16 | guestPort);
        data.putInt(at + 4, sequence);
        data.putInt(at + 8, acknowledges ? receiver.next : 0);
        int told = acknowledges ? receiver.advertise(syn) : 0xffff;
        data.putInt(at + 12, header / 4 << 28 | flags << 16 | told);
        data.putInt(at + 16, 0);
        if (syn) {
            putSynOptions(data, at + TcpHeader.BYTES, acknowledges);
        } else if (pieces > 0) {
            data.putInt(at + 20, 0x0101_0500 | 2 + 8 * pieces);
            for (int i = 0; i < pieces; i++) {
                data.putInt(at + 24 + 8 * i, receiver.pieceBegin(i));
                data.putInt(at + 28 + 8 * i, receiver.pieceEnd(i));
            }
        }
        if (bytes > 0) {
            sender.buffer.get(offset, data, at + header, bytes);
        }
        output.checksum(Ip.TCP, at, 16, true);
        if (bytes > sender.segmentBytes) {
            output.leaveSegmentation(sender.segmentBytes, at + header);
        }
        if (!output.offer()) {
            return false;
        }
        acknowledgmentDue &= !acknowledges;
        return true;
    }

    private void putSynOptions(ByteBuffer data, int at, boolean answer) {
        int largest = output.mtu() - TcpHeader.BYTES - (isV4() ? Ip.IPV4_BYTES : Ip.IPV6_BYTES);
        data.putInt(at, 0x0204_0000 | largest);
        // What the guest did not offer is not offered to it (RFC 7323 §2.2, RFC 2018 §2).
        boolean scales = !answer || receiver.isScaled();
        data.putInt(at + 4, scales ? 0x0103_0300 | TcpReceiver.WINDOW_SCALE : 0x0101_0101);
        data.putInt(at + 8, !answer || selective ? 0x0101_0402 : 0x0101_0101);
    }

    // ---- the socket

    private void watch(int operations) {
        SelectionKey there = key;
        if (there == null || operations == interest) {
            return;
        }
        interest = operations;
        if (there.isValid()) {
            there.interestOps(operations);
        }
    }

    void attach(SelectionKey watched, int operations) {
        key = watched;
        interest = operations;
    }

    /** Gives socket and buffers back. */
    void release() {
        if (released) {
            return;
        }
        released = true;
        Closing.quietly(channel);
        receiver.close();
        sender.buffer.close();
        nat.released(this);
    }
}
