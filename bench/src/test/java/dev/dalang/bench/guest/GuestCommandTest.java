package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine.ParameterException;

import java.nio.file.Path;

final class GuestCommandTest {
    private static GuestCommand parse(String... arguments) {
        return Commands.parse(new GuestCommand(), arguments);
    }

    @Test
    void fiveRunsOfTheWholeWorkAreTheDefault() {
        GuestCommand options = parse();
        assertThat(options.runs()).isEqualTo(5);
        assertThat(options.divisor()).isEqualTo(1);
        assertThat(options.only()).isEmpty();
        assertThat(options.save()).isEmpty();
    }

    @Test
    void optionsAfterQuickOverruleIt() {
        GuestCommand options =
                parse("--quick", "--runs", "2", "--idle", "0", "--only", "copy,fork");
        assertThat(options.runs()).isEqualTo(2);
        assertThat(options.divisor()).isGreaterThan(1);
        assertThat(options.idleSeconds()).isZero();
        assertThat(options.only()).containsExactly("copy", "fork");
    }

    @Test
    void theRecordSaysWhatWasGiven() {
        assertThat(parse().asGiven()).isEqualTo("dalang bench guest");
        assertThat(parse("--runs", "2", "--only=copy").asGiven())
                .isEqualTo("dalang bench guest --runs 2 --only=copy");
    }

    @Test
    void savingGoesToTheTreesOwnDocument() {
        assertThat(parse("--save").save()).contains(Path.of("tree/docs/performance.md"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--fast",
                "--runs",
                "--runs 0",
                "--runs x",
                "--memory 1",
                "--only a;b",
                "--idle -1"
            })
    void mistakesAreRefused(String line) {
        assertThatThrownBy(() -> parse(line.split(" "))).isInstanceOf(ParameterException.class);
    }
}
