package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.devices.EduDevice;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.linux.UnixSocket;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.Message;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** Clients that mean ill: they get nothing, and nothing of theirs stays. */
final class HostileClientTest {
    private static final long SEED = Long.getLong("dalang.seed", 3);
    private static final int MESSAGES = Integer.getInteger("dalang.remote.messages", 10_000);
    private static final int MESSAGES_OF_A_CLIENT = 50;
    private static final int HEADER_BYTES = 16;
    private static final int LAST_ID = 0xbeef;
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/remote/internal/wire/MessageFuzzTestInputs",
                    "aMessageIsRefusedOrUnderstood");

    @TempDir Path directory;

    private static List<byte[]> corpus() throws IOException {
        List<byte[]> all = new ArrayList<>();
        try (Stream<Path> files = Files.list(CORPUS)) {
            for (Path file : files.sorted().toList()) {
                byte[] bytes = Files.readAllBytes(file);
                if (bytes.length >= HEADER_BYTES) {
                    all.add(bytes);
                }
            }
        }
        return all;
    }

    private static long count(String directory) throws IOException {
        try (Stream<Path> entries = Files.list(Path.of(directory))) {
            return entries.count();
        }
    }

    private static long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("memfd:")).count();
        }
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("vfio-user"))
                .count();
    }

    /** Threads end a moment after what they did. */
    private static void awaitThreads(long most) {
        while (threads() > most) {
            Thread.onSpinWait();
        }
    }

    @Test
    void nothingStaysOfTenThousandBadMessages() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        List<byte[]> corpus = corpus();
        SplittableRandom random = new SplittableRandom(SEED);
        try (VfioUserServer server =
                        VfioUserServer.of(new EduDevice(), directory.resolve("edu.sock"));
                Descriptor memory = SharedMemory.create("memory", 1 << 20);
                EventDescriptor event = EventDescriptor.create("event");
                Arena arena = Arena.ofShared()) {
            MemorySegment buffer = arena.allocate(1 << 16);
            List<Descriptor> riders = List.of(memory, event.descriptor(), memory);
            assertServed(server); // everything is loaded by now
            awaitThreads(1); // nor are there others' whose descriptors are yet to go
            long before = count("/proc/self/fd");
            long mapped = mappings();

            for (int sent = 0; sent < MESSAGES; sent += MESSAGES_OF_A_CLIENT) {
                try (UnixSocket client = UnixSocket.connect(server.path());
                        Connection answers = new Connection(client)) {
                    send(client, version(corpus), List.of(), buffer);
                    boolean isOver = false;
                    for (int n = 0; n < MESSAGES_OF_A_CLIENT && !isOver; n++) {
                        byte[] message = changed(random, corpus);
                        int carried = random.nextInt(4) == 0 ? random.nextInt(3) + 1 : 0;
                        send(client, message, riders.subList(0, carried), buffer);
                        while (!isOver && answers.await(0)) {
                            isOver = isLast(answers);
                        }
                    }
                    send(client, last(), List.of(), buffer);
                    while (!isOver) {
                        isOver = isLast(answers);
                    }
                } catch (HostIoException letGo) {
                    assertThat(letGo.getMessage()).isNotBlank(); // in the middle of it
                }
            }

            assertServed(server);
            awaitThreads(1);
            assertThat(server.memoryPieces()).isZero();
            assertThat(server.refusals()).as("seed %d", SEED).isGreaterThan(MESSAGES / 10);
            assertThat(count("/proc/self/fd")).isEqualTo(before);
            assertThat(mappings()).isEqualTo(mapped);
        }
        awaitThreads(0);
    }

    private static void assertServed(VfioUserServer server) throws IOException {
        try (ScriptClient good = ScriptClient.connect(server.path())) {
            assertThat(good.read(0, 0, 4)).isEqualTo(0x0100_00edL);
        }
        while (server.isConnected()) {
            Thread.onSpinWait();
        }
    }

    /** A good question, whose answer comes when all before it was done. */
    private static byte[] last() {
        byte[] bytes = new byte[2 * HEADER_BYTES];
        ByteBuffer to = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        to.putShort((short) LAST_ID).putShort((short) Command.DEVICE_GET_INFO.number());
        to.putInt(bytes.length).putInt(HEADER_BYTES, HEADER_BYTES);
        return bytes;
    }

    private static boolean isLast(Connection answers) throws IOException {
        Optional<Message> answer = answers.receive();
        answer.ifPresent(Message::close);
        return answer.isEmpty() || answer.get().header().id() == LAST_ID;
    }

    private static byte[] version(List<byte[]> corpus) {
        return corpus.stream().filter(bytes -> bytes[2] == 1).findFirst().orElseThrow();
    }

    private static void send(
            UnixSocket client, byte[] bytes, List<Descriptor> riders, MemorySegment buffer)
            throws HostIoException {
        MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, 0, bytes.length);
        client.send(buffer.asSlice(0, bytes.length), riders);
    }

    /** A message with some bytes changed; mostly with a size that lets the next be understood. */
    private static byte[] changed(SplittableRandom random, List<byte[]> corpus) {
        byte[] bytes = corpus.get(random.nextInt(corpus.size())).clone();
        if (random.nextInt(4) == 0) {
            bytes = Arrays.copyOf(bytes, HEADER_BYTES + random.nextInt(64));
        }
        for (int changes = random.nextInt(5); changes > 0; changes--) {
            int at = random.nextInt(bytes.length);
            bytes[at] =
                    switch (random.nextInt(3)) {
                        case 0 -> (byte) (bytes[at] ^ 1 << random.nextInt(8));
                        case 1 -> (byte) random.nextInt(256);
                        default -> (byte) (random.nextBoolean() ? 0xff : 0);
                    };
        }
        // One that announces more than comes would hold up this test, and not the server.
        int size = random.nextInt(50) == 0 ? random.nextInt(HEADER_BYTES) : bytes.length;
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(4, size);
        return bytes;
    }
}
