package dev.dalang.bench.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.Map;

final class ReportTest {
    private static String report(double ourSeconds, double theirSeconds) {
        var ours = new Results("Dalang");
        var theirs = new Results("QEMU 10");
        ours.add(new Measurement("copy", 2048, "MiB", ourSeconds, "00", 0));
        theirs.add(new Measurement("copy", 2048, "MiB", theirSeconds, "00", 0));
        for (String devices : new String[] {"pair", "randread", "mmio"}) {
            ours.add(new Measurement(devices, 1, "x", 1, "00", 0));
            theirs.add(new Measurement(devices, 1, "x", 1, "00", 0));
        }
        GuestCommand options = Commands.parse(new GuestCommand(), "--runs", "1");
        return Report.of(
                options, ours, theirs, Map.of("Dalang", new Idle(1.5, 300)), "GCC 0", "6.12");
    }

    @Test
    void aRowGivesOurSpeedAsAShareOfTheirs() {
        assertThat(report(4, 1))
                .contains("| memory copy | 2,048 MiB | 4.000 s ± 0 % | 1.000 s ± 0 % | 0.25 |")
                .as("devices and a second CPU are not in the mean")
                .contains("**0.25**, 0.25")
                .contains("| Dalang | 1.5 % | 300 MiB |");
    }
}
