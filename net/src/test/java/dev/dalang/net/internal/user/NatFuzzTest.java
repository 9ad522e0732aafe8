package dev.dalang.net.internal.user;

import com.code_intelligence.jazzer.junit.FuzzTest;

import org.junit.jupiter.api.Tag;

import java.io.IOException;

/**
 * Scripts made by Jazzer, led by coverage: run with {@code JAZZER_FUZZ=1} and without the exclusion
 * of its tag, see CONTRIBUTING.md.
 */
@Tag("fuzz")
class NatFuzzTest {
    @FuzzTest(maxDuration = "5m")
    void nothingThatAGuestSendsEscapes(byte[] bytes) throws IOException {
        try (NatScript script = new NatScript()) {
            script.run(bytes);
        }
    }
}
