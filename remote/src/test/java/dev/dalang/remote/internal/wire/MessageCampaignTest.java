package dev.dalang.remote.internal.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.dalang.testkit.Corpus;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;

/** The messages that the fuzzer begins with, and others made of them. */
class MessageCampaignTest {
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/remote/internal/wire/MessageFuzzTestInputs",
                    "aMessageIsRefusedOrUnderstood");
    private static final long SEED = Long.getLong("dalang.seed", 7);
    private static final int ROUNDS = 20_000;

    static List<Path> messages() throws IOException {
        return Corpus.in(CORPUS);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void aMessageIsRefusedOrUnderstood(Path message) throws IOException {
        new MessageScript().run(Files.readAllBytes(message));
    }

    @Test
    void theFuzzerBeginsWithEveryMessage() throws IOException {
        for (Golden golden : Golden.REQUESTS) {
            assertThat(CORPUS.resolve(golden.name())).hasBinaryContent(golden.message());
        }
    }

    @Test
    void whatComesOfThemIsRefusedOrUnderstood() throws IOException {
        List<byte[]> all = new ArrayList<>();
        for (Path message : messages()) {
            all.add(Files.readAllBytes(message));
        }
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < ROUNDS; round++) {
            byte[] bytes = changed(random, all);
            assertThatCode(() -> new MessageScript().run(bytes))
                    .as("seed %d, round %d, %s", SEED, round, HexFormat.of().formatHex(bytes))
                    .doesNotThrowAnyException();
        }
    }

    /** The header of one, the payload of one, some bytes changed, and perhaps cut off. */
    private static byte[] changed(SplittableRandom random, List<byte[]> all) {
        byte[] head = all.get(random.nextInt(all.size()));
        byte[] tail = all.get(random.nextInt(all.size()));
        if (head.length < Header.BYTES || random.nextBoolean()) {
            tail = head;
        }
        int length = random.nextInt(8) == 0 ? random.nextInt(tail.length + 1) : tail.length;
        byte[] bytes = new byte[length];
        System.arraycopy(tail, 0, bytes, 0, length);
        System.arraycopy(head, 0, bytes, 0, Math.min(Header.BYTES, Math.min(length, head.length)));
        for (int changes = random.nextInt(4); changes > 0 && length > 0; changes--) {
            int at = random.nextInt(length);
            bytes[at] =
                    switch (random.nextInt(3)) {
                        case 0 -> (byte) (bytes[at] ^ 1 << random.nextInt(8));
                        case 1 -> (byte) random.nextInt(256);
                        default -> (byte) (random.nextBoolean() ? 0xff : 0);
                    };
        }
        return bytes;
    }
}
