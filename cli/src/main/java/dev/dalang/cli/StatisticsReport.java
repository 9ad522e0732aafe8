package dev.dalang.cli;

import dev.dalang.riscv.EngineStatistics;
import dev.dalang.vm.DeviceStatistics;
import dev.dalang.vm.VmStatistics;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The lines that {@code --stats} prints. */
final class StatisticsReport {
    private StatisticsReport() {}

    /** One figure a line, then the devices that were used. */
    static List<String> lines(VmStatistics statistics) {
        List<String> lines = new ArrayList<>();
        lines.add(figure("wall time", seconds(statistics.wallTime())));
        lines.add(figure("guest instructions", String.valueOf(statistics.instructions())));
        lines.add(figure("speed", String.format(Locale.ROOT, "%.1f MIPS", statistics.mips())));
        statistics
                .engine()
                .ifPresent(engine -> addEngine(lines, engine, statistics.instructions()));
        lines.add(
                figure(
                        "first line of output",
                        statistics.firstOutput().map(StatisticsReport::seconds).orElse("none")));
        if (statistics.resets() > 0) {
            lines.add(figure("reboots", String.valueOf(statistics.resets())));
        }
        if (statistics.unmappedReads() + statistics.unmappedWrites() > 0) {
            lines.add(
                    figure(
                            "unmapped accesses",
                            String.format(
                                    Locale.ROOT,
                                    "%d reads, %d writes",
                                    statistics.unmappedReads(),
                                    statistics.unmappedWrites())));
        }
        lines.add(
                String.format(
                        Locale.ROOT,
                        "%-20s %12s %12s %12s",
                        "device",
                        "reads",
                        "writes",
                        "interrupts"));
        for (DeviceStatistics device : statistics.devices()) {
            if (device.exits() + device.interrupts() > 0) {
                lines.add(
                        String.format(
                                Locale.ROOT,
                                "%-20s %12d %12d %12d",
                                device.label(),
                                device.reads(),
                                device.writes(),
                                device.interrupts()));
            }
        }
        return lines;
    }

    private static void addEngine(List<String> lines, EngineStatistics engine, long instructions) {
        double share = instructions == 0 ? 0 : 100.0 * engine.interpreted() / instructions;
        lines.add(figure("interpreted", String.format(Locale.ROOT, "%.1f %%", share)));
        lines.add(
                figure(
                        "regions",
                        String.format(
                                Locale.ROOT,
                                "%d made, %d as before, %d joined, %d divided, %d kB, %d evicted, %d not compiled, %d failed",
                                engine.regions(),
                                engine.remembered(),
                                engine.joined(),
                                engine.divided(),
                                engine.bytes() / 1000,
                                engine.evicted(),
                                engine.notCompiled(),
                                engine.failures())));
        lines.add(
                figure(
                        "translation",
                        String.format(
                                Locale.ROOT,
                                "%.1f s planning, %.1f s compiling",
                                engine.planning().toMillis() / 1e3,
                                engine.compiling().toMillis() / 1e3)));
        String reasons =
                engine.fallbacks().entrySet().stream()
                        .filter(entry -> entry.getValue() > 0)
                        .map(
                                entry ->
                                        entry.getValue()
                                                + " "
                                                + entry.getKey().name().toLowerCase(Locale.ROOT))
                        .sorted(Comparator.comparing(text -> text.substring(text.indexOf(' '))))
                        .collect(Collectors.joining(", "));
        lines.add(figure("left to interpreter", reasons.isEmpty() ? "nothing" : reasons));
    }

    private static String figure(String name, String value) {
        return String.format(Locale.ROOT, "%-20s %s", name, value);
    }

    private static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.3f s", duration.toNanos() / 1e9);
    }
}
