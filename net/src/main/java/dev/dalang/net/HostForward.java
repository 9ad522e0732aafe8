package dev.dalang.net;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;

/**
 * A port of the host's behind which a port of the guest's is.
 *
 * @param protocol TCP or UDP
 * @param host where the host listens; port 0 takes a free one
 * @param guestAddress the guest's address; without one, the first that DHCP leases, 10.0.2.15
 * @param guestPort the guest's port, 1..65535
 */
public record HostForward(
        Protocol protocol,
        InetSocketAddress host,
        Optional<InetAddress> guestAddress,
        int guestPort) {
    /** What is forwarded. */
    public enum Protocol {
        /** Connections. */
        TCP,
        /** Datagrams. */
        UDP
    }

    /** Checks the numbers. */
    public HostForward {
        if (guestPort < 1 || guestPort > 65_535) {
            throw new IllegalArgumentException(
                    "expected a port of the guest's of 1..65535, got " + guestPort);
        }
        if (host.isUnresolved()) {
            throw new IllegalArgumentException("expected an address of the host's, got " + host);
        }
    }

    /**
     * Reads a forward as the command line has it: {@code tcp:127.0.0.1:2222-:22}, {@code
     * udp::5353-10.0.2.15:53}, {@code tcp:[::1]:8080-[fec0::15]:80}. Without an address of the
     * host's it listens on the loopback only: a port that is open to the network is asked for by
     * name, as {@code 0.0.0.0}.
     *
     * @param text the forward
     * @return the forward
     * @throws IllegalArgumentException if it cannot be read; the message says why
     */
    public static HostForward parse(String text) {
        String[] halves = text.split("-", -1);
        if (halves.length != 2) {
            throw malformed(text, "expected PROTOCOL:[ADDRESS]:PORT-[ADDRESS]:PORT");
        }
        Protocol protocol;
        String host;
        if (halves[0].startsWith("tcp:")) {
            protocol = Protocol.TCP;
            host = halves[0].substring(4);
        } else if (halves[0].startsWith("udp:")) {
            protocol = Protocol.UDP;
            host = halves[0].substring(4);
        } else {
            throw malformed(text, "expected it to begin with tcp: or udp:");
        }
        Optional<InetAddress> hostAddress = address(text, host);
        Optional<InetAddress> guestAddress = address(text, halves[1]);
        return new HostForward(
                protocol,
                new InetSocketAddress(
                        hostAddress.orElseGet(() -> InetAddress.ofLiteral("127.0.0.1")),
                        port(text, host, 0)),
                guestAddress,
                port(text, halves[1], 1));
    }

    private static Optional<InetAddress> address(String text, String end) {
        int colon = end.lastIndexOf(':');
        if (colon < 0) {
            throw malformed(text, "expected ADDRESS:PORT, got '" + end + "'");
        }
        String address = end.substring(0, colon);
        if (address.isEmpty()) {
            return Optional.empty();
        }
        boolean brackets = address.startsWith("[") && address.endsWith("]");
        try {
            return Optional.of(
                    InetAddress.ofLiteral(
                            brackets ? address.substring(1, address.length() - 1) : address));
        } catch (IllegalArgumentException notAnAddress) {
            throw malformed(text, "expected an IP address, got '" + address + "'");
        }
    }

    private static int port(String text, String end, int least) {
        String port = end.substring(end.lastIndexOf(':') + 1);
        try {
            int value = Integer.parseInt(port);
            if (value >= least && value <= 65_535) {
                return value;
            }
        } catch (NumberFormatException notANumber) {
            throw malformed(text, "expected a port, got '" + port + "'");
        }
        throw malformed(text, "expected a port of " + least + "..65535, got " + port);
    }

    private static IllegalArgumentException malformed(String text, String why) {
        return new IllegalArgumentException("hostfwd=" + text + ": " + why);
    }

    /** {@return the forward as {@link #parse} reads it} */
    @Override
    public String toString() {
        return (protocol == Protocol.TCP ? "tcp:" : "udp:")
                + literal(host.getAddress())
                + ":"
                + host.getPort()
                + "-"
                + guestAddress.map(HostForward::literal).orElse("")
                + ":"
                + guestPort;
    }

    private static String literal(InetAddress address) {
        String text = address.getHostAddress();
        return text.contains(":") ? "[" + text + "]" : text;
    }
}
