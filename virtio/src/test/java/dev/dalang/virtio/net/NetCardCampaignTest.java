package dev.dalang.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.Corpus;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The scripts that the fuzzer begins with, and random ones. {@code -Ddalang.net.requests=N} and
 * {@code -Ddalang.seed=N} choose others.
 */
final class NetCardCampaignTest {
    private static final long REQUESTS = Long.getLong("dalang.net.requests", 100_000);
    private static final long SEED = Long.getLong("dalang.seed", 42);
    private static final int SCRIPT_BYTES = 8192;
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/virtio/net/NetCardFuzzTestInputs",
                    "nothingThatADriverDoesEscapes");

    static List<Path> scripts() throws IOException {
        return Corpus.in(CORPUS);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void nothingThatAKnownScriptDoesEscapes(Path script) throws IOException {
        new NetCardScript().run(Files.readAllBytes(script));
    }

    @Test
    void nothingThatADriverDoesEscapes() {
        SplittableRandom random = new SplittableRandom(SEED);
        byte[] bytes = new byte[SCRIPT_BYTES];
        long requests = 0;
        long sent = 0;
        long received = 0;
        long commands = 0;
        long broken = 0;
        while (requests < REQUESTS) {
            NetCardScript script = new NetCardScript();
            while (script.requests < 100_000 && requests + script.requests < REQUESTS) {
                long seed = random.nextLong();
                new SplittableRandom(seed).nextBytes(bytes);
                try {
                    script.run(bytes);
                } catch (RuntimeException | Error escaped) {
                    throw new AssertionError("script of seed " + seed, escaped);
                }
            }
            script.count();
            sent += script.sent;
            received += script.received;
            requests += script.requests;
            commands += script.commands;
            broken += script.brokenCards;
        }
        System.out.printf(
                "seed %d: %d requests, %d commands, %d frames sent, %d received, %d times broken%n",
                SEED, requests, commands, sent, received, broken);
        assertThat(sent).isGreaterThan(REQUESTS / 100);
        assertThat(received).isGreaterThan(REQUESTS / 100);
        assertThat(commands).isGreaterThan(REQUESTS / 100);
        assertThat(broken).isGreaterThan(REQUESTS / 10_000);
    }
}
