package dev.dalang.virtio.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.dalang.bus.DeviceExecutor;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Files and sockets behind a port. */
@Timeout(60)
final class PortBackendTest {
    @TempDir private Path directory;

    /** A port that notes what it is told. */
    private static final class Told implements PortPeer {
        final BlockingQueue<String> events = new LinkedBlockingQueue<>();

        @Override
        public void opened(boolean isOpen) {
            events.add(isOpen ? "opened" : "closed");
        }

        @Override
        public void readable() {
            events.add("readable");
        }

        @Override
        public void writable() {
            events.add("writable");
        }

        void await(String event) throws InterruptedException {
            String next;
            do {
                next = events.poll(30, TimeUnit.SECONDS);
            } while (next != null && !next.equals(event));
            assertThat(next).isEqualTo(event);
        }
    }

    private final DeviceExecutor executor = DeviceExecutor.workers(2);
    private final Told told = new Told();

    @AfterEach
    void endThreads() {
        executor.close();
    }

    private static SocketChannel connect(Path path) throws IOException {
        SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
        client.connect(UnixDomainSocketAddress.of(path));
        return client;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String read(SocketChannel client, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining() && client.read(buffer) >= 0) {
            // On to the rest.
        }
        return new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8);
    }

    // ---------------------------------------------------------------- files

    @Test
    void aFileTakesWhatTheGuestWrites() throws Exception {
        Path file = Files.writeString(directory.resolve("log"), "what was there before");
        FileBackend backend = FileBackend.open(file);
        backend.start(told);
        told.await("opened");
        assertThat(backend.write(bytes("-hello-"), 1, 5)).isEqualTo(5);
        assertThat(backend.read(new byte[4], 0, 4)).isZero();
        assertThat(file).hasContent("hello");
        backend.close();
        backend.close();
        assertThat(backend.write(bytes("late"), 0, 4)).as("dropped").isEqualTo(4);
        assertThat(backend.lost()).isEqualTo(4);
        assertThat(file).hasContent("hello");
    }

    /** A file on a disk that is full, which the host's device for such tests plays. */
    private static FileBackend full() throws IOException {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.isWritable(full));
        return new FileBackend(full, FileChannel.open(full, StandardOpenOption.WRITE));
    }

    @Test
    void onAFullDiskWhatComesIsLostAndThePortIsClosed() throws Exception {
        FileBackend backend = full();
        backend.start(told);
        told.await("opened");
        assertThat(backend.write(bytes("-hello-"), 1, 5)).as("nobody waits").isEqualTo(5);
        told.await("closed");
        assertThat(backend.write(bytes("more"), 0, 4)).isEqualTo(4);
        assertThat(backend.lost()).isEqualTo(9);
        backend.close();
    }

    /** The guest hears that the port is closed, is held up by nothing, and has its other ports. */
    @Test
    void aGuestGoesOnWhenAPortsDiskIsFull() throws Exception {
        Path file = directory.resolve("log");
        FileBackend lost = full();
        FileBackend kept = FileBackend.open(file);
        ConsoleMachine machine =
                new ConsoleMachine(
                        VirtioConsoleDevice.builder()
                                .port("lost", lost)
                                .port("kept", kept)
                                .build());
        machine.startPorts(ConsoleMachine.ALL, 1, 2);
        String closed = new ConsoleMachine.Message(1, 6, 0, "").toString();
        assertThat(machine.said()).doesNotContain(closed);
        for (int i = 0; i < 100; i++) {
            machine.write(1, "line\n");
        }
        assertThat(lost.lost()).as("none of it waits").isEqualTo(500);
        assertThat(machine.said()).containsOnlyOnce(closed);
        machine.write(2, "the other port");
        assertThat(file).hasContent("the other port");
        machine.transport.detach();
    }

    @Test
    void whatIsNoRegularFileIsRefused() throws Exception {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.isWritable(full));
        // A device is no regular file; a link to one neither: it is refused when it is opened.
        assertThatThrownBy(() -> FileBackend.open(full)).hasMessageContaining("regular file");
        assertThatThrownBy(() -> FileBackend.open(directory)).hasMessageContaining("regular file");
        assertThatThrownBy(() -> FileBackend.open(directory.resolve("no/file")))
                .isInstanceOf(IOException.class);
    }

    // ---------------------------------------------------------------- sockets

    @Test
    void whoConnectsIsAtTheOtherEnd() throws Exception {
        Path path = directory.resolve("socket");
        try (SocketBackend backend = SocketBackend.listen(path)) {
            backend.start(told);
            assertThat(backend.write(bytes("nobody"), 0, 6)).as("lost").isEqualTo(6);
            assertThat(backend.read(new byte[4], 0, 4)).isZero();
            for (int round = 0; round < 3; round++) {
                try (SocketChannel client = connect(path)) {
                    told.await("opened");
                    assertThat(backend.write(bytes("hello"), 0, 5)).isEqualTo(5);
                    assertThat(read(client, 5)).isEqualTo("hello");
                    client.write(ByteBuffer.wrap(bytes("back")));
                    told.await("readable");
                    byte[] got = new byte[8];
                    assertThat(backend.read(got, 2, 6)).isEqualTo(4);
                    assertThat(got).startsWith(0, 0, 'b', 'a', 'c', 'k');
                    assertThat(backend.read(got, 0, 8)).isZero();
                }
                told.await("readable");
                assertThat(backend.read(new byte[1], 0, 1)).as("the end").isZero();
                told.await("closed");
            }
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void aClientThatDoesNotReadHoldsTheWriterUp() throws Exception {
        Path path = directory.resolve("socket");
        try (SocketBackend backend = SocketBackend.listen(path)) {
            backend.start(told);
            try (SocketChannel client = connect(path)) {
                told.await("opened");
                byte[] chunk = new byte[1 << 16];
                long taken = 0;
                int last = chunk.length;
                while (last == chunk.length) {
                    last = backend.write(chunk, 0, chunk.length);
                    taken += last;
                    assertThat(taken).as("bounded").isLessThan(64 << 20);
                }
                ByteBuffer in = ByteBuffer.allocate(1 << 16);
                long got = 0;
                while (got < taken) {
                    got += client.read(in.clear());
                }
                told.await("writable");
                assertThat(backend.write(chunk, 0, 10)).isEqualTo(10);
            }
        }
    }

    @Test
    void theSecondClientWaitsForTheFirstToGo() throws Exception {
        Path path = directory.resolve("socket");
        try (SocketBackend backend = SocketBackend.listen(path)) {
            backend.start(told);
            SocketChannel first = connect(path);
            told.await("opened");
            try (SocketChannel second = connect(path)) {
                second.write(ByteBuffer.wrap(bytes("second")));
                backend.write(bytes("to the first"), 0, 12);
                assertThat(read(first, 12)).isEqualTo("to the first");
                first.close();
                told.await("readable");
                assertThat(backend.read(new byte[1], 0, 1)).isZero();
                told.await("closed");
                told.await("opened");
                told.await("readable");
                assertThat(backend.read(new byte[6], 0, 6)).isEqualTo(6);
            }
        }
    }

    @Test
    void anOldSocketIsReplacedAndNothingElse() throws Exception {
        Path path = directory.resolve("socket");
        try (SocketBackend _ = SocketBackend.listen(path)) {
            assertThatThrownBy(() -> SocketBackend.listen(path))
                    .hasMessageContaining("somebody listens");
        }
        try (ServerSocketChannel old = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            old.bind(UnixDomainSocketAddress.of(path));
        }
        assertThat(path).as("left behind").exists();
        SocketBackend.listen(path).close();
        Path file = Files.writeString(directory.resolve("file"), "mine");
        assertThatThrownBy(() -> SocketBackend.listen(file)).hasMessageContaining("another file");
        assertThat(file).hasContent("mine");
        assertThatThrownBy(() -> SocketBackend.listen(directory.resolve("x".repeat(200))))
                .isInstanceOf(IOException.class);
    }

    @Test
    void closingEndsTheThread() throws Exception {
        Path path = directory.resolve("last");
        SocketBackend backend = SocketBackend.listen(path);
        backend.start(told);
        SocketChannel client = connect(path);
        told.await("opened");
        backend.close();
        backend.close();
        assertThat(read(client, 1)).isEmpty();
        client.close();
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("dalang-socket-last");
        assertThat(backend.write(new byte[1], 0, 1)).isEqualTo(1);
    }

    /** A megabyte each way at once, through the device, on worker threads. */
    @Test
    void aSocketAndADriverExchangeAMegabyteEachWay() throws Exception {
        Path path = directory.resolve("socket");
        VirtioConsoleDevice device =
                VirtioConsoleDevice.builder().port("data", SocketBackend.listen(path)).build();
        ConsoleMachine machine = new ConsoleMachine(device, executor);
        machine.start(ConsoleMachine.ALL);
        machine.say(1, 6, 1);
        byte[] sent = new byte[1 << 20];
        new Random(7).nextBytes(sent);
        try (SocketChannel client = connect(path)) {
            byte[] echoed = new byte[sent.length];
            Thread host =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        ByteBuffer out = ByteBuffer.wrap(sent);
                                        ByteBuffer in = ByteBuffer.wrap(echoed);
                                        try {
                                            client.configureBlocking(false);
                                            while (in.hasRemaining()) {
                                                client.write(out);
                                                client.read(in);
                                                Thread.onSpinWait();
                                            }
                                        } catch (IOException failed) {
                                            throw new UncheckedIOException(failed);
                                        }
                                    });
            long moved = 0;
            while (moved < sent.length) {
                byte[] got = machine.readBytes(1);
                int at = 0;
                while (at < got.length) {
                    int part = Math.min(64, got.length - at);
                    byte[] chunk = Arrays.copyOfRange(got, at, at + part);
                    if (machine.send(5, chunk)) {
                        at += part;
                    } else {
                        Thread.onSpinWait();
                    }
                }
                moved += got.length;
            }
            host.join();
            assertThat(echoed).isEqualTo(sent);
        } finally {
            machine.transport.detach();
        }
        assertThat(device.count(ConsoleEvent.BYTE_WRITTEN)).isEqualTo(1 << 20);
    }
}
