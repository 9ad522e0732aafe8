package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.VfioUserClient.RegisterWrite;
import dev.dalang.remote.VfioUserException.Kind;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** Servers whose answers are none, come late, or never: each costs its device, and nothing else. */
final class HostileServerTest extends HostileServerFixture {
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

    @ParameterizedTest
    @EnumSource(Question.class)
    void anAnswerThatIsNoneEndsTheConnection(Question question) throws Exception {
        for (WrongAnswer wrong : WrongAnswer.values()) {
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
                if (wrong == WrongAnswer.TWICE) {
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

    /**
     * A client that waits a second for each answer. Those about itself a good server gives, which
     * on a busy machine may take longer: then it is asked again.
     */
    private VfioUserClient connectForASecond() throws VfioUserException {
        for (int attempt = 1; ; attempt++) {
            try {
                return connect(Duration.ofSeconds(1));
            } catch (VfioUserException late) {
                if (late.kind() != Kind.UNREACHABLE || attempt == 100) {
                    throw late;
                }
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
                VfioUserClient client = connectForASecond()) {
            assertLost(() -> client.read(0, 0, 4));
            assertThat(losses.take().isLost()).isTrue();
            assertThat(server.path()).exists();
        }
    }

    @Test
    void whoDoesNotReadIsGone() throws Exception {
        try (UnreadServer server = new UnreadServer(path);
                VfioUserClient client = connectForASecond()) {
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

    private static void assertLost(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        VfioUserException.class, failed -> assertThat(failed.isLost()).isTrue());
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
        int unreachable = 0;
        int lost = 0;
        boolean hasSurvived = false;
        AtomicInteger obeyed = new AtomicInteger();
        for (int messages = 0; !hasSurvived; messages++) {
            int life = messages;
            obeyed.set(0);
            ScriptServer.Script script =
                    peer -> {
                        for (int n = 0; n < life; n++) {
                            try (Message message = peer.next()) {
                                byte[] payload = ScriptServer.described(message, Capabilities.NONE);
                                if (payload != null) {
                                    peer.reply(message, payload);
                                } else {
                                    obeyed.incrementAndGet();
                                    peer.obey(message);
                                }
                            }
                        }
                    };
            try (ScriptServer server = ScriptServer.start(path, script);
                    EventDescriptor event = EventDescriptor.create("event")) {
                try (VfioUserClient client = connect(LONG)) {
                    hasSurvived = outlives(client, event);
                    lost += hasSurvived ? 0 : 1;
                } catch (VfioUserException failed) {
                    assertThat(failed.kind()).isEqualTo(Kind.UNREACHABLE);
                    unreachable++;
                }
                assertThat(server.path()).exists();
            }
        }
        // A death at each; that after the last answer about itself may be seen while connecting.
        assertThat(obeyed.get()).isGreaterThanOrEqualTo(10);
        assertThat(lost).isBetween(obeyed.get() - 1, obeyed.get());
        assertThat(unreachable).isGreaterThan(lost);
    }

    /** True if a server does all that the client asks; else the client is told of its end. */
    private boolean outlives(VfioUserClient client, EventDescriptor event) throws Exception {
        try {
            live(client, event);
            return true;
        } catch (VfioUserException failed) {
            assertThat(failed.isLost()).isTrue();
            assertThat(losses.take().isLost()).isTrue(); // nobody is told once it is closed
            return false;
        }
    }
}
