package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine.ParameterException;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;

final class NvmeComparisonTest {
    private static NvmeCommand parse(String... arguments) {
        return Commands.parse(new NvmeCommand(), arguments);
    }

    @Test
    void optionsAfterQuickOverruleIt() {
        NvmeCommand options = parse("--quick", "--runs", "3", "--save");
        assertThat(options.runs()).isEqualTo(3);
        assertThat(options.seconds()).isEqualTo(1);
        assertThat(options.save()).contains(Path.of("tree/docs/performance.md"));
        assertThat(parse().runs()).isEqualTo(5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--fast", "--runs", "--runs 0", "--seconds x"})
    void mistakesAreRefused(String line) {
        assertThatThrownBy(() -> parse(line.split(" "))).isInstanceOf(ParameterException.class);
    }

    @Test
    void theRatesOfAJobAreFoundAmongOtherOutput() {
        Matcher lines =
                FioResult.LINE.matcher(
                        "~ # fio --name=randread --output-format=terse\r\n"
                                + fio("randread", 0, "1234", "0")
                                + fio("randwrite", 5, "0", "99")
                                + "3;fio-3.39;cut off");
        assertThat(lines.find()).isTrue();
        assertThat(lines.group(1)).isEqualTo("randread");
        assertThat(FioResult.of(lines.toMatchResult())).isEqualTo(new FioResult(0, 1234, 0));
        assertThat(lines.find()).isTrue();
        assertThat(FioResult.of(lines.toMatchResult())).isEqualTo(new FioResult(5, 0, 99));
        assertThat(lines.find()).isFalse();
    }

    private static String fio(String job, int error, String reads, String writes) {
        return "3;fio-3.39;%s;0;%d;4936;4936;%s;1000".formatted(job, error, reads)
                + ";0".repeat(37)
                + ";0;0;%s;0".formatted(writes)
                + ";0".repeat(80)
                + "\r\n";
    }

    @Test
    void aRowGivesEachSpeedAsAShareOfTheLasts() {
        String table =
                NvmeReport.of(
                        parse(),
                        "6.12",
                        "11.1.3",
                        List.of(results("a", 500), results("b", 3000), results("c", 2000)));
        assertThat(table)
                .contains("| requests of 4 KiB per second | a | b | c | share: a | share: b |\n")
                .contains("|---|---:|---:|---:|---:|---:|\n")
                .contains(
                        "| reads at random, 16 at a time | 500 ± 0 % | 3,000 ± 0 % |"
                                + " 2,000 ± 0 % | 0.25 | 1.50 |\n");
    }

    private static Results results(String name, double rate) {
        Results results = new Results(name);
        for (String row : new String[] {"randread 1", "randread 16", "randwrite 1"}) {
            results.add(row, rate);
        }
        results.add("randwrite 16", rate);
        return results;
    }
}
