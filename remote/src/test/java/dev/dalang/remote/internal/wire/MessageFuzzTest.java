package dev.dalang.remote.internal.wire;

import com.code_intelligence.jazzer.junit.FuzzTest;

import org.junit.jupiter.api.Tag;

/**
 * Messages made by Jazzer, led by coverage: run with {@code JAZZER_FUZZ=1} and without the
 * exclusion of its tag, see CONTRIBUTING.md.
 */
@Tag("fuzz")
class MessageFuzzTest {
    @FuzzTest(maxDuration = "5m")
    void aMessageIsRefusedOrUnderstood(byte[] bytes) {
        new MessageScript().run(bytes);
    }
}
