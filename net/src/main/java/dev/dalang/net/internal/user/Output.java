package dev.dalang.net.internal.user;

import dev.dalang.net.Frame;
import dev.dalang.net.FrameSink;
import dev.dalang.net.NetworkEvent;
import dev.dalang.net.Offload;
import dev.dalang.net.Segmentation;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.Set;

/**
 * Makes frames for the guest and hands them to the card. What the card has no room for waits in a
 * small ring, if it is an answer that would be missed, or stays where it is, if it is data.
 */
final class Output {
    private static final int WAITING_BYTES = 1 << 18;
    private static final int HOP_LIMIT = 64;

    /** The frame being made; its bytes are written through this. */
    final Frame frame = new Frame();

    final ByteBuffer data = frame.data();

    private final Counters counters;
    private final int mtu;
    private final FrameRing waiting = new FrameRing(WAITING_BYTES);
    private final Frame waitingFrame = new Frame();
    private final Frame fragment = new Frame();
    private @Nullable FrameSink sink;
    private boolean full;

    /** Whether the card got something in this batch. */
    private boolean delivered;

    private int identification;
    private boolean v4;
    private volatile Set<Offload> offloads = Set.of();

    /** As {@link #offloads} was when the current batch began. */
    private boolean checksumOffload;

    private boolean tcp4Offload;
    private boolean tcp6Offload;

    Output(Counters counters, int mtu) {
        this.counters = counters;
        this.mtu = mtu;
    }

    int mtu() {
        return mtu;
    }

    void connect(FrameSink card) {
        sink = card;
    }

    /** Any thread. */
    void acceptOffloads(Set<Offload> accepted) {
        offloads = Set.copyOf(accepted);
    }

    void beginBatch() {
        Set<Offload> accepted = offloads;
        checksumOffload = accepted.contains(Offload.CHECKSUM);
        tcp4Offload = checksumOffload && accepted.contains(Offload.TCP4);
        tcp6Offload = checksumOffload && accepted.contains(Offload.TCP6);
    }

    /** Whether the guest takes segments of TCP that are longer than a frame. */
    boolean takesLongSegments(boolean overV4) {
        return overV4 ? tcp4Offload : tcp6Offload;
    }

    /** Whether the card has no room: data stays where it is until it has. */
    boolean isFull() {
        return full;
    }

    /** The card has room again; what waited goes first. */
    void retry() {
        full = false;
        FrameSink card = sink;
        while (!full && card != null && waiting.peek(waitingFrame)) {
            if (card.receive(waitingFrame)) {
                waiting.release();
                took();
            } else {
                full = true;
            }
        }
    }

    private void took() {
        delivered = true;
        counters.count(NetworkEvent.FRAME_TO_GUEST);
    }

    /** Tells the card that it has all for now. */
    void endBatch() {
        FrameSink card = sink;
        if (delivered && card != null) {
            delivered = false;
            card.endOfBatch();
        }
    }

    /** Drops what waits. */
    void clear() {
        waiting.clear();
        full = false;
    }

    /** Begins an Ethernet frame from the gateway; gives where its payload belongs. */
    int ethernet(long targetMac, int type, int payloadBytes) {
        frame.begin(Ip.ETHERNET_BYTES + payloadBytes);
        Ip.putMac(data, 0, targetMac);
        Ip.putMac(data, 6, Ip.GATEWAY_MAC);
        data.putShort(12, (short) type);
        return Ip.ETHERNET_BYTES;
    }

    /** Begins an IP packet; gives where its payload belongs. */
    int ip(
            long targetMac,
            long fromHi,
            long fromLo,
            long toHi,
            long toLo,
            int protocol,
            int payloadBytes) {
        v4 = Ip.isV4(toHi, toLo);
        if (v4) {
            ethernet(targetMac, Ip.ETHERTYPE_IPV4, Ip.IPV4_BYTES + payloadBytes);
            data.putInt(14, 0x4500_0000 | Ip.IPV4_BYTES + payloadBytes);
            identification = identification + 1 & 0xffff;
            data.putInt(18, identification << 16);
            data.putInt(22, HOP_LIMIT << 24 | protocol << 16);
            data.putInt(26, (int) fromLo);
            data.putInt(30, (int) toLo);
            data.putShort(24, (short) Checksums.finish(Checksums.sum(data, 14, Ip.IPV4_BYTES)));
            return 34;
        }
        ethernet(targetMac, Ip.ETHERTYPE_IPV6, Ip.IPV6_BYTES + payloadBytes);
        data.putInt(14, 0x6000_0000);
        data.putInt(18, payloadBytes << 16 | protocol << 8 | HOP_LIMIT);
        data.putLong(22, fromHi);
        data.putLong(30, fromLo);
        data.putLong(38, toHi);
        data.putLong(46, toLo);
        return 54;
    }

    /** Begins an IP packet of a flow: from the other side to the guest. */
    int ip(Flow flow, int protocol, int payloadBytes) {
        return ip(
                flow.guestMac,
                flow.remoteHi,
                flow.remoteLo,
                flow.guestHi,
                flow.guestLo,
                protocol,
                payloadBytes);
    }

    /** Sets the hop limit, which neighbour discovery wants to be 255 (RFC 4861 §7.1). */
    void hopLimit6(int limit) {
        data.put(21, (byte) limit);
    }

    /** Fills in the checksum of the payload, or leaves it to the guest where it is allowed to. */
    void checksum(int protocol, int payload, int fieldOffset, boolean mayLeave) {
        int bytes = frame.length() - payload;
        long pseudo =
                v4
                        ? (data.getInt(26) & 0xffff_ffffL)
                                + (data.getInt(30) & 0xffff_ffffL)
                                + protocol
                                + bytes
                        : Checksums.pseudo(
                                data.getLong(22),
                                data.getLong(30),
                                data.getLong(38),
                                data.getLong(46),
                                protocol,
                                bytes);
        data.putShort(payload + fieldOffset, (short) 0);
        if (mayLeave && checksumOffload) {
            data.putShort(payload + fieldOffset, (short) Checksums.fold(pseudo));
            frame.leaveChecksum(payload, fieldOffset);
            return;
        }
        int value = Checksums.finish(pseudo + Checksums.sum(data, payload, bytes));
        // Zero means none in UDP (RFC 768); the other zero is the same to everybody else.
        data.putShort(payload + fieldOffset, (short) (value == 0 ? 0xffff : value));
    }

    /** Leaves the cutting of a long segment of TCP to the guest. */
    void leaveSegmentation(int segmentBytes, int headerBytes) {
        frame.leaveSegmentation(
                v4 ? Segmentation.TCP4 : Segmentation.TCP6, segmentBytes, headerBytes, false);
    }

    /** Hands the frame over, if the card has room; otherwise nothing has happened. */
    boolean offer() {
        FrameSink card = sink;
        if (full || card == null) {
            return false;
        }
        if (!card.receive(frame)) {
            full = true;
            return false;
        }
        took();
        return true;
    }

    /** Hands the frame over, now or when there is room; drops it if too much waits already. */
    void send() {
        send(frame);
    }

    private void send(Frame whole) {
        FrameSink card = sink;
        if (!full && card != null) {
            if (card.receive(whole)) {
                took();
                return;
            }
            full = true;
        }
        if (!waiting.offer(whole)) {
            counters.count(NetworkEvent.TO_GUEST_DROPPED);
        }
    }

    /** As {@link #send}, in fragments if the packet is longer than the link takes. */
    void sendFragmented() {
        if (frame.length() - Ip.ETHERNET_BYTES <= mtu) {
            send(frame);
        } else if (v4) {
            fragment4();
        } else {
            fragment6();
        }
    }

    /** RFC 791 §3.2. The checksum of the payload is complete. */
    private void fragment4() {
        int total = frame.length() - 34;
        int step = mtu - Ip.IPV4_BYTES & ~7;
        for (int offset = 0; offset < total; offset += step) {
            int bytes = Math.min(step, total - offset);
            ByteBuffer target = fragment.data();
            fragment.begin(34 + bytes);
            target.put(0, data, 0, 34);
            target.put(34, data, 34 + offset, bytes);
            target.putShort(16, (short) (Ip.IPV4_BYTES + bytes));
            target.putShort(20, (short) ((offset + bytes < total ? 0x2000 : 0) | offset >> 3));
            target.putShort(24, (short) 0);
            target.putShort(24, (short) Checksums.finish(Checksums.sum(target, 14, Ip.IPV4_BYTES)));
            send(fragment);
        }
    }

    /** RFC 8200 §4.5. */
    private void fragment6() {
        int total = frame.length() - 54;
        int step = mtu - Ip.IPV6_BYTES - 8 & ~7;
        identification++;
        for (int offset = 0; offset < total; offset += step) {
            int bytes = Math.min(step, total - offset);
            ByteBuffer target = fragment.data();
            fragment.begin(62 + bytes);
            target.put(0, data, 0, 54);
            target.put(62, data, 54 + offset, bytes);
            target.putShort(18, (short) (8 + bytes));
            target.put(20, (byte) 44);
            target.putInt(
                    54, (data.get(20) & 0xff) << 24 | offset | (offset + bytes < total ? 1 : 0));
            target.putInt(58, identification);
            send(fragment);
        }
    }
}
