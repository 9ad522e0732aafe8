package dev.dalang.net.internal.user;

import dev.dalang.net.NetworkEvent;
import dev.dalang.net.Segmentation;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * Puts packets together from fragments (RFC 791 §3.2, RFC 8200 §4.5): a few at a time, each for a
 * while. Fragments that overlap spoil their packet (RFC 5722), those that repeat one exactly do
 * not.
 */
final class Fragments {
    private static final int LIMIT = 8;
    private static final int MAX_BYTES = 65_535;
    private static final long TIMEOUT_NANOS = 30_000_000_000L;

    /** A packet of which parts are here. Its units are of eight bytes. */
    private static final class Partial {
        final ByteBuffer data = ByteBuffer.allocateDirect(MAX_BYTES + Ip.ETHERNET_BYTES + 8);
        final BitSet units = new BitSet();
        boolean used;
        long sourceHi;
        long sourceLo;
        long targetHi;
        long targetLo;
        int identification;
        int protocol;
        int total;
        int received;
        long since;

        boolean is(Packet packet) {
            return used
                    && identification == packet.identification
                    && protocol == packet.protocol
                    && sourceLo == packet.sourceLo
                    && targetLo == packet.targetLo
                    && sourceHi == packet.sourceHi
                    && targetHi == packet.targetHi;
        }

        void begin(Packet packet, long now) {
            units.clear();
            used = true;
            sourceHi = packet.sourceHi;
            sourceLo = packet.sourceLo;
            targetHi = packet.targetHi;
            targetLo = packet.targetLo;
            identification = packet.identification;
            protocol = packet.protocol;
            total = -1;
            received = 0;
            since = now;
        }
    }

    private final @Nullable Partial[] partials = new Partial[LIMIT];
    private final Counters counters;

    Fragments(Counters counters) {
        this.counters = counters;
    }

    /** Takes a fragment; true if the packet is whole now and has taken the fragment's place. */
    boolean add(Packet packet, long now) {
        int begin = packet.fragmentOffset;
        int bytes = packet.payloadBytes;
        int end = begin + bytes;
        if (bytes == 0 || end > MAX_BYTES || packet.moreFragments && bytes % 8 != 0) {
            counters.count(NetworkEvent.FRAGMENT_DROPPED);
            return false;
        }
        Partial partial = find(packet, now);
        int firstUnit = begin / 8;
        int endUnit = (end + 7) / 8;
        int next = partial.units.nextSetBit(firstUnit);
        boolean overlaps = next >= 0 && next < endUnit;
        boolean repeats = overlaps && partial.units.nextClearBit(firstUnit) >= endUnit;
        boolean beyond =
                partial.total >= 0
                        && (end > partial.total || !packet.moreFragments && end != partial.total);
        boolean shorter = !packet.moreFragments && partial.units.length() > endUnit;
        if (repeats && !beyond) {
            return false;
        }
        if (overlaps || beyond || shorter) {
            partial.used = false;
            counters.count(NetworkEvent.FRAGMENT_DROPPED);
            return false;
        }
        partial.data.put(Ip.ETHERNET_BYTES + begin, packet.data, packet.payload, bytes);
        partial.units.set(firstUnit, endUnit);
        partial.received += bytes;
        if (!packet.moreFragments) {
            partial.total = end;
        }
        if (partial.received != partial.total) {
            return false;
        }
        partial.used = false; // the bytes stay until the next fragment, and are used before it
        packet.data = partial.data;
        packet.start = 0;
        packet.network = Ip.ETHERNET_BYTES;
        packet.end = Ip.ETHERNET_BYTES + partial.total;
        packet.payload = Ip.ETHERNET_BYTES;
        packet.payloadBytes = partial.total;
        packet.needsChecksum = false;
        packet.segmentation = Segmentation.NONE;
        return true;
    }

    private Partial find(Packet packet, long now) {
        int oldest = 0;
        for (int i = 0; i < LIMIT; i++) {
            Partial partial = partials[i];
            if (partial != null && partial.is(packet)) {
                if (now - partial.since <= TIMEOUT_NANOS) {
                    return partial;
                }
                counters.count(NetworkEvent.FRAGMENT_DROPPED);
                partial.begin(packet, now);
                return partial;
            }
            Partial other = partials[oldest];
            if (other != null
                    && other.used
                    && (partial == null || !partial.used || partial.since < other.since)) {
                oldest = i;
            }
        }
        Partial chosen = partials[oldest];
        if (chosen == null) {
            chosen = new Partial();
            partials[oldest] = chosen;
        } else if (chosen.used) {
            counters.count(NetworkEvent.FRAGMENT_DROPPED);
        }
        chosen.begin(packet, now);
        return chosen;
    }

    void clear() {
        for (Partial partial : partials) {
            if (partial != null) {
                partial.used = false;
            }
        }
    }
}
