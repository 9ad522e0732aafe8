package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.vm.DeviceStatistics;
import dev.dalang.vm.VmStatistics;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

class StatisticsReportTest {

    @Test
    void figuresAndUsedDevicesHaveALineEach() {
        var statistics =
                new VmStatistics(
                        Duration.ofMillis(2500),
                        250_000_000,
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
                        "first line of output 0.040 s",
                        "reboots              1",
                        "unmapped accesses    2 reads, 0 writes",
                        "device                      reads       writes   interrupts",
                        "uart0                          10           20            3");
    }

    @Test
    void aRunWithoutOutputSaysSo() {
        var statistics = new VmStatistics(Duration.ZERO, 0, Optional.empty(), 0, List.of(), 0, 0);

        assertThat(StatisticsReport.lines(statistics)).contains("first line of output none");
    }
}
