package dev.dalang.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.net.GuestDhcp;
import dev.dalang.testkit.net.GuestListener;
import dev.dalang.testkit.net.GuestStack;
import dev.dalang.testkit.net.GuestTcp;
import dev.dalang.testkit.net.GuestUdp;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** Addresses, UDP, ICMP, DNS and forwards, against real sockets on the host's loopback. */
final class UserNetworkUdpTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");
    private static final InetAddress LOOPBACK6 = InetAddress.ofLiteral("::1");
    private static final long SHORT = 300;
    private static final long LONG = 10_000;

    private final List<AutoCloseable> opened = new ArrayList<>();

    private <C extends AutoCloseable> C open(C closeable) {
        opened.add(closeable);
        return closeable;
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable closeable : opened.reversed()) {
            closeable.close();
        }
    }

    private Guest guest() {
        return open(Guest.withLoopback());
    }

    /** Answers each datagram with itself, turned round. */
    private DatagramSocket reverser(InetAddress address) throws IOException {
        DatagramSocket socket = open(new DatagramSocket(new InetSocketAddress(address, 0)));
        Thread.ofPlatform()
                .daemon()
                .start(
                        () -> {
                            byte[] buffer = new byte[65_536];
                            while (!socket.isClosed()) {
                                try {
                                    DatagramPacket packet =
                                            new DatagramPacket(buffer, buffer.length);
                                    socket.receive(packet);
                                    byte[] answer = Arrays.copyOf(buffer, packet.getLength());
                                    packet.setData(reversed(answer));
                                    socket.send(packet);
                                } catch (IOException closed) {
                                    return;
                                }
                            }
                        });
        return socket;
    }

    private static byte[] reversed(byte[] bytes) {
        byte[] turned = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            turned[i] = bytes[bytes.length - 1 - i];
        }
        return turned;
    }

    // ---- addresses

    @Test
    void dhcpLeasesTheAddressesThatUsersOfQemuKnow() throws IOException {
        Guest guest = open(new Guest(builder -> builder.restrict(true)));
        GuestDhcp.Lease lease = guest.stack.dhcp();
        assertThat(lease.address()).isEqualTo(GuestStack.literal("10.0.2.15"));
        assertThat(lease.addressOption(1)).isEqualTo(GuestStack.literal("255.255.255.0"));
        assertThat(lease.addressOption(3)).isEqualTo(Guest.GATEWAY);
        assertThat(lease.addressOption(6)).isEqualTo(Guest.DNS);
        assertThat(guest.stack.dhcp().address()).isEqualTo(lease.address());
    }

    @Test
    void theGatewayAndTheNameServerHaveAHardwareAddress() {
        Guest guest = open(new Guest(builder -> builder.restrict(true)));
        assertThat(guest.stack.resolve(Guest.GATEWAY)).isEqualTo(0x5255_0a00_0202L);
        assertThat(guest.stack.resolve(Guest.DNS)).isEqualTo(0x5255_0a00_0202L);
        assertThat(guest.stack.resolve(Guest.GATEWAY6)).isEqualTo(0x5255_0a00_0202L);
        assertThat(guest.stack.resolve(Guest.DNS6)).isEqualTo(0x5255_0a00_0202L);
        assertThat(guest.stack.isNobodysAddress(GuestStack.literal("10.0.2.99"))).isTrue();
        assertThat(guest.stack.isNobodysAddress(GuestStack.literal("fec0::99"))).isTrue();
    }

    @Test
    void theRouterAdvertisesPrefixAndNameServer() throws IOException {
        Guest guest = open(new Guest(builder -> builder.restrict(true)));
        ByteBuffer advertisement = guest.stack.solicitRouter();
        assertThat(advertisement.getShort(6) & 0xffff).isEqualTo(1800);
        ByteBuffer prefix = option(advertisement, 3);
        assertThat(prefix.get(2)).isEqualTo((byte) 64);
        assertThat(prefix.getLong(16)).isEqualTo(0xfec0_0000_0000_0000L);
        ByteBuffer dns = option(advertisement, 25);
        assertThat(dns.getLong(8)).isEqualTo(0xfec0_0000_0000_0000L);
        assertThat(dns.getLong(16)).isEqualTo(3);
        assertThat(option(advertisement, 5).getInt(4)).isEqualTo(1500);
    }

    private static ByteBuffer option(ByteBuffer advertisement, int wanted) {
        int at = 16;
        while (advertisement.get(at) != wanted) {
            at += advertisement.get(at + 1) * 8;
        }
        return advertisement.slice(at, advertisement.get(at + 1) * 8);
    }

    @ParameterizedTest
    @CsvSource({"10.0.2.2", "10.0.2.3", "fec0::2", "fec0::3"})
    void theGatewayAnswersEchoRequests(String address) {
        Guest guest = open(new Guest(builder -> builder.restrict(true)));
        assertThat(guest.stack.ping(GuestStack.literal(address), 56)).isTrue();
        assertThat(guest.stack.ping(GuestStack.literal(address), 0)).isTrue();
        assertThat(guest.stack.ping(GuestStack.literal(address), 10_000)).isTrue();
    }

    @Test
    void whatIsFartherDoesNotAnswerEchoRequestsWithoutAForwarder() {
        Guest guest = open(new Guest(builder -> builder.hostEcho(false)));
        assertThat(guest.stack.isSilent(GuestStack.literal("192.0.2.1"), 8)).isTrue();
        awaitCount(guest, NetworkEvent.FORBIDDEN);
        assertThat(guest.network.count(NetworkEvent.FORBIDDEN)).isEqualTo(1);
    }

    // ---- UDP

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 1472, 1473, 9000, 65_507})
    void datagramsOfAnyLengthGoThereAndBack(int bytes) throws IOException {
        Guest guest = guest();
        DatagramSocket server = reverser(LOOPBACK);
        byte[] sent = new byte[bytes];
        new SplittableRandom(bytes).nextBytes(sent);
        GuestUdp port = guest.stack.udp(0);
        port.send(Guest.GATEWAY, server.getLocalPort(), sent);
        GuestUdp.Datagram answer = port.receive(LONG);
        assertThat(answer).isNotNull();
        assertThat(answer.source()).isEqualTo(Guest.GATEWAY);
        assertThat(answer.port()).isEqualTo(server.getLocalPort());
        assertThat(answer.bytes()).isEqualTo(reversed(sent));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 1452, 1453, 20_000})
    void theSameOverIpv6(int bytes) throws IOException {
        Guest guest = guest();
        DatagramSocket server = reverser(LOOPBACK6);
        byte[] sent = new byte[bytes];
        new SplittableRandom(bytes).nextBytes(sent);
        GuestUdp port = guest.stack.udp(0);
        port.send(Guest.GATEWAY6, server.getLocalPort(), sent);
        GuestUdp.Datagram answer = port.receive(LONG);
        assertThat(answer).isNotNull();
        assertThat(answer.bytes()).isEqualTo(reversed(sent));
        assertThat(guest.stack.badChecksums()).isZero();
    }

    @Test
    void oneFlowTooManyEndsTheOldest() throws IOException {
        Guest guest = open(new Guest(b -> b.hostLoopback(true).maxUdpFlows(8)));
        DatagramSocket server = reverser(LOOPBACK);
        for (int i = 0; i < 100; i++) {
            GuestUdp port = guest.stack.udp(0);
            port.send(Guest.GATEWAY, server.getLocalPort(), new byte[] {1, 2});
            GuestUdp.Datagram answer = port.receive(LONG);
            assertThat(answer).isNotNull();
        }
        assertThat(guest.network.count(NetworkEvent.UDP_EVICTED)).isEqualTo(92);
    }

    // ---- DNS

    @ParameterizedTest
    @CsvSource({"10.0.2.3, 127.0.0.1", "fec0::3, 127.0.0.1", "10.0.2.3, ::1"})
    void theNameServerStandsForAResolverOnTheHostsLoopback(String asked, String resolver)
            throws IOException {
        DatagramSocket server = reverser(InetAddress.ofLiteral(resolver));
        InetSocketAddress address =
                new InetSocketAddress(server.getLocalAddress(), server.getLocalPort());
        Guest guest = open(new Guest(builder -> builder.resolvers(List.of(address))));
        GuestUdp port = guest.stack.udp(0);
        port.send(GuestStack.literal(asked), 53, GuestStack.ascii("who"));
        GuestUdp.Datagram answer = port.receive(LONG);
        assertThat(answer).isNotNull();
        assertThat(answer.bytes()).isEqualTo(GuestStack.ascii("ohw"));
        assertThat(answer.source()).isEqualTo(GuestStack.literal(asked));
        assertThat(answer.port()).isEqualTo(53);
    }

    @Test
    void namesAreAskedForOverTcpToo() throws IOException {
        Server server = open(new Server(Server::echo));
        InetSocketAddress address = new InetSocketAddress(LOOPBACK, server.port());
        Guest guest = open(new Guest(builder -> builder.resolvers(List.of(address))));
        GuestTcp connection = guest.stack.connect(Guest.DNS, 53);
        connection.write(GuestStack.ascii("who"));
        assertThat(connection.readFully(3)).isEqualTo(GuestStack.ascii("who"));
    }

    @Test
    void onlyTheNameServersPortIsOpenOnIt() {
        Guest guest = guest();
        GuestUdp port = guest.stack.udp(0);
        port.send(Guest.DNS, 54, new byte[1]);
        assertThat(port.awaitUnreachable(LONG)).isTrue();
    }

    // ---- what is closed

    private static List<InetAddress> hostsOwnAddresses() throws IOException {
        List<InetAddress> all = new ArrayList<>();
        NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLinkLocalAddress())
                .forEach(all::add);
        for (String other :
                List.of(
                        "127.0.0.1",
                        "127.1.2.3",
                        "0.0.0.0",
                        "0.0.0.1",
                        "::1",
                        "::",
                        "::7f00:1",
                        "64:ff9b::7f00:1",
                        "2002:7f00:1::",
                        "169.254.169.254",
                        "10.0.2.2",
                        "fec0::2")) {
            all.add(InetAddress.ofLiteral(other));
        }
        return all;
    }

    @Test
    void theHostsLoopbackIsClosedByDefaultByWhateverAddress() throws Exception {
        Server server = open(new Server(InetAddress.ofLiteral("0.0.0.0"), Server::echo));
        DatagramSocket socket = reverser(InetAddress.ofLiteral("0.0.0.0"));
        Guest guest = open(new Guest(builder -> builder));
        for (InetAddress address : hostsOwnAddresses()) {
            GuestUdp port = guest.stack.udp(0);
            port.send(address, socket.getLocalPort(), new byte[] {1});
            assertThat(connects(guest, address, server.port()))
                    .as("a connection to %s", address)
                    .isFalse();
            assertThat(port.receive(1)).as("an answer from %s", address).isNull();
        }
        assertThat(guest.network.count(NetworkEvent.TCP_OPENED)).isZero();
        assertThat(guest.network.count(NetworkEvent.UDP_OPENED)).isZero();
        assertThat(guest.network.count(NetworkEvent.INTERNAL_ERROR)).isZero();
    }

    private static boolean connects(Guest guest, InetAddress address, int port) {
        try {
            guest.stack.connect(address, port).close();
            return true;
        } catch (IOException refused) {
            return false;
        }
    }

    @Test
    void aMappedAddressInAPacketGoesNowhere() throws IOException {
        Server server = open(new Server(InetAddress.ofLiteral("0.0.0.0"), Server::echo));
        Guest guest = guest();
        byte[] syn = new byte[74];
        ByteBuffer frame = ByteBuffer.wrap(syn);
        frame.putInt(0, 0x5255_0a00).putShort(4, (short) 0x0202);
        frame.putInt(6, 0x5254_0012).putShort(10, (short) 0x3456);
        frame.putShort(12, (short) 0x86dd).putInt(14, 0x6000_0000);
        frame.putInt(18, 20 << 16 | 6 << 8 | 64);
        frame.putLong(22, 0xfec0_0000_0000_0000L).putLong(30, 0x15);
        frame.putLong(38, 0).putLong(46, 0xffff_7f00_0001L);
        frame.putInt(54, 40_000 << 16 | server.port()).putInt(66, 0x5002_ffff);
        guest.stack.sendRaw(syn);
        assertThat(guest.stack.ping(Guest.GATEWAY, 1)).isTrue();
        assertThat(guest.network.count(NetworkEvent.IGNORED)).isPositive();
        assertThat(guest.network.count(NetworkEvent.TCP_OPENED)).isZero();
    }

    @Test
    void aRestrictedGuestReachesNothing() throws Exception {
        Server server = open(new Server(Server::echo));
        DatagramSocket socket = reverser(LOOPBACK);
        InetSocketAddress resolver = new InetSocketAddress(LOOPBACK, socket.getLocalPort());
        Guest guest =
                open(
                        new Guest(
                                builder ->
                                        builder.restrict(true)
                                                .hostLoopback(true)
                                                .resolvers(List.of(resolver))));
        assertThat(connects(guest, Guest.GATEWAY, server.port())).isFalse();
        assertThat(connects(guest, Guest.DNS, 53)).isFalse();
        assertThat(connects(guest, GuestStack.literal("192.0.2.1"), 80)).isFalse();
        assertThat(connects(guest, GuestStack.literal("2001:db8::1"), 80)).isFalse();
        for (String address : List.of("10.0.2.2", "10.0.2.3", "192.0.2.1", "2001:db8::1")) {
            GuestUdp port = guest.stack.udp(0);
            port.send(GuestStack.literal(address), 53, new byte[1]);
            assertThat(port.awaitUnreachable(LONG)).as(address).isTrue();
        }
        assertThat(guest.network.count(NetworkEvent.TCP_OPENED)).isZero();
        assertThat(guest.network.count(NetworkEvent.UDP_OPENED)).isZero();
        assertThat(guest.stack.dhcp().address()).isEqualTo(GuestStack.literal("10.0.2.15"));
    }

    // ---- forwards

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aForwardBringsConnectionsToTheGuest(boolean restricted) throws Exception {
        HostForward forward = HostForward.parse("tcp:127.0.0.1:0-:22");
        Guest guest = open(new Guest(b -> b.hostForward(forward).restrict(restricted)));
        GuestListener listener = guest.stack.listen(22);
        InetSocketAddress host = guest.network.hostForwards().getFirst().host();
        try (Socket peer = new Socket(host.getAddress(), host.getPort())) {
            GuestTcp connection = listener.accept(LONG);
            assertThat(connection).isNotNull();
            peer.getOutputStream().write(GuestStack.ascii("hello"));
            assertThat(connection.readFully(5)).isEqualTo(GuestStack.ascii("hello"));
            connection.write(GuestStack.ascii("world"));
            connection.shutdownOutput();
            assertThat(peer.getInputStream().readAllBytes()).isEqualTo(GuestStack.ascii("world"));
            peer.shutdownOutput();
            assertThat(connection.read(new byte[1])).isEqualTo(-1);
        }
        assertThat(guest.network.count(NetworkEvent.INTERNAL_ERROR)).isZero();
    }

    @Test
    void aForwardReachesAGuestOverIpv6() throws Exception {
        HostForward forward = HostForward.parse("tcp:[::1]:0-[fec0::15]:22");
        Guest guest = open(new Guest(b -> b.hostForward(forward)));
        GuestListener listener = guest.stack.listen(22);
        InetSocketAddress host = guest.network.hostForwards().getFirst().host();
        try (Socket peer = new Socket(host.getAddress(), host.getPort())) {
            GuestTcp connection = listener.accept(LONG);
            assertThat(connection).isNotNull();
            peer.getOutputStream().write(GuestStack.ascii("hello"));
            assertThat(connection.readFully(5)).isEqualTo(GuestStack.ascii("hello"));
        }
    }

    @Test
    void aForwardToAPortWhereNobodyListensIsReset() throws Exception {
        HostForward forward = HostForward.parse("tcp:127.0.0.1:0-:23");
        Guest guest = open(new Guest(b -> b.hostForward(forward)));
        InetSocketAddress host = guest.network.hostForwards().getFirst().host();
        try (Socket peer = new Socket(host.getAddress(), host.getPort())) {
            peer.setSoTimeout((int) LONG);
            int read;
            try {
                read = peer.getInputStream().read();
            } catch (java.net.SocketException reset) {
                read = -1;
            }
            assertThat(read).isEqualTo(-1);
        }
        assertThat(guest.network.count(NetworkEvent.TCP_RESET)).isPositive();
    }

    @Test
    void aForwardBringsDatagramsToTheGuestAndItsAnswersBack() throws Exception {
        HostForward forward = HostForward.parse("udp:127.0.0.1:0-10.0.2.15:7");
        Guest guest = open(new Guest(b -> b.hostForward(forward)));
        assertThat(guest.stack.resolve(Guest.GATEWAY)).isPositive(); // and is known from there on
        GuestUdp service = guest.stack.udp(7);
        InetSocketAddress host = guest.network.hostForwards().getFirst().host();
        try (DatagramSocket one = new DatagramSocket(0, LOOPBACK);
                DatagramSocket other = new DatagramSocket(0, LOOPBACK)) {
            for (DatagramSocket peer : List.of(one, other)) {
                peer.setSoTimeout((int) LONG);
                byte[] text = GuestStack.ascii("from " + peer.getLocalPort());
                peer.send(new DatagramPacket(text, text.length, host));
                GuestUdp.Datagram arrived = service.receive(LONG);
                assertThat(arrived).isNotNull();
                assertThat(arrived.bytes()).isEqualTo(text);
                service.send(arrived.source(), arrived.port(), reversed(text));
                DatagramPacket answer = new DatagramPacket(new byte[100], 100);
                peer.receive(answer);
                assertThat(Arrays.copyOf(answer.getData(), answer.getLength()))
                        .isEqualTo(reversed(text));
                assertThat(answer.getSocketAddress()).isEqualTo(host);
            }
        }
    }

    @Test
    void somebodyWhomTheGuestDidNotWriteToIsNotHeard() throws IOException {
        Guest guest = guest();
        DatagramSocket server = open(new DatagramSocket(0, LOOPBACK));
        server.setSoTimeout((int) LONG);
        GuestUdp port = guest.stack.udp(0);
        port.send(Guest.GATEWAY, server.getLocalPort(), GuestStack.ascii("here"));
        DatagramPacket arrived = new DatagramPacket(new byte[100], 100);
        server.receive(arrived);
        InetAddress own = ownAddress();
        org.junit.jupiter.api.Assumptions.assumeTrue(own != null, "the host has only loopback");
        try (DatagramSocket stranger = new DatagramSocket(0, own)) {
            byte[] text = GuestStack.ascii("boo");
            stranger.send(
                    new DatagramPacket(
                            text, text.length, new InetSocketAddress(own, arrived.getPort())));
        }
        awaitCount(guest, NetworkEvent.UDP_UNASKED);
        assertThat(port.receive(SHORT)).isNull();
        assertThat(guest.network.count(NetworkEvent.UDP_UNASKED)).isEqualTo(1);
    }

    /** The network counts on its own thread; that it never does is found by who asks then. */
    private static void awaitCount(Guest guest, NetworkEvent event) {
        long limit = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LONG);
        while (guest.network.count(event) == 0 && System.nanoTime() < limit) {
            Thread.onSpinWait();
        }
    }

    private static InetAddress ownAddress() throws IOException {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(a -> !a.isLoopbackAddress() && a instanceof java.net.Inet4Address)
                .findFirst()
                .orElse(null);
    }
}
