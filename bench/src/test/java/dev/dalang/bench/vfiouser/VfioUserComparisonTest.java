package dev.dalang.bench.vfiouser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.dalang.bench.guest.Commands;
import dev.dalang.linux.Linux;
import dev.dalang.remote.VfioUserClient;
import dev.dalang.remote.VfioUserServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine.ParameterException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

final class VfioUserComparisonTest {
    private static VfioUserCommand parse(String... arguments) {
        return Commands.parse(new VfioUserCommand(), arguments);
    }

    @Test
    void fiveRunsOfTwoSecondsAreTheDefault() {
        assertThat(parse().runs()).isEqualTo(5);
        assertThat(parse().seconds()).isEqualTo(2);
        assertThat(parse("--quick", "--runs", "3").runs()).isEqualTo(3);
        assertThat(parse("--save").save()).contains(Path.of("tree/docs/performance.md"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"--fast", "--runs", "--runs 0", "--seconds x"})
    void mistakesAreRefused(String line) {
        assertThatThrownBy(() -> parse(line.split(" "))).isInstanceOf(ParameterException.class);
    }

    @Test
    void theRatioIsOfTheMedians() {
        Figures ours = new Figures();
        Figures theirs = new Figures();
        for (double rate : new double[] {50_000, 40_000, 90_000}) {
            ours.add(Row.READ, rate);
        }
        theirs.add(Row.READ, 100_000);
        assertThat(ours.spread(Row.READ)).isCloseTo(0.8, within(1e-9));
        Peer our = new Peer("Dalang", List.of(), "Java");
        Peer their = new Peer("library", List.of(), "GCC");
        assertThat(
                        VfioUserComparison.report(
                                parse("--quick"), our, ours, Optional.of(their), theirs))
                .contains("`./dalang bench vfio-user --quick`", "- Server on library: GCC.")
                .contains(
                        "| read a register, 4 bytes | 50,000 /s (20.0 µs) ± 80 % |"
                                + " 100,000 /s (10.0 µs) ± 0 % | 0.50 |");
    }

    @Test
    void bytesAreMebibytes() {
        assertThat(Row.transfer("DMA_READ", 64 << 10).text(3 << 20)).isEqualTo("3 MiB/s");
    }

    /** What is measured is done: the device would otherwise be found out. */
    @Test
    void eachRowIsDoneWithOurDevice(@TempDir Path directory) throws IOException {
        assumeThat(Linux.isAvailable()).isTrue();
        List<Row> rows = new ArrayList<>();
        try (VfioUserServer server =
                        VfioUserServer.of(new Device(), directory.resolve("bench.sock"));
                Work work =
                        new Work(VfioUserClient.builder(server.path()).connect(), 0, 0.000_001)) {
            work.run(
                    (row, rate) -> {
                        rows.add(row);
                        assertThat(rate).as(row.name()).isPositive();
                    });
        }
        assertThat(rows).hasSize(15).doesNotHaveDuplicates();
    }
}
