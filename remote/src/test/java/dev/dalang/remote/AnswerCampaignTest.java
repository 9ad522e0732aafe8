package dev.dalang.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.linux.Linux;
import dev.dalang.testkit.Corpus;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The answers that the fuzzer begins with, and others made of them. {@code
 * -Ddalang.remote.scripts=N} and {@code -Ddalang.seed=N} choose others.
 */
class AnswerCampaignTest {
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/remote/AnswerFuzzTestInputs",
                    "noAnswerLeadsAClientAstray");
    private static final long SEED = Long.getLong("dalang.seed", 11);
    private static final int SCRIPTS = Integer.getInteger("dalang.remote.scripts", 300);

    /** What a client asks that is answered as it should be. */
    private static final int QUESTIONS = 26;

    @TempDir Path directory;
    private AnswerScript script;

    static List<Path> scripts() throws IOException {
        return Corpus.in(CORPUS);
    }

    @BeforeEach
    void begin() throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        script = new AnswerScript(directory);
    }

    @AfterEach
    void end() {
        if (script != null) {
            script.close();
        }
    }

    @Test
    void goodAnswersLeadThroughAllOfIt() throws IOException {
        script.run(new byte[0]);

        assertThat(script.done).isEqualTo(QUESTIONS);
        assertThat(script.refused).isZero();
        assertThat(script.lost).isZero();
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void noAnswerLeadsAClientAstrayInAKnownScript(Path file) throws IOException {
        script.run(Files.readAllBytes(file));

        assertThat(script.spoilt > 0).isNotEqualTo(file.endsWith("empty"));
    }

    @Test
    void noAnswerLeadsAClientAstray() throws IOException {
        List<byte[]> all = new ArrayList<>();
        for (Path file : scripts()) {
            all.add(Files.readAllBytes(file));
        }
        SplittableRandom random = new SplittableRandom(SEED);
        for (int n = 0; n < SCRIPTS; n++) {
            byte[] bytes = changed(random, all);
            try {
                script.run(bytes);
            } catch (RuntimeException | Error escaped) {
                throw new AssertionError("seed %d, script %d".formatted(SEED, n), escaped);
            }
        }
        System.out.printf(
                "seed %d: %d scripts, %d answers spoilt, %d calls done, %d refused, %d lost%n",
                SEED, SCRIPTS, script.spoilt, script.done, script.refused, script.lost);
        assertThat(script.spoilt).isGreaterThan(SCRIPTS / 2);
        assertThat(script.done).isGreaterThan(SCRIPTS);
        assertThat(script.refused).isGreaterThan(SCRIPTS / 50);
        assertThat(script.lost).isGreaterThan(SCRIPTS / 10);
    }

    /** Two behind each other, of which some bytes are others. */
    private static byte[] changed(SplittableRandom random, List<byte[]> all) {
        byte[] one = all.get(random.nextInt(all.size()));
        byte[] two = all.get(random.nextInt(all.size()));
        byte[] bytes = new byte[one.length + two.length];
        System.arraycopy(one, 0, bytes, 0, one.length);
        System.arraycopy(two, 0, bytes, one.length, two.length);
        for (int changes = random.nextInt(4); changes > 0 && bytes.length > 0; changes--) {
            int at = random.nextInt(bytes.length);
            bytes[at] =
                    (byte)
                            (random.nextBoolean()
                                    ? random.nextInt(256)
                                    : bytes[at] ^ 1 << random.nextInt(8));
        }
        return bytes;
    }
}
