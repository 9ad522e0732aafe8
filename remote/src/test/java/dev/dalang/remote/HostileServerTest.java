package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.Linux;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.VfioUserClient.RegisterWrite;
import dev.dalang.remote.VfioUserException.Kind;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.RegionInfo;
import dev.dalang.remote.internal.wire.Request;
import dev.dalang.remote.internal.wire.SetIrqs;
import dev.dalang.remote.internal.wire.Writer;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;

/** Servers that do not do what they should: each costs its device, and nothing else. */
final class HostileServerTest {
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final long RAM = 0x8000_0000L;
    private static final DmaMemory NO_MEMORY = DmaMemory.of(GuestMemory.of(List.of()));

    @TempDir Path directory;
    private Path path;
    private final BlockingQueue<VfioUserException> losses = new LinkedBlockingQueue<>();

    @BeforeEach
    void onLinux() {
        assumeThat(Linux.isAvailable()).isTrue();
        path = directory.resolve("hostile.sock");
    }

    private VfioUserClient connect(Duration timeout) throws VfioUserException {
        return VfioUserClient.builder(path).timeout(timeout).onLoss(losses::add).connect();
    }

    // ---------------------------------------------------------------- questions

    /** What a client asks for, one for each message. */
    private enum Question {
        READ,
        READ_ALL,
        WRITE,
        WRITE_ALL,
        MAP,
        MASK,
        RESET,
        MIGRATION;

        void ask(VfioUserClient client) throws IOException {
            switch (this) {
                case READ -> client.read(0, 8, 4);
                case READ_ALL -> client.read(7, 0, Arena.ofAuto().allocate(256));
                case WRITE -> client.write(0, 8, 4, 1);
                case WRITE_ALL ->
                        client.writeAll(Collections.nCopies(3, new RegisterWrite(0, 8, 4, 1)));
                case MAP -> client.mapMemory(RAM, 4096, true, true, Optional.empty(), 0, NO_MEMORY);
                case MASK -> client.mask(2, 0, 1);
                case RESET -> client.reset();
                case MIGRATION -> client.migration();
            }
        }
    }

    /** An answer that is none. */
    private enum Wrong {
        OTHER_ID {
            @Override
            byte[] answer(Header header, byte[] payload) {
                return reply(header.id() + 1, header.command(), 1, payload);
            }
        },
        OTHER_COMMAND {
            @Override
            byte[] answer(Header header, byte[] payload) {
                return reply(header.id(), header.command() == 9 ? 10 : 9, 1, payload);
            }
        },
        NO_COMMAND {
            @Override
            byte[] answer(Header header, byte[] payload) {
                return reply(header.id(), 0xffff, 1, payload);
            }
        },
        TOO_SHORT {
            @Override
            byte[] answer(Header header, byte[] payload) {
                return payload.length == 0
                        ? sized(header, 15, new byte[0])
                        : reply(header.id(), header.command(), 1, new byte[payload.length - 1]);
            }
        },
        TOO_LONG {
            @Override
            byte[] answer(Header header, byte[] payload) {
                return reply(
                        header.id(),
                        header.command(),
                        1,
                        Arrays.copyOf(new byte[] {9, 9, 9, 9, 9, 9}, payload.length + 7));
            }
        },
        NO_SIZE {
            @Override
            byte[] answer(Header header, byte[] payload) {
                return sized(header, 0, payload);
            }
        },
        HUGE {
            @Override
            byte[] answer(Header header, byte[] payload) {
                return sized(header, 0x7fff_ffff, payload);
            }
        },
        NEGATIVE {
            @Override
            byte[] answer(Header header, byte[] payload) {
                return sized(header, -1, payload);
            }
        },
        TWICE {
            @Override
            byte[] answer(Header header, byte[] payload) {
                byte[] once = reply(header.id(), header.command(), 1, payload);
                byte[] both = Arrays.copyOf(once, 2 * once.length);
                System.arraycopy(once, 0, both, once.length, once.length);
                return both;
            }
        };

        abstract byte[] answer(Header header, byte[] payload);

        static byte[] reply(int id, int command, int flags, byte[] payload) {
            return ScriptServer.message(
                    new Header(id, command, Header.BYTES + payload.length, flags, 0), payload);
        }

        static byte[] sized(Header header, int size, byte[] payload) {
            return ScriptServer.message(
                    new Header(header.id(), header.command(), size, 1, 0), payload);
        }
    }

    /** The answer of a good server; to a question about migration as well. */
    private static byte[] good(Message message) {
        if (message.header().command() == Command.DEVICE_FEATURE.number()) {
            return Writer.of(16).putInt(16).putInt(1 << 16 | 1).putLong(1).bytes();
        }
        return ScriptServer.answer(message);
    }

    @ParameterizedTest
    @EnumSource(Question.class)
    void anAnswerThatIsNoneEndsTheConnection(Question question) throws Exception {
        for (Wrong wrong : Wrong.values()) {
            ScriptServer.Script script =
                    peer -> {
                        try (Message message = peer.describe()) {
                            peer.raw(wrong.answer(message.header(), good(message)));
                            // Until the client goes: it does not wait for more.
                            peer.drain();
                        }
                    };
            try (ScriptServer server = ScriptServer.start(path, script);
                    VfioUserClient client = connect(LONG)) {
                if (wrong == Wrong.TWICE) {
                    question.ask(client); // the second is one too many
                } else {
                    assertLost(() -> question.ask(client));
                }
                assertThat(losses.take().isLost()).as("%s %s", wrong, server.path()).isTrue();
                assertThat(client.isConnected()).isFalse();
                assertThat(client.memoryPieces()).isZero();
            }
        }
    }

    private static void assertLost(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        VfioUserException.class, failed -> assertThat(failed.isLost()).isTrue());
    }

    @ParameterizedTest
    @EnumSource(Question.class)
    void descriptorsThatNobodyAskedForEndTheConnection(Question question) throws Exception {
        ScriptServer.Script script =
                peer -> {
                    try (Message message = peer.describe();
                            Descriptor memory = SharedMemory.create("memory", 4096)) {
                        peer.reply(message, good(message), memory, memory);
                        peer.connection.receive().ifPresent(Message::close);
                    }
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG)) {
            assertLost(() -> question.ask(client));
            assertThat(losses.take()).hasMessageContaining("descriptors");
            assertThat(server.path()).exists();
        }
    }

    @ParameterizedTest
    @EnumSource(Question.class)
    void aRefusalIsToldAndNoMore(Question question) throws Exception {
        ScriptServer.Script script =
                peer -> {
                    for (int errno : new int[] {22, 0, 9999}) {
                        try (Message message = peer.describe()) {
                            peer.refuse(message, errno);
                        }
                    }
                    peer.obey();
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG)) {
            for (int errno : new int[] {22, 0, 9999}) {
                if (question == Question.MIGRATION) {
                    assertThat(client.migration()).isEmpty();
                    continue;
                }
                assertThatThrownBy(() -> question.ask(client))
                        .isInstanceOfSatisfying(
                                VfioUserException.class,
                                failed -> {
                                    assertThat(failed.kind()).isEqualTo(Kind.REFUSED);
                                    assertThat(failed.number()).isEqualTo(errno);
                                });
            }
            assertThat(client.read(0, 0, 1)).isZero();
            assertThat(client.memoryPieces()).isZero();
            assertThat(server.path()).exists();
        }
        assertThat(losses).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Question.class)
    void anAnswerMayComeInAnyPieces(Question question) throws Exception {
        ScriptServer.Script script =
                peer -> {
                    while (true) {
                        try (Message message = peer.describe()) {
                            byte[] payload = good(message);
                            byte[] bytes =
                                    ScriptServer.message(
                                            Header.reply(message.header(), payload.length),
                                            payload);
                            for (int at = 0; at < bytes.length; at++) {
                                peer.raw(new byte[] {bytes[at]});
                            }
                        }
                    }
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG)) {
            question.ask(client);
            if (question == Question.MAP) {
                client.unmapMemory(RAM, 4096);
            }
            assertThat(client.read(0, 3, 1)).isEqualTo(3);
            assertThat(server.path()).exists();
        }
    }

    @ParameterizedTest
    @EnumSource(Question.class)
    void anAnswerThatIsCutOffAnywhereIsTheEnd(Question question) throws Exception {
        for (int cut = 0; cut < Header.BYTES + 16; cut++) {
            int length = cut;
            ScriptServer.Script script =
                    peer -> {
                        try (Message message = peer.describe()) {
                            byte[] payload = good(message);
                            byte[] bytes =
                                    ScriptServer.message(
                                            Header.reply(message.header(), payload.length),
                                            payload);
                            peer.raw(Arrays.copyOf(bytes, Math.min(length, bytes.length - 1)));
                        }
                    };
            try (ScriptServer server = ScriptServer.start(path, script);
                    VfioUserClient client = connect(LONG)) {
                assertLost(() -> question.ask(client));
                assertThat(losses.take().isLost()).isTrue();
                assertThat(server.path()).exists();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 20})
    void whoDoesNotAnswerInTimeIsGone(int bytes) throws Exception {
        ScriptServer.Script script =
                peer -> {
                    try (Message message = peer.describe()) {
                        byte[] payload = good(message);
                        byte[] answer =
                                ScriptServer.message(
                                        Header.reply(message.header(), payload.length), payload);
                        peer.raw(Arrays.copyOf(answer, bytes));
                        peer.drain();
                    }
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(Duration.ofSeconds(1))) {
            assertLost(() -> client.read(0, 0, 4));
            assertThat(losses.take().isLost()).isTrue();
            assertThat(server.path()).exists();
        }
    }

    @Test
    void whoDoesNotReadIsGone() throws Exception {
        try (UnreadServer server = new UnreadServer(path);
                VfioUserClient client = connect(Duration.ofSeconds(1))) {
            assertLost(
                    () -> {
                        while (true) {
                            client.post(0, 0, 4, 1);
                        }
                    });
            assertThat(losses.take()).hasMessageContaining("does not read");
            server.release();
        }
    }

    /** One that describes itself and then reads no more. */
    private static final class UnreadServer implements AutoCloseable {
        private final CountDownLatch done = new CountDownLatch(1);
        private final ScriptServer server;

        UnreadServer(Path path) throws IOException {
            server =
                    ScriptServer.start(
                            path,
                            peer -> {
                                peer.describe().close();
                                try {
                                    done.await();
                                } catch (InterruptedException told) {
                                    throw new IOException(told);
                                }
                            });
        }

        void release() {
            done.countDown();
        }

        @Override
        public void close() {
            release();
            server.close();
        }
    }

    @Test
    void manyWhoWaitAllGoOn() throws Exception {
        int askers = 8;
        BlockingQueue<Throwable> ends = new LinkedBlockingQueue<>();
        ScriptServer.Script script =
                peer -> {
                    List<Message> open = new ArrayList<>();
                    for (int n = 0; n < askers; n++) {
                        open.add(peer.describe());
                    }
                    open.forEach(Message::close);
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG)) {
            for (int n = 0; n < askers; n++) {
                Thread.ofPlatform()
                        .daemon()
                        .start(
                                () -> {
                                    try {
                                        client.read(0, 0, 4);
                                    } catch (Throwable failed) {
                                        ends.add(failed);
                                    }
                                });
            }
            for (int n = 0; n < askers; n++) {
                assertThat(ends.take()).isInstanceOf(VfioUserException.class);
            }
            assertThat(losses.take().isLost()).isTrue();
            assertThat(server.path()).exists();
        }
        assertThat(losses).isEmpty();
    }

    @Test
    void answersMayComeInAnyOrder() throws Exception {
        int askers = 4;
        BlockingQueue<Object> ends = new LinkedBlockingQueue<>();
        ScriptServer.Script script =
                peer -> {
                    List<Message> open = new ArrayList<>();
                    for (int n = 0; n < askers; n++) {
                        open.add(peer.describe());
                    }
                    for (Message message : open.reversed()) {
                        peer.obey(message);
                        message.close();
                    }
                    peer.obey();
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG)) {
            for (int n = 0; n < askers; n++) {
                int at = n;
                Thread.ofPlatform()
                        .daemon()
                        .start(
                                () -> {
                                    try {
                                        ends.add(client.read(0, at, 1) == at);
                                    } catch (IOException failed) {
                                        ends.add(failed);
                                    }
                                });
            }
            for (int n = 0; n < askers; n++) {
                assertThat(ends.take()).isEqualTo(true);
            }
            assertThat(server.path()).exists();
        }
    }

    // ---------------------------------------------------------------- what it says of itself

    private void assertUnreachable(ScriptServer.Script script, String says) throws Exception {
        try (ScriptServer server = ScriptServer.start(path, script)) {
            assertThatThrownBy(() -> connect(Duration.ofSeconds(1)))
                    .isInstanceOfSatisfying(
                            VfioUserException.class,
                            failed -> assertThat(failed.kind()).isEqualTo(Kind.UNREACHABLE))
                    .hasMessageContaining(says);
            assertThat(server.path()).exists();
        }
        assertThat(losses).isEmpty();
    }

    private static byte[] version(int major, int minor, String json) {
        byte[] text = json.getBytes(StandardCharsets.US_ASCII);
        return Writer.of(4 + text.length).putShort(major).putShort(minor).put(text).bytes();
    }

    @Test
    void versionsThatCannotBeAreRefused() throws Exception {
        for (byte[] answer :
                List.of(
                        new byte[3],
                        version(1, 0, ""),
                        version(0, 2, ""),
                        version(0xffff, 0, ""),
                        version(0, 0, "{}"),
                        version(0, 0, "{\"capabilities\":7}\0"),
                        version(0, 0, "{\"capabilities\":{\"max_msg_fds\":-1}}\0"),
                        version(0, 0, "{\"capabilities\":{\"max_msg_fds\":\"1\"}}\0"),
                        version(0, 0, "{\"capabilities\":{\"max_data_xfer_size\":7}}\0"),
                        version(
                                0,
                                0,
                                "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}\0"),
                        version(0, 0, "{\"capabilities\":" + "[".repeat(100_000) + "\0"),
                        new byte[1 << 20])) {
            assertUnreachable(
                    peer -> {
                        try (Message message = peer.next()) {
                            peer.reply(message, answer);
                        }
                    },
                    "");
        }
    }

    @Test
    void aVersionThatIsNoneIsRefused() throws Exception {
        assertUnreachable(peer -> peer.next().close(), "ended the connection");
        assertUnreachable(
                peer -> {
                    peer.next().close();
                    peer.connection.receive();
                },
                "no answer to VERSION");
        for (Wrong wrong : Wrong.values()) {
            if (wrong != Wrong.TWICE && wrong != Wrong.TOO_LONG) {
                assertUnreachable(
                        peer -> {
                            try (Message message = peer.next()) {
                                peer.raw(wrong.answer(message.header(), version(0, 1, "{}\0")));
                            }
                        },
                        "");
            }
        }
        assertUnreachable(
                peer -> {
                    try (Message message = peer.next();
                            Descriptor memory = SharedMemory.create("memory", 4096)) {
                        peer.reply(message, version(0, 1, ""), memory);
                    }
                },
                "descriptors");
    }

    /** Answers one kind of question so; all others as they should be. */
    private static ScriptServer.Script saying(Command command, int index, byte[] payload) {
        return peer -> {
            while (true) {
                try (Message message = peer.next()) {
                    boolean isIt = message.header().command() == command.number();
                    if (isIt && index >= 0) {
                        isIt =
                                ByteBuffer.wrap(message.payload())
                                                .order(ByteOrder.LITTLE_ENDIAN)
                                                .getInt(8)
                                        == index;
                    }
                    peer.reply(
                            message,
                            isIt ? payload : ScriptServer.described(message, Capabilities.NONE));
                }
            }
        };
    }

    private static byte[] ints(int... values) {
        Writer to = Writer.of(4 * values.length);
        for (int value : values) {
            to.putInt(value);
        }
        return to.bytes();
    }

    @Test
    void aDescriptionThatCannotBeIsRefused() throws Exception {
        Command info = Command.DEVICE_GET_INFO;
        assertUnreachable(saying(info, -1, ints(16, 2, 65, 5)), "regions");
        assertUnreachable(saying(info, -1, ints(16, 2, -1, 5)), "regions");
        assertUnreachable(saying(info, -1, ints(16, 2, 9, 17)), "regions");
        assertUnreachable(saying(info, -1, ints(15, 2, 9, 5)), "argsz");
        assertUnreachable(saying(info, -1, ints(16, 2, 9)), "expected 16 bytes");

        Command irq = Command.DEVICE_GET_IRQ_INFO;
        assertUnreachable(saying(irq, 2, ints(16, 1, 2, 2049)), "at most 2048");
        assertUnreachable(saying(irq, 2, ints(16, 1, 2, -1)), "at most 2048");
        assertUnreachable(saying(irq, 2, ints(16, 1, 1, 1)), "at most 2048");

        Command region = Command.DEVICE_GET_REGION_INFO;
        // argsz, flags, index, first capability, size, offset
        assertUnreachable(saying(region, 1, ints(32, 3, 2, 0, 1, 0, 0, 0)), "expected region 1");
        assertUnreachable(saying(region, 1, ints(32, 3, 1, 0, 0, -1, 0, 0)), "a region of");
        assertUnreachable(saying(region, 1, ints(32, 7, 1, 0, 4096, 0, 0, -1)), "of its file");
        assertUnreachable(saying(region, 1, ints(-1, 3, 1, 0, 1, 0, 0, 0)), "a description of");
        assertUnreachable(
                saying(region, 1, ints(1 << 17, 3, 1, 0, 1, 0, 0, 0)), "a description of");
        assertUnreachable(saying(region, 1, ints(31, 3, 1, 0, 1, 0, 0, 0)), "argsz");
        assertUnreachable(saying(region, 1, ints(32, 11, 1, 32, 1, 0, 0, 0)), "a capability");
    }

    /** A description that grows each time that it is asked for. */
    @Test
    void aDescriptionThatNeverEndsIsRefused() throws Exception {
        assertUnreachable(
                peer -> {
                    int room = 32;
                    while (true) {
                        try (Message message = peer.next()) {
                            byte[] payload = ScriptServer.described(message, Capabilities.NONE);
                            if (message.header().command() == 5) {
                                room += 16;
                                payload = ints(room, 11, 0, 32, 1, 0, 0, 0);
                            }
                            peer.reply(message, payload);
                        }
                    }
                },
                "a description of");
    }

    @Test
    void capabilitiesThatCannotBeAreRefused() throws Exception {
        int[][] lists = {
            {1 | 1 << 16, 32, 0, 0}, // leads to itself
            {1 | 1 << 16, 40, 0, 0}, // into itself
            {1 | 1 << 16, 47, 0, 0}, // to where nothing fits
            {1 | 1 << 16, 0, -1, 0}, // areas that did not come
            {1 | 1 << 16, 0, 1, 0}, // nor did this one
            {1 | 1 << 16, -8, 0, 0} // back
        };
        for (int[] list : lists) {
            int[] head = {48, 15, 0, 32, 0x2000, 0, 0, 0};
            int[] all = Arrays.copyOf(head, 12);
            System.arraycopy(list, 0, all, 8, 4);
            assertUnreachable(saying(Command.DEVICE_GET_REGION_INFO, 0, ints(all)), "");
        }
        long[][] areas = {
            {0x1000, 0x1000, 0, 0x2000}, // overlap
            {0, 0x3000, 0, 0}, // outside
            {-4096, 0x1000, 0, 0},
            {0x1000, -1, 0, 0},
            {Long.MAX_VALUE, Long.MAX_VALUE, 0, 0}
        };
        for (long[] pair : areas) {
            Writer to = Writer.of(80).putInt(80).putInt(15).putInt(0).putInt(32);
            to.putLong(0x2000).putLong(0);
            to.putShort(1).putShort(1).putInt(0).putInt(2).putInt(0);
            for (long value : pair) {
                to.putLong(value);
            }
            assertUnreachable(saying(Command.DEVICE_GET_REGION_INFO, 0, to.bytes()), "area");
        }
    }

    // ---------------------------------------------------------------- limits

    @Test
    void theServersLimitsAreKept() throws Exception {
        Capabilities narrow =
                new Capabilities(
                        OptionalInt.of(2),
                        OptionalLong.of(20),
                        OptionalLong.of(1),
                        OptionalLong.of(8192),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty());
        BlockingQueue<String> asked = new LinkedBlockingQueue<>();
        ScriptServer.Script script =
                peer -> {
                    while (true) {
                        try (Message message = peer.describe(narrow)) {
                            asked.add(
                                    Command.of(message.header().command()).orElseThrow()
                                            + " "
                                            + message.payload().length
                                            + " "
                                            + message.descriptors());
                            peer.obey(message);
                        }
                    }
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG);
                EventDescriptor event = EventDescriptor.create("event");
                Arena arena = Arena.ofConfined()) {
            MemorySegment target = arena.allocate(40);
            client.read(0, 1, target);
            assertThat(target.get(ValueLayout.JAVA_BYTE, 39)).isEqualTo((byte) 40);
            client.write(0, 1, target.asSlice(0, 20));
            client.setEvents(2, 0, Collections.nCopies(3, event));
            client.writeAll(Collections.nCopies(2, new RegisterWrite(0, 0, 4, 0)));
            assertThat(asked)
                    .containsExactly(
                            "REGION_READ 16 0",
                            "REGION_READ 16 0",
                            "REGION_READ 16 0",
                            "REGION_WRITE 32 0",
                            "REGION_WRITE 20 0",
                            "DEVICE_SET_IRQS 20 2",
                            "DEVICE_SET_IRQS 20 1",
                            "REGION_WRITE 20 0",
                            "REGION_WRITE 20 0");
            assertThatThrownBy(
                            () ->
                                    client.mapMemory(
                                            RAM, 4096, true, true, Optional.empty(), 0, NO_MEMORY))
                    .hasMessageContaining("expected pages of 0x2000");
            client.mapMemory(RAM, 8192, true, true, Optional.empty(), 0, NO_MEMORY);
            assertThatThrownBy(
                            () ->
                                    client.mapMemory(
                                            0, 8192, true, true, Optional.empty(), 0, NO_MEMORY))
                    .hasMessageContaining("1 pieces");
            assertThat(server.path()).exists();
        }
    }

    @Test
    void eventsThatWereGivenAreTakenBackIfTheOthersAreRefused() throws Exception {
        BlockingQueue<SetIrqs> asked = new LinkedBlockingQueue<>();
        ScriptServer.Script script =
                peer -> {
                    while (true) {
                        try (Message message = peer.describe()) {
                            SetIrqs set =
                                    (SetIrqs)
                                            Request.parse(
                                                    Command.DEVICE_SET_IRQS,
                                                    message.payload(),
                                                    message.descriptors());
                            asked.add(set);
                            if (set.start() == 2) {
                                peer.refuse(message, 22);
                            } else {
                                peer.reply(message, new byte[0]);
                            }
                        }
                    }
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG);
                EventDescriptor event = EventDescriptor.create("event")) {
            assertThatThrownBy(() -> client.setEvents(2, 0, Collections.nCopies(4, event)))
                    .isInstanceOf(VfioUserException.class);
            assertThat(asked).extracting(SetIrqs::start).containsExactly(0, 1, 2, 0);
            assertThat(asked).extracting(SetIrqs::count).containsExactly(1, 1, 1, 2);
            assertThat(server.path()).exists();
        }
    }

    // ---------------------------------------------------------------- mapped regions

    @Test
    void aRegionIsMappedWhereItSaysThatItCanBe() throws Exception {
        try (Descriptor file = SharedMemory.create("bar", 0x4000);
                Arena arena = Arena.ofShared()) {
            Writer description = Writer.of(80).putInt(80).putInt(15).putInt(0).putInt(32);
            description.putLong(0x2000).putLong(0x1000);
            description.putShort(1).putShort(1).putInt(0).putInt(2).putInt(0);
            description.putLong(0x1000).putLong(0x1000).putLong(0x800).putLong(0x100);
            ScriptServer.Script script =
                    peer -> {
                        while (true) {
                            try (Message message = peer.next()) {
                                boolean isIt =
                                        message.header().command() == 5
                                                && RegionInfo.parse(message.payload()).index() == 0;
                                if (isIt) {
                                    byte[] all = description.bytes();
                                    int room = RegionInfo.parse(message.payload()).argsz();
                                    peer.reply(
                                            message,
                                            room < 80 ? Arrays.copyOf(all, 32) : all,
                                            file);
                                } else {
                                    byte[] payload =
                                            ScriptServer.described(message, Capabilities.NONE);
                                    peer.reply(message, payload);
                                }
                            }
                        }
                    };
            try (ScriptServer server = ScriptServer.start(path, script);
                    VfioUserClient client = connect(LONG)) {
                VfioUserRegion.Area area = new VfioUserRegion.Area(0x1000, 0x1000);
                // The other one is no whole page.
                assertThat(client.region(0).orElseThrow().areas()).containsExactly(area);
                MemorySegment view = client.map(0, area, arena);
                MemorySegment whole = SharedMemory.map(file, 0, 0x4000, true, arena);
                view.set(ValueLayout.JAVA_INT, 4, 0x1234);
                assertThat(whole.get(ValueLayout.JAVA_INT, 0x2004)).isEqualTo(0x1234);
                assertThatThrownBy(() -> client.map(0, new VfioUserRegion.Area(0, 0x1000), arena))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> client.map(7, new VfioUserRegion.Area(0, 0x1000), arena))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThat(server.path()).exists();
            }
        }
    }

    // ---------------------------------------------------------------- what it asks of memory

    private static byte[] transfer(long address, long count) {
        return Writer.of(16).putLong(address).putLong(count).bytes();
    }

    private static byte[] store(long address, long count, int bytes) {
        return Writer.of(16 + bytes).putLong(address).putLong(count).bytes();
    }

    /** Sends a request, and gives the error of the answer. */
    private static int asked(ScriptServer.Peer peer, int command, byte[] payload, Descriptor... fds)
            throws IOException {
        Header header = new Header(0x77, command, 16 + payload.length, 0, 0);
        peer.raw(ScriptServer.message(header, payload), fds);
        try (Message answer = peer.next()) {
            assertThat(answer.header().id()).isEqualTo(0x77);
            assertThat(answer.header().command()).isEqualTo(command);
            assertThat(answer.header().isReply()).isTrue();
            assertThat(answer.header().isError()).isEqualTo(answer.header().error() != 0);
            return answer.header().error();
        }
    }

    @Test
    void onlyMemoryThatIsMappedIsReached() throws Exception {
        int read = Command.DMA_READ.number();
        int write = Command.DMA_WRITE.number();
        BlockingQueue<List<Integer>> errors = new LinkedBlockingQueue<>();
        ScriptServer.Script script =
                peer -> {
                    for (int maps = 0; maps < 2; maps++) {
                        try (Message message = peer.describe()) {
                            assertThat(message.header().command()).isEqualTo(2);
                            peer.obey(message);
                        }
                    }
                    try (Message message = peer.describe();
                            Descriptor memory = SharedMemory.create("memory", 4096)) {
                        List<Integer> found = new ArrayList<>();
                        found.add(asked(peer, read, transfer(RAM, 8)));
                        found.add(asked(peer, read, transfer(RAM + 0xffc, 8)));
                        found.add(asked(peer, write, store(RAM + 0xff8, 8, 8)));
                        found.add(asked(peer, read, transfer(RAM, 0)));
                        // From here on it may not be.
                        found.add(asked(peer, write, store(RAM + 0xffc, 8, 8)));
                        found.add(asked(peer, read, transfer(RAM - 1, 1)));
                        found.add(asked(peer, read, transfer(RAM + 0x1ffc, 8)));
                        found.add(asked(peer, read, transfer(-4, 8)));
                        found.add(asked(peer, read, transfer(RAM, -1)));
                        found.add(asked(peer, read, transfer(RAM, 0x10_0001)));
                        found.add(asked(peer, write, store(RAM, 9, 8)));
                        found.add(asked(peer, write, store(RAM, 7, 8)));
                        found.add(asked(peer, write, store(RAM, -1, 8)));
                        found.add(asked(peer, read, new byte[15]));
                        found.add(asked(peer, read, transfer(RAM, 8), memory));
                        found.add(asked(peer, 9, new byte[16]));
                        found.add(asked(peer, 99, new byte[16]));
                        errors.add(found);
                        peer.obey(message);
                    }
                    peer.obey();
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG);
                Arena arena = Arena.ofShared()) {
            MemorySegment ram = arena.allocate(0x2000, 4096);
            DmaMemory memory = DmaMemory.of(GuestMemory.of(new MemoryRegion(RAM, ram)));
            client.mapMemory(RAM, 0x1000, true, true, Optional.empty(), 0, memory);
            client.mapMemory(RAM + 0x1000, 0x1000, true, false, Optional.empty(), 0, memory);
            ram.fill((byte) 5);
            assertThat(client.read(0, 4, 1)).isEqualTo(4);
            int fault = Errno.EFAULT.number();
            int invalid = Errno.EINVAL.number();
            assertThat(errors.take())
                    .containsExactly(
                            0,
                            0,
                            0,
                            0,
                            Errno.EROFS.number(),
                            fault,
                            fault,
                            fault,
                            invalid,
                            invalid,
                            invalid,
                            invalid,
                            invalid,
                            invalid,
                            invalid,
                            Errno.ENOSYS.number(),
                            Errno.ENOSYS.number());
            assertThat(client.refusals()).isEqualTo(13);
            assertThat(ram.get(ValueLayout.JAVA_LONG, 0xff8)).isZero();
            assertThat(ram.get(ValueLayout.JAVA_LONG, 0xff0)).isNotZero();
            assertThat(ram.get(ValueLayout.JAVA_LONG, 0x1000)).isNotZero();
            assertThat(server.path()).exists();
        }
    }

    @Test
    void transfersComeInAnyPiecesBesideAnswers() throws Exception {
        byte[] ask = store(RAM + 16, 8, 8);
        ask[16] = 0x42;
        ScriptServer.Script script =
                peer -> {
                    peer.obey(peer.describe());
                    for (int split = 0; split <= 40; split++) {
                        try (Message message = peer.describe()) {
                            byte[] request =
                                    ScriptServer.message(new Header(split, 12, 40, 0, 0), ask);
                            byte[] payload = good(message);
                            byte[] answer =
                                    ScriptServer.message(
                                            Header.reply(message.header(), payload.length),
                                            payload);
                            byte[] both = Arrays.copyOf(request, 40 + answer.length);
                            System.arraycopy(answer, 0, both, 40, answer.length);
                            if (split > 0) {
                                peer.raw(Arrays.copyOf(both, split));
                            }
                            peer.raw(Arrays.copyOfRange(both, split, both.length));
                            peer.next().close();
                        }
                    }
                    peer.obey();
                };
        try (ScriptServer server = ScriptServer.start(path, script);
                VfioUserClient client = connect(LONG);
                Arena arena = Arena.ofShared()) {
            MemorySegment ram = arena.allocate(0x1000, 4096);
            DmaMemory memory = DmaMemory.of(GuestMemory.of(new MemoryRegion(RAM, ram)));
            client.mapMemory(RAM, 0x1000, true, true, Optional.empty(), 0, memory);
            for (int split = 0; split <= 40; split++) {
                ram.fill((byte) 0);
                assertThat(client.read(0, 9, 1)).isEqualTo(9);
                assertThat(ram.get(ValueLayout.JAVA_BYTE, 16)).isEqualTo((byte) 0x42);
            }
            assertThat(server.path()).exists();
        }
    }

    // ---------------------------------------------------------------- death at each phase

    /** All that a client does in its life, in order. */
    private static void live(VfioUserClient client, EventDescriptor event) throws IOException {
        client.reset();
        client.mapMemory(RAM, 4096, true, true, Optional.empty(), 0, NO_MEMORY);
        client.write(7, 4, 2, 6);
        client.setEvents(2, 0, List.of(event, event));
        client.post(0, 0, 4, 1);
        client.read(0, 0, 4);
        client.mask(2, 0, 1);
        client.disable(2);
        client.unmapMemory(RAM, 4096);
        client.reset();
    }

    @Test
    void aServerMayDieAtAnyMessage() throws Exception {
        int survived = 0;
        for (int messages = 0; survived == 0; messages++) {
            int life = messages;
            ScriptServer.Script script =
                    peer -> {
                        for (int n = 0; n < life; n++) {
                            try (Message message = peer.next()) {
                                byte[] payload = ScriptServer.described(message, Capabilities.NONE);
                                if (payload != null) {
                                    peer.reply(message, payload);
                                } else {
                                    peer.obey(message);
                                }
                            }
                        }
                    };
            try (ScriptServer server = ScriptServer.start(path, script);
                    EventDescriptor event = EventDescriptor.create("event")) {
                boolean isConnected = false;
                try (VfioUserClient client = connect(LONG)) {
                    isConnected = true;
                    live(client, event);
                    survived++;
                } catch (VfioUserException failed) {
                    assertThat(failed.kind()).isEqualTo(isConnected ? Kind.LOST : Kind.UNREACHABLE);
                }
                assertThat(server.path()).exists();
            }
        }
        // One for each phase from the connection on, and the one that lived on until it was let go.
        assertThat(losses.size()).isBetween(5, 12);
    }
}
