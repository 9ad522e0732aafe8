package dev.dalang.virtio.rng;

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
 * The scripts that the fuzzer begins with, and random ones. {@code -Ddalang.rng.requests=N} and
 * {@code -Ddalang.seed=N} choose others.
 */
class RngCampaignTest {
    private static final long REQUESTS = Long.getLong("dalang.rng.requests", 100_000);
    private static final long SEED = Long.getLong("dalang.seed", 42);
    private static final int RECORDS = 2000;
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/virtio/rng/RngFuzzTestInputs",
                    "nothingThatADriverDoesEscapes");

    static List<Path> scripts() throws IOException {
        return Corpus.in(CORPUS);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void nothingThatAKnownScriptDoesEscapes(Path script) throws IOException {
        RngScript run = new RngScript();
        run.run(Files.readAllBytes(script));
        assertThat(run.requests > 0).isEqualTo(!script.endsWith("empty"));
    }

    @Test
    void nothingThatADriverDoesEscapes() {
        Random random = new Random(SEED);
        byte[] script = new byte[1 + RECORDS * RngScript.RECORD_BYTES];
        long requests = 0;
        long needsResets = 0;
        long throttled = 0;
        long capped = 0;
        long empty = 0;
        while (requests < REQUESTS) {
            long seed = random.nextLong();
            new Random(seed).nextBytes(script);
            RngScript run = new RngScript();
            try {
                run.run(script);
            } catch (RuntimeException | Error escaped) {
                throw new AssertionError("script of seed " + seed, escaped);
            }
            requests += run.requests;
            needsResets += run.needsResets;
            throttled += run.counts().throttled();
            capped += run.counts().capped();
            empty += run.counts().empty();
        }
        System.out.printf(
                "seed %d: %d requests, %d resets that were needed, %d throttled, %d capped, %d"
                        + " empty%n",
                SEED, requests, needsResets, throttled, capped, empty);
        assertThat(needsResets).isPositive();
        assertThat(throttled).isPositive();
        assertThat(capped).isPositive();
        assertThat(empty).isPositive();
    }
}
