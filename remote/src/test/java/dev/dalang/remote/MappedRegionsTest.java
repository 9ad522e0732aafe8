package dev.dalang.remote;

import static dev.dalang.remote.WindowDevice.PAGE;
import static dev.dalang.remote.WindowDevice.PORTS;
import static dev.dalang.remote.WindowDevice.REGISTERS;
import static dev.dalang.remote.WindowDevice.WINDOW;
import static dev.dalang.remote.WindowDevice.WINDOW_BYTES;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.WindowDevice.Write;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.IoFd;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.Request.RegionIoFds;
import dev.dalang.remote.internal.wire.Version;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Regions that a client maps, and registers that it writes by events, over a real socket. */
final class MappedRegionsTest {
    private static final int READ_WRITE = RegionInfo.READ | RegionInfo.WRITE;
    private static final int MAPPABLE = READ_WRITE | RegionInfo.MMAP | RegionInfo.CAPS;

    @TempDir Path directory;
    private WindowDevice device;
    private VfioUserServer server;

    @BeforeEach
    void serve() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        device = new WindowDevice();
        server = VfioUserServer.of(device, directory.resolve("window.sock"));
    }

    @AfterEach
    void end() {
        if (server != null) {
            server.close();
            device.close();
        }
    }

    private static Capabilities takes(int descriptors) {
        return new Capabilities(
                OptionalInt.of(descriptors),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** A client that takes so many descriptors with a message. */
    private ScriptClient client(int descriptors) throws IOException {
        ScriptClient client = ScriptClient.silent(server.path());
        client.call(new Version(0, 1, Optional.of(takes(descriptors))));
        return client;
    }

    private static RegionInfo info(Message answer) {
        return RegionInfo.parse(answer.payload());
    }

    // ---------------------------------------------------------------- regions

    @Test
    void aRegionSaysWhatOfItCanBeMappedAndBringsItsFile() throws IOException {
        List<RegionInfo.Area> areas =
                List.of(new RegionInfo.Area(0, PAGE), new RegionInfo.Area(2 * PAGE, 2 * PAGE));
        try (ScriptClient client = client(1);
                Message answer = client.ask(new RegionInfo(200, WINDOW));
                Arena arena = Arena.ofConfined()) {
            assertThat(info(answer))
                    .isEqualTo(
                            new RegionInfo(
                                    32 + 16 + 2 * 16,
                                    MAPPABLE,
                                    WINDOW,
                                    WINDOW_BYTES,
                                    2 * PAGE,
                                    List.of(new RegionInfo.SparseMmap(areas))));
            try (Descriptor file = answer.takeDescriptors().get(0)) {
                MemorySegment last = SharedMemory.map(file, 5 * PAGE, PAGE, true, arena);
                device.window.set(ValueLayout.JAVA_INT, 3 * PAGE, 77);
                assertThat(last.get(ValueLayout.JAVA_INT, 0)).isEqualTo(77);
            }
        }
    }

    @Test
    void whoHasNoRoomForItIsToldHowMuchItTakesAndGetsNoFile() throws IOException {
        try (ScriptClient client = client(1);
                Message answer = client.ask(new RegionInfo(79, WINDOW))) {
            assertThat(answer.payload()).hasSize(32);
            assertThat(answer.descriptors()).isZero();
            RegionInfo head = RegionInfo.parseHead(answer.payload());
            assertThat(head.argsz()).isEqualTo(80);
            assertThat(head.flags()).isEqualTo(MAPPABLE);
            assertThat(head.size()).isEqualTo(WINDOW_BYTES);
        }
    }

    @Test
    void whoTakesNoDescriptorsIsToldOfNone() throws IOException {
        try (ScriptClient client = client(0)) {
            assertThat(RegionInfo.parse(client.call(new RegionInfo(200, WINDOW))))
                    .isEqualTo(new RegionInfo(32, READ_WRITE, WINDOW, WINDOW_BYTES, 0, List.of()));
            RegionIoFds none =
                    RegionIoFds.parse(client.call(new RegionIoFds(4096, 0, REGISTERS, 0)));
            assertThat(none).isEqualTo(new RegionIoFds(16, 0, REGISTERS, 0));
        }
    }

    @Test
    void otherRegionsCannotBeMapped() throws IOException {
        try (ScriptClient client = client(16)) {
            assertThat(RegionInfo.parse(client.call(new RegionInfo(200, REGISTERS))))
                    .isEqualTo(new RegionInfo(32, READ_WRITE, REGISTERS, 256, 0, List.of()));
        }
    }

    @Test
    void ourClientMapsWhatItMay() throws IOException {
        try (VfioUserClient client = VfioUserClient.builder(server.path()).connect();
                Arena arena = Arena.ofShared()) {
            VfioUserRegion region = client.region(WINDOW).orElseThrow();
            assertThat(region.areas())
                    .containsExactly(
                            new VfioUserRegion.Area(0, PAGE),
                            new VfioUserRegion.Area(2 * PAGE, 2 * PAGE));
            MemorySegment high = client.map(WINDOW, region.areas().get(1), arena);
            high.set(ValueLayout.JAVA_LONG, PAGE, 0x5741_5941_4e47L);
            assertThat(client.read(WINDOW, 3 * PAGE, 8)).isEqualTo(0x5741_5941_4e47L);
            client.write(WINDOW, 2 * PAGE + 4, 4, 9);
            assertThat(high.get(ValueLayout.JAVA_INT, 4)).isEqualTo(9);
            client.write(WINDOW, PAGE, 4, 5);
            assertThat(client.read(WINDOW, PAGE, 4)).isEqualTo(5);
            assertThatThrownBy(() -> client.map(WINDOW, new VfioUserRegion.Area(PAGE, PAGE), arena))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    // ---------------------------------------------------------------- doorbells

    @Test
    void registersWithEventsAreThoseOfTheDevice() throws IOException {
        try (ScriptClient client = client(16);
                Message answer = client.ask(new RegionIoFds(4096, 0, REGISTERS, 0))) {
            assertThat(answer.descriptors()).isEqualTo(3);
            assertThat(IoFd.parseReply(answer.payload()))
                    .containsExactly(
                            new IoFd(0, 4, 0, IoFd.IOEVENTFD, 0, 0),
                            new IoFd(8, 2, 1, IoFd.IOEVENTFD, 1, 3),
                            new IoFd(WindowDevice.COPY, 4, 2, IoFd.IOEVENTFD, 1, 1));
        }
        try (ScriptClient client = client(16);
                Message answer = client.ask(new RegionIoFds(56, 0, PORTS, 0))) {
            assertThat(IoFd.parseReply(answer.payload()))
                    .containsExactly(new IoFd(4, 1, 0, IoFd.IOEVENTFD, 3, 0x80));
        }
    }

    @Test
    void whoHasNoRoomForThemIsToldHowMuchTheyTake() throws IOException {
        try (ScriptClient client = client(16)) {
            assertThat(RegionIoFds.parse(client.call(new RegionIoFds(135, 0, REGISTERS, 0))))
                    .isEqualTo(new RegionIoFds(136, 0, REGISTERS, 3));
        }
    }

    @Test
    void nobodyGetsMoreThanItTakes() throws IOException {
        try (ScriptClient client = client(2);
                Message answer = client.ask(new RegionIoFds(4096, 0, REGISTERS, 0))) {
            assertThat(answer.descriptors()).isEqualTo(2);
            assertThat(IoFd.parseReply(answer.payload())).hasSize(2);
        }
    }

    @Test
    void otherRegionsHaveNone() throws IOException {
        try (ScriptClient client = client(16)) {
            for (int region : new int[] {WINDOW, 3, 6, 7, 8}) {
                assertThat(IoFd.parseReply(client.call(new RegionIoFds(4096, 0, region, 0))))
                        .isEmpty();
            }
            client.refused(Errno.EINVAL, new RegionIoFds(4096, 0, 9, 0));
            client.refused(Errno.EINVAL, new RegionIoFds(4096, 1, REGISTERS, 0));
            client.refused(Errno.EINVAL, new RegionIoFds(15, 0, REGISTERS, 0));
        }
    }

    @Test
    void anEventIsAWriteOfItsRegister() throws IOException, InterruptedException {
        try (VfioUserClient client = VfioUserClient.builder(server.path()).connect()) {
            List<VfioUserDoorbell> bells = client.doorbells(REGISTERS);
            assertThat(bells)
                    .extracting(VfioUserDoorbell::offset, VfioUserDoorbell::value)
                    .containsExactly(
                            tuple(0L, OptionalLong.empty()),
                            tuple(8L, OptionalLong.of(3)),
                            tuple(0x40L, OptionalLong.of(1)));
            for (int round = 0; round < 100; round++) {
                assertThat(bells.get(0).event().signal()).isTrue();
                assertThat(device.writes.take()).isEqualTo(new Write(REGISTERS, 0, 4, 0));
                assertThat(bells.get(1).event().signal()).isTrue();
                assertThat(device.writes.take()).isEqualTo(new Write(REGISTERS, 8, 2, 3));
            }
            // Several may be one, none is none.
            for (int n = 0; n < 1000; n++) {
                bells.get(0).event().signal();
            }
            assertThat(device.writes.take()).isEqualTo(new Write(REGISTERS, 0, 4, 0));
            List<VfioUserDoorbell> ports = client.doorbells(PORTS);
            assertThat(ports).hasSize(1);
            ports.get(0).event().signal();
            while (device.writes.take().bar() != PORTS) {
                // what was signalled before
            }
            bells.forEach(VfioUserDoorbell::close);
            ports.forEach(VfioUserDoorbell::close);
        }
    }

    @Test
    void aDeviceThatAnEventTellsReachesMemoryByMessages() throws IOException, InterruptedException {
        for (boolean twin : new boolean[] {true, false}) {
            try (VfioUserClient client =
                    VfioUserClient.builder(server.path()).twinSocket(twin).connect()) {
                byte[] memory = new byte[2 * PAGE];
                memory[5] = 42;
                client.mapMemory(
                        0,
                        2 * PAGE,
                        true,
                        true,
                        Optional.empty(),
                        0,
                        new TwinSocketTest.PlainMemory(memory));
                client.write(VfioUserRegion.CONFIGURATION, 4, 2, 6);
                List<VfioUserDoorbell> bells = client.doorbells(REGISTERS);
                bells.get(2).event().signal();
                // Meanwhile requests of the client's come between.
                while (device.writes.isEmpty()) {
                    client.read(WINDOW, 0, 4);
                }
                assertThat(device.writes.take().offset()).isEqualTo(WindowDevice.COPY);
                assertThat(memory[PAGE + 5]).isEqualTo((byte) 42);
                bells.forEach(VfioUserDoorbell::close);
            }
        }
    }

    @Test
    void whatAClientThatIsGoneSignalsIsNotHeard() throws IOException, InterruptedException {
        EventDescriptor kept;
        try (VfioUserClient client = VfioUserClient.builder(server.path()).connect()) {
            kept = client.doorbells(REGISTERS).get(0).event();
            kept.signal();
            assertThat(device.writes.take().offset()).isZero();
        }
        try (VfioUserClient client = VfioUserClient.builder(server.path()).connect()) {
            kept.signal();
            VfioUserDoorbell bell = client.doorbells(REGISTERS).get(1);
            bell.event().signal();
            assertThat(device.writes.take()).isEqualTo(new Write(REGISTERS, 8, 2, 3));
            assertThat(device.writes).isEmpty();
        }
        kept.close();
    }

    @Test
    void thereIsNoEventForWhatIsNone() throws IOException {
        try (ScriptClient client = client(16)) {
            // Of our own protocol's requests none is refused for having come before.
            Request ask = new RegionIoFds(4096, 0, REGISTERS, 0);
            for (int n = 0; n < 50; n++) {
                try (Message answer = client.ask(ask)) {
                    assertThat(answer.descriptors()).isEqualTo(3);
                }
            }
        }
        assertThat(device.writes).isEmpty();
    }
}
