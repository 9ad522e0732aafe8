package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.devices.EduDevice;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.SharedMemory;
import dev.dalang.linux.UnixSocket;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.IoFd;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request.DeviceInfo;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Request.IrqInfo;
import dev.dalang.remote.internal.wire.Request.RegionIoFds;
import dev.dalang.remote.internal.wire.Request.RegionRead;
import dev.dalang.remote.internal.wire.Request.RegionWrite;
import dev.dalang.remote.internal.wire.Request.Reset;
import dev.dalang.remote.internal.wire.Request.WriteMulti;
import dev.dalang.remote.internal.wire.Version;
import dev.dalang.remote.internal.wire.Writer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

final class VfioUserServerTest extends ServedEduFixture {
    private static final String QEMU =
            "{\"capabilities\": {\"pgsizes\": 4096, \"max_msg_fds\": 16, \"max_dma_maps\": 65535,"
                    + " \"max_data_xfer_size\": 1048576, \"migration\": {\"max_bitmap_size\":"
                    + " 268435456, \"pgsize\": 4096}, \"write_multiple\": true}}";

    private static final int ATTEMPTS = 1000;

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
            try (UnixSocket half = UnixSocket.connect(path)) {
                assertThat(isLetGoWithHalfAHeader(half)).isTrue();
            }
            while (impatient.isConnected()) {
                Thread.onSpinWait();
            }
            try (ScriptClient next = connectInTime(path)) {
                assertThat(next.read(0, 0, 4)).isEqualTo(0x0100_00edL);
            }
        }
    }

    /** Begins a message; the server may have had enough before even that came. */
    private static boolean isLetGoWithHalfAHeader(UnixSocket half) throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(16);
            half.send(bytes.asSlice(0, 10), List.of());
            return half.receive(bytes, new ArrayList<>(), 0).bytes() == 0;
        } catch (HostIoException gone) {
            if (gone.is(Errno.EPIPE, Errno.ECONNRESET)) {
                return true;
            }
            throw gone;
        }
    }

    /**
     * On a busy machine a good client, too, may say its version too late for so little patience.
     */
    private static ScriptClient connectInTime(Path path) throws IOException {
        for (int attempt = 1; ; attempt++) {
            try {
                return ScriptClient.connect(path);
            } catch (HostIoException | ScriptClient.GoneException late) {
                if (attempt == ATTEMPTS) {
                    throw late;
                }
            }
        }
    }
}
