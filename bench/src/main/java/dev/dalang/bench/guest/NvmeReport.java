package dev.dalang.bench.guest;

import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;

/** The table of NVMe disks, in Markdown. */
final class NvmeReport {
    /** The command that makes it, for the record. */
    static final int DISK_MEBIBYTES = 128;

    static final int[] DEPTHS = {1, 16};
    static final String[] DIRECTIONS = {"randread", "randwrite"};

    private NvmeReport() {}

    /** What a figure is called among the results. */
    static String row(String direction, int depth) {
        return direction + " " + depth;
    }

    /** What all runs together say: the last of the ways is what the others are held against. */
    static String of(NvmeCommand options, String kernel, String qemu, List<Results> ways) {
        StringBuilder text = new StringBuilder();
        text.append(
                """
                `./%s`, %s.

                - Host: %s.
                - Guest: Debian's kernel %s, one CPU, 1 GiB; its fio by libaio, past the guest's
                  cache, in %d MiB of a raw image in the host's cache, %d s for each figure.
                - Java %s; QEMU %s (TCG).
                - By turns; the medians of %d, and how far the furthest run lies from them.

                """
                        .formatted(
                                options.asGiven(),
                                LocalDate.now(ZoneOffset.UTC),
                                Host.describe(),
                                kernel,
                                DISK_MEBIBYTES,
                                options.seconds(),
                                Runtime.version(),
                                qemu,
                                options.runs()));
        Results reference = ways.getLast();
        List<Results> others = ways.subList(0, ways.size() - 1);
        text.append("| requests of 4 KiB per second |");
        ways.forEach(way -> text.append(" %s |".formatted(way.name())));
        others.forEach(way -> text.append(" share: %s |".formatted(way.name())));
        text.append("\n|---|").append("---:|".repeat(ways.size() + others.size())).append('\n');
        for (String direction : DIRECTIONS) {
            for (int depth : DEPTHS) {
                String row = row(direction, depth);
                text.append(
                        "| %s at random, %d at a time |"
                                .formatted(
                                        direction.equals("randread") ? "reads" : "writes", depth));
                ways.forEach(
                        way ->
                                text.append(
                                        " %,.0f ± %.0f %% |"
                                                .formatted(
                                                        way.median(row), 100 * way.spread(row))));
                others.forEach(
                        way ->
                                text.append(
                                        " %.2f |"
                                                .formatted(
                                                        way.median(row) / reference.median(row))));
                text.append('\n');
            }
        }
        return text.append('\n').toString();
    }
}
