package dev.dalang.net.internal.user;

import dev.dalang.net.Segmentation;

import java.nio.ByteBuffer;

/**
 * A frame from the guest, or a packet put together from fragments, where it lies, and what its
 * headers say. All lengths here have been compared with what there is.
 */
final class Packet {
    /** How many extension headers are passed over; nobody needs as many. */
    private static final int MAX_EXTENSIONS = 8;

    enum Verdict {
        /** Everything fits. */
        GOOD,
        /** A fragment: the payload is part of a larger one. */
        FRAGMENT,
        /** Lengths do not fit. */
        MALFORMED,
        /** The header's checksum is wrong. */
        BAD_CHECKSUM,
        /** Nothing for us. */
        IGNORED
    }

    ByteBuffer data = ByteBuffer.allocate(0);

    /** Where the frame begins in {@link #data}, and where it ends. */
    int start;

    int end;
    boolean needsChecksum;
    Segmentation segmentation = Segmentation.NONE;
    int segmentBytes;

    /** Where the IP header is. */
    int network;

    long sourceMac;
    long sourceHi;
    long sourceLo;
    long targetHi;
    long targetLo;
    int hopLimit;
    int protocol;

    /** Where the payload of IP is. */
    int payload;

    int payloadBytes;

    /** Of a fragment: which packet it is of, where it belongs, whether it is not the last. */
    int identification;

    int fragmentOffset;
    boolean moreFragments;

    boolean isV4() {
        return Ip.isV4(sourceHi, sourceLo);
    }

    /** Reads the header of an IPv4 packet (RFC 791 §3.1). */
    Verdict readIpv4() {
        network = start + Ip.ETHERNET_BYTES;
        int available = end - network;
        if (available < Ip.IPV4_BYTES) {
            return Verdict.MALFORMED;
        }
        int headerBytes = (data.get(network) & 0xf) * 4;
        int totalBytes = data.getShort(network + 2) & 0xffff;
        if (data.get(network) >> 4 != 4
                || headerBytes < Ip.IPV4_BYTES
                || totalBytes < headerBytes
                || totalBytes > available) {
            return Verdict.MALFORMED;
        }
        if (Checksums.fold(Checksums.sum(data, network, headerBytes)) != 0xffff) {
            return Verdict.BAD_CHECKSUM;
        }
        sourceHi = 0;
        sourceLo = Ip.mapped(data.getInt(network + 12));
        targetHi = 0;
        targetLo = Ip.mapped(data.getInt(network + 16));
        hopLimit = data.get(network + 8) & 0xff;
        protocol = data.get(network + 9) & 0xff;
        payload = network + headerBytes;
        payloadBytes = totalBytes - headerBytes;
        int fragment = data.getShort(network + 6);
        moreFragments = (fragment & 0x2000) != 0;
        fragmentOffset = (fragment & 0x1fff) * 8;
        identification = data.getShort(network + 4) & 0xffff;
        return moreFragments || fragmentOffset != 0 ? Verdict.FRAGMENT : Verdict.GOOD;
    }

    /** Reads the headers of an IPv6 packet (RFC 8200 §3, §4). */
    Verdict readIpv6() {
        network = start + Ip.ETHERNET_BYTES;
        int available = end - network;
        if (available < Ip.IPV6_BYTES || data.get(network) >> 4 != 6) {
            return Verdict.MALFORMED;
        }
        payloadBytes = data.getShort(network + 4) & 0xffff;
        if (payloadBytes > available - Ip.IPV6_BYTES) {
            return Verdict.MALFORMED;
        }
        sourceHi = data.getLong(network + 8);
        sourceLo = data.getLong(network + 16);
        targetHi = data.getLong(network + 24);
        targetLo = data.getLong(network + 32);
        hopLimit = data.get(network + 7) & 0xff;
        protocol = data.get(network + 6) & 0xff;
        payload = network + Ip.IPV6_BYTES;
        if (Ip.isV4(sourceHi, sourceLo) || Ip.isV4(targetHi, targetLo)) {
            return Verdict.IGNORED; // a mapped address is never on a wire (RFC 4291 §2.5.5.2)
        }
        return passExtensions();
    }

    private Verdict passExtensions() {
        for (int count = 0; count < MAX_EXTENSIONS; count++) {
            boolean options = protocol == 0 || protocol == 43 || protocol == 60;
            if (!options && protocol != 44) {
                return Verdict.GOOD;
            }
            if (payloadBytes < 8) {
                return Verdict.MALFORMED;
            }
            if (protocol == 44) {
                int fragment = data.getShort(payload + 2) & 0xffff;
                identification = data.getInt(payload + 4);
                protocol = data.get(payload) & 0xff;
                payload += 8;
                payloadBytes -= 8;
                fragmentOffset = fragment & 0xfff8;
                moreFragments = (fragment & 1) != 0;
                if (moreFragments || fragmentOffset != 0) {
                    return Verdict.FRAGMENT;
                }
                continue; // an atomic fragment is a whole packet (RFC 6946)
            }
            int bytes = ((data.get(payload + 1) & 0xff) + 1) * 8;
            if (bytes > payloadBytes) {
                return Verdict.MALFORMED;
            }
            protocol = data.get(payload) & 0xff;
            payload += bytes;
            payloadBytes -= bytes;
        }
        return Verdict.IGNORED;
    }

    /** Whether the checksum of the payload, with the pseudo header, is right or need not be. */
    boolean isChecksumRight() {
        if (needsChecksum) {
            return true;
        }
        long sum = Checksums.pseudo(sourceHi, sourceLo, targetHi, targetLo, protocol, payloadBytes);
        return Checksums.fold(sum + Checksums.sum(data, payload, payloadBytes)) == 0xffff;
    }
}
