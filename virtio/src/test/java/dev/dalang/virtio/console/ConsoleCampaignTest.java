package dev.dalang.virtio.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.Corpus;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * The scripts that the fuzzer begins with, and random ones. {@code -Ddalang.console.requests=N} and
 * {@code -Ddalang.seed=N} choose others.
 */
class ConsoleCampaignTest {
    private static final long REQUESTS = Long.getLong("dalang.console.requests", 200_000);
    private static final long SEED = Long.getLong("dalang.seed", 42);
    private static final int RECORDS = 2000;
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/virtio/console/VirtioConsoleFuzzTestInputs",
                    "nothingThatADriverDoesEscapes");

    static List<Path> scripts() throws IOException {
        return Corpus.in(CORPUS);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void nothingThatAKnownScriptDoesEscapes(Path script) throws IOException {
        ConsoleScript run = new ConsoleScript();
        run.run(Files.readAllBytes(script));
        if (!script.endsWith("empty")) {
            assertThat(run.messages).isPositive();
        }
    }

    @Test
    void nothingThatADriverDoesEscapes() {
        Random random = new Random(SEED);
        byte[] script = new byte[1 + RECORDS * ConsoleScript.RECORD_BYTES];
        long needsResets = 0;
        long messages = 0;
        for (long done = 0; done < REQUESTS; done += RECORDS) {
            long seed = random.nextLong();
            new Random(seed).nextBytes(script);
            ConsoleScript run = new ConsoleScript();
            try {
                run.run(script);
            } catch (RuntimeException | Error escaped) {
                throw new AssertionError("script of seed " + seed, escaped);
            }
            needsResets += run.needsResets;
            messages += run.messages;
        }
        System.out.printf(
                "seed %d: %d requests, %d messages, %d resets that were needed%n",
                SEED, REQUESTS, messages, needsResets);
        assertThat(messages).isGreaterThan(REQUESTS / 10);
        assertThat(needsResets).isPositive();
    }
}
