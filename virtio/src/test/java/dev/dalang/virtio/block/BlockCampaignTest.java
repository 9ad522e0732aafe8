package dev.dalang.virtio.block;

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
 * The scripts that the fuzzer begins with, and random ones. {@code -Ddalang.block.operations=N} and
 * {@code -Ddalang.seed=N} choose others.
 */
class BlockCampaignTest {
    private static final long OPERATIONS = Long.getLong("dalang.block.operations", 100_000);
    private static final long SEED = Long.getLong("dalang.seed", 42);
    private static final int RECORDS = 400;
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/virtio/block/BlockFuzzTestInputs",
                    "theDiskDoesWhatItsModelDoes");

    static List<Path> scripts() throws IOException {
        return Corpus.in(CORPUS);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void theDiskDoesWhatItsModelDoesInAKnownScript(Path script) throws IOException {
        BlockScript run = new BlockScript();
        run.run(Files.readAllBytes(script));
        if (!script.endsWith("empty")) {
            assertThat(run.requests + run.malformed).isPositive();
        }
    }

    @Test
    void theDiskDoesWhatItsModelDoes() {
        Random random = new Random(SEED);
        byte[] script = new byte[1 + RECORDS * BlockScript.RECORD_BYTES];
        long requests = 0;
        long malformed = 0;
        long breakages = 0;
        for (long done = 0; done < OPERATIONS; done += RECORDS) {
            long seed = random.nextLong();
            new Random(seed).nextBytes(script);
            BlockScript run = new BlockScript();
            try {
                run.run(script);
            } catch (RuntimeException | Error escaped) {
                throw new AssertionError("script of seed " + seed, escaped);
            }
            requests += run.requests;
            malformed += run.malformed;
            breakages += run.breakages;
        }
        System.out.printf(
                "seed %d: %d operations, %d good requests, %d others, %d resets needed%n",
                SEED, OPERATIONS, requests, malformed, breakages);
        assertThat(requests).isGreaterThan(OPERATIONS / 3);
        assertThat(malformed).isGreaterThan(OPERATIONS / 8);
        assertThat(breakages).isGreaterThan(OPERATIONS / 100);
    }
}
