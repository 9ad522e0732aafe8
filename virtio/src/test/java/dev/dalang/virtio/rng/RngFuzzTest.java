package dev.dalang.virtio.rng;

import com.code_intelligence.jazzer.junit.FuzzTest;

import org.junit.jupiter.api.Tag;

/**
 * Scripts made by Jazzer, led by coverage: run with {@code JAZZER_FUZZ=1} and without the exclusion
 * of its tag, see CONTRIBUTING.md.
 */
@Tag("fuzz")
class RngFuzzTest {
    @FuzzTest(maxDuration = "5m")
    void nothingThatADriverDoesEscapes(byte[] script) {
        new RngScript().run(script);
    }
}
