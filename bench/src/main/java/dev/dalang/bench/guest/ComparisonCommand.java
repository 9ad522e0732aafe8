package dev.dalang.bench.guest;

import dev.dalang.vm.guest.GuestException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * A command that compares, as its user sees it: help, the table on standard output and perhaps in a
 * document, an exit code of 2 for what cannot be asked for and of 1 for what cannot be done.
 *
 * @param name of the command, which marks its table in a document
 * @param help what {@code --help} prints
 * @param parse reads the command line; the first argument is the root of the source tree
 * @param save the document whose table is replaced
 * @param comparison does the work
 * @param <O> what a user may ask for
 */
public record ComparisonCommand<O>(
        String name,
        String help,
        Function<List<String>, O> parse,
        Function<O, Optional<Path>> save,
        Comparison<O> comparison) {

    /**
     * Compares.
     *
     * @param <O> what a user may ask for
     */
    @FunctionalInterface
    public interface Comparison<O> {
        /** Gives the table, in Markdown. */
        String compare(O options) throws IOException;
    }

    /**
     * Runs it; may end the process.
     *
     * @param args the command line
     */
    public void run(String[] args) {
        // What is printed does not depend on who prints it.
        Locale.setDefault(Locale.ROOT);
        List<String> words = List.of(args);
        if (words.contains("--help")) {
            System.out.print(help);
            return;
        }
        O options;
        try {
            options = parse.apply(words);
        } catch (BenchException e) {
            HostTools.say(String.valueOf(e.getMessage()));
            System.exit(2);
            return;
        }
        HostTools.endChildrenWithUs();
        try {
            String report = comparison.compare(options);
            System.out.print(report);
            save.apply(options).ifPresent(document -> Document.replace(name, report, document));
        } catch (BenchException | GuestException | IOException e) {
            HostTools.say(String.valueOf(e.getMessage()));
            System.exit(1);
        }
    }
}
