package dev.dalang.net.internal.user;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Where the guest may go. The host's loopback is closed unless it was opened, and with it every
 * address that the host's kernel would deliver to the host itself.
 */
final class Destinations {
    private static final long REFRESH_NANOS = 10_000_000_000L;
    private static final int MAX_RESOLVERS = 4;
    private static final int DNS_PORT = 53;
    private static final Path RESOLV_CONF = Path.of("/etc/resolv.conf");

    private final boolean hostLoopback;
    private final boolean restrict;
    private final boolean outside;
    private final List<InetSocketAddress> configured;
    private final Set<InetAddress> own = new HashSet<>();
    private List<InetSocketAddress> resolvers = List.of();
    private long refreshedAt;
    private boolean fresh;

    Destinations(
            boolean hostLoopback,
            boolean restrict,
            boolean outside,
            List<InetSocketAddress> configured) {
        this.hostLoopback = hostLoopback;
        this.restrict = restrict;
        this.outside = outside;
        this.configured = List.copyOf(configured);
    }

    boolean isRestricted() {
        return restrict;
    }

    boolean isHostLoopbackOpen() {
        return hostLoopback && !restrict;
    }

    /**
     * Looks what the host's addresses and resolvers are, if that was long ago. They change while a
     * machine runs; on new flows only, because it asks the kernel.
     */
    void refresh(long now) {
        if (fresh && now - refreshedAt < REFRESH_NANOS) {
            return;
        }
        fresh = true;
        refreshedAt = now;
        own.clear();
        try {
            NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .forEach(address -> own.add(withoutScope(address)));
        } catch (SocketException noInterfaces) {
            own.clear(); // the fixed ranges below hold all the same
        }
        resolvers = configured.isEmpty() ? readResolvers() : configured;
    }

    private static InetAddress withoutScope(InetAddress address) {
        return Ip.toInetAddress(Ip.hi(address), Ip.lo(address));
    }

    private static List<InetSocketAddress> readResolvers() {
        List<InetSocketAddress> found = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(RESOLV_CONF)) {
                String[] words = line.strip().split("\\s+");
                if (words.length >= 2
                        && words[0].equals("nameserver")
                        && found.size() < MAX_RESOLVERS) {
                    found.add(new InetSocketAddress(InetAddress.ofLiteral(words[1]), DNS_PORT));
                }
            }
        } catch (IOException | IllegalArgumentException unreadable) {
            return List.copyOf(found);
        }
        return List.copyOf(found);
    }

    /** The host's resolvers; the name server's address stands for them, on loopback or not. */
    List<InetSocketAddress> resolvers() {
        return resolvers;
    }

    /** Whether packets to this address, which is not of this network, go nowhere. */
    boolean isForbidden(long hi, long lo) {
        if (restrict || !outside || isNeverForwarded(hi, lo)) {
            return true;
        }
        return !hostLoopback && own.contains(Ip.toInetAddress(hi, lo));
    }

    /** What no router passes on, be the loopback open or not: the gateway stands for it. */
    private static boolean isNeverForwarded(long hi, long lo) {
        if (Ip.isV4(hi, lo)) {
            int first = (int) (lo >>> 24) & 0xff;
            int second = (int) (lo >>> 16) & 0xff;
            return first == 0 // this host (RFC 1122 §3.2.1.3); Linux takes it for loopback
                    || first == 127
                    || first >= 224 // groups, reserved, all
                    || first == 169 && second == 254; // of the link only (RFC 3927 §2.7)
        }
        if (hi == 0 && lo >>> 32 == 0) {
            return true; // none, ::1, and the old form of IPv4's addresses (RFC 4291 §2.5.5.1)
        }
        if (hi == 0 && lo >>> 32 == 0xffff) {
            return true;
        }
        int first = (int) (hi >>> 48);
        // IPv4 inside of IPv6 that a host may take back out: 6to4, translation (RFC 3056, 6052).
        boolean embeds =
                first == 0x2002 && isNeverForwarded(0, Ip.mapped((int) (hi >>> 16)))
                        || hi == 0x0064_ff9b_0000_0000L && isNeverForwarded(0, Ip.mapped((int) lo));
        return embeds || first >>> 8 == 0xff || first >>> 6 == 0xfe80 >>> 6;
    }
}
