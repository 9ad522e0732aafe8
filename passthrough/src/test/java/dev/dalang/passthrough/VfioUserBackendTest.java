package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryBacking;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.devices.EduDevice;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.VfioUserServer;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;

/** A device of our own server's, reached as one that lives elsewhere. */
final class VfioUserBackendTest {
    // Registers of the device.
    private static final int LIVENESS = 0x04;
    private static final int FACTORIAL = 0x08;
    private static final int RAISE = 0x60;
    private static final int ACKNOWLEDGE = 0x64;
    private static final int RAISED_VECTOR = 1;
    private static final long BUFFER = 0x4_0000;

    private static final long RAM = 0x8000_0000L;
    private static final long RAM_BYTES = 0x4000;

    @TempDir Path directory;
    private VfioUserServer server;
    private VfioUserBackend backend;

    @BeforeEach
    void serve() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        server = VfioUserServer.of(new EduDevice(), directory.resolve("edu.sock"));
        backend = VfioUserBackend.connect(server.path());
    }

    @AfterEach
    void end() {
        if (server != null) {
            backend.close();
            server.close();
        }
    }

    // ---------------------------------------------------------------- registers

    @Test
    void theDeviceIsDescribed() {
        assertThat(backend.label()).isEqualTo("vfio-user:" + server.path());
        assertThat(backend.isResettable()).isTrue();
        assertThat(backend.isolationGroup()).isEmpty();
        assertThat(backend.regions())
                .contains(
                        BackendRegion.of(0, 1 << 20), BackendRegion.of(BackendRegion.CONFIG, 256));
        assertThat(backend.interrupts(InterruptKind.INTX))
                .isEqualTo(new InterruptInfo(1, true, true, false));
        assertThat(backend.interrupts(InterruptKind.MSIX))
                .isEqualTo(new InterruptInfo(3, false, false, true));
        assertThat(backend.interrupts(InterruptKind.REQUEST).count()).isZero();
    }

    @Test
    void registersAreReadAndWritten() throws BackendException {
        assertThat(backend.read(BackendRegion.CONFIG, 0, 4)).isEqualTo(0x11e8_1234L);
        backend.write(BackendRegion.CONFIG, 4, 2, 6);
        assertThat(backend.read(BackendRegion.CONFIG, 4, 2)).isEqualTo(6);
        backend.write(0, LIVENESS, 4, 0x1234_5678);
        assertThat(backend.read(0, LIVENESS, 4)).isEqualTo(0xedcb_a987L);
        MemorySegment whole = Arena.ofAuto().allocate(256);
        backend.read(BackendRegion.CONFIG, 0, whole);
        assertThat(whole.get(ValueLayout.JAVA_INT, 0)).isEqualTo(0x11e8_1234);
        assertThatThrownBy(() -> backend.read(0, 1 << 20, 4))
                .isInstanceOfSatisfying(
                        BackendException.class,
                        refused -> {
                            assertThat(refused.errno()).isEqualTo(Errno.EINVAL.number());
                            assertThat(refused.isLost()).isFalse();
                        });
    }

    // ---------------------------------------------------------------- interrupts

    @Test
    void aMessageIsSignalledToItsSink() throws Exception {
        BlockingQueue<Integer> signalled = new LinkedBlockingQueue<>();
        backend.arm(InterruptKind.MSIX, 0, 3, signalled::add);
        for (int n = 0; n < 100; n++) {
            backend.write(0, RAISE, 4, 1);
            assertThat(signalled.take()).isEqualTo(RAISED_VECTOR);
        }

        BlockingQueue<Integer> elsewhere = new LinkedBlockingQueue<>();
        backend.arm(InterruptKind.MSIX, RAISED_VECTOR, 1, elsewhere::add);
        backend.write(0, RAISE, 4, 1);
        assertThat(elsewhere.take()).isEqualTo(RAISED_VECTOR);
        assertThat(signalled).isEmpty();

        backend.disarm(InterruptKind.MSIX, RAISED_VECTOR, 1);
        backend.write(0, RAISE, 4, 1);
        assertThat(backend.read(0, LIVENESS, 4)).isNotNegative();
        assertThat(elsewhere).isEmpty();
        // It was pending meanwhile.
        backend.arm(InterruptKind.MSIX, RAISED_VECTOR, 1, elsewhere::add);
        assertThat(server.messagesSent()).isGreaterThanOrEqualTo(101);
        backend.disable(InterruptKind.MSIX);
        backend.disable(InterruptKind.MSIX);
    }

    @Test
    void theWireComesAgainUntilItIsServed() throws Exception {
        BlockingQueue<Integer> signalled = new LinkedBlockingQueue<>();
        backend.arm(InterruptKind.INTX, 0, 1, signalled::add);
        backend.write(0, RAISE, 4, 1);
        assertThat(signalled.take()).isZero();
        backend.unmask(InterruptKind.INTX, 0, 1);
        assertThat(signalled.take()).isZero();
        backend.write(0, ACKNOWLEDGE, 4, 1);
        backend.unmask(InterruptKind.INTX, 0, 1);
        backend.mask(InterruptKind.INTX, 0, 1);
        backend.write(0, RAISE, 4, 1);
        assertThat(backend.read(0, LIVENESS, 4)).isNotNegative();
        assertThat(signalled).isEmpty();
        backend.unmask(InterruptKind.INTX, 0, 1);
        assertThat(signalled.take()).isZero();
    }

    @Test
    void whoDisarmsWaitsForWhoIsTold() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        BlockingQueue<String> order = new LinkedBlockingQueue<>();
        backend.arm(
                InterruptKind.MSIX,
                RAISED_VECTOR,
                1,
                _ -> {
                    inside.countDown();
                    try {
                        goOn.await();
                    } catch (InterruptedException never) {
                        Thread.currentThread().interrupt();
                    }
                    order.add("told");
                });
        backend.write(0, RAISE, 4, 1);
        inside.await();
        Thread disarming =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        backend.disarm(InterruptKind.MSIX, RAISED_VECTOR, 1);
                                        order.add("disarmed");
                                    } catch (BackendException failed) {
                                        order.add(failed.toString());
                                    }
                                });
        goOn.countDown();
        disarming.join();
        assertThat(order).containsExactly("told", "disarmed");
    }

    @ParameterizedTest
    @EnumSource(InterruptKind.class)
    void interruptsThatThereAreNotAreRefused(InterruptKind kind) {
        int count = backend.interrupts(kind).count();
        for (int[] range : new int[][] {{0, count + 1}, {count, 1}, {-1, 1}, {0, 0}, {1, -1}}) {
            assertThatThrownBy(() -> backend.arm(kind, range[0], range[1], _ -> {}))
                    .isInstanceOf(BackendException.class);
            assertThatThrownBy(() -> backend.disarm(kind, range[0], range[1]))
                    .isInstanceOf(BackendException.class);
            assertThatThrownBy(() -> backend.mask(kind, range[0], range[1]))
                    .isInstanceOf(BackendException.class);
        }
    }

    // ---------------------------------------------------------------- memory

    private void transfer(long address, int bytes, boolean toMemory) throws BackendException {
        backend.write(0, 0x80, 8, toMemory ? BUFFER : address);
        backend.write(0, 0x88, 8, toMemory ? address : BUFFER);
        backend.write(0, 0x90, 8, bytes);
        backend.write(0, 0x98, 8, toMemory ? 3 : 1);
        while ((backend.read(0, 0x98, 8) & 1) != 0) {
            Thread.onSpinWait();
        }
    }

    private void assertReached(MemorySegment ram, Optional<MemoryBacking> backing)
            throws IOException {
        GuestMemory guest = GuestMemory.of(new MemoryRegion(RAM, ram));
        DmaAccess access =
                new DmaAccess() {
                    @Override
                    public void read(long address, MemorySegment target) {
                        guest.copyOut(address, target);
                    }

                    @Override
                    public void write(long address, MemorySegment source) {
                        guest.copyIn(address, source);
                    }
                };
        backend.write(BackendRegion.CONFIG, 4, 2, 6);
        backend.mapDma(new DmaMapping(RAM, ram, backing, true, true, access));
        assertThat(server.memoryPieces()).isEqualTo(1);
        ram.set(ValueLayout.JAVA_LONG, 0x1ff8, 0x1122_3344_5566_7788L);
        transfer(RAM + 0x1ffc, 4, false);
        transfer(RAM + 0x3ffc, 4, true);
        assertThat(ram.get(ValueLayout.JAVA_INT, 0x3ffc)).isEqualTo(0x1122_3344);

        assertThatThrownBy(() -> backend.unmapDma(RAM, 0x1000))
                .isInstanceOf(BackendException.class);
        backend.unmapDma(RAM, RAM_BYTES);
        ram.set(ValueLayout.JAVA_INT, 0x3ffc, 0);
        transfer(RAM + 0x3ffc, 4, true);
        assertThat(ram.get(ValueLayout.JAVA_INT, 0x3ffc)).isZero();
        assertThat(server.function().memory().failed()).isEqualTo(1);
    }

    @Test
    void memoryWithADescriptorIsGivenAndTaken() throws IOException {
        try (Descriptor file = SharedMemory.create("ram", 2 * RAM_BYTES);
                Arena arena = Arena.ofShared()) {
            MemorySegment ram = SharedMemory.map(file, RAM_BYTES, RAM_BYTES, true, arena);
            int number = file.acquire();
            try {
                assertReached(ram, Optional.of(new MemoryBacking.Descriptor(number, RAM_BYTES)));
            } finally {
                file.release();
            }
        }
    }

    @Test
    void memoryOfAFileIsGivenAndTaken() throws IOException {
        Path path = directory.resolve("ram");
        try (Arena arena = Arena.ofShared();
                FileChannel file =
                        FileChannel.open(
                                path,
                                StandardOpenOption.CREATE,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE)) {
            MemorySegment ram =
                    file.map(FileChannel.MapMode.READ_WRITE, RAM_BYTES, RAM_BYTES, arena);
            assertReached(ram, Optional.of(new MemoryBacking.File(path, RAM_BYTES)));
        }
    }

    @Test
    void otherMemoryIsReachedByMessages() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            assertReached(arena.allocate(RAM_BYTES, 4096), Optional.empty());
        }
    }

    // ---------------------------------------------------------------- life

    @Test
    void aResetDisarmsAndKeepsMemory() throws Exception {
        BlockingQueue<Integer> signalled = new LinkedBlockingQueue<>();
        backend.arm(InterruptKind.MSIX, 0, 3, signalled::add);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment ram = arena.allocate(RAM_BYTES, 4096);
            GuestMemory guest = GuestMemory.of(new MemoryRegion(RAM, ram));
            backend.mapDma(
                    new DmaMapping(
                            RAM,
                            ram,
                            Optional.empty(),
                            true,
                            true,
                            new DmaAccess() {
                                @Override
                                public void read(long address, MemorySegment target) {
                                    guest.copyOut(address, target);
                                }

                                @Override
                                public void write(long address, MemorySegment source) {
                                    guest.copyIn(address, source);
                                }
                            }));
            backend.write(0, FACTORIAL, 4, 5);
            backend.reset();
            assertThat(backend.read(0, FACTORIAL, 4)).isZero();
            assertThat(server.memoryPieces()).isEqualTo(1);
            backend.write(0, RAISE, 4, 1);
            assertThat(backend.read(0, LIVENESS, 4)).isNotNegative();
            assertThat(signalled).isEmpty();
            assertThat(server.messagesSent()).isZero();
        }
    }

    @Test
    void theServersEndIsALossAndABackendOpenedAnewHasTheDeviceAgain() throws Exception {
        CountDownLatch told = new CountDownLatch(2);
        backend.onLost(told::countDown);
        backend.arm(InterruptKind.MSIX, 0, 3, _ -> {});
        server.close();
        backend.onLost(told::countDown); // whether it was before or is after
        told.await();
        backend.onLost(told::countDown);
        for (ThrowingCallable call :
                List.<ThrowingCallable>of(
                        () -> backend.read(0, 0, 4),
                        () -> backend.write(0, 0, 4, 0),
                        () -> backend.arm(InterruptKind.MSIX, 0, 1, _ -> {}),
                        () -> backend.disarm(InterruptKind.MSIX, 0, 1),
                        () -> backend.unmapDma(RAM, RAM_BYTES),
                        () -> backend.reset())) {
            assertThatThrownBy(call)
                    .isInstanceOfSatisfying(
                            BackendException.class,
                            lost -> {
                                assertThat(lost.isLost()).isTrue();
                                assertThat(lost.errno()).isEqualTo(Errno.ENODEV.number());
                            });
        }
        backend.close();
        backend.close();
        assertThatThrownBy(() -> VfioUserBackend.connect(server.path()))
                .isInstanceOf(BackendException.class)
                .hasMessageContaining("no vfio-user server");

        server = VfioUserServer.of(new EduDevice(), server.path());
        backend = VfioUserBackend.connect(server.path());
        assertThat(backend.read(0, 0, 4)).isEqualTo(0x0100_00edL);
    }

    @Test
    void aSecondBackendIsToldThatTheDeviceIsBusy() {
        assertThatThrownBy(() -> VfioUserBackend.connect(server.path()))
                .isInstanceOfSatisfying(
                        BackendException.class,
                        busy -> assertThat(busy.errno()).isEqualTo(Errno.EBUSY.number()));
    }

    @Test
    void theStateMovesAndWrongStatesAreTold() throws IOException {
        backend.write(0, LIVENESS, 4, 0x77);
        BackendMigration from = backend.migration().orElseThrow();
        assertThat(from.hasPreCopy()).isTrue();
        assertThat(from.hasDirtyLog()).isTrue();
        from.enter(MigrationState.STOP_COPY);
        MemorySegment state = Arena.ofAuto().allocate(1 << 20);
        long length = 0;
        for (long came = -1; came != 0; length += came) {
            came = from.readData(state.asSlice(length, 999));
        }
        assertThatThrownBy(() -> from.enter(MigrationState.PRE_COPY))
                .isInstanceOfSatisfying(
                        MigrationException.class,
                        refused ->
                                assertThat(refused.reached()).contains(MigrationState.STOP_COPY));
        from.enter(MigrationState.RUNNING);
        backend.write(0, LIVENESS, 4, 0);
        from.enter(MigrationState.RESUMING);
        from.writeData(state.asSlice(0, length));
        from.enter(MigrationState.RUNNING);
        assertThat(backend.read(0, LIVENESS, 4)).isEqualTo(0xffff_ff88L);
    }

    @Test
    void nothingStaysOfAHundredBackends() throws IOException {
        backend.close();
        long before = -1;
        for (int n = 0; n < 100; n++) {
            while (server.isConnected()) {
                Thread.onSpinWait();
            }
            try (VfioUserBackend next = VfioUserBackend.connect(server.path())) {
                next.arm(InterruptKind.MSIX, 0, 3, _ -> {});
                next.write(0, RAISE, 4, 1);
            }
            while (server.isConnected()) {
                Thread.onSpinWait();
            }
            if (n == 0) {
                before = openDescriptors();
            }
        }
        assertThat(openDescriptors()).isEqualTo(before);
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("passthrough edu"));
    }

    private static long openDescriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.count();
        }
    }
}
