package dev.dalang.bench.vfiouser;

import dev.dalang.bench.guest.BenchException;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What the user asked for.
 *
 * @param root the source tree
 * @param runs how often everything is measured, each with new servers; the medians are reported
 * @param seconds how long a row is measured in a run
 * @param save the document whose table is replaced
 * @param arguments as they were given, for the record
 */
record Options(Path root, int runs, double seconds, Optional<Path> save, List<String> arguments) {
    static final String HELP =
            """
            Usage: dalang bench vfio-user [OPTION]...
            Measures registers and transfers of a device that another process serves by vfio-user: our
            server and, if build/libvfio-user has built the library, one in C on libvfio-user, by turns
            and with the same client.

              --runs N     measure everything N times (5)
              --seconds S  each row for S seconds, after half of that to warm up (2)
              --quick      one run, each row for a tenth of a second
              --save       put the table into docs/performance.md
              --help       this text
            """;

    /** Reads the command line; the first argument is the root of the source tree. */
    static Options parse(List<String> words) {
        Path root = Path.of(words.getFirst());
        List<String> arguments = words.subList(1, words.size());
        int runs = 5;
        double seconds = 2;
        Optional<Path> save = Optional.empty();
        for (int i = 0; i < arguments.size(); i++) {
            switch (arguments.get(i)) {
                case "--quick" -> {
                    runs = 1;
                    seconds = 0.1;
                }
                case "--runs" -> runs = Integer.parseInt(value(arguments, ++i, "[1-9][0-9]{0,2}"));
                case "--seconds" ->
                        seconds = Integer.parseInt(value(arguments, ++i, "[1-9][0-9]{0,2}"));
                case "--save" -> save = Optional.of(root.resolve("docs/performance.md"));
                default ->
                        throw new BenchException(
                                "'%s' is not an option; see --help".formatted(arguments.get(i)));
            }
        }
        return new Options(root, runs, seconds, save, arguments);
    }

    private static String value(List<String> arguments, int index, String pattern) {
        String option = arguments.get(index - 1);
        if (index == arguments.size() || !arguments.get(index).matches(pattern)) {
            throw new BenchException(option + " takes a number from 1 to 999; see --help");
        }
        return arguments.get(index);
    }
}
