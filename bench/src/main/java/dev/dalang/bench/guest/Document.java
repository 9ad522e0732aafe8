package dev.dalang.bench.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A document with tables that commands make. */
final class Document {
    private Document() {}

    /**
     * Replaces a command's table, or adds it at the end.
     *
     * @param command the command, which the marks of its table name
     * @param report the table
     * @param document the document, made if it is not there
     */
    static void replace(String command, String report, Path document) {
        String first = "<!-- begin: %s -->\n".formatted(command);
        String last = "<!-- end: %s -->\n".formatted(command);
        try {
            String old = Files.exists(document) ? Files.readString(document) : "# Performance\n\n";
            int begin = old.indexOf(first);
            int end = old.indexOf(last);
            String section = first + "\n" + report + "\n" + last;
            String changed =
                    begin >= 0 && end > begin
                            ? old.substring(0, begin) + section + old.substring(end + last.length())
                            : old + section;
            Files.writeString(document, changed);
        } catch (IOException e) {
            throw new BenchException("cannot write " + document + ": " + e.getMessage(), e);
        }
    }
}
