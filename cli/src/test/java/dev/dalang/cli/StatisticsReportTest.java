package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.EngineStatistics;
import dev.dalang.vm.DeviceStatistics;
import dev.dalang.vm.VmStatistics;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class StatisticsReportTest {

    @Test
    void figuresAndUsedDevicesHaveALineEach() {
        var statistics =
                new VmStatistics(
                        Duration.ofMillis(2500),
                        250_000_000,
                        Optional.of(
                                new EngineStatistics(
                                        25_000_000,
                                        300,
                                        120,
                                        7,
                                        3,
                                        1_500_000,
                                        4,
                                        Duration.ofMillis(900),
                                        Duration.ofMillis(4200),
                                        2,
                                        1,
                                        Map.of(
                                                EngineStatistics.Fallback.SYSTEM, 12L,
                                                EngineStatistics.Fallback.CROSSING, 3L,
                                                EngineStatistics.Fallback.FLOAT, 0L))),
                        Optional.of(Duration.ofMillis(40)),
                        1,
                        List.of(
                                new DeviceStatistics("uart0", "ns16550", 10, 20, 3),
                                new DeviceStatistics("rtc", "goldfish", 0, 0, 0)),
                        2,
                        0);

        assertThat(StatisticsReport.lines(statistics))
                .containsExactly(
                        "wall time            2.500 s",
                        "guest instructions   250000000",
                        "speed                100.0 MIPS",
                        "interpreted          10.0 %",
                        "regions              300 made, 120 as before, 7 joined, 3 divided, 1500 kB, 4 evicted, 2 not compiled, 1 failed",
                        "translation          0.9 s planning, 4.2 s compiling",
                        "left to interpreter  3 crossing, 12 system",
                        "first line of output 0.040 s",
                        "reboots              1",
                        "unmapped accesses    2 reads, 0 writes",
                        "device                      reads       writes   interrupts",
                        "uart0                          10           20            3");
    }

    @Test
    void aRunWithoutOutputSaysSo() {
        var statistics =
                new VmStatistics(
                        Duration.ZERO, 0, Optional.empty(), Optional.empty(), 0, List.of(), 0, 0);

        assertThat(StatisticsReport.lines(statistics)).contains("first line of output none");
    }
}
