package dev.dalang.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

final class UnixSocketTest {
    @TempDir Path directory;

    @BeforeEach
    void onLinux() {
        assumeThat(Linux.isAvailable()).isTrue();
    }

    private static MemorySegment bytes(int... values) {
        MemorySegment memory = Arena.ofAuto().allocate(values.length);
        for (int n = 0; n < values.length; n++) {
            memory.set(ValueLayout.JAVA_BYTE, n, (byte) values[n]);
        }
        return memory;
    }

    private static int openDescriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return (int) open.count();
        }
    }

    private static UnixSocket accepted(UnixListener listener) throws HostIoException {
        return listener.accept().orElseThrow();
    }

    @Test
    void whatIsSentIsReceived() throws HostIoException {
        Path path = directory.resolve("socket");
        MemorySegment target = Arena.ofAuto().allocate(16);
        try (UnixListener listener = UnixListener.listen(path);
                UnixSocket client = UnixSocket.connect(path);
                UnixSocket server = accepted(listener)) {
            client.send(bytes(1, 2, 3), List.of());

            var received = server.receive(target, new ArrayList<>(), 0);
            assertThat(received).isEqualTo(new UnixSocket.Received(3, 0));
            assertThat(target.asSlice(0, 3).mismatch(bytes(1, 2, 3))).isEqualTo(-1);
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void moreThanTheKernelHoldsIsSentWhole() throws Exception {
        MemorySegment large = Arena.ofAuto().allocate(4 << 20);
        for (long n = 0; n < large.byteSize(); n++) {
            large.set(ValueLayout.JAVA_BYTE, n, (byte) (n * 31 >>> 3));
        }
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket one = pair.get(0);
                UnixSocket other = pair.get(1)) {
            CompletableFuture<Void> sender =
                    CompletableFuture.runAsync(
                            () -> {
                                try {
                                    one.send(large, List.of());
                                } catch (HostIoException e) {
                                    throw new UncheckedIOException(e);
                                }
                            });
            MemorySegment target = Arena.ofAuto().allocate(large.byteSize());
            long came = 0;
            while (came < target.byteSize()) {
                came += other.receive(target.asSlice(came), new ArrayList<>(), 0).bytes();
            }
            sender.join();

            assertThat(target.mismatch(large)).isEqualTo(-1);
        }
    }

    @Test
    void descriptorsRideWithTheFirstByte() throws HostIoException {
        List<UnixSocket> pair = UnixSocket.pair();
        List<Descriptor> received = new ArrayList<>();
        try (UnixSocket one = pair.get(0);
                UnixSocket other = pair.get(1);
                Descriptor memory = SharedMemory.create("memory", 4096);
                EventDescriptor event = EventDescriptor.create("event");
                Arena arena = Arena.ofShared()) {
            one.send(bytes(1, 2), List.of(memory, event.descriptor()));
            one.send(bytes(3), List.of());
            MemorySegment target = Arena.ofAuto().allocate(1);

            other.receive(target, received, 2);

            assertThat(received).hasSize(2);
            MemorySegment here = SharedMemory.map(memory, 0, 4096, true, arena);
            MemorySegment there = SharedMemory.map(received.get(0), 0, 4096, true, arena);
            here.set(ValueLayout.JAVA_INT, 8, 42);
            assertThat(there.get(ValueLayout.JAVA_INT, 8)).isEqualTo(42);
            try (EventDescriptor same = EventDescriptor.of(received.get(1))) {
                assertThat(same.signal()).isTrue();
                assertThat(event.await(-1)).isEqualTo(1);
            }
            assertThat(other.receive(target, received, 2).bytes()).isEqualTo(1);
            assertThat(other.receive(target, received, 2).bytes()).isEqualTo(1);
            assertThat(received).hasSize(2);
        } finally {
            received.forEach(Descriptor::close);
        }
    }

    @Test
    void descriptorsThatNobodyWantsAreClosed() throws IOException {
        List<UnixSocket> pair = UnixSocket.pair();
        List<Descriptor> received = new ArrayList<>();
        MemorySegment target = Arena.ofAuto().allocate(1);
        try (UnixSocket one = pair.get(0);
                UnixSocket other = pair.get(1);
                Descriptor memory = SharedMemory.create("memory", 1)) {
            int before = openDescriptors();
            one.send(bytes(1), List.of(memory, memory, memory));

            assertThat(other.receive(target, received, 1)).isEqualTo(new UnixSocket.Received(1, 2));
            assertThat(received).hasSize(1);
            received.forEach(Descriptor::close);
            assertThat(openDescriptors()).isEqualTo(before);
        }
    }

    @Test
    void asManyDescriptorsAsTheKernelTakesArrive() throws HostIoException {
        List<UnixSocket> pair = UnixSocket.pair();
        List<Descriptor> received = new ArrayList<>();
        try (UnixSocket one = pair.get(0);
                UnixSocket other = pair.get(1);
                Descriptor memory = SharedMemory.create("memory", 1)) {
            List<Descriptor> all = Collections.nCopies(UnixSocket.MAX_DESCRIPTORS, memory);
            one.send(bytes(1), all);

            other.receive(Arena.ofAuto().allocate(1), received, UnixSocket.MAX_DESCRIPTORS);
            assertThat(received).hasSize(UnixSocket.MAX_DESCRIPTORS);

            List<Descriptor> tooMany = new ArrayList<>(all);
            tooMany.add(memory);
            assertThatThrownBy(() -> one.send(bytes(1), tooMany))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("at most 253 descriptors");
            assertThatThrownBy(() -> one.send(bytes(), List.of(memory)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("a byte for them");
        } finally {
            received.forEach(Descriptor::close);
        }
    }

    @Test
    void theEndOfTheStreamIsNoByte() throws HostIoException {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket other = pair.get(1)) {
            pair.get(0).close();

            assertThat(other.receive(Arena.ofAuto().allocate(1), new ArrayList<>(), 0).bytes())
                    .isZero();
            assertThatThrownBy(() -> other.send(bytes(1), List.of()))
                    .isInstanceOfSatisfying(
                            HostIoException.class,
                            failed -> assertThat(failed.errno()).contains(Errno.EPIPE));
        }
    }

    @Test
    void closingWakesWhoReceives() throws Exception {
        List<UnixSocket> pair = UnixSocket.pair();
        UnixSocket other = pair.get(1);
        try (UnixSocket one = pair.get(0)) {
            assertThat(one.toString()).contains("one of a pair");
            CountDownLatch begun = new CountDownLatch(1);
            CompletableFuture<Integer> bytes =
                    CompletableFuture.supplyAsync(
                            () -> {
                                begun.countDown();
                                try {
                                    return other.receive(
                                                    Arena.ofAuto().allocate(1),
                                                    new ArrayList<>(),
                                                    0)
                                            .bytes();
                                } catch (HostIoException closed) {
                                    return 0;
                                }
                            });
            begun.await();
            other.close();

            assertThat(bytes.join()).isZero();
            assertThatThrownBy(() -> other.send(bytes(1), List.of()))
                    .isInstanceOf(HostIoException.class)
                    .hasMessageContaining("bad file descriptor");
        }
    }

    @Test
    void closingWakesWhoAccepts() throws Exception {
        UnixListener listener = UnixListener.listen(directory.resolve("socket"));
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<Optional<UnixSocket>> accepted =
                CompletableFuture.supplyAsync(
                        () -> {
                            begun.countDown();
                            try {
                                return listener.accept();
                            } catch (HostIoException e) {
                                throw new UncheckedIOException(e);
                            }
                        });
        begun.await();
        listener.close();
        listener.close();

        assertThat(accepted.join()).isEmpty();
        assertThat(listener.accept()).isEmpty();
    }

    @Test
    void whoListensIsNotReplaced() throws HostIoException {
        Path path = directory.resolve("socket");
        try (UnixListener _ = UnixListener.listen(path)) {
            assertThatThrownBy(() -> UnixListener.listen(path))
                    .isInstanceOfSatisfying(
                            HostIoException.class,
                            failed -> assertThat(failed.errno()).contains(Errno.EADDRINUSE));
            UnixSocket.connect(path).close();
        }
    }

    @Test
    void whatADeadProcessLeftIsReplaced() throws IOException {
        Path path = directory.resolve("socket");
        UnixListener dead = UnixListener.listen(path);
        Path aside = directory.resolve("aside");
        Files.move(path, aside);
        dead.close();
        Files.move(aside, path);
        assertThat(path).exists();

        try (UnixListener _ = UnixListener.listen(path)) {
            UnixSocket.connect(path).close();
        }
    }

    @Test
    void aFileInTheWayIsLeftAlone() throws IOException {
        Path path = Files.writeString(directory.resolve("file"), "mine");

        assertThatThrownBy(() -> UnixListener.listen(path)).isInstanceOf(HostIoException.class);

        assertThat(path).hasContent("mine");
    }

    @Test
    void wrongPathsSayWhy() {
        Path missing = directory.resolve("missing");
        assertThatThrownBy(() -> UnixSocket.connect(missing))
                .isInstanceOf(HostIoException.class)
                .hasMessage(missing + ": no such file or directory (connect, ENOENT)");
        Path longer = directory.resolve("x".repeat(108));
        assertThatThrownBy(() -> UnixListener.listen(longer))
                .isInstanceOf(HostIoException.class)
                .hasMessage(longer + ": file name too long (bind, ENAMETOOLONG)");
        assertThatThrownBy(() -> UnixSocket.connect(longer))
                .isInstanceOf(HostIoException.class)
                .hasMessageContaining("(connect, ENAMETOOLONG)");
    }

    @Test
    void failuresLeaveNothingOpen() throws IOException {
        int before = openDescriptors();
        Path missing = directory.resolve("no/socket");

        for (int n = 0; n < 20; n++) {
            assertThatThrownBy(() -> UnixSocket.connect(missing))
                    .isInstanceOf(HostIoException.class);
            assertThatThrownBy(() -> UnixListener.listen(missing))
                    .isInstanceOf(HostIoException.class);
        }

        assertThat(openDescriptors()).isEqualTo(before);
    }

    @Test
    void anEventCountsItsSignals() throws HostIoException {
        EventDescriptor event = EventDescriptor.create("event");
        assertThat(event.await(0)).isZero();
        assertThat(event.signal()).isTrue();
        assertThat(event.signal()).isTrue();
        assertThat(event.await(-1)).isEqualTo(2);
        assertThat(event.await(0)).isZero();
        event.close();
        assertThat(event.signal()).isFalse();
        assertThatThrownBy(() -> event.await(0)).isInstanceOf(HostIoException.class);
    }

    @Test
    void whatIsNoEventIsNotSignalled() throws HostIoException {
        List<UnixSocket> pair = UnixSocket.pair();
        pair.get(1).close();
        try (EventDescriptor readOnly =
                EventDescriptor.of(openForReading(Path.of("/proc/self/status")))) {
            assertThat(readOnly.signal()).isFalse();
        } finally {
            pair.get(0).close();
        }
    }

    private static Descriptor openForReading(Path path) throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            return Descriptor.of(
                    Calls.open(arena.allocateFrom(path.toString()), 0, 0), path.toString());
        }
    }

    @Test
    void aViewEndsWithItsArena() throws HostIoException {
        Arena arena = Arena.ofShared();
        MemorySegment view;
        try (Descriptor memory = SharedMemory.create("memory", 8192)) {
            view = SharedMemory.map(memory, 4096, 4096, false, arena);
        }
        assertThat(view.get(ValueLayout.JAVA_LONG, 4088)).isZero();
        assertThat(view.isReadOnly()).isTrue();
        arena.close();

        assertThatThrownBy(() -> view.get(ValueLayout.JAVA_LONG, 0))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatCannotBeMappedSaysWhy() throws HostIoException {
        try (Descriptor memory = SharedMemory.create("memory", 4096);
                Arena arena = Arena.ofShared()) {
            assertThatThrownBy(() -> SharedMemory.map(memory, 1, 4096, true, arena))
                    .isInstanceOf(HostIoException.class)
                    .hasMessage("memory: invalid argument (mmap, EINVAL)");
            assertThatThrownBy(() -> SharedMemory.map(memory, 0, 0, true, arena))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> SharedMemory.create("memory", 0))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void whoDoesNotReadInTimeGetsNoMore() throws HostIoException {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket one = pair.get(0);
                UnixSocket other = pair.get(1)) {
            MemorySegment large = Arena.ofAuto().allocate(4 << 20);
            assertThatThrownBy(() -> one.send(large, List.of(), 1))
                    .isInstanceOfSatisfying(
                            HostIoException.class,
                            late -> assertThat(late.is(Errno.ETIMEDOUT)).isTrue());
            assertThat(other.receive(large, new ArrayList<>(), 0, 1).bytes()).isPositive();
        }
    }

    @Test
    void whatDoesNotComeInTimeIsNotWaitedFor() throws HostIoException {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket one = pair.get(0);
                UnixSocket other = pair.get(1)) {
            MemorySegment target = Arena.ofAuto().allocate(16);
            assertThatThrownBy(() -> one.receive(target, new ArrayList<>(), 0, 1))
                    .isInstanceOfSatisfying(
                            HostIoException.class,
                            late -> assertThat(late.is(Errno.ETIMEDOUT)).isTrue());
            other.send(bytes(5), List.of(), 0);
            assertThat(one.receive(target, new ArrayList<>(), 0, 0))
                    .isEqualTo(new UnixSocket.Received(1, 0));
            other.shutdown();
            assertThat(one.receive(target, new ArrayList<>(), 0, 0).bytes()).isZero();
        }
    }
}
