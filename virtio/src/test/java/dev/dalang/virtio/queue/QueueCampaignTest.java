package dev.dalang.virtio.queue;

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
 * The scripts that the fuzzer begins with, and random ones. {@code -Ddalang.queue.operations=N} and
 * {@code -Ddalang.seed=N} choose others.
 */
class QueueCampaignTest {
    private static final long OPERATIONS = Long.getLong("dalang.queue.operations", 300_000);
    private static final long SEED = Long.getLong("dalang.seed", 42);
    private static final int RECORDS = 400;
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/virtio/queue/VirtQueueFuzzTestInputs",
                    "nothingThatADriverDoesEscapes");

    static List<Path> scripts() throws IOException {
        return Corpus.in(CORPUS);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void nothingThatAKnownScriptDoesEscapes(Path script) throws IOException {
        QueueScript run = new QueueScript();
        run.run(Files.readAllBytes(script));
        if (!script.endsWith("empty")) {
            assertThat(run.chains + run.breakages).isPositive();
        }
    }

    @Test
    void nothingThatADriverDoesEscapes() {
        Random random = new Random(SEED);
        byte[] script = new byte[2 + RECORDS * QueueScript.RECORD_BYTES];
        long chains = 0;
        long breakages = 0;
        for (long done = 0; done < OPERATIONS; done += RECORDS) {
            long seed = random.nextLong();
            new Random(seed).nextBytes(script);
            QueueScript run = new QueueScript();
            try {
                run.run(script);
            } catch (RuntimeException | Error escaped) {
                throw new AssertionError("script of seed " + seed, escaped);
            }
            chains += run.chains;
            breakages += run.breakages;
        }
        System.out.printf(
                "seed %d: %d operations, %d chains, %d queues broken%n",
                SEED, OPERATIONS, chains, breakages);
        assertThat(chains).isGreaterThan(OPERATIONS / 50);
        assertThat(breakages).isGreaterThan(OPERATIONS / 2000);
    }
}
