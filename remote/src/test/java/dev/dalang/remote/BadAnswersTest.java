package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.VfioUserClient.RegisterWrite;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A server whose answers are spoilt at random: nothing of them stays. */
final class BadAnswersTest {
    private static final long SEED = Long.getLong("dalang.seed", 4);
    private static final int MESSAGES = Integer.getInteger("dalang.remote.messages", 10_000);
    private static final long RAM = 0x8000_0000L;

    @TempDir Path directory;
    private final AtomicInteger spoilt = new AtomicInteger();

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
                .filter(thread -> thread.getName().startsWith("vfio-user client"))
                .count();
    }

    /** Answers as it should, mostly; with requests of its own between. */
    private void answer(ScriptServer.Peer peer, SplittableRandom random, Descriptor[] riders)
            throws IOException {
        boolean isFirst = true;
        while (true) {
            try (Message message = peer.next()) {
                if (message.header().isReply()) {
                    continue;
                }
                byte[] payload = ScriptServer.described(message, Capabilities.NONE);
                if (payload == null) {
                    payload = ScriptServer.answer(message);
                }
                if (!isFirst && random.nextInt(3) == 0) {
                    byte[] transfer =
                            ScriptServer.message(
                                    new Header(random.nextInt(9), 11 + random.nextInt(2), 40, 0, 0),
                                    new byte[24]);
                    send(peer, random, transfer, riders, 1);
                }
                if (message.header().wantsReply()) {
                    byte[] bytes =
                            ScriptServer.message(
                                    Header.reply(message.header(), payload.length), payload);
                    if (send(peer, random, bytes, riders, 16)) {
                        peer.raw(bytes); // if that was no answer, this is; else it is one too many
                    }
                }
                isFirst = false;
            }
        }
    }

    /** Sends a message, one of so many spoilt; true if it was. */
    private boolean send(
            ScriptServer.Peer peer,
            SplittableRandom random,
            byte[] bytes,
            Descriptor[] riders,
            int oneOf)
            throws IOException {
        if (random.nextInt(oneOf) > 0) {
            peer.raw(bytes);
            return false;
        }
        spoilt.incrementAndGet();
        byte[] changed =
                random.nextInt(4) == 0
                        ? Arrays.copyOf(bytes, Header.BYTES + random.nextInt(64))
                        : bytes.clone();
        for (int changes = random.nextInt(4); changes > 0; changes--) {
            changed[random.nextInt(changed.length)] =
                    (byte) (random.nextBoolean() ? random.nextInt(256) : -random.nextInt(2));
        }
        // One that announces more than comes would only be waited for.
        int size = random.nextInt(20) == 0 ? random.nextInt(Header.BYTES) : changed.length;
        ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putInt(4, size);
        int carried = random.nextInt(3) == 0 ? random.nextInt(riders.length + 1) : 0;
        peer.raw(changed, Arrays.copyOf(riders, carried));
        return true;
    }

    /** Asks whatever it can until the device is gone. */
    private static void live(VfioUserClient client, EventDescriptor event, DmaMemory memory)
            throws IOException {
        for (int n = 0; n < 100; n++) {
            client.mapMemory(RAM, 4096, true, true, Optional.empty(), 0, memory);
            client.setEvents(2, 0, List.of(event, event));
            client.write(0, 0, 8, 1);
            client.post(0, 0, 4, 1);
            client.read(7, 0, MemorySegment.ofArray(new byte[256]));
            client.writeAll(List.of(new RegisterWrite(0, 0, 4, 1)));
            client.disable(2);
            client.reset();
            client.unmapMemory(RAM, 4096);
        }
    }

    /** Does that; true if the device is gone then. */
    private static boolean isLost(VfioUserClient client, EventDescriptor event, DmaMemory memory)
            throws IOException {
        try {
            live(client, event, memory);
            return false;
        } catch (VfioUserException expected) {
            assertThat(expected.getMessage()).isNotBlank();
            return expected.isLost();
        }
    }

    @Test
    void nothingStaysOfTenThousandBadAnswers() throws IOException, InterruptedException {
        assumeThat(Linux.isAvailable()).isTrue();
        SplittableRandom random = new SplittableRandom(SEED);
        try (Descriptor file = SharedMemory.create("memory", 1 << 20);
                EventDescriptor event = EventDescriptor.create("event");
                Arena arena = Arena.ofShared()) {
            MemorySegment ram = arena.allocate(4096, 4096);
            DmaMemory memory = DmaMemory.of(GuestMemory.of(new MemoryRegion(RAM, ram)));
            Descriptor[] riders = {file, event.descriptor(), file};
            AtomicInteger losses = new AtomicInteger();
            int connected = 0;
            int lost = 0;
            long before = -1;
            long mapped = mappings();
            try (ScriptServer server =
                    ScriptServer.start(
                            directory.resolve("bad.sock"), peer -> answer(peer, random, riders))) {
                while (spoilt.get() < MESSAGES) {
                    CountDownLatch told = new CountDownLatch(1);
                    try (VfioUserClient client =
                            VfioUserClient.builder(server.path())
                                    .timeout(Duration.ofMinutes(5))
                                    .onLoss(
                                            _ -> {
                                                losses.incrementAndGet();
                                                told.countDown();
                                            })
                                    .connect()) {
                        connected++;
                        if (isLost(client, event, memory)) {
                            lost++;
                            told.await(); // nobody is told once it is closed
                        }
                    } catch (VfioUserException expected) {
                        assertThat(expected.getMessage()).isNotBlank();
                    }
                    if (before < 0) {
                        before = count("/proc/self/fd"); // everything is loaded by now
                    }
                }
                assertThat(connected).as("seed %d", SEED).isGreaterThan(MESSAGES / 100);
                assertThat(lost).isPositive();
                // One who was refused may have been told in the moment before it was closed.
                assertThat(losses.get()).isBetween(lost, connected);
                assertThat(threads()).isZero();
                // The server's end of the last connection may be open still.
                while (count("/proc/self/fd") > before) {
                    Thread.onSpinWait();
                }
            }
            assertThat(mappings()).isEqualTo(mapped);
        }
    }
}
