package dev.dalang.remote.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.linux.UnixSocket;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

final class ConnectionTest {
    private UnixSocket peer;
    private Connection connection;

    static List<Golden> requests() {
        return Golden.REQUESTS;
    }

    @BeforeEach
    void connect() throws HostIoException {
        assumeThat(Linux.isAvailable()).isTrue();
        awaitThreads();
        List<UnixSocket> pair = UnixSocket.pair();
        peer = pair.get(0);
        connection = new Connection(pair.get(1));
    }

    @AfterEach
    void disconnect() {
        if (peer != null) {
            peer.close();
            connection.close();
        }
    }

    private void write(byte[] bytes, List<Descriptor> descriptors) throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
            peer.send(memory, descriptors);
        }
    }

    /** Servers and clients of other tests may end yet, and close what is counted here. */
    private static void awaitThreads() {
        while (Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().startsWith("vfio-user"))) {
            Thread.onSpinWait();
        }
    }

    private static int openDescriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return (int) open.count();
        }
    }

    private static Descriptor memory() throws HostIoException {
        return SharedMemory.create("memory", 1);
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aMessageComesWholeHoweverItIsSplit(Golden golden) throws IOException {
        byte[] bytes = golden.message();
        try (Descriptor memory = memory()) {
            List<Descriptor> riders = Collections.nCopies(golden.descriptors(), memory);
            int before = openDescriptors();
            for (int split = 1; split <= bytes.length; split++) {
                byte[] first = Arrays.copyOf(bytes, split);
                byte[] second = Arrays.copyOfRange(bytes, split, bytes.length);
                CompletableFuture<Void> rest = new CompletableFuture<>();
                write(first, riders);
                if (second.length > 0) {
                    // From another thread, so that the first part may be read on its own.
                    rest =
                            CompletableFuture.runAsync(
                                    () -> {
                                        try {
                                            write(second, List.of());
                                        } catch (HostIoException e) {
                                            throw new UncheckedIOException(e);
                                        }
                                    });
                }
                try (Message message = connection.receive().orElseThrow()) {
                    assertThat(message.header()).isEqualTo(golden.made());
                    assertThat(message.payload()).isEqualTo(golden.payloadBytes());
                    assertThat(message.descriptors()).isEqualTo(golden.descriptors());
                    assertThat(message.isSpoilt()).isFalse();
                }
                if (second.length > 0) {
                    rest.join();
                }
            }
            assertThat(openDescriptors()).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aMessageComesWholeByteByByte(Golden golden) throws IOException {
        try (Descriptor memory = memory()) {
            List<Descriptor> riders = Collections.nCopies(golden.descriptors(), memory);
            byte[] bytes = golden.message();
            for (int at = 0; at < bytes.length; at++) {
                write(new byte[] {bytes[at]}, at == 0 ? riders : List.of());
            }
            try (Message message = connection.receive().orElseThrow()) {
                assertThat(message.header()).isEqualTo(golden.made());
                assertThat(message.payload()).isEqualTo(golden.payloadBytes());
                assertThat(message.descriptors()).isEqualTo(golden.descriptors());
            }
        }
    }

    @Test
    void messagesThatComeTogetherAreTakenOneByOne() throws IOException {
        byte[] all = new byte[0];
        for (Golden golden : Golden.REQUESTS) {
            byte[] bytes = golden.message();
            all = Arrays.copyOf(all, all.length + bytes.length);
            System.arraycopy(bytes, 0, all, all.length - bytes.length, bytes.length);
        }
        write(all, List.of());
        for (Golden golden : Golden.REQUESTS) {
            try (Message message = connection.receive().orElseThrow()) {
                assertThat(message.header()).isEqualTo(golden.made());
                assertThat(message.payload()).isEqualTo(golden.payloadBytes());
            }
        }
    }

    @Test
    void descriptorsStayWithTheirMessage() throws IOException {
        Golden none = Golden.REQUESTS.get(5);
        Golden one = Golden.REQUESTS.get(2);
        try (Descriptor memory = memory()) {
            write(none.message(), List.of());
            write(one.message(), List.of(memory));
            write(none.message(), List.of());
            write(one.message(), List.of(memory));
        }
        for (int expected : new int[] {0, 1, 0, 1}) {
            try (Message message = connection.receive().orElseThrow()) {
                assertThat(message.descriptors()).isEqualTo(expected);
            }
        }
    }

    @Test
    void whatIsSentComesWithItsDescriptors() throws IOException {
        List<UnixSocket> pair = UnixSocket.pair();
        byte[] large = new byte[Connection.MAX_BYTES - Header.BYTES];
        for (int n = 0; n < large.length; n++) {
            large[n] = (byte) (n * 31 >>> 4);
        }
        try (Connection one = new Connection(pair.get(0));
                Connection other = new Connection(pair.get(1));
                Descriptor memory = memory()) {
            Header header = Header.request(1, Command.DMA_WRITE, true, large.length);
            var sent =
                    CompletableFuture.runAsync(
                            () -> {
                                try {
                                    one.send(header, large, List.of(memory));
                                    one.send(Header.reply(header, 0), new byte[0], List.of());
                                } catch (HostIoException e) {
                                    throw new UncheckedIOException(e);
                                }
                            });
            try (Message message = other.receive().orElseThrow()) {
                assertThat(message.header()).isEqualTo(header);
                assertThat(message.payload()).isEqualTo(large);
                assertThat(message.descriptors()).isEqualTo(1);
            }
            sent.join();
            try (Message message = other.receive().orElseThrow()) {
                assertThat(message.header().isReply()).isTrue();
                assertThat(message.payload()).isEmpty();
            }
            assertThatThrownBy(() -> one.send(header, new byte[3], List.of()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void descriptorsBehindTheHeaderAreClosed() throws IOException {
        byte[] bytes = Golden.REQUESTS.get(2).message();
        try (Descriptor memory = memory()) {
            int before = openDescriptors();
            write(Arrays.copyOf(bytes, Header.BYTES), List.of());
            write(Arrays.copyOfRange(bytes, Header.BYTES, bytes.length), List.of(memory));
            try (Message message = connection.receive().orElseThrow()) {
                assertThat(message.isSpoilt()).isTrue();
                assertThat(message.descriptors()).isZero();
            }
            assertThat(openDescriptors()).isEqualTo(before);
        }
    }

    @Test
    void descriptorsWithinTheHeaderStayWithTheMessage() throws IOException {
        byte[] bytes = Golden.REQUESTS.get(5).message();
        try (Descriptor memory = memory()) {
            int before = openDescriptors();
            write(Arrays.copyOf(bytes, 4), List.of());
            write(Arrays.copyOfRange(bytes, 4, bytes.length), List.of(memory));
            try (Message message = connection.receive().orElseThrow()) {
                // One read may have taken both parts, another only the first.
                assertThat(message.isSpoilt() || message.descriptors() == 1).isTrue();
            }
            assertThat(openDescriptors()).isEqualTo(before);
        }
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aStreamMayEndAnywhere(Golden golden) throws IOException {
        byte[] bytes = golden.message();
        try (Descriptor memory = memory()) {
            for (int length = 0; length < bytes.length; length++) {
                int before = openDescriptors();
                List<UnixSocket> pair = UnixSocket.pair();
                try (Connection end = new Connection(pair.get(1))) {
                    UnixSocket start = pair.get(0);
                    try (start;
                            Arena arena = Arena.ofConfined()) {
                        if (length > 0) {
                            start.send(
                                    arena.allocate(length)
                                            .copyFrom(
                                                    MemorySegment.ofArray(
                                                            Arrays.copyOf(bytes, length))),
                                    List.of(memory));
                        }
                    }
                    assertEnded(end);
                }
                assertThat(openDescriptors()).isEqualTo(before);
            }
        }
    }

    private static void assertEnded(Connection end) throws IOException {
        assertThat(end.receive()).isEmpty();
        assertThat(end.receive()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 15, -1, Integer.MIN_VALUE, Connection.MAX_BYTES + 1})
    void aSizeThatNoMessageHasEndsIt(int size) throws IOException {
        byte[] header = new byte[Header.BYTES];
        header[0] = 9;
        header[2] = 4;
        for (int n = 0; n < 4; n++) {
            header[4 + n] = (byte) (size >>> 8 * n);
        }
        try (Descriptor memory = memory()) {
            int before = openDescriptors();
            write(header, List.of(memory));
            assertThatThrownBy(() -> connection.receive())
                    .isInstanceOfSatisfying(
                            FramingException.class,
                            wrong -> {
                                assertThat(wrong.header().id()).isEqualTo(9);
                                assertThat(wrong.header().size()).isEqualTo(size);
                            })
                    .hasMessageContaining(Integer.toUnsignedString(size));
            assertThat(openDescriptors()).isEqualTo(before);
        }
    }

    @Test
    void whoeverWaitsForAMessageGoesOnWhenTheConnectionEnds() throws Exception {
        CompletableFuture<Boolean> isEnded =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return connection.receive().isEmpty();
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        });
        connection.shutdown();
        assertThat(isEnded.get()).isTrue();
    }

    @Test
    void whoTakesDescriptorsClosesThem() throws IOException {
        try (Descriptor memory = memory()) {
            write(Golden.REQUESTS.get(2).message(), List.of(memory));
        }
        List<Descriptor> taken;
        try (Message message = connection.receive().orElseThrow()) {
            taken = message.takeDescriptors();
            assertThat(message.descriptors()).isZero();
        }
        assertThat(taken).singleElement().matches(Descriptor::isOpen);
        taken.forEach(Descriptor::close);
    }
}
