package dev.dalang.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What a fuzzer begins with, and what it found: a file for each input. */
public final class Corpus {
    private Corpus() {}

    /**
     * The inputs of a fuzz test, in the order of their names.
     *
     * @param directory the test's inputs
     * @return the files
     * @throws IOException if there is no such directory
     */
    public static List<Path> in(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        }
    }
}
