package dev.dalang.pci;

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
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** The scripts that the fuzzer begins with, and others made of them. */
class PciEntryTest {
    private static final Path CORPUS =
            Path.of(
                    "src/test/resources/dev/dalang/pci/PciEntryFuzzTestInputs",
                    "nothingThatAGuestDoesEscapes");
    private static final long SEED = Long.getLong("dalang.seed", 11);
    private static final int ROUNDS = 300;
    private static final int RECORD_BYTES = 8;

    static List<Path> scripts() throws IOException {
        return Corpus.in(CORPUS);
    }

    @ParameterizedTest
    @MethodSource("scripts")
    void nothingThatAGuestDoesEscapes(Path script) throws IOException {
        new PciEntryScript().run(Files.readAllBytes(script));
    }

    @Test
    void nothingThatComesOfThemEscapes() throws IOException {
        List<byte[]> parts = new ArrayList<>();
        for (Path script : scripts()) {
            parts.add(Files.readAllBytes(script));
        }
        assertThat(parts).hasSizeGreaterThan(10);
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < ROUNDS; round++) {
            byte[] script = spliced(random, parts);
            assertThatCode(() -> new PciEntryScript().run(script))
                    .as("seed %d, round %d, %s", SEED, round, Arrays.toString(script))
                    .doesNotThrowAnyException();
        }
    }

    /** Stretches of records of several scripts, some of their bytes changed. */
    private static byte[] spliced(SplittableRandom random, List<byte[]> parts) {
        byte[] script = new byte[RECORD_BYTES * random.nextInt(1, 400)];
        int at = 0;
        while (at < script.length) {
            byte[] from = parts.get(random.nextInt(parts.size()));
            int records = from.length / RECORD_BYTES;
            if (records == 0) {
                continue;
            }
            int first = random.nextInt(records);
            int bytes =
                    Math.min(
                            script.length - at,
                            RECORD_BYTES * random.nextInt(1, records - first + 1));
            System.arraycopy(from, first * RECORD_BYTES, script, at, bytes);
            at += bytes;
        }
        for (int changes = random.nextInt(8); changes > 0; changes--) {
            script[random.nextInt(script.length)] = (byte) random.nextInt();
        }
        return script;
    }
}
