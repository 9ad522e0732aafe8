package dev.dalang.bench.guest;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * A command that compares, as its user sees it: the table on standard output, and perhaps in the
 * document on performance.
 */
public abstract class ComparisonCommand implements Callable<Integer> {
    private static final int RUNS = 5;
    private static final String ROOT = "--root";

    @Spec private CommandSpec spec;

    @Option(names = ROOT, hidden = true)
    private Path root = Path.of("");

    @Option(
            names = "--runs",
            paramLabel = "N",
            converter = Words.Positive.class,
            description = "Measure everything N times (" + RUNS + ").")
    private @Nullable Integer runs;

    @Option(names = "--quick", description = "Only show that everything works: one short run.")
    private boolean quick;

    @Option(names = "--save", description = "Put the table into docs/performance.md.")
    private boolean saves;

    /** The source tree, whose {@code dalang} is measured. */
    public final Path root() {
        return root;
    }

    /** How often everything is measured; the medians are reported. */
    public final int runs() {
        if (runs != null) {
            return runs;
        }
        return quick ? 1 : RUNS;
    }

    /** Whether to show only that everything works, where nothing else is said. */
    protected final boolean isQuick() {
        return quick;
    }

    /** The document whose table is replaced. */
    public final Optional<Path> save() {
        return saves ? Optional.of(root.resolve("docs/performance.md")) : Optional.empty();
    }

    /** The whole command, as it marks its table in the document. */
    public final String name() {
        return "dalang bench " + spec.name();
    }

    /** The command as it was given, for the record. */
    public final String asGiven() {
        List<String> words =
                spec.commandLine().getParseResult().originalArgs().stream()
                        .dropWhile(spec.name()::equals)
                        .filter(word -> !word.startsWith(ROOT))
                        .toList();
        return words.isEmpty() ? name() : name() + " " + String.join(" ", words);
    }

    /** {@return the table, in Markdown} */
    protected abstract String compare() throws IOException;

    @Override
    public final Integer call() throws IOException {
        HostTools.endChildrenWithUs();
        String report = compare();
        System.out.print(report);
        save().ifPresent(document -> Document.replace(name(), report, document));
        return 0;
    }
}
