package dev.dalang.net.internal.user;

import dev.dalang.net.EchoForwarder;
import dev.dalang.net.EchoForwarder.Echo;
import dev.dalang.net.NetworkEvent;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;

/** The control messages of IPv4 and IPv6 (RFC 792, RFC 4443): echo, and what cannot be reached. */
final class Icmp {
    /** Why a packet goes nowhere, as code of IPv4 and of IPv6. */
    enum Unreachable {
        NETWORK(0, 0),
        HOST(1, 3),
        PORT(3, 4),
        PROHIBITED(13, 1);

        private final int code4;
        private final int code6;

        Unreachable(int code4, int code6) {
            this.code4 = code4;
            this.code6 = code6;
        }
    }

    static final int ECHO_REQUEST6 = 128;
    private static final int ECHO_REPLY6 = 129;
    private static final int ECHO_REQUEST4 = 8;

    /** How much of the packet an error quotes, so that no error is longer than 576 bytes. */
    private static final int QUOTE_BYTES = 520;

    private static final int HEADER_BYTES = 8;
    private static final int MAX_OUTSTANDING = 64;

    /** A request that went outside. */
    private record Outstanding(
            long guestMac,
            long guestHi,
            long guestLo,
            Echo request,
            long remoteHi,
            long remoteLo) {}

    private final Output output;
    private final Counters counters;
    private final Destinations destinations;
    private final @Nullable EchoForwarder forwarder;
    private final @Nullable Outstanding[] outstanding = new Outstanding[MAX_OUTSTANDING];
    private int nextOutstanding;

    Icmp(
            Output output,
            Counters counters,
            Destinations destinations,
            @Nullable EchoForwarder forwarder) {
        this.output = output;
        this.counters = counters;
        this.destinations = destinations;
        this.forwarder = forwarder;
    }

    /** Takes a message of IPv4's; its checksum has no pseudo header. */
    void input4(Packet packet) {
        if (packet.payloadBytes < HEADER_BYTES) {
            counters.count(NetworkEvent.MALFORMED);
        } else if (Checksums.fold(Checksums.sum(packet.data, packet.payload, packet.payloadBytes))
                != 0xffff) {
            counters.count(NetworkEvent.BAD_CHECKSUM);
        } else if ((packet.data.get(packet.payload) & 0xff) == ECHO_REQUEST4) {
            echo(packet, 0);
        } else {
            counters.count(NetworkEvent.IGNORED);
        }
    }

    /** Takes an echo request of IPv6's, checked. */
    void echo6(Packet packet) {
        echo(packet, ECHO_REPLY6);
    }

    private void echo(Packet packet, int replyType) {
        if (Ip.isGateway(packet.targetHi, packet.targetLo)
                || Ip.isDns(packet.targetHi, packet.targetLo)) {
            int at = beginReply(packet);
            output.data.put(at, packet.data, packet.payload, packet.payloadBytes);
            finish(at, replyType);
        } else if (Ip.isLocal(packet.targetHi, packet.targetLo)) {
            counters.count(NetworkEvent.IGNORED);
        } else if (destinations.isForbidden(packet.targetHi, packet.targetLo) || !forward(packet)) {
            counters.count(NetworkEvent.FORBIDDEN);
            unreachable(packet, Unreachable.PROHIBITED);
        }
    }

    private int beginReply(Packet packet) {
        return output.ip(
                packet.sourceMac,
                packet.targetHi,
                packet.targetLo,
                packet.sourceHi,
                packet.sourceLo,
                packet.protocol,
                packet.payloadBytes);
    }

    private void finish(int at, int type) {
        output.data.putShort(at, (short) (type << 8));
        if (type == 0) {
            checksum4(at);
        } else {
            output.checksum(Ip.ICMPV6, at, 2, false);
        }
        output.sendFragmented();
    }

    private boolean forward(Packet packet) {
        if (forwarder == null) {
            return false;
        }
        byte[] payload = new byte[packet.payloadBytes - HEADER_BYTES];
        packet.data.get(packet.payload + HEADER_BYTES, payload);
        Echo request =
                new Echo(
                        Ip.toInetAddress(packet.targetHi, packet.targetLo),
                        packet.data.getShort(packet.payload + 4) & 0xffff,
                        packet.data.getShort(packet.payload + 6) & 0xffff,
                        ByteBuffer.wrap(payload).asReadOnlyBuffer());
        outstanding[nextOutstanding] =
                new Outstanding(
                        packet.sourceMac,
                        packet.sourceHi,
                        packet.sourceLo,
                        request,
                        packet.targetHi,
                        packet.targetLo);
        nextOutstanding = (nextOutstanding + 1) % MAX_OUTSTANDING;
        return forwarder.send(request);
    }

    /** Gives the guest a reply from outside, if it waits for it. */
    void reply(Echo reply) {
        for (int i = 0; i < MAX_OUTSTANDING; i++) {
            Outstanding waits = outstanding[i];
            if (waits != null
                    && waits.request.identifier() == reply.identifier()
                    && waits.request.sequence() == reply.sequence()
                    && waits.request.peer().equals(reply.peer())
                    && reply.payload().remaining() <= waits.request.payload().remaining()) {
                outstanding[i] = null;
                boolean v4 = Ip.isV4(waits.guestHi, waits.guestLo);
                int at =
                        output.ip(
                                waits.guestMac,
                                waits.remoteHi,
                                waits.remoteLo,
                                waits.guestHi,
                                waits.guestLo,
                                v4 ? Ip.ICMP : Ip.ICMPV6,
                                HEADER_BYTES + reply.payload().remaining());
                output.data.putShort(at + 4, (short) reply.identifier());
                output.data.putShort(at + 6, (short) reply.sequence());
                output.data.put(
                        at + HEADER_BYTES,
                        reply.payload(),
                        reply.payload().position(),
                        reply.payload().remaining());
                finish(at, v4 ? 0 : ECHO_REPLY6);
                return;
            }
        }
    }

    /** Tells the guest that a packet of its goes nowhere. Not of one that was put together. */
    void unreachable(Packet packet, Unreachable why) {
        boolean whole = packet.network != packet.payload;
        if (!whole || !Ip.isGuest(packet.sourceHi, packet.sourceLo)) {
            return;
        }
        int quoted = Math.min(packet.payload + packet.payloadBytes - packet.network, QUOTE_BYTES);
        boolean v4 = packet.isV4();
        int at =
                output.ip(
                        packet.sourceMac,
                        v4 ? 0 : Ip.PREFIX_HI,
                        v4 ? Ip.mapped(Ip.GATEWAY) : Ip.GATEWAY_LO,
                        packet.sourceHi,
                        packet.sourceLo,
                        v4 ? Ip.ICMP : Ip.ICMPV6,
                        HEADER_BYTES + quoted);
        output.data.putLong(at, 0);
        output.data.put(at + HEADER_BYTES, packet.data, packet.network, quoted);
        if (v4) {
            output.data.putShort(at, (short) (3 << 8 | why.code4));
            checksum4(at);
        } else {
            output.data.putShort(at, (short) (1 << 8 | why.code6));
            output.checksum(Ip.ICMPV6, at, 2, false);
        }
        output.send();
    }

    private void checksum4(int at) {
        output.data.putShort(at + 2, (short) 0);
        int bytes = output.frame.length() - at;
        output.data.putShort(
                at + 2, (short) Checksums.finish(Checksums.sum(output.data, at, bytes)));
    }
}
