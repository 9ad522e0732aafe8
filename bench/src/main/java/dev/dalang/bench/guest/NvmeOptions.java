package dev.dalang.bench.guest;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What the user asked for.
 *
 * @param root the source tree, whose {@code dalang} is measured
 * @param runs how often everything is measured; the medians are reported
 * @param seconds that each job of fio is measured for
 * @param save the document whose table is replaced
 * @param arguments as they were given, for the record
 */
record NvmeOptions(Path root, int runs, int seconds, Optional<Path> save, List<String> arguments) {
    static final String HELP =
            """
            Usage: dalang bench nvme [OPTION]...
            Lets fio read and write 4 KiB at random in the same guest, with the same kernel and
            initial file system, on the NVMe disks of Dalang's machine, of a Dalang that serves it
            to QEMU 11 by vfio-user, and of QEMU 11 itself, by turns; prints the medians.

              --runs N     measure everything N times (5)
              --seconds S  for each job (10)
              --quick      one run, a second for each job
              --save       put the table into docs/performance.md
              --help       this text
            """;

    /** Reads the command line; the first argument is the root of the source tree. */
    static NvmeOptions parse(List<String> words) {
        Path root = Path.of(words.getFirst());
        List<String> arguments = words.subList(1, words.size());
        int runs = 5;
        int seconds = 10;
        Optional<Path> save = Optional.empty();
        for (int i = 0; i < arguments.size(); i++) {
            switch (arguments.get(i)) {
                case "--quick" -> {
                    runs = 1;
                    seconds = 1;
                }
                case "--runs" -> runs = number(arguments, ++i);
                case "--seconds" -> seconds = number(arguments, ++i);
                case "--save" -> save = Optional.of(root.resolve("docs/performance.md"));
                default ->
                        throw new BenchException(
                                "'%s' is not an option; see --help".formatted(arguments.get(i)));
            }
        }
        return new NvmeOptions(root, runs, seconds, save, arguments);
    }

    private static int number(List<String> arguments, int index) {
        if (index == arguments.size() || !arguments.get(index).matches("[1-9][0-9]{0,4}")) {
            throw new BenchException(
                    arguments.get(index - 1) + " takes a number from 1 on; see --help");
        }
        return Integer.parseInt(arguments.get(index));
    }
}
