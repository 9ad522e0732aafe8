package dev.dalang.net.internal.user;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/** Addresses as two longs, and those of this network. */
final class Ip {
    static final int ETHERTYPE_IPV4 = 0x0800;
    static final int ETHERTYPE_ARP = 0x0806;
    static final int ETHERTYPE_IPV6 = 0x86dd;

    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;
    static final int ICMPV6 = 58;

    static final int ETHERNET_BYTES = 14;
    static final int IPV4_BYTES = 20;
    static final int IPV6_BYTES = 40;

    static final long BROADCAST_MAC = 0xffff_ffff_ffffL;

    /** The gateway and all else on this network answer with one hardware address. */
    static final long GATEWAY_MAC = 0x5255_0a00_0202L;

    private static final long MAPPED = 0xffff_0000_0000L;

    static final int NETWORK = 0x0a00_0200;
    static final int NETMASK = 0xffff_ff00;
    static final int GATEWAY = 0x0a00_0202;
    static final int DNS = 0x0a00_0203;
    static final int FIRST_LEASE = 0x0a00_020f;
    static final int BROADCAST = 0x0a00_02ff;

    static final long PREFIX_HI = 0xfec0_0000_0000_0000L;
    static final long GATEWAY_LO = 2;
    static final long DNS_LO = 3;
    static final long LINK_LOCAL_HI = 0xfe80_0000_0000_0000L;

    private Ip() {}

    static long mapped(int ipv4) {
        return MAPPED | ipv4 & 0xffff_ffffL;
    }

    static boolean isV4(long hi, long lo) {
        return hi == 0 && lo >>> 32 == 0xffff;
    }

    static boolean isGateway(long hi, long lo) {
        return hi == 0 && lo == mapped(GATEWAY)
                || (hi == PREFIX_HI || hi == LINK_LOCAL_HI) && lo == GATEWAY_LO;
    }

    static boolean isDns(long hi, long lo) {
        return hi == 0 && lo == mapped(DNS) || hi == PREFIX_HI && lo == DNS_LO;
    }

    /** Whether an address is of this network, be it the gateway's, a guest's, or nobody's. */
    static boolean isLocal(long hi, long lo) {
        return isV4(hi, lo)
                ? ((int) lo & NETMASK) == NETWORK
                : hi == PREFIX_HI || hi >>> 54 == LINK_LOCAL_HI >>> 54;
    }

    /** Whether an address may be a guest's: of this network, and not one of our own. */
    static boolean isGuest(long hi, long lo) {
        if (!isLocal(hi, lo) || isGateway(hi, lo) || isDns(hi, lo)) {
            return false;
        }
        return !isV4(hi, lo) || (int) lo != NETWORK && (int) lo != BROADCAST;
    }

    /** The address for the host's sockets. */
    static InetAddress toInetAddress(long hi, long lo) {
        byte[] bytes;
        if (isV4(hi, lo)) {
            bytes = ByteBuffer.allocate(4).putInt((int) lo).array();
        } else {
            bytes = ByteBuffer.allocate(16).putLong(hi).putLong(lo).array();
        }
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible); // the length is right
        }
    }

    static long hi(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 4 ? 0 : ByteBuffer.wrap(bytes).getLong(0);
    }

    static long lo(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 4
                ? mapped(ByteBuffer.wrap(bytes).getInt(0))
                : ByteBuffer.wrap(bytes).getLong(8);
    }

    static long mac(ByteBuffer data, int offset) {
        return (data.getInt(offset) & 0xffff_ffffL) << 16 | data.getShort(offset + 4) & 0xffffL;
    }

    static void putMac(ByteBuffer data, int offset, long mac) {
        data.putInt(offset, (int) (mac >>> 16));
        data.putShort(offset + 4, (short) mac);
    }
}
