package dev.dalang.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.testkit.net.GuestStack;
import dev.dalang.testkit.net.GuestTcp;
import dev.dalang.testkit.net.Impairment;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.CRC32;

/** TCP through the network to real servers on the host's loopback. */
final class UserNetworkTcpTest {
    private static final int MEBIBYTE = 1 << 20;

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

    private static void assertNothingBroke(Guest guest) {
        assertThat(guest.network.count(NetworkEvent.INTERNAL_ERROR)).isZero();
        assertThat(guest.stack.badChecksums()).isZero();
    }

    @Test
    void whatIsWrittenComesBackFromAnEchoServer() throws IOException {
        Guest guest = guest();
        Server server = open(new Server(Server::echo));
        GuestTcp connection = guest.stack.connect(Guest.GATEWAY, server.port());
        connection.write(GuestStack.ascii("hello"));
        assertThat(connection.readFully(5)).isEqualTo(GuestStack.ascii("hello"));
        assertNothingBroke(guest);
    }

    @Test
    void theSameOverIpv6() throws IOException {
        Guest guest = guest();
        Server server = open(new Server(InetAddress.ofLiteral("::1"), Server::echo));
        GuestTcp connection = guest.stack.connect(Guest.GATEWAY6, server.port());
        connection.write(GuestStack.ascii("hello"));
        assertThat(connection.readFully(5)).isEqualTo(GuestStack.ascii("hello"));
        assertNothingBroke(guest);
    }

    private static void upload(GuestTcp connection, int bytes, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] some = new byte[1 << 16];
        CRC32 crc = new CRC32();
        for (int done = 0; done < bytes; done += some.length) {
            random.nextBytes(some);
            crc.update(some);
            connection.write(some);
        }
        connection.shutdownOutput();
        byte[] expected = GuestStack.ascii(bytes + " " + crc.getValue());
        assertThat(connection.readFully(expected.length)).isEqualTo(expected);
        assertThat(connection.read(new byte[1])).isEqualTo(-1);
    }

    private static Server.Service download(int bytes, long seed) {
        return (_, _, out) -> {
            SplittableRandom random = new SplittableRandom(seed);
            byte[] some = new byte[1 << 16];
            for (int done = 0; done < bytes; done += some.length) {
                random.nextBytes(some);
                out.write(some);
            }
        };
    }

    private static void assertDownload(GuestTcp connection, int bytes, long seed)
            throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] some = new byte[1 << 16];
        for (int done = 0; done < bytes; done += some.length) {
            random.nextBytes(some);
            assertThat(Arrays.equals(connection.readFully(some.length), some)).isTrue();
        }
        assertThat(connection.read(new byte[1])).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sixtyFourMebibytesArriveAsTheyWereSent(boolean offloads) throws IOException {
        Guest guest = offloads ? guest().offloading() : guest();
        Server server = open(new Server(Server::digest));
        upload(guest.stack.connect(Guest.GATEWAY, server.port()), 64 * MEBIBYTE, 1);
        assertThat(server.failures).isEmpty();
        assertNothingBroke(guest);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sixtyFourMebibytesAreReceivedAsTheServerSentThem(boolean offloads) throws IOException {
        Guest guest = offloads ? guest().offloading() : guest();
        Server server = open(new Server(download(64 * MEBIBYTE, 2)));
        assertDownload(guest.stack.connect(Guest.GATEWAY, server.port()), 64 * MEBIBYTE, 2);
        assertThat(server.failures).isEmpty();
        assertNothingBroke(guest);
    }

    @Test
    void bothDirectionsOfOneConnectionGoAtTheSameTime() throws Exception {
        Guest guest = guest().offloading();
        Server server = open(new Server(Server::echo));
        GuestTcp connection = guest.stack.connect(Guest.GATEWAY, server.port());
        byte[] sent = new byte[16 * MEBIBYTE];
        new SplittableRandom(3).nextBytes(sent);
        try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
            Future<?> writer =
                    executor.submit(
                            () -> {
                                connection.write(sent);
                                connection.shutdownOutput();
                                return null;
                            });
            assertThat(Arrays.equals(connection.readFully(sent.length), sent)).isTrue();
            writer.get();
        }
        assertThat(connection.read(new byte[1])).isEqualTo(-1);
        assertNothingBroke(guest);
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void aBadLinkLosesNothingOfAnUpload(long seed) throws IOException {
        Impairment bad = new Impairment(seed, 10, 10, 20);
        Guest guest = open(new Guest(builder -> builder.hostLoopback(true), bad));
        Server server = open(new Server(Server::digest));
        upload(guest.stack.connect(Guest.GATEWAY, server.port()), MEBIBYTE, seed);
        assertNothingBroke(guest);
    }

    @ParameterizedTest
    @ValueSource(longs = {21, 22, 23})
    void aBadLinkLosesNothingOfADownload(long seed) throws IOException {
        Impairment bad = new Impairment(seed, 10, 10, 20);
        Guest guest = open(new Guest(builder -> builder.hostLoopback(true), bad));
        Server server = open(new Server(download(MEBIBYTE, seed)));
        assertDownload(guest.stack.connect(Guest.GATEWAY, server.port()), MEBIBYTE, seed);
        assertThat(guest.network.count(NetworkEvent.TCP_RETRANSMITTED)).isPositive();
        assertNothingBroke(guest);
    }

    @Test
    void aBadLinkLosesNothingOfLongSegmentsEither() throws IOException {
        Impairment bad = new Impairment(31, 30, 10, 30);
        Guest guest = open(new Guest(builder -> builder.hostLoopback(true), bad)).offloading();
        Server up = open(new Server(Server::digest));
        Server down = open(new Server(download(8 * MEBIBYTE, 31)));
        upload(guest.stack.connect(Guest.GATEWAY, up.port()), 8 * MEBIBYTE, 32);
        assertDownload(guest.stack.connect(Guest.GATEWAY, down.port()), 8 * MEBIBYTE, 31);
        assertNothingBroke(guest);
    }

    @Test
    void nobodyAtThePortIsAReset() {
        Guest guest = guest();
        assertThatThrownBy(() -> guest.stack.connect(Guest.GATEWAY, 1))
                .hasMessageContaining("reset");
        assertNothingBroke(guest);
    }

    @Test
    void anAddressThatNobodyHasIsAReset() {
        Guest guest = guest();
        assertThatThrownBy(() -> guest.stack.connect(GuestStack.literal("10.0.2.77"), 80))
                .hasMessageContaining("reset");
    }

    @Test
    void theServersEndReachesTheGuestThatGoesOnWriting() throws IOException {
        Guest guest = guest();
        byte[] late = new byte[MEBIBYTE];
        new SplittableRandom(4).nextBytes(late);
        CRC32 crc = new CRC32();
        crc.update(late);
        List<String> digests = new ArrayList<>();
        Server server =
                open(
                        new Server(
                                (socket, in, out) -> {
                                    out.write(GuestStack.ascii("bye"));
                                    socket.shutdownOutput();
                                    CRC32 taken = new CRC32();
                                    taken.update(in.readAllBytes());
                                    synchronized (digests) {
                                        digests.add(Long.toString(taken.getValue()));
                                        digests.notifyAll();
                                    }
                                }));
        GuestTcp connection = guest.stack.connect(Guest.GATEWAY, server.port());
        assertThat(connection.readFully(3)).isEqualTo(GuestStack.ascii("bye"));
        assertThat(connection.read(new byte[1])).isEqualTo(-1);
        connection.write(late);
        connection.shutdownOutput();
        connection.awaitAcknowledged();
        assertThat(await(digests)).isEqualTo(Long.toString(crc.getValue()));
        assertNothingBroke(guest);
    }

    private static String await(List<String> values) {
        synchronized (values) {
            for (int tries = 0; values.isEmpty() && tries < 100; tries++) {
                try {
                    values.wait(100);
                } catch (InterruptedException stop) {
                    throw new AssertionError(stop);
                }
            }
            return values.isEmpty() ? "" : values.getFirst();
        }
    }

    @Test
    void theServersResetReachesTheGuest() throws IOException {
        Guest guest = guest();
        Server server =
                open(
                        new Server(
                                (socket, in, _) -> {
                                    in.read();
                                    socket.setSoLinger(true, 0);
                                }));
        GuestTcp connection = guest.stack.connect(Guest.GATEWAY, server.port());
        connection.write(new byte[1]);
        assertThatThrownBy(() -> connection.read(new byte[1])).hasMessageContaining("reset");
        assertNothingBroke(guest);
    }

    @Test
    void theGuestsResetReachesTheServer() throws IOException {
        Guest guest = guest();
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            GuestTcp connection = guest.stack.connect(Guest.GATEWAY, listener.getLocalPort());
            try (Socket peer = listener.accept()) {
                peer.setSoTimeout(10_000);
                connection.reset();
                assertThatThrownBy(() -> peer.getInputStream().read())
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("reset");
            }
        }
        assertNothingBroke(guest);
    }

    @Test
    void aServerThatNeverReadsStopsTheGuest() throws Exception {
        Guest guest = guest().offloading();
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            GuestTcp connection = guest.stack.connect(Guest.GATEWAY, listener.getLocalPort());
            try (Socket peer = listener.accept()) {
                byte[] some = new byte[1 << 16];
                long taken = 0;
                int stuck = 0;
                while (stuck < 1000) {
                    int count = connection.offer(some);
                    taken += count;
                    stuck = count == 0 ? stuck + 1 : 0;
                    if (count == 0) {
                        java.util.concurrent.locks.LockSupport.parkNanos(200_000);
                    }
                    assertThat(taken).isLessThan(64L * MEBIBYTE);
                }
                assertThat(guest.network.streamBytes()).isLessThanOrEqualTo(4L * MEBIBYTE);
                // And when it reads again, everything is there.
                long total = 0;
                connection.shutdownOutput();
                byte[] read = new byte[1 << 16];
                for (int n = peer.getInputStream().read(read);
                        n >= 0;
                        n = peer.getInputStream().read(read)) {
                    total += n;
                }
                assertThat(total).isEqualTo(taken);
            }
        }
        assertNothingBroke(guest);
    }

    @Test
    void aGuestThatNeverReadsStopsTheServer() throws Exception {
        Guest guest = guest().offloading();
        guest.stack.bufferBytes(1 << 16);
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            GuestTcp connection = guest.stack.connect(Guest.GATEWAY, listener.getLocalPort());
            try (Socket peer = listener.accept()) {
                peer.setSendBufferSize(1 << 16);
                byte[] some = new byte[24 * MEBIBYTE];
                new SplittableRandom(5).nextBytes(some);
                Thread writer =
                        Thread.ofPlatform()
                                .start(
                                        () -> {
                                            try {
                                                peer.getOutputStream().write(some);
                                                peer.shutdownOutput();
                                            } catch (IOException gone) {
                                                throw new AssertionError(gone);
                                            }
                                        });
                writer.join(1500);
                assertThat(writer.isAlive()).isTrue();
                assertThat(guest.network.streamBytes()).isLessThanOrEqualTo(4L * MEBIBYTE);
                assertThat(Arrays.equals(connection.readFully(some.length), some)).isTrue();
                assertThat(connection.read(new byte[1])).isEqualTo(-1);
                writer.join();
            }
        }
        assertNothingBroke(guest);
    }

    @Test
    void aCardWithoutBuffersStopsTheServerAndLosesNothing() throws Exception {
        Guest guest = guest().offloading();
        Server server = open(new Server(download(4 * MEBIBYTE, 6)));
        GuestTcp connection = guest.stack.connect(Guest.GATEWAY, server.port());
        SplittableRandom random = new SplittableRandom(6);
        byte[] some = new byte[1 << 16];
        for (int i = 0; i < 64; i++) {
            guest.deaf(true);
            java.util.concurrent.locks.LockSupport.parkNanos(100_000);
            guest.deaf(false);
            random.nextBytes(some);
            assertThat(Arrays.equals(connection.readFully(some.length), some)).isTrue();
        }
        assertThat(guest.network.count(NetworkEvent.TO_GUEST_DROPPED)).isZero();
        assertNothingBroke(guest);
    }

    @Test
    void twoHundredConnectionsGoAtTheSameTime() throws Exception {
        Guest guest = guest().offloading();
        Server server = open(new Server(Server::echo));
        List<Future<Boolean>> results = new ArrayList<>();
        try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 200; i++) {
                long seed = i;
                results.add(executor.submit(() -> roundTrip(guest, server.port(), seed)));
            }
        }
        for (Future<Boolean> result : results) {
            assertThat(result.get()).isTrue();
        }
        assertThat(guest.network.count(NetworkEvent.TCP_OPENED)).isEqualTo(200);
        assertNothingBroke(guest);
    }

    private static boolean roundTrip(Guest guest, int port, long seed)
            throws IOException, ExecutionException {
        GuestTcp connection = guest.stack.connect(Guest.GATEWAY, port);
        byte[] sent = new byte[1 << 16];
        new SplittableRandom(seed).nextBytes(sent);
        connection.write(sent);
        connection.shutdownOutput();
        boolean same = Arrays.equals(connection.readFully(sent.length), sent);
        return same && connection.read(new byte[1]) == -1;
    }

    @Test
    void thousandsOfConnectionsOneAfterAnotherLeaveNothingBehind() throws IOException {
        Guest guest = open(new Guest(b -> b.hostLoopback(true).maxConnections(64)));
        Server server = open(new Server(Server::echo));
        for (int i = 0; i < 2000; i++) {
            GuestTcp connection = guest.stack.connect(Guest.GATEWAY, server.port());
            connection.write(new byte[] {(byte) i});
            assertThat(connection.readFully(1)).containsExactly(i);
            connection.shutdownOutput();
            assertThat(connection.read(new byte[1])).isEqualTo(-1);
        }
        assertThat(guest.network.streamBytes()).isLessThanOrEqualTo(8L * MEBIBYTE);
        assertNothingBroke(guest);
    }

    @Test
    void oneConnectionTooManyIsRefusedAndTheOthersStay() throws IOException {
        Guest guest = open(new Guest(b -> b.hostLoopback(true).maxConnections(4)));
        Server server = open(new Server(Server::echo));
        List<GuestTcp> connections = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            connections.add(guest.stack.connect(Guest.GATEWAY, server.port()));
        }
        assertThatThrownBy(() -> guest.stack.connect(Guest.GATEWAY, server.port()))
                .hasMessageContaining("reset");
        // Once for each of its attempts, of which a busy machine's guest may send a second.
        assertThat(guest.network.count(NetworkEvent.TCP_LIMIT)).isPositive();
        for (GuestTcp connection : connections) {
            connection.write(new byte[] {7});
            assertThat(connection.readFully(1)).containsExactly(7);
        }
    }
}
