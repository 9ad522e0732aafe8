package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.Corpus;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The scripts that the fuzzer begins with, and others made of them. {@code -Ddalang.nvme.scripts=N}
 * and {@code -Ddalang.seed=N} choose others.
 */
class NvmeScriptTest {
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/devices/nvme/NvmeFuzzTestInputs",
                    "whateverADriverDoesTheControllerLivesOn");
    private static final int SCRIPTS = Integer.getInteger("dalang.nvme.scripts", 500);
    private static final long SEED = Long.getLong("dalang.seed", 42);

    static List<Path> scripts() throws IOException {
        return Corpus.in(CORPUS);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void theControllerLivesOnAfterAKnownScript(Path file) throws IOException {
        NvmeScript script = new NvmeScript();
        script.run(Files.readAllBytes(file));

        assertThat(script.good + script.others > 0).isNotEqualTo(file.endsWith("empty"));
    }

    @Test
    void theControllerLivesOnAfterOthersMadeOfThem() throws IOException {
        List<byte[]> all = new ArrayList<>();
        for (Path file : scripts()) {
            all.add(Files.readAllBytes(file));
        }
        SplittableRandom random = new SplittableRandom(SEED);
        long good = 0;
        long others = 0;
        long resets = 0;
        for (int n = 0; n < SCRIPTS; n++) {
            NvmeScript script = new NvmeScript();
            try {
                script.run(changed(random, all));
            } catch (RuntimeException | Error escaped) {
                throw new AssertionError("seed %d, script %d".formatted(SEED, n), escaped);
            }
            good += script.good;
            others += script.others;
            resets += script.resets;
        }
        System.out.printf(
                "seed %d: %d scripts, %d times good, %d others, %d resets%n",
                SEED, SCRIPTS, good, others, resets);
        assertThat(good).isGreaterThan(SCRIPTS);
        assertThat(others).isGreaterThan(SCRIPTS);
        assertThat(resets).isGreaterThan(SCRIPTS);
    }

    /** The begin of one and the end of another, of which some bytes are others. */
    private static byte[] changed(SplittableRandom random, List<byte[]> all) {
        byte[] one = all.get(random.nextInt(all.size()));
        byte[] two = all.get(random.nextInt(all.size()));
        int head = random.nextInt(one.length + 1);
        int tail = random.nextInt(two.length + 1);
        byte[] bytes = new byte[head + two.length - tail];
        System.arraycopy(one, 0, bytes, 0, head);
        System.arraycopy(two, tail, bytes, head, two.length - tail);
        for (int changes = random.nextInt(8); changes > 0 && bytes.length > 0; changes--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
        }
        return bytes;
    }
}
