package dev.dalang.bench.vfiouser;

import dev.dalang.bench.guest.Host;
import dev.dalang.bench.guest.HostTools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What {@link VfioUserCommand} compares. */
final class VfioUserComparison {
    private VfioUserComparison() {}

    /** Measures all, and gives the table. */
    static String compare(VfioUserCommand options) throws IOException {
        Path directory = Files.createTempDirectory("dalang-bench");
        try {
            Peer ours = Peer.ours(options.root());
            Optional<Peer> theirs = Peer.theirs(options.root(), directory);
            Figures of = new Figures();
            Figures than = new Figures();
            for (int run = 1; run <= options.runs(); run++) {
                HostTools.say("run %d of %d".formatted(run, options.runs()));
                ours.measure(options, directory, of);
                if (theirs.isPresent()) {
                    theirs.get().measure(options, directory, than);
                }
            }
            return report(options, ours, of, theirs, than);
        } finally {
            for (String name : List.of("bench.sock", "server")) {
                Files.deleteIfExists(directory.resolve(name));
            }
            Files.deleteIfExists(directory);
        }
    }

    /** The table, in Markdown. */
    static String report(
            VfioUserCommand options, Peer ours, Figures of, Optional<Peer> theirs, Figures than) {
        List<String> lines = new ArrayList<>();
        lines.add("`./%s`, %s.".formatted(options.asGiven(), LocalDate.now(ZoneOffset.UTC)));
        lines.add("");
        lines.add("- Host: %s.".formatted(Host.describe()));
        lines.add("- Client, and server of %s: %s.".formatted(ours.name(), ours.flags()));
        theirs.ifPresent(
                peer -> lines.add("- Server on %s: %s.".formatted(peer.name(), peer.flags())));
        lines.add(
                "- By turns, each server a new process in each run; the medians of %d, and how far the"
                                .formatted(options.runs())
                        + " furthest run lies from them.");
        lines.add("");
        String other = theirs.map(Peer::name).orElse("no other server");
        lines.add("| what | %s | %s | ratio |".formatted(ours.name(), other));
        lines.add("|---|---:|---:|---:|");
        for (Row row : of.rows()) {
            lines.add(
                    "| %s | %s | %s | %s |"
                            .formatted(
                                    row.name(),
                                    figure(of, row),
                                    theirs.isPresent() ? figure(than, row) : "",
                                    theirs.isPresent()
                                            ? "%.2f".formatted(of.median(row) / than.median(row))
                                            : ""));
        }
        return String.join("\n", lines) + "\n";
    }

    private static String figure(Figures figures, Row row) {
        return "%s ± %.0f %%".formatted(row.text(figures.median(row)), 100 * figures.spread(row));
    }
}
