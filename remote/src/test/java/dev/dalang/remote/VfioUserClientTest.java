package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.devices.EduDevice;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.VfioUserClient.RegisterWrite;
import dev.dalang.remote.VfioUserException.Kind;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/** Our client with our server, over a real socket. */
final class VfioUserClientTest {
    private static final int CONFIGURATION = VfioUserRegion.CONFIGURATION;
    private static final int INTX = VfioUserInterrupts.INTX;
    private static final int MSIX = VfioUserInterrupts.MSIX;

    // Registers of the device.
    private static final int LIVENESS = 0x04;
    private static final int FACTORIAL = 0x08;
    private static final int RAISE = 0x60;
    private static final int ACKNOWLEDGE = 0x64;
    private static final int RAISED_VECTOR = 1;
    private static final long BUFFER = 0x4_0000;

    private static final long RAM = 0x8000_0000L;
    private static final long RAM_BYTES = 0x4000;
    private static final int MAPPED = 0x1122_3344;

    @TempDir Path directory;
    private final BlockingQueue<VfioUserException> losses = new LinkedBlockingQueue<>();
    private VfioUserServer server;
    private VfioUserClient client;

    @BeforeEach
    void serve() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        server = VfioUserServer.of(new EduDevice(), directory.resolve("edu.sock"));
        client = connect();
    }

    private VfioUserClient connect() throws VfioUserException {
        return VfioUserClient.builder(server.path()).onLoss(losses::add).connect();
    }

    @AfterEach
    void end() {
        if (server != null) {
            client.close();
            server.close();
        }
    }

    private static EventDescriptor event() throws HostIoException {
        return EventDescriptor.create("an interrupt");
    }

    // ---------------------------------------------------------------- what there is

    @Test
    void theDeviceIsDescribed() {
        assertThat(client.isPci()).isTrue();
        assertThat(client.isResettable()).isTrue();
        assertThat(client.region(0))
                .contains(new VfioUserRegion(0, 1 << 20, true, true, List.of()));
        assertThat(client.region(CONFIGURATION).orElseThrow().size()).isEqualTo(256);
        assertThat(client.region(1)).isEmpty();
        assertThat(client.interrupts())
                .startsWith(
                        new VfioUserInterrupts(INTX, 1, true, true, false),
                        new VfioUserInterrupts(1, 1, false, false, true),
                        new VfioUserInterrupts(MSIX, 3, false, false, true))
                .hasSize(5);
    }

    @Test
    void whoeverComesSecondIsToldThatTheDeviceIsBusy() {
        assertThatThrownBy(this::connect)
                .isInstanceOfSatisfying(
                        VfioUserException.class,
                        refused -> {
                            assertThat(refused.kind()).isEqualTo(Kind.UNREACHABLE);
                            assertThat(refused.errno()).contains(Errno.EBUSY);
                        })
                .hasMessageContaining("edu.sock");
    }

    @Test
    void nobodyToConnectToSaysWhere() {
        assertThatThrownBy(() -> VfioUserClient.builder(directory.resolve("none.sock")).connect())
                .isInstanceOfSatisfying(
                        VfioUserException.class,
                        refused -> {
                            assertThat(refused.kind()).isEqualTo(Kind.UNREACHABLE);
                            assertThat(refused.errno()).contains(Errno.ENOENT);
                        })
                .hasMessageContaining("none.sock");
    }

    // ---------------------------------------------------------------- regions

    @Test
    void registersAreReadAndWritten() throws VfioUserException {
        assertThat(client.read(CONFIGURATION, 0, 4)).isEqualTo(0x11e8_1234L);
        assertThat(client.read(CONFIGURATION, 2, 2)).isEqualTo(0x11e8);
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
        client.write(0, LIVENESS, 4, 0x1234_5678);
        assertThat(client.read(0, LIVENESS, 4)).isEqualTo(0xedcb_a987L);
    }

    @Test
    void whatIsPostedIsDoneBeforeWhatIsReadLater() throws VfioUserException {
        for (int n = 1; n < 200; n++) {
            client.post(0, LIVENESS, 4, n);
        }
        assertThat(client.read(0, LIVENESS, 4)).isEqualTo(~199L & 0xffff_ffffL);
    }

    @Test
    void severalWritesAreDoneInTheirOrder() throws VfioUserException {
        List<RegisterWrite> writes = new ArrayList<>();
        for (int n = 0; n < 1500; n++) {
            writes.add(new RegisterWrite(0, LIVENESS, 4, n));
        }
        client.writeAll(writes);
        assertThat(client.read(0, LIVENESS, 4)).isEqualTo(~1499L & 0xffff_ffffL);

        RegisterWrite good = new RegisterWrite(0, LIVENESS, 4, 5);
        assertThatThrownBy(
                        () -> client.writeAll(List.of(good, new RegisterWrite(0, -1, 4, 0), good)))
                .hasMessageContaining("of 3 writes 1 were done");
        assertThat(client.isConnected()).isTrue();
    }

    @Test
    void aRegionIsReadAsAWhole() throws VfioUserException {
        MemorySegment target = Arena.ofAuto().allocate(256);
        client.read(CONFIGURATION, 0, target);
        assertThat(target.get(ValueLayout.JAVA_INT, 0)).isEqualTo(0x11e8_1234);
        client.write(CONFIGURATION, 4, MemorySegment.ofArray(new byte[] {6, 0}));
        assertThat(client.read(CONFIGURATION, 4, 2)).isEqualTo(6);
    }

    @Test
    void whatTheServerRefusesIsTold() throws VfioUserException {
        assertThatThrownBy(() -> client.read(0, 1 << 20, 4))
                .isInstanceOfSatisfying(
                        VfioUserException.class,
                        refused -> {
                            assertThat(refused.kind()).isEqualTo(Kind.REFUSED);
                            assertThat(refused.errno()).contains(Errno.EINVAL);
                        })
                .hasMessageContaining("REGION_READ");
        assertThatThrownBy(() -> client.mask(3, 0, 1)).isInstanceOf(VfioUserException.class);
        assertThatThrownBy(() -> client.read(0, 0, 3)).isInstanceOf(IllegalArgumentException.class);
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
    }

    // ---------------------------------------------------------------- interrupts

    @Test
    void aMessageSignalsItsEvent() throws IOException {
        try (EventDescriptor first = event();
                EventDescriptor second = event()) {
            client.setEvents(MSIX, 0, List.of(first, second));
            client.post(0, RAISE, 4, 1);
            assertThat(second.await(-1)).isEqualTo(1);
            client.trigger(MSIX, 0, 1);
            assertThat(first.await(-1)).isEqualTo(1);

            client.clearEvents(MSIX, RAISED_VECTOR, 1);
            client.write(0, RAISE, 4, 1);
            assertThat(second.await(0)).isZero();
            client.disable(MSIX);
            assertThatThrownBy(() -> client.setEvents(MSIX, 2, List.of(first, second)))
                    .hasMessageContaining("DEVICE_SET_IRQS");
        }
    }

    @Test
    void theWireIsUnmaskedByAMessageOrAnEvent() throws IOException {
        try (EventDescriptor wire = event();
                EventDescriptor served = event()) {
            client.setEvents(INTX, 0, List.of(wire));
            client.write(0, RAISE, 4, 1);
            assertThat(wire.await(-1)).isEqualTo(1);
            client.unmask(INTX, 0, 1);
            assertThat(wire.await(-1)).isEqualTo(1);

            client.setUnmaskEvent(Optional.of(served));
            for (int n = 0; n < 100; n++) {
                served.signal();
                assertThat(wire.await(-1)).isEqualTo(1);
            }
            // Served at last: the wire falls, and its unmasking tells nothing.
            client.write(0, ACKNOWLEDGE, 4, 1);
            served.signal();
            client.write(0, RAISE, 4, 1);
            assertThat(wire.await(-1)).isEqualTo(1);

            client.setUnmaskEvent(Optional.empty());
            client.disable(INTX);
        }
    }

    // ---------------------------------------------------------------- memory

    /** The device copies between its buffer and memory. */
    private void transfer(long address, int bytes, boolean toMemory) throws IOException {
        client.post(0, 0x80, 8, toMemory ? BUFFER : address);
        client.post(0, 0x88, 8, toMemory ? address : BUFFER);
        client.post(0, 0x90, 8, bytes);
        client.post(0, 0x98, 8, toMemory ? 3 : 1);
        while ((client.read(0, 0x98, 8) & 1) != 0) {
            Thread.onSpinWait();
        }
    }

    /** Memory decoding and bus mastering on. */
    private void enable() throws VfioUserException {
        client.write(CONFIGURATION, 4, 2, 6);
    }

    private void assertCopies(MemorySegment ram) throws IOException {
        ram.set(ValueLayout.JAVA_INT, 0x800, MAPPED);
        transfer(RAM + 0x800, 4, false);
        transfer(RAM + 0x3ff8, 4, true);
        assertThat(ram.get(ValueLayout.JAVA_INT, 0x3ff8)).isEqualTo(MAPPED);
    }

    private void assertOutOfReach(MemorySegment ram) throws IOException {
        long failed = server.function().memory().failed();
        ram.set(ValueLayout.JAVA_INT, 0x3ff8, 0);
        transfer(RAM + 0x3ff8, 4, true);
        assertThat(ram.get(ValueLayout.JAVA_INT, 0x3ff8)).isZero();
        assertThat(server.function().memory().failed()).isEqualTo(failed + 1);
    }

    @Test
    void theDeviceReachesMemoryThatIsShared() throws IOException {
        enable();
        try (Descriptor file = SharedMemory.create("ram", 2 * RAM_BYTES);
                Arena arena = Arena.ofShared()) {
            MemorySegment ram = SharedMemory.map(file, RAM_BYTES, RAM_BYTES, true, arena);
            GuestMemory guest = GuestMemory.of(new MemoryRegion(RAM, ram));
            client.mapMemory(
                    RAM, RAM_BYTES, true, true, Optional.of(file), RAM_BYTES, DmaMemory.of(guest));
            assertThat(client.memoryPieces()).isEqualTo(1);
            assertThat(server.memoryPieces()).isEqualTo(1);
            assertCopies(ram);
            client.unmapMemory(RAM, RAM_BYTES);
            assertThat(server.memoryPieces()).isZero();
            assertOutOfReach(ram);
        }
    }

    @Test
    void theDeviceReachesOtherMemoryByMessages() throws IOException {
        enable();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment ram = arena.allocate(RAM_BYTES, 4096);
            GuestMemory guest = GuestMemory.of(new MemoryRegion(RAM, ram));
            DmaMemory memory = DmaMemory.of(guest);
            // In two pieces, so that a transfer goes over the seam.
            client.mapMemory(RAM, 0x1000, true, true, Optional.empty(), 0, memory);
            client.mapMemory(
                    RAM + 0x1000, RAM_BYTES - 0x1000, true, true, Optional.empty(), 0, memory);
            assertCopies(ram);
            ram.set(ValueLayout.JAVA_INT, 0xffe - 2, 0x5555_6666);
            ram.set(ValueLayout.JAVA_INT, 0x1000, 0x7777_8888);
            transfer(RAM + 0xffe, 4, false);
            transfer(RAM, 4, true);
            assertThat(ram.get(ValueLayout.JAVA_INT, 0)).isEqualTo(0x8888_5555);

            client.unmapMemory(RAM + 0x1000, RAM_BYTES - 0x1000);
            assertOutOfReach(ram);
            assertThat(client.refusals()).isZero();
        }
    }

    @Test
    void memoryThatMayNotBeWrittenIsNot() throws IOException {
        enable();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment ram = arena.allocate(RAM_BYTES, 4096);
            GuestMemory guest = GuestMemory.of(new MemoryRegion(RAM, ram));
            client.mapMemory(RAM, RAM_BYTES, true, false, Optional.empty(), 0, DmaMemory.of(guest));
            assertOutOfReach(ram);
        }
    }

    @Test
    void memoryIsMappedOnceAndInPages() throws IOException {
        DmaMemory none = DmaMemory.of(GuestMemory.of(List.of()));
        client.mapMemory(RAM, 0x2000, true, true, Optional.empty(), 0, none);
        assertThatThrownBy(
                        () ->
                                client.mapMemory(
                                        RAM + 0x1000,
                                        0x2000,
                                        true,
                                        true,
                                        Optional.empty(),
                                        0,
                                        none))
                .isInstanceOfSatisfying(
                        VfioUserException.class,
                        refused -> assertThat(refused.errno()).contains(Errno.EEXIST));
        assertThatThrownBy(
                        () -> client.mapMemory(RAM - 8, 8, true, true, Optional.empty(), 0, none))
                .isInstanceOfSatisfying(
                        VfioUserException.class,
                        refused -> assertThat(refused.errno()).contains(Errno.EINVAL));
        assertThatThrownBy(() -> client.unmapMemory(RAM, 0x1000))
                .isInstanceOfSatisfying(
                        VfioUserException.class,
                        refused -> assertThat(refused.errno()).contains(Errno.ENOENT));
        assertThat(server.memoryPieces()).isEqualTo(1);
        // A descriptor that is closed is the caller's mistake, and no end.
        Descriptor closed = SharedMemory.create("ram", 0x1000);
        closed.close();
        assertThatThrownBy(
                        () -> client.mapMemory(0, 0x1000, true, true, Optional.of(closed), 0, none))
                .isInstanceOfSatisfying(
                        VfioUserException.class,
                        refused -> assertThat(refused.errno()).contains(Errno.EBADF));
        client.unmapMemory(RAM, 0x2000);
        assertThat(client.memoryPieces()).isZero();
    }

    // ---------------------------------------------------------------- life

    @Test
    void aResetBringsBackThePowerOnState() throws VfioUserException {
        client.write(0, FACTORIAL, 4, 5);
        client.reset();
        assertThat(client.read(0, FACTORIAL, 4)).isZero();
    }

    @Test
    void theStateMovesToAnotherServer() throws IOException {
        client.write(0, LIVENESS, 4, 0x77);
        VfioUserMigration from = client.migration().orElseThrow();
        assertThat(from.hasPreCopy()).isTrue();
        assertThat(from.state()).isEqualTo(VfioUserMigration.RUNNING);
        from.enter(VfioUserMigration.STOP_COPY);
        MemorySegment state = Arena.ofAuto().allocate(1 << 20);
        long length = 0;
        for (int came = -1; came != 0; length += came) {
            came = from.readData(state.asSlice(length, 100));
        }
        from.enter(VfioUserMigration.RUNNING);

        try (VfioUserServer other =
                        VfioUserServer.of(new EduDevice(), directory.resolve("other.sock"));
                VfioUserClient second = VfioUserClient.builder(other.path()).connect()) {
            VfioUserMigration to = second.migration().orElseThrow();
            to.enter(VfioUserMigration.RESUMING);
            to.writeData(state.asSlice(0, length));
            to.enter(VfioUserMigration.RUNNING);
            assertThat(second.read(0, LIVENESS, 4)).isEqualTo(0xffff_ff88L);
            assertThatThrownBy(() -> to.enter(77)).isInstanceOf(VfioUserException.class);
        }
    }

    @Test
    void whatTheDeviceWritesIsLogged() throws IOException {
        enable();
        try (Descriptor file = SharedMemory.create("ram", RAM_BYTES)) {
            client.mapMemory(
                    RAM,
                    RAM_BYTES,
                    true,
                    true,
                    Optional.of(file),
                    0,
                    DmaMemory.of(GuestMemory.of(List.of())));
            VfioUserMigration log = client.migration().orElseThrow();
            assertThat(log.hasLog()).isTrue();
            log.startLog(4096, List.of(new VfioUserMigration.Range(RAM, RAM_BYTES)));
            transfer(RAM + 0x2ffe, 4, true);
            assertThat(log.takeLog(RAM, RAM_BYTES, 4096)).containsExactly(0b1100);
            assertThat(log.takeLog(RAM, RAM_BYTES, 4096)).containsExactly(0);
            log.stopLog();
        }
    }

    // ---------------------------------------------------------------- loss

    @Test
    void theServersEndIsTheDevicesLossAndAnotherServerIsReached() throws Exception {
        DmaMemory none = DmaMemory.of(GuestMemory.of(List.of()));
        client.mapMemory(RAM, 0x2000, true, true, Optional.empty(), 0, none);
        server.close();
        VfioUserException why = losses.take();
        assertThat(why.isLost()).isTrue();
        assertThat(client.isConnected()).isFalse();
        assertThat(client.memoryPieces()).isZero();
        assertThatThrownBy(() -> client.read(0, 0, 4))
                .isInstanceOfSatisfying(
                        VfioUserException.class, lost -> assertThat(lost.isLost()).isTrue())
                .hasMessageContaining("the device is gone");
        assertThatThrownBy(() -> client.post(0, 0, 4, 0)).isInstanceOf(VfioUserException.class);
        assertThatThrownBy(() -> client.unmapMemory(RAM, 0x2000))
                .isInstanceOf(VfioUserException.class);
        assertThatThrownBy(client::reconnect).hasMessageContaining("no vfio-user server");

        server = VfioUserServer.of(new EduDevice(), server.path());
        client.reconnect();
        client.reconnect();
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
        assertThat(server.clients()).isEqualTo(1);
        client.mapMemory(RAM, 0x2000, true, true, Optional.empty(), 0, none);
        assertThat(losses).isEmpty();
    }

    @Test
    void whoIsToldOfALossMayReconnectAtOnce() throws Exception {
        BlockingQueue<Object> outcomes = new LinkedBlockingQueue<>();
        VfioUserClient[] holder = new VfioUserClient[1];
        client.close();
        while (server.isConnected()) {
            Thread.onSpinWait();
        }
        try (VfioUserClient other =
                VfioUserClient.builder(server.path())
                        .onLoss(
                                _ -> {
                                    try {
                                        holder[0].reconnect();
                                        outcomes.add("again");
                                    } catch (VfioUserException failed) {
                                        outcomes.add(failed);
                                    }
                                })
                        .connect()) {
            holder[0] = other;
            server.close();
            assertThat(outcomes.take()).isInstanceOf(VfioUserException.class);
        }
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void whoIsToldOfALossMayEndItWhileAnotherDoes(boolean otherCloses, boolean toldCloses)
            throws Exception {
        BlockingQueue<String> ended = new LinkedBlockingQueue<>();
        CountDownLatch told = new CountDownLatch(1);
        VfioUserClient[] holder = new VfioUserClient[1];
        Thread other =
                Thread.ofPlatform()
                        .daemon()
                        .unstarted(
                                () -> {
                                    endOf(holder[0], otherCloses);
                                    ended.add("the other");
                                });
        client.close();
        while (server.isConnected()) {
            Thread.onSpinWait();
        }
        holder[0] =
                VfioUserClient.builder(server.path())
                        .onLoss(
                                _ -> {
                                    told.countDown();
                                    while (other.getState() != Thread.State.WAITING) {
                                        Thread.onSpinWait();
                                    }
                                    endOf(holder[0], toldCloses);
                                    ended.add("who was told");
                                })
                        .connect();
        server.close();
        told.await();
        other.start();

        assertThat(ended.take()).isEqualTo("who was told");
        assertThat(ended.take()).as("it waits for who is told").isEqualTo("the other");
        holder[0].close();
    }

    /** Closes, or tries in vain to reconnect. */
    private static void endOf(VfioUserClient client, boolean closes) {
        if (closes) {
            client.close();
        } else {
            assertThatThrownBy(client::reconnect).isInstanceOf(VfioUserException.class);
        }
    }

    @Test
    void closingTellsNobody() {
        client.close();
        client.close();
        assertThat(losses).isEmpty();
        assertThatThrownBy(() -> client.read(0, 0, 4)).isInstanceOf(VfioUserException.class);
        assertThatThrownBy(client::reconnect).hasMessageContaining("closed");
    }
}
