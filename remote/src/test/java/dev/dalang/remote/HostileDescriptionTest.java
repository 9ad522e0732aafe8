package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.VfioUserException.Kind;
import dev.dalang.remote.internal.wire.Capabilities;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Writer;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** Servers that say of themselves and of their device what cannot be. */
final class HostileDescriptionTest extends HostileServerFixture {
    private void assertUnreachable(ScriptServer.Script script, String says) throws Exception {
        assertUnreachable(script, LONG, says);
    }

    private void assertUnreachable(ScriptServer.Script script, Duration timeout, String says)
            throws Exception {
        try (ScriptServer server = ScriptServer.start(path, script)) {
            assertThatThrownBy(() -> connect(timeout))
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
                Duration.ofMillis(50),
                "no answer to VERSION");
        for (WrongAnswer wrong : WrongAnswer.values()) {
            if (wrong != WrongAnswer.TWICE && wrong != WrongAnswer.TOO_LONG) {
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
}
