package dev.dalang.remote;

import static dev.dalang.remote.WindowDevice.PAGE;
import static dev.dalang.remote.WindowDevice.REGISTERS;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Linux;
import dev.dalang.linux.UnixSocket;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Capabilities.TwinSocket;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Request.DmaWrite;
import dev.dalang.remote.internal.wire.Request.RegionWrite;
import dev.dalang.remote.internal.wire.Version;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A second socket for the server's own requests. */
final class TwinSocketTest {
    @TempDir Path directory;
    private WindowDevice device;
    private VfioUserServer server;

    @BeforeEach
    void serve() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        device = new WindowDevice();
        server = VfioUserServer.of(device, directory.resolve("twin.sock"));
    }

    @AfterEach
    void end() {
        if (server != null) {
            server.close();
            device.close();
        }
    }

    /** Memory from address 0 on. */
    static final class PlainMemory implements DmaMemory {
        private final byte[] bytes;

        PlainMemory(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public void read(long address, MemorySegment target) {
            int count = (int) target.byteSize();
            MemorySegment.copy(bytes, (int) address, target, ValueLayout.JAVA_BYTE, 0, count);
        }

        @Override
        public void write(long address, MemorySegment source) {
            int count = (int) source.byteSize();
            MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, bytes, (int) address, count);
        }
    }

    private static Capabilities twin(int descriptors, boolean supported) {
        return new Capabilities(
                OptionalInt.of(descriptors),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.of(new TwinSocket(supported, OptionalInt.empty())),
                Optional.empty(),
                Optional.empty());
    }

    private static Version version(Capabilities capabilities) {
        return new Version(0, 1, Optional.of(capabilities));
    }

    // ---------------------------------------------------------------- the server

    /** A client's side of the second socket. */
    private static Connection second(Message answer) {
        Version agreed = Version.parse(answer.payload());
        assertThat(agreed.capabilities().orElseThrow().twinSocket())
                .contains(new TwinSocket(true, OptionalInt.of(0)));
        assertThat(answer.descriptors()).isEqualTo(1);
        return new Connection(UnixSocket.of(answer.takeDescriptors().get(0)));
    }

    /** Answers a request of the server's, of zeros or for nothing. */
    private static void serve(Connection twin, byte[] page) throws Exception {
        try (Message request = twin.receive().orElseThrow()) {
            Header header = request.header();
            assertThat(header.isRequest()).isTrue();
            byte[] reply;
            if (header.command() == Command.DMA_READ.number()) {
                DmaRead read = DmaRead.parse(request.payload());
                reply = new DmaWrite(read.address(), Bytes.of(page)).payload();
            } else {
                DmaWrite write = DmaWrite.parse(request.payload());
                assertThat(write.data().array()).isEqualTo(page);
                reply = new DmaRead(write.address(), write.data().length()).payload();
            }
            twin.send(Header.reply(header, reply.length), reply, List.of());
        }
    }

    @Test
    void theServersRequestsComeOverTheSecondSocketAndNoOthersDo() throws Exception {
        byte[] page = new byte[PAGE];
        page[7] = 7;
        try (ScriptClient client = ScriptClient.silent(server.path());
                Message answer = client.ask(version(twin(1, true)));
                Connection twin = second(answer)) {
            client.map(0, 2 * PAGE);
            client.enable();
            // The answer to the write waits for the transfers; requests do not come between.
            client.post(new RegionWrite(WindowDevice.COPY, REGISTERS, ScriptClient.data(4, 1)));
            serve(twin, page);
            serve(twin, page);
            assertThat(client.read(WindowDevice.WINDOW, 0, 4)).isZero();
            assertThat(client.transfers).isZero();
            assertThat(device.writes.take().offset()).isEqualTo(WindowDevice.COPY);
        }
    }

    @Test
    void withoutTheWishOrADescriptorThereIsNoSecondSocket() throws IOException {
        for (Capabilities capabilities :
                List.of(twin(1, false), twin(0, true), Capabilities.NONE)) {
            try (ScriptClient client = ScriptClient.silent(server.path())) {
                Version agreed = Version.parse(client.call(version(capabilities)));
                assertThat(agreed.capabilities().flatMap(Capabilities::twinSocket)).isEmpty();
            }
        }
    }

    @Test
    void aSecondSocketThatIsClosedIsMemoryThatIsGone() throws Exception {
        try (ScriptClient client = ScriptClient.silent(server.path());
                Message answer = client.ask(version(twin(1, true)))) {
            second(answer).close();
            client.map(0, 2 * PAGE);
            client.enable();
            client.write(REGISTERS, WindowDevice.COPY, 4, 1);
            assertThat(client.transfers).isZero();
            assertThat(client.read(WindowDevice.WINDOW, 0, 4)).isZero();
        }
        assertThat(device.writes).as("a copy that failed").isEmpty();
    }

    @Test
    void answersOverTheSecondSocketThatNobodyWaitsForAreCounted() throws Exception {
        byte[] page = new byte[PAGE];
        try (ScriptClient client = ScriptClient.silent(server.path());
                Message answer = client.ask(version(twin(1, true)));
                Connection twin = second(answer)) {
            client.map(0, 2 * PAGE);
            client.enable();
            byte[] stray = new DmaRead(0, 1).payload();
            Header header = Header.request(0x7777, Command.DMA_WRITE, true, stray.length);
            twin.send(Header.reply(header, stray.length), stray, List.of());
            client.post(new RegionWrite(WindowDevice.COPY, REGISTERS, ScriptClient.data(4, 1)));
            serve(twin, page);
            serve(twin, page);
            assertThat(device.writes.take().offset()).isEqualTo(WindowDevice.COPY);
            assertThat(server.refusals()).isEqualTo(1);
        }
    }

    // ---------------------------------------------------------------- the client

    @Test
    void ourClientServesItsMemoryInBothWays() throws IOException {
        for (boolean wanted : new boolean[] {true, false}) {
            byte[] memory = new byte[2 * PAGE];
            memory[9] = 9;
            try (VfioUserClient client =
                    VfioUserClient.builder(server.path()).twinSocket(wanted).connect()) {
                client.mapMemory(
                        0, 2 * PAGE, true, true, Optional.empty(), 0, new PlainMemory(memory));
                client.write(VfioUserRegion.CONFIGURATION, 4, 2, 6);
                client.write(REGISTERS, WindowDevice.COPY, 4, 1);
                assertThat(memory[PAGE + 9]).isEqualTo((byte) 9);
            }
        }
    }

    private static byte[] answer(String capabilities) {
        byte[] text =
                ("{\"capabilities\":" + capabilities + "}\0").getBytes(StandardCharsets.UTF_8);
        byte[] whole = new byte[4 + text.length];
        System.arraycopy(text, 0, whole, 4, text.length);
        return whole;
    }

    @Test
    void ourClientRefusesASecondSocketThatIsNotAsItShouldBe() throws IOException {
        String offered = "{\"twin_socket\":{\"supported\":true,\"fd_index\":0}}";
        String other = "{\"twin_socket\":{\"supported\":true,\"fd_index\":1}}";
        String without = "{\"twin_socket\":{\"supported\":true}}";
        Path path = directory.resolve("script.sock");
        record Case(boolean isWanted, String capabilities, int descriptors) {}
        for (Case wrong :
                List.of(
                        new Case(false, offered, 1),
                        new Case(true, offered, 0),
                        new Case(true, offered, 2),
                        new Case(true, other, 1),
                        new Case(true, without, 1),
                        new Case(true, "{}", 1))) {
            try (ScriptServer script =
                    ScriptServer.start(
                            path,
                            peer -> {
                                Descriptor[] with = new Descriptor[wrong.descriptors()];
                                for (int n = 0; n < with.length; n++) {
                                    with[n] = UnixSocket.pair().get(0).descriptor();
                                }
                                try (Message message = peer.next()) {
                                    peer.reply(message, answer(wrong.capabilities()), with);
                                }
                                peer.drain();
                            })) {
                assertThatThrownBy(
                                () ->
                                        VfioUserClient.builder(script.path())
                                                .twinSocket(wrong.isWanted())
                                                .connect())
                        .as(wrong.toString())
                        .isInstanceOfSatisfying(
                                VfioUserException.class,
                                refused ->
                                        assertThat(refused.kind())
                                                .isEqualTo(VfioUserException.Kind.UNREACHABLE));
            }
        }
    }

    @Test
    void theEndOfTheSecondSocketIsALoss() throws Exception {
        Path path = directory.resolve("script.sock");
        BlockingQueue<VfioUserException> losses = new LinkedBlockingQueue<>();
        List<UnixSocket> both = UnixSocket.pair();
        try (ScriptServer script =
                        ScriptServer.start(
                                path,
                                peer -> {
                                    String offered =
                                            "{\"twin_socket\":{\"supported\":true,\"fd_index\":0}}";
                                    try (Message message = peer.next();
                                            Descriptor other = both.get(1).descriptor()) {
                                        peer.reply(message, answer(offered), other);
                                    }
                                    try (Message _ = peer.describe()) {
                                        both.get(0).close();
                                    }
                                    peer.drain();
                                });
                VfioUserClient client =
                        VfioUserClient.builder(script.path()).onLoss(losses::add).connect()) {
            client.post(0, 0, 4, 1);
            VfioUserException lost = losses.take();
            assertThat(lost.isLost()).isTrue();
            assertThat(lost).hasMessageContaining("second socket");
            assertThat(client.isConnected()).isFalse();
        }
    }
}
