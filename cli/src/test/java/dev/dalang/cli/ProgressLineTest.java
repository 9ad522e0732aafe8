package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

class ProgressLineTest {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private ProgressLine line(boolean isTerminal) {
        return new ProgressLine(new PrintStream(bytes, true, StandardCharsets.UTF_8), isTerminal);
    }

    private String written() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void theBarShowsTheShareAndTheSize() {
        assertThat(ProgressLine.line("Downloading x", 56_000_000, 112_000_000))
                .isEqualTo(
                        "Downloading x                       "
                                + " [############............]  50% of 112.0 MB");
    }

    @Test
    void valuesOutsideTheRangeAreShownAtItsEnds() {
        assertThat(ProgressLine.line("x", 5, 0)).contains("100%");
        assertThat(ProgressLine.line("x", -5, 10)).contains("  0%");
        assertThat(ProgressLine.line("x".repeat(100), 1, 1)).contains("x… [");
    }

    @Test
    void onATerminalOneLineIsDrawnAgainAndAgain() {
        ProgressLine line = line(true);
        line.step("One");
        line.advanced(1, 2);
        line.advanced(1, 2);
        line.advanced(2, 2);
        line.finish();

        assertThat(written().split("\r")).hasSize(4);
        assertThat(written()).endsWith("100% of 0.0 MB" + System.lineSeparator());
    }

    @Test
    void elsewhereEachStepIsALine() {
        ProgressLine line = line(false);
        line.step("One");
        line.advanced(1, 2);
        line.step("Two");
        line.notice("careful");
        line.finish();

        assertThat(written().lines())
                .containsExactly("dalang: One", "dalang: Two", "dalang: careful");
    }
}
