package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.devices.EduDevice;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.linux.UnixSocket;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.IoFd;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request.DeviceInfo;
import dev.dalang.remote.internal.wire.Request.DmaMap;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Request.DmaUnmap;
import dev.dalang.remote.internal.wire.Request.IrqInfo;
import dev.dalang.remote.internal.wire.Request.RegionIoFds;
import dev.dalang.remote.internal.wire.Request.RegionRead;
import dev.dalang.remote.internal.wire.Request.RegionWrite;
import dev.dalang.remote.internal.wire.Request.Reset;
import dev.dalang.remote.internal.wire.Request.WriteMulti;
import dev.dalang.remote.internal.wire.SetIrqs;
import dev.dalang.remote.internal.wire.SetIrqs.Action;
import dev.dalang.remote.internal.wire.SetIrqs.Data;
import dev.dalang.remote.internal.wire.Version;
import dev.dalang.remote.internal.wire.Writer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

final class VfioUserServerTest {
    private static final String QEMU =
            "{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, \"max_dma_maps\": 65535,"
                    + " \"max_data_xfer_size\": 1048576, \"migration\": {\"max_bitmap_size\":"
                    + " 268435456, \"pgsize\": 4096}, \"write_multiple\": true}}";

    private static final int CONFIGURATION = ScriptClient.CONFIGURATION;
    private static final int INTX = 0;
    private static final int MSI = 1;
    private static final int MSIX = 2;

    // Registers of the device.
    private static final int LIVENESS = 0x04;
    private static final int FACTORIAL = 0x08;
    private static final int RAISE = 0x60;
    private static final int ACKNOWLEDGE = 0x64;
    private static final int RAISED_VECTOR = 1;

    /** The BAR made for MSI-X. */
    private static final int TABLE = 5;

    private static final long RAM = 0x8000_0000L;

    @TempDir Path directory;
    private VfioUserServer server;
    private ScriptClient client;

    @BeforeEach
    void serve() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        server = VfioUserServer.of(new EduDevice(), directory.resolve("edu.sock"));
        client = ScriptClient.connect(server.path());
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

    private static byte[] version(int major, int minor, String json) {
        byte[] text = json.getBytes(StandardCharsets.US_ASCII);
        int end = json.isEmpty() ? 0 : 1;
        Writer bytes = Writer.of(4 + text.length + end);
        return bytes.putShort(major).putShort(minor).put(text).bytes();
    }

    // ---------------------------------------------------------------- versions

    private Version negotiate(byte[] proposal) throws IOException {
        client.close();
        client = ScriptClient.silent(server.path());
        return Version.parse(client.call(Command.VERSION, proposal));
    }

    @Test
    void qemuHasRoomForWhatItIsTold() throws IOException {
        client.close();
        client = ScriptClient.silent(server.path());
        byte[] proposal = version(0, 0, QEMU);
        byte[] reply = client.call(Command.VERSION, proposal);

        assertThat(reply.length).isLessThanOrEqualTo(proposal.length);
        Version agreed = Version.parse(reply);
        assertThat(agreed.major()).isZero();
        assertThat(agreed.minor()).isZero();
        Capabilities can = agreed.capabilities().orElseThrow();
        assertThat(can.maxMsgFds()).hasValue(16);
        assertThat(can.maxDataXferSize()).hasValue(1 << 20);
        assertThat(can.pgsizes()).hasValue(4096);
        assertThat(can.writeMultiple()).contains(true);
    }

    @Test
    void nothingIsSaidThatWasNotAskedFor() throws IOException {
        Version agreed = negotiate(version(0, 7, "{\"capabilities\":{\"max_msg_fds\":1}}"));

        assertThat(agreed.minor()).isEqualTo(1);
        Capabilities can = agreed.capabilities().orElseThrow();
        assertThat(can.maxMsgFds()).hasValue(16);
        assertThat(can.writeMultiple()).isEmpty();
        assertThat(can.migration()).isEmpty();
        assertThat(negotiate(version(0, 1, "")).capabilities()).contains(Capabilities.NONE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "01000100",
                "0000",
                "00000100 7b7d",
                "00000100 7b00",
                "00000100 7b226361706162696c6974696573223a377d00"
            })
    void whoProposesWhatCannotBeIsRefusedAndLetGo(String proposal) throws IOException {
        client.close();
        client = ScriptClient.silent(server.path());
        byte[] payload = HexFormat.of().parseHex(proposal.replace(" ", ""));
        assertThatThrownBy(() -> client.call(Command.VERSION, payload))
                .isInstanceOf(ScriptClient.RefusedException.class)
                .hasMessageContaining("22");
        assertThat(client.connection.receive()).isEmpty();
    }

    @Test
    void versionsComeFirstAndOnce() throws IOException {
        client.refused(Errno.EINVAL, new Version(0, 1, Optional.empty()));
        client.close();
        client = ScriptClient.silent(server.path());
        client.refused(Errno.EINVAL, new DeviceInfo(16, 0, 0, 0));
        assertThat(client.connection.receive()).isEmpty();
    }

    // ---------------------------------------------------------------- what there is

    @Test
    void itIsADeviceOfPciThatCanBeReset() throws IOException {
        assertThat(DeviceInfo.parse(client.call(new DeviceInfo(16, 0, 0, 0))))
                .isEqualTo(new DeviceInfo(16, 3, 9, 5));
        assertThat(DeviceInfo.parse(client.call(new DeviceInfo(1000, 0, 0, 0))).argsz())
                .isEqualTo(16);
        client.refused(Errno.EINVAL, new DeviceInfo(15, 0, 0, 0));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 1048576, 3",
        "1, 0, 0",
        "2, 0, 0",
        "3, 0, 0",
        "4, 0, 0",
        "5, 4096, 3",
        "6, 0, 0",
        "7, 256, 3",
        "8, 0, 0"
    })
    void regionsAreThoseOfTheDevice(int region, long bytes, int flags) throws IOException {
        assertThat(RegionInfo.parse(client.call(new RegionInfo(32, region))))
                .isEqualTo(new RegionInfo(32, flags, region, bytes, 0, List.of()));
        assertThat(IoFd.parseReply(client.call(new RegionIoFds(16, 0, region, 0)))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 7", "1, 1, 9", "2, 3, 9", "3, 0, 9", "4, 0, 9"})
    void interruptsAreThoseOfTheDevice(int kind, int count, int flags) throws IOException {
        assertThat(IrqInfo.parse(client.call(new IrqInfo(16, 0, kind, 0))))
                .isEqualTo(new IrqInfo(16, flags, kind, count));
    }

    @ParameterizedTest
    @ValueSource(ints = {9, -1, Integer.MIN_VALUE})
    void thereIsNothingElse(int index) {
        client.refused(Errno.EINVAL, new RegionInfo(32, index));
        client.refused(Errno.EINVAL, new RegionIoFds(16, 0, index, 0));
        client.refused(Errno.EINVAL, new IrqInfo(16, 0, index, 0));
        client.refused(Errno.EINVAL, new RegionRead(0, index, 4));
    }

    // ---------------------------------------------------------------- regions

    @Test
    void configurationSpaceIsReadInWholeAndInParts() throws IOException {
        assertThat(client.read(CONFIGURATION, 0, 4)).isEqualTo(0x11e8_1234L);
        assertThat(client.read(CONFIGURATION, 2, 2)).isEqualTo(0x11e8);
        assertThat(client.read(CONFIGURATION, 1, 1)).isEqualTo(0x12);
        assertThat(client.read(CONFIGURATION, 1, 4))
                .isEqualTo(0x0011_e812L | client.read(7, 4, 1) << 24);
        assertThat(client.read(CONFIGURATION, 0x3d, 1)).isEqualTo(1);
        byte[] all = client.call(new RegionRead(0, CONFIGURATION, 256));
        assertThat(all).hasSize(16 + 256);
        assertThat(all[16]).isEqualTo((byte) 0x34);
    }

    @Test
    void aBarTellsItsSize() throws IOException {
        client.write(CONFIGURATION, 0x10, 4, 0xffff_ffffL);
        assertThat(client.read(CONFIGURATION, 0x10, 4)).isEqualTo(0xfff0_0000L);
        client.write(CONFIGURATION, 0x10, 4, 0x4000_0000L);
        client.write(CONFIGURATION, 4, 2, 2);
        assertThat(client.read(CONFIGURATION, 0x10, 4)).isEqualTo(0x4000_0000L);
        assertThat(server.function().bar(0)).isPresent();
    }

    @Test
    void theDeviceAnswersBehindItsBar() throws IOException {
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
        client.write(0, LIVENESS, 4, 0x1234_5678);
        assertThat(client.read(0, LIVENESS, 4)).isEqualTo(0xedcb_a987L);
        client.post(new RegionWrite(FACTORIAL, 0, ScriptClient.data(4, 5)));
        assertThat(client.read(0, FACTORIAL, 4)).isEqualTo(120);
    }

    @Test
    void aReadOfNothingGivesNothing() throws IOException {
        assertThat(client.call(new RegionRead(8, 0, 0))).hasSize(16);
        assertThat(client.call(new RegionRead(256, CONFIGURATION, 0))).hasSize(16);
        client.write(0, 8, 0, 0);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0x100000, 1",
        "0, 0xffffd, 4",
        "0, -1, 1",
        "0, -1, 4",
        "0, 0x7fffffffffffffff, 4",
        "7, 253, 4",
        "7, 256, 4",
        "2, 0, 4",
        "8, 0, 1",
        "0, 0, 0x100001",
        "0, 0, -1"
    })
    void anAccessOutsideOfARegionIsRefused(int region, String offset, String count)
            throws IOException {
        long from = Long.decode(offset);
        int bytes = Integer.decode(count);
        client.refused(Errno.EINVAL, new RegionRead(from, region, bytes));
        if (bytes == 1 || bytes == 4) {
            client.refused(
                    Errno.EINVAL, new RegionWrite(from, region, ScriptClient.data(bytes, 0)));
        }
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
    }

    @Test
    void severalWritesAreDoneInTheirOrder() throws IOException {
        byte[] reply =
                client.call(
                        new WriteMulti(
                                List.of(
                                        new RegionWrite(LIVENESS, 0, ScriptClient.data(4, 1)),
                                        new RegionWrite(LIVENESS, 0, ScriptClient.data(4, 2)),
                                        new RegionWrite(FACTORIAL, 0, ScriptClient.data(4, 4)))));
        assertThat(reply).isEqualTo(new byte[] {3, 0, 0, 0, 0, 0, 0, 0});
        assertThat(client.read(0, LIVENESS, 4)).isEqualTo(0xffff_fffdL);
        assertThat(client.read(0, FACTORIAL, 4)).isEqualTo(24);
    }

    @Test
    void writesAreDoneUpToTheFirstThatCannotBe() throws IOException {
        RegionWrite good = new RegionWrite(FACTORIAL, 0, ScriptClient.data(4, 3));
        RegionWrite bad = new RegionWrite(-1, 0, ScriptClient.data(4, 3));
        assertThat(client.call(new WriteMulti(List.of(good, bad, good)))[0]).isEqualTo((byte) 1);
        client.refused(Errno.EINVAL, new WriteMulti(List.of(bad, good)));
    }

    @Test
    void aResetBringsBackThePowerOnState() throws IOException {
        client.enable();
        client.write(0, FACTORIAL, 4, 5);
        assertThat(client.call(Reset.INSTANCE)).isEmpty();
        assertThat(client.read(0, FACTORIAL, 4)).isZero();
        assertThat(client.read(CONFIGURATION, 4, 2)).isZero();
    }

    @Test
    void transfersAreNotAClientsToAskFor() {
        client.refused(Errno.EINVAL, new DmaRead(RAM, 4));
    }

    // ---------------------------------------------------------------- interrupts

    private void raise() throws IOException {
        client.write(0, RAISE, 4, 1);
    }

    @Test
    void aVectorIsLiveIfItHasAnEvent() throws IOException {
        try (EventDescriptor first = event();
                EventDescriptor second = event()) {
            // As QEMU does: MSI-X on, then events come and go.
            client.write(CONFIGURATION, msix() + 2, 2, 0x8000);
            client.irqs(Data.EVENTFD, Action.TRIGGER, MSIX, 0, 1);
            client.irqs(Data.NONE, Action.TRIGGER, MSIX, 0, 0);
            client.events(MSIX, 0, first, second);
            raise();
            assertThat(second.await(-1)).isEqualTo(1);
            assertThat(first.await(0)).isZero();
            assertThat(server.messagesSent()).isEqualTo(1);

            client.irqs(Data.EVENTFD, Action.TRIGGER, MSIX, RAISED_VECTOR, 1);
            raise();
            assertThat(second.await(0)).isZero();
        }
    }

    @Test
    void whatWasTriggeredBeforeFiresWhenTheEventComes() throws IOException {
        try (EventDescriptor event = event()) {
            client.write(CONFIGURATION, msix() + 2, 2, 0x8000);
            raise();
            raise();
            assertThat(pendingBits()).isEqualTo(1 << RAISED_VECTOR);

            client.events(MSIX, RAISED_VECTOR, event);
            assertThat(event.await(-1)).isEqualTo(1);
            assertThat(pendingBits()).isZero();
        }
    }

    @Test
    void eventsAreEnoughWhateverTheGuestWrote() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(MSIX, RAISED_VECTOR, event);
            // Masks are the client's business: its guest may write them here too.
            client.write(CONFIGURATION, msix() + 2, 2, 0xc000);
            client.write(TABLE, 16 * RAISED_VECTOR + 12, 4, 1);
            raise();
            assertThat(event.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void theTableStaysWithTheClient() throws IOException {
        client.write(CONFIGURATION, msix() + 2, 2, 0x8000);
        client.write(TABLE, 16 * RAISED_VECTOR + 12, 4, 0);
        assertThat(client.read(TABLE, 16 * RAISED_VECTOR + 12, 4)).isEqualTo(1);
        raise();
        assertThat(pendingBits()).isEqualTo(1 << RAISED_VECTOR);
    }

    @Test
    void oneMessageOfMsiServesAllVectors() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(MSI, 0, event);
            raise();
            assertThat(event.await(-1)).isEqualTo(1);
            client.irqs(Data.NONE, Action.TRIGGER, MSI, 0, 0);
            raise();
            assertThat(event.await(0)).isZero();
        }
    }

    @Test
    void aMaskedMessageWaits() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(MSI, 0, event);
            client.irqs(Data.NONE, Action.MASK, MSI, 0, 1);
            raise();
            assertThat(event.await(0)).isZero();
            client.irqs(Data.NONE, Action.UNMASK, MSI, 0, 1);
            assertThat(event.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void theWireIsMaskedUntilItIsServed() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(INTX, 0, event);
            raise();
            assertThat(event.await(-1)).isEqualTo(1);
            raise();
            assertThat(event.await(0)).isZero();

            // Still active: it is signalled again.
            client.irqs(Data.NONE, Action.UNMASK, INTX, 0, 1);
            assertThat(event.await(-1)).isEqualTo(1);

            client.write(0, ACKNOWLEDGE, 4, 1);
            client.irqs(Data.NONE, Action.UNMASK, INTX, 0, 1);
            assertThat(event.await(0)).isZero();
            raise();
            assertThat(event.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void theWireCanBeMaskedAndDisabled() throws IOException {
        try (EventDescriptor event = event()) {
            client.events(INTX, 0, event);
            client.irqs(Data.NONE, Action.MASK, INTX, 0, 1);
            raise();
            assertThat(event.await(0)).isZero();
            client.call(
                    new SetIrqs(20, Data.BOOL, Action.UNMASK, INTX, 0, 1, ScriptClient.data(1, 1)));
            assertThat(event.await(-1)).isEqualTo(1);

            // Command.Interrupt Disable.
            client.write(0, ACKNOWLEDGE, 4, 1);
            client.irqs(Data.NONE, Action.UNMASK, INTX, 0, 1);
            client.write(CONFIGURATION, 4, 2, 0x400);
            raise();
            assertThat(event.await(0)).isZero();
            assertThat(client.read(CONFIGURATION, 6, 2) & 8).isEqualTo(8);
            client.write(CONFIGURATION, 4, 2, 0);
            assertThat(event.await(-1)).isEqualTo(1);
        }
    }

    @Test
    void aClientMayTryItsOwnEvents() throws IOException {
        try (EventDescriptor first = event();
                EventDescriptor second = event()) {
            client.events(MSIX, 0, first, second);
            client.irqs(Data.NONE, Action.TRIGGER, MSIX, 1, 1);
            assertThat(second.await(-1)).isEqualTo(1);
            client.call(
                    new SetIrqs(
                            20, Data.BOOL, Action.TRIGGER, MSIX, 0, 2, ScriptClient.data(2, 1)));
            assertThat(first.await(-1)).isEqualTo(1);
            assertThat(second.await(0)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2, 3, 1",
        "2, 0, 4",
        "2, 2, 2",
        "2, 1, -1",
        "2, -1, 2",
        "1, 1, 1",
        "0, 0, 2",
        "3, 0, 1",
        "4, 0, 1",
        "5, 0, 1",
        "-1, 0, 1"
    })
    void interruptsThatThereAreNotAreRefused(int kind, int start, int count) {
        client.refused(Errno.EINVAL, new SetIrqs(Data.EVENTFD, Action.TRIGGER, kind, start, count));
        client.refused(Errno.EINVAL, new SetIrqs(Data.NONE, Action.MASK, kind, start, count));
    }

    private int msix() throws IOException {
        int at = (int) client.read(CONFIGURATION, 0x34, 1);
        while (client.read(CONFIGURATION, at, 1) != 0x11) {
            at = (int) client.read(CONFIGURATION, at + 1, 1);
        }
        return at;
    }

    private long pendingBits() throws IOException {
        long place = client.read(CONFIGURATION, msix() + 8, 4);
        return client.read((int) (place & 7), place & ~7, 8);
    }

    // ---------------------------------------------------------------- memory

    /** The device copies between its buffer and memory. */
    private void transfer(long address, int bytes, boolean toMemory) throws IOException {
        client.write(0, toMemory ? 0x80 : 0x88, 8, 0x4_0000);
        client.write(0, toMemory ? 0x88 : 0x80, 8, address);
        client.write(0, 0x90, 8, bytes);
        client.write(0, 0x98, 8, toMemory ? 3 : 1);
    }

    @Test
    void mappedMemoryIsReadAndWritten() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 0x4000);
                Arena arena = Arena.ofShared()) {
            MemorySegment view = SharedMemory.map(memory, 0, 0x4000, true, arena);
            client.enable();
            client.call(new DmaMap(3, 0x1000, RAM, 0x2000), memory);
            assertThat(server.memoryPieces()).isEqualTo(1);
            view.set(ValueLayout.JAVA_LONG, 0x1800, 0x1122_3344_5566_7788L);

            transfer(RAM + 0x800, 8, false);
            transfer(RAM + 0xffc, 8, true);
            assertThat(view.get(ValueLayout.JAVA_LONG_UNALIGNED, 0x1ffc))
                    .isEqualTo(0x1122_3344_5566_7788L);
            assertThat(client.transfers).isZero();

            client.unmap(RAM, 0x2000);
            assertThat(server.memoryPieces()).isZero();
            transfer(RAM + 0x10, 8, true);
            assertThat(view.get(ValueLayout.JAVA_LONG, 0x1010)).isZero();
            assertThat(server.function().memory().failed()).isEqualTo(1);
        }
    }

    @Test
    void memoryWithoutADescriptorIsReachedByMessages() throws IOException {
        client.enable();
        client.remote.put(RAM, new byte[4096]);
        client.remote.get(RAM)[5] = 42;
        client.map(RAM, 4096);

        transfer(RAM + 4, 8, false);
        transfer(RAM + 0x100, 8, true);
        assertThat(client.remote.get(RAM)[0x101]).isEqualTo((byte) 42);
        assertThat(client.transfers).isEqualTo(2);
        assertThat(server.function().memory().transfers()).isEqualTo(2);
    }

    @Test
    void anAccessMayLieInBothKindsOfMemory() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 4096);
                Arena arena = Arena.ofShared()) {
            MemorySegment view = SharedMemory.map(memory, 0, 4096, true, arena);
            view.set(ValueLayout.JAVA_INT, 4092, 0x0403_0201);
            client.enable();
            client.map(RAM, 4096, memory);
            client.remote.put(RAM + 4096, new byte[4096]);
            client.remote.get(RAM + 4096)[3] = 8;
            client.map(RAM + 4096, 4096);

            transfer(RAM + 4092, 8, false);
            transfer(RAM, 8, true);
            assertThat(view.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(0x0800_0000_0403_0201L);
        }
    }

    @Test
    void aFailedTransferIsNoErrorOfTheWriteThatBeganIt() throws IOException {
        client.enable();
        transfer(RAM, 8, true);
        client.remote.put(RAM, new byte[4096]);
        client.map(RAM, 4096);
        client.refuseTransfers = Errno.EFAULT.number();
        transfer(RAM, 8, true);
        transfer(RAM + 4092, 8, true);
        client.refuseTransfers = 0;

        assertThat(client.transfers).isEqualTo(1);
        assertThat(server.function().memory().failed()).isEqualTo(3);
        transfer(RAM, 8, true);
        assertThat(client.transfers).isEqualTo(2);
    }

    @Test
    void memoryThatIsOnlyReadIsNotWritten() throws IOException {
        try (Descriptor memory = SharedMemory.create("rom", 4096);
                Arena arena = Arena.ofShared()) {
            MemorySegment view = SharedMemory.map(memory, 0, 4096, true, arena);
            view.fill((byte) 7);
            client.enable();
            client.call(new DmaMap(DmaMap.READ, 0, RAM, 4096), memory);
            client.call(new DmaMap(DmaMap.READ, 0, 2 * RAM, 4096));
            transfer(RAM, 4, false);
            transfer(RAM + 8, 8, true);
            transfer(2 * RAM, 8, true);
            assertThat(view.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(0x0707_0707_0707_0707L);
            assertThat(client.transfers).isZero();
            assertThat(server.function().memory().failed()).isEqualTo(2);
        }
    }

    @Test
    void nothingIsReachedUntilTheDriverAllowsIt() throws IOException {
        client.remote.put(RAM, new byte[4096]);
        client.map(RAM, 4096);
        transfer(RAM, 8, false);
        assertThat(client.transfers).isZero();
        assertThat(server.function().memory().refused()).isEqualTo(1);
    }

    /** Says when it sleeps. */
    private static final class Sleeper implements PciDevice {
        final List<String> calls = new CopyOnWriteArrayList<>();

        @Override
        public PciDeviceSpec spec() {
            return PciDeviceSpec.builder("sleeper", 0x1234, 1).memoryBar(0, 4096).build();
        }

        @Override
        public long readBar(int bar, long offset, int size) {
            calls.add("read");
            return 0;
        }

        @Override
        public void writeBar(int bar, long offset, int size, long value) {}

        @Override
        public void sleep() {
            calls.add("sleep");
        }

        @Override
        public void wake() {
            calls.add("wake");
        }

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("sleeper", 1).build();
        }

        @Override
        public void restore(Snapshot snapshot) {}
    }

    @Test
    void memoryIsTakenFromADeviceThatSleeps() throws IOException {
        Sleeper sleeper = new Sleeper();
        try (VfioUserServer other = VfioUserServer.of(sleeper, directory.resolve("sleeper.sock"));
                Descriptor file = SharedMemory.create("guest", 0x2000)) {
            try (ScriptClient its = ScriptClient.connect(other.path())) {
                its.map(RAM, 0x2000, file);
                its.enable();
                assertThat(sleeper.calls).isEmpty();

                its.unmap(RAM, 0x2000);
                assertThat(sleeper.calls).startsWith("sleep");
                its.map(RAM, 0x1000, file);
                its.read(0, 0, 4);
                assertThat(sleeper.calls).endsWith("wake", "read");

                // Nothing is asked of it: it wakes all the same.
                int before = sleeper.calls.size();
                its.unmap(RAM, 0x1000);
                while (sleeper.calls.stream().skip(before).noneMatch("wake"::equals)) {
                    Thread.onSpinWait();
                }
            }
            while (other.isConnected()) {
                Thread.onSpinWait();
            }
            assertThat(sleeper.calls).endsWith("sleep");
            try (ScriptClient next = ScriptClient.connect(other.path())) {
                next.map(RAM, 0x2000, file);
                assertThat(sleeper.calls).endsWith("sleep");
                next.read(0, 0, 4);
                assertThat(sleeper.calls).endsWith("wake", "read");
            }
        }
    }

    private void map(
            Errno errno, int flags, long offset, long address, long size, Descriptor file) {
        client.refused(errno, new DmaMap(flags, offset, address, size), file);
    }

    @Test
    void memoryThatCannotBeIsRefused() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 0x3000);
                EventDescriptor event = event()) {
            client.map(RAM, 0x2000, memory);
            client.map(RAM, 0x2000, memory); // again, as it is
            client.map(RAM + 0x2000, 0x1000, memory);
            map(Errno.EEXIST, 3, 0, RAM, 0x1000, memory);
            map(Errno.EEXIST, 1, 0, RAM, 0x2000, memory);
            map(Errno.EEXIST, 3, 0, RAM + 0x1000, 0x1000, memory);
            map(Errno.EEXIST, 3, 0, RAM - 0x1000, 0x2000, memory);
            map(Errno.EEXIST, 3, 0, RAM - 0x1000, 0x3000, memory);
            client.refused(Errno.EEXIST, new DmaMap(3, 0, RAM, 0x2000));
            map(Errno.EINVAL, 3, 0, 0x800, 0x1000, memory);
            map(Errno.EINVAL, 3, 0, 0x1000, 0x800, memory);
            map(Errno.EINVAL, 3, 0x800, 0x1000, 0x1000, memory);
            map(Errno.EINVAL, 3, -0x1000, 0x1000, 0x1000, memory);
            map(Errno.EINVAL, 3, 0x1000, 0x1000, 0x3000, memory);
            map(Errno.EINVAL, 3, Long.MAX_VALUE - 4095, 0x1000, 0x1000, memory);
            map(Errno.ENODEV, 3, 0, 0x1000, 0x1000, event.descriptor());
            assertThat(server.memoryPieces()).isEqualTo(2);

            client.refused(Errno.ENOENT, new DmaUnmap(0, RAM, 0x1000));
            client.refused(Errno.ENOENT, new DmaUnmap(0, RAM + 0x1000, 0x1000));
            client.refused(Errno.ENOENT, new DmaUnmap(0, 0, 0x1000));
            client.refused(Errno.ENOENT, new DmaUnmap(0, RAM, 0x3000));
            assertThat(DmaUnmap.parse(client.call(new DmaUnmap(DmaUnmap.ALL, 0, 0))).flags())
                    .isEqualTo(DmaUnmap.ALL);
            assertThat(server.memoryPieces()).isZero();
        }
    }

    @Test
    void asMuchMemoryAsThereCanBeIsReachedByMessages() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 1L << 46)) {
            client.map(0, Long.MIN_VALUE);
            client.map(Long.MIN_VALUE, 1L << 46, memory);
            client.remote.put(RAM, new byte[4096]);
            client.enable();
            transfer(RAM, 8, true);
            assertThat(client.transfers).isEqualTo(1);
        }
    }

    // ---------------------------------------------------------------- clients

    @Test
    void theDeviceKeepsItsStateWhenAClientDies() throws IOException {
        try (Descriptor memory = SharedMemory.create("ram", 4096);
                EventDescriptor event = event()) {
            client.enable();
            client.map(RAM, 4096, memory);
            client.events(MSIX, RAISED_VECTOR, event);
            client.write(0, FACTORIAL, 4, 5);
            client.close();

            client = ScriptClient.connect(server.path());
            assertThat(client.read(0, FACTORIAL, 4)).isEqualTo(120);
            assertThat(client.read(CONFIGURATION, 4, 2)).isEqualTo(6);
            assertThat(server.memoryPieces()).isZero();
            raise();
            assertThat(event.await(0)).isZero();
            assertThat(server.clients()).isEqualTo(2);
        }
    }

    @Test
    void aSecondClientIsToldThatTheDeviceIsBusy() throws IOException {
        try (ScriptClient second = ScriptClient.silent(server.path())) {
            second.refused(Errno.EBUSY, new Version(0, 1, Optional.empty()));
            assertThat(second.connection.receive()).isEmpty();
        }
        assertThat(server.clientsTurnedAway()).isEqualTo(1);
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
    }

    @Test
    void clientsThatSayNothingKeepNobodyOut() throws IOException {
        ScriptClient[] silent = new ScriptClient[20];
        for (int n = 0; n < silent.length; n++) {
            silent[n] = ScriptClient.silent(server.path());
        }
        while (server.clientsTurnedAway() < silent.length) {
            Thread.onSpinWait();
        }
        // The first have had to go for the others.
        assertThat(silent[0].connection.receive()).isEmpty();
        client.close();
        client = ScriptClient.connect(server.path());
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
        for (ScriptClient one : silent) {
            one.close();
        }
    }

    @Test
    void oneProcessHasManyServers() throws IOException {
        try (VfioUserServer other =
                        VfioUserServer.of(new EduDevice(), directory.resolve("other.sock"));
                ScriptClient theirs = ScriptClient.connect(other.path())) {
            client.write(0, FACTORIAL, 4, 4);
            theirs.write(0, FACTORIAL, 4, 5);
            assertThat(client.read(0, FACTORIAL, 4)).isEqualTo(24);
            assertThat(theirs.read(0, FACTORIAL, 4)).isEqualTo(120);
        }
        assertThatThrownBy(() -> VfioUserServer.of(new EduDevice(), server.path()))
                .isInstanceOf(HostIoException.class)
                .hasMessageContaining("edu.sock");
    }

    @Test
    void aClosedServerLetsItsClientGo() throws Exception {
        CompletableFuture<Boolean> isClosed =
                CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                server.awaitClosed();
                                return true;
                            } catch (InterruptedException e) {
                                return false;
                            }
                        });
        server.close();
        server.close();
        assertThat(isClosed.get()).isTrue();
        assertThat(client.connection.receive()).isEmpty();
        assertThat(server.path()).doesNotExist();
        assertThat(server.isConnected()).isFalse();
    }

    @Test
    void aDeviceThatWaitsForItsClientIsLetGoWithIt() throws IOException {
        client.enable();
        client.map(RAM, 4096);
        // The doorbell: the device asks, and this client never answers.
        client.post(new RegionWrite(0x80, 0, ScriptClient.data(8, RAM)));
        client.post(new RegionWrite(0x88, 0, ScriptClient.data(8, 0x4_0000)));
        client.post(new RegionWrite(0x90, 0, ScriptClient.data(8, 8)));
        client.post(new RegionWrite(0x98, 0, ScriptClient.data(8, 1)));
        client.connection.receive().orElseThrow().close();
        client.close();

        client = ScriptClient.connect(server.path());
        assertThat(client.read(0, 0, 4)).isEqualTo(0x0100_00edL);
    }

    @Test
    void requestsThatComeWhileTheDeviceWaitsAreDoneInTheirOrder() throws IOException {
        client.enable();
        client.map(RAM, 4096);
        client.remote.put(RAM, new byte[4096]);
        client.post(new RegionWrite(0x80, 0, ScriptClient.data(8, RAM)));
        client.post(new RegionWrite(0x88, 0, ScriptClient.data(8, 0x4_0000)));
        client.post(new RegionWrite(0x90, 0, ScriptClient.data(8, 8)));
        client.post(new RegionWrite(0x98, 0, ScriptClient.data(8, 1)));
        for (int of = 1; of <= 5; of++) {
            client.post(new RegionWrite(FACTORIAL, 0, ScriptClient.data(4, of)));
        }
        assertThat(client.read(0, FACTORIAL, 4)).isEqualTo(120);
        assertThat(client.transfers).isEqualTo(1);
    }

    // ---------------------------------------------------------------- clients that wait

    @Test
    void whoSaysNothingOrStopsInAMessageLosesTheDevice() throws IOException {
        Path path = directory.resolve("impatient.sock");
        try (VfioUserServer impatient =
                        VfioUserServer.of(new EduDevice(), path, Duration.ofMillis(20));
                ScriptClient silent = ScriptClient.silent(path)) {
            assertThat(silent.connection.receive()).isEmpty();
            try (UnixSocket half = UnixSocket.connect(path);
                    Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = arena.allocate(16);
                half.send(bytes.asSlice(0, 10), List.of());
                assertThat(half.receive(bytes, new ArrayList<>(), 0).bytes()).isZero();
            }
            while (impatient.isConnected()) {
                Thread.onSpinWait();
            }
            try (ScriptClient next = ScriptClient.connect(path)) {
                assertThat(next.read(0, 0, 4)).isEqualTo(0x0100_00edL);
            }
        }
    }

    // ---------------------------------------------------------------- events that unmask

    @Test
    void theWireIsMaskedAndUnmaskedByEvents() throws IOException {
        try (EventDescriptor wire = event();
                EventDescriptor mask = event();
                EventDescriptor unmask = event();
                Descriptor file = SharedMemory.create("no event", 4096)) {
            SetIrqs masks = new SetIrqs(Data.EVENTFD, Action.MASK, INTX, 0, 1);
            SetIrqs unmasks = new SetIrqs(Data.EVENTFD, Action.UNMASK, INTX, 0, 1);
            client.events(INTX, 0, wire);
            client.call(masks, mask.descriptor());
            client.call(unmasks, unmask.descriptor());
            client.refused(Errno.EINVAL, masks, file);
            client.refused(
                    Errno.EINVAL,
                    new SetIrqs(Data.EVENTFD, Action.UNMASK, MSIX, 0, 1),
                    unmask.descriptor());
            raise();
            assertThat(wire.await(-1)).isEqualTo(1);
            unmask.signal();
            assertThat(wire.await(-1)).isEqualTo(1);

            client.call(unmasks);
            unmask.signal();
            client.irqs(Data.NONE, Action.UNMASK, INTX, 0, 1);
            assertThat(wire.await(-1)).isEqualTo(1);
            client.call(unmasks, unmask.descriptor());
            // It was signalled before it was given, and its count is still there.
            assertThat(wire.await(-1)).isEqualTo(1);
        }
    }
}
