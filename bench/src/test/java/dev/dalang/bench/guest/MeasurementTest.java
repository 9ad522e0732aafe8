package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.regex.Matcher;

final class MeasurementTest {
    @Test
    void aWorkloadsLineIsFoundAmongOtherOutput() {
        Matcher lines =
                Measurement.LINE.matcher(
                        "~ # bench all 4\r\n"
                                + "= pipe 250 round trips 0.500000 s check 00000000000000ff\r\n"
                                + "[    1.0] = not a result\r\n");
        assertThat(lines.find()).isTrue();
        assertThat(Measurement.of(lines.toMatchResult()))
                .isEqualTo(new Measurement("pipe", 250, "round trips", 0.5, "00000000000000ff", 0));
        assertThat(lines.find()).isFalse();
    }

    @Test
    void countedInstructionsAreRead() {
        Matcher lines =
                Measurement.LINE.matcher(
                        "= bare 60 iterations 0.0799213 s check 0000000000009dca"
                                + " instructions 195413055\r\n");
        assertThat(lines.find()).isTrue();
        assertThat(Measurement.of(lines.toMatchResult()).instructions()).isEqualTo(195_413_055);
    }

    @Test
    void aLineThatHasNotEndedIsNotTaken() {
        assertThat(Measurement.LINE.matcher("= copy 8 MiB 0.5 s check 00000000000000ff").find())
                .isFalse();
    }
}
