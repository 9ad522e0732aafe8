package dev.dalang.bench.guest;

import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Set;

/** The table, in Markdown. */
final class Report {
    /** The row that is not a workload: from the start of the process to the guest's prompt. */
    static final String PROMPT = "prompt";

    /** The same where what was hot in an earlier run is known. */
    static final String WARM = "warm";

    /** The row of two CPUs, each with an integer loop. */
    static final String PAIR = "pair";

    /** What a guest does by itself, with one CPU: the rows of the mean. */
    private static final Set<String> OF_ITSELF =
            Set.of(
                    "integer",
                    "records",
                    "sha256",
                    "gzip",
                    "gunzip",
                    "copy",
                    "triad",
                    "chase",
                    "pages",
                    "getppid",
                    "pipe",
                    "fork",
                    "exec",
                    "bodies",
                    "functions");

    private static final Map<String, String> TITLES =
            Map.ofEntries(
                    Map.entry(PROMPT, "time to the shell prompt, cold"),
                    Map.entry(WARM, "time to the shell prompt, warm"),
                    Map.entry("bare", "integer loop, bare machine"),
                    Map.entry(PAIR, "two integer loops, on two CPUs"),
                    Map.entry("integer", "integer loop (list, matrix, states, CRC)"),
                    Map.entry("records", "records and strings (Dhrystone-like)"),
                    Map.entry("sha256", "sha256"),
                    Map.entry("gzip", "gzip (busybox)"),
                    Map.entry("gunzip", "gunzip (busybox)"),
                    Map.entry("copy", "memory copy"),
                    Map.entry("triad", "triad of 4 MiB vectors"),
                    Map.entry("chase", "pointer chase over 8 MiB"),
                    Map.entry("pages", "map, touch, unmap"),
                    Map.entry("getppid", "getppid"),
                    Map.entry("pipe", "pipe ping-pong"),
                    Map.entry("fork", "fork, exit, wait"),
                    Map.entry("exec", "fork, exec, exit, wait"),
                    Map.entry("bodies", "n-body"),
                    Map.entry("mmio", "write and read a register of edu"),
                    Map.entry("interrupts", "interrupts of edu (MSI), served"),
                    Map.entry("randread", "disk: read 4 KiB at random, one at a time"),
                    Map.entry("randwrite", "disk: write 4 KiB at random, one at a time"),
                    Map.entry("randreads", "disk: read 4 KiB at random, 8 processes"),
                    Map.entry("randwrites", "disk: write 4 KiB at random, 8 processes"),
                    Map.entry("seqread", "disk: read 1 MiB after another"),
                    Map.entry("seqwrite", "disk: write 1 MiB after another"),
                    Map.entry("netdown", "TCP from the host's loopback (user network)"),
                    Map.entry("netup", "TCP to the host's loopback (user network)"),
                    Map.entry("netrequests", "requests of 64 bytes over one connection"),
                    Map.entry("netconnects", "connect, request of 64 bytes, close"),
                    Map.entry("functions", "sin, cos, atan, exp, log (Whetstone-like)"));

    private final GuestCommand options;
    private final Results ours;
    private final Results theirs;
    private final StringBuilder text = new StringBuilder();

    private Report(GuestCommand options, Results ours, Results theirs) {
        this.options = options;
        this.ours = ours;
        this.theirs = theirs;
    }

    /**
     * What all runs together say.
     *
     * @param idle by monitor, empty if it was left out
     * @param compiler of the workloads
     * @param guestVersion of the kernel's package
     */
    static String of(
            GuestCommand options,
            Results ours,
            Results theirs,
            Map<String, Idle> idle,
            String compiler,
            String guestVersion) {
        var report = new Report(options, ours, theirs);
        report.head(compiler, guestVersion);
        report.table();
        report.instructions();
        report.idle(idle);
        return report.text.toString();
    }

    private void head(String compiler, String guestVersion) {
        line("`./%s`, %s.".formatted(options.asGiven(), LocalDate.now(ZoneOffset.UTC)));
        line("");
        line("- Host: %s.".formatted(Host.describe()));
        line(
                "- Guest: Debian's kernel %s, one CPU, %s; Java %s."
                        .formatted(guestVersion, options.memory(), Runtime.version()));
        line("- Workloads: %s.".formatted(compiler));
        line(
                "- %s by turns; the medians of %d, and how far the furthest run lies from them."
                        .formatted(
                                ours.name() + " and " + theirs.name() + " (TCG)", options.runs()));
        if (options.divisor() != 1) {
            line(
                    "- **Quick**: 1/%d of the usual work. Start-up weighs too much."
                            .formatted(options.divisor()));
        }
        line("");
    }

    private void table() {
        line(
                "| work | amount | %s | %s | share of QEMU's speed |"
                        .formatted(ours.name(), theirs.name()));
        line("|---|---:|---:|---:|---:|");
        double logarithms = 0;
        double worst = Double.POSITIVE_INFINITY;
        int count = 0;
        for (String row : ours.rows()) {
            double share = theirs.median(row) / ours.median(row);
            line(
                    "| %s | %s | %s | %s | %.2f |"
                            .formatted(
                                    TITLES.getOrDefault(row, row),
                                    amount(row),
                                    time(ours, row),
                                    time(theirs, row),
                                    share));
            if (OF_ITSELF.contains(row)) {
                logarithms += Math.log(share);
                worst = Math.min(worst, share);
                count++;
            }
        }
        if (count > 0) {
            line(
                    "| **in the guest: geometric mean, worst** | | | | **%.2f**, %.2f |"
                            .formatted(Math.exp(logarithms / count), worst));
        }
        line("");
    }

    private String amount(String row) {
        return ours.hasWork(row)
                ? "%,d %s".formatted(ours.work(row).amount(), ours.work(row).unit())
                : "";
    }

    private static String time(Results results, String row) {
        return "%.3f s ± %.0f %%".formatted(results.median(row), 100 * results.spread(row));
    }

    /**
     * The loop's instructions are counted on the bare machine (Dalang's minstret is exact, QEMU's
     * is a clock); the guest runs the same loop.
     */
    private void instructions() {
        if (!ours.hasWork("bare")) {
            return;
        }
        double each = (double) ours.work("bare").instructions() / ours.work("bare").amount();
        line(
                "| millions of instructions per second | %s | %s |"
                        .formatted(ours.name(), theirs.name()));
        line("|---|---:|---:|");
        for (String row : new String[] {"bare", "integer"}) {
            if (ours.hasWork(row)) {
                double millions = each * ours.work(row).amount() * 1e-6;
                line(
                        "| %s | %.0f | %.0f |"
                                .formatted(
                                        TITLES.getOrDefault(row, row),
                                        millions / ours.median(row),
                                        millions / theirs.median(row)));
            }
        }
        line("");
    }

    private void idle(Map<String, Idle> idle) {
        if (idle.isEmpty()) {
            return;
        }
        line("| a machine of 2 GiB at its prompt | share of a host core | resident memory |");
        line("|---|---:|---:|");
        idle.forEach(
                (name, values) ->
                        line(
                                "| %s | %.1f %% | %.0f MiB |"
                                        .formatted(
                                                name,
                                                values.percent(),
                                                values.residentMebibytes())));
        line("");
    }

    private void line(String content) {
        text.append(content).append('\n');
    }
}
