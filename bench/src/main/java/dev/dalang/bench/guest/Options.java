package dev.dalang.bench.guest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the user asked for.
 *
 * @param root the source tree, whose {@code dalang} is measured
 * @param runs how often everything is measured; the medians are reported
 * @param divisor by how much the usual amounts of work are divided
 * @param memory of the machine that works, as both monitors take it
 * @param only the workloads to run, all where none is named
 * @param idleSeconds how long an idle machine is watched, 0 to leave it out
 * @param save the document whose table is replaced
 * @param arguments as they were given, for the record
 */
record Options(
        Path root,
        int runs,
        int divisor,
        String memory,
        List<String> only,
        int idleSeconds,
        Optional<Path> save,
        List<String> arguments) {

    static final String HELP =
            """
            Usage: dalang bench guest [OPTION]...
            Runs the same kernel, initial file system and workloads on Dalang and on QEMU 10 (TCG),
            one CPU each (two for the last of them), by turns, and prints the medians and their ratios.

              --runs N       measure everything N times (5)
              --quick        one run, a twentieth of the work, a short idle time
              --memory SIZE  of the machine (512M)
              --only A,B     only these workloads (see bench/guest/main.c), and of the other
                             measurements warm (a second start) and pair (two CPUs)
              --idle S       watch the idle machine for S seconds (30), 0 to leave it out
              --save         put the table into docs/performance.md
              --help         this text
            """;

    /** Reads the command line; the first argument is the root of the source tree. */
    static Options parse(List<String> words) {
        Path root = Path.of(words.getFirst());
        List<String> arguments = words.subList(1, words.size());
        int runs = 5;
        int divisor = 1;
        int idleSeconds = 30;
        String memory = "512M";
        List<String> only = new ArrayList<>();
        Optional<Path> save = Optional.empty();
        for (int i = 0; i < arguments.size(); i++) {
            switch (arguments.get(i)) {
                case "--quick" -> {
                    runs = 1;
                    divisor = 20;
                    idleSeconds = 3;
                }
                case "--runs" -> runs = number(arguments, ++i, 1);
                case "--idle" -> idleSeconds = number(arguments, ++i, 0);
                case "--memory" -> memory = value(arguments, ++i, "[1-9][0-9]{0,6}[MG]");
                case "--only" ->
                        only.addAll(
                                List.of(
                                        value(arguments, ++i, "[a-z0-9]+(,[a-z0-9]+)*")
                                                .split(",")));
                case "--save" -> save = Optional.of(root.resolve("docs/performance.md"));
                default ->
                        throw new BenchException(
                                "'%s' is not an option; see --help".formatted(arguments.get(i)));
            }
        }
        return new Options(
                root, runs, divisor, memory, List.copyOf(only), idleSeconds, save, arguments);
    }

    /** Whether a row that is not always measured is asked for. */
    boolean wants(String row) {
        return only.isEmpty() || only.contains(row);
    }

    private static int number(List<String> arguments, int index, int least) {
        int number = Integer.parseInt(value(arguments, index, "[0-9]{1,6}"));
        if (number < least) {
            throw new BenchException(
                    "%s takes a number from %d on, not %d"
                            .formatted(arguments.get(index - 1), least, number));
        }
        return number;
    }

    private static String value(List<String> arguments, int index, String pattern) {
        String option = arguments.get(index - 1);
        if (index == arguments.size()) {
            throw new BenchException(option + " takes a value, got none");
        }
        if (!arguments.get(index).matches(pattern)) {
            throw new BenchException(
                    "%s does not take '%s'; see --help".formatted(option, arguments.get(index)));
        }
        return arguments.get(index);
    }
}
