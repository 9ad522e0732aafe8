package dev.dalang.remote;

import static org.assertj.core.api.Assumptions.assumeThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.dalang.linux.Linux;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Answers made by Jazzer, led by coverage: run with {@code JAZZER_FUZZ=1} and without the exclusion
 * of its tag, see CONTRIBUTING.md.
 */
@Tag("fuzz")
class AnswerFuzzTest {
    @TempDir Path directory;

    @FuzzTest(maxDuration = "5m")
    void noAnswerLeadsAClientAstray(byte[] bytes) throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        try (AnswerScript script = new AnswerScript(directory)) {
            script.run(bytes);
        }
    }
}
