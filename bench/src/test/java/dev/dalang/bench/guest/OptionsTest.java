package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

final class OptionsTest {
    private static Options parse(String... arguments) {
        List<String> words = new ArrayList<>(List.of("tree"));
        words.addAll(List.of(arguments));
        return Options.parse(words);
    }

    @Test
    void fiveRunsOfTheWholeWorkAreTheDefault() {
        Options options = parse();
        assertThat(options.runs()).isEqualTo(5);
        assertThat(options.divisor()).isEqualTo(1);
        assertThat(options.only()).isEmpty();
        assertThat(options.save()).isEmpty();
    }

    @Test
    void optionsAfterQuickOverruleIt() {
        Options options = parse("--quick", "--runs", "2", "--idle", "0", "--only", "copy,fork");
        assertThat(options.runs()).isEqualTo(2);
        assertThat(options.divisor()).isGreaterThan(1);
        assertThat(options.idleSeconds()).isZero();
        assertThat(options.only()).containsExactly("copy", "fork");
    }

    @Test
    void savingGoesToTheTreesOwnDocument() {
        assertThat(parse("--save").save()).contains(Path.of("tree/docs/performance.md"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--fast", "--runs", "--runs 0", "--runs x", "--memory 1", "--only a;b"})
    void mistakesAreRefused(String line) {
        assertThatThrownBy(() -> parse(line.split(" "))).isInstanceOf(BenchException.class);
    }
}
