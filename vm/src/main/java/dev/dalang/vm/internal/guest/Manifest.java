package dev.dalang.vm.internal.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;

/**
 * What was fetched or built, as recorded beside it: the version, the recipe, and each file with its
 * size and hash.
 *
 * @param recipe which builder made it; another recipe's result is not used
 * @param version the package's version
 * @param directory the name of the directory that holds the files, beside the manifest
 * @param files by the file's name in that directory
 */
record Manifest(String recipe, String version, String directory, Map<String, Item> files) {

    /** How the names of manifests begin; each recipe has its own. */
    static final String FILE = "manifest-";

    private static final String FORMAT = "dalang-manifest 1";

    /** The last line, which says that the file is whole. */
    private static final String END = "end";

    private static final int MAX_BYTES = 1 << 16;

    /**
     * A file.
     *
     * @param bytes its size
     * @param sha256 lower-case hexadecimal
     */
    record Item(long bytes, String sha256) {}

    Manifest {
        files = Map.copyOf(files);
    }

    /**
     * Reads a manifest.
     *
     * @throws IOException when it is missing or malformed
     */
    static Manifest read(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw new IOException(file + " has more than " + MAX_BYTES + " bytes");
        }
        String[] lines = Files.readString(file, StandardCharsets.ISO_8859_1).split("\n", -1);
        if (lines.length < 4 || !lines[0].equals(FORMAT)) {
            throw new IOException(file + " is not a manifest of this version");
        }
        String recipe = value(file, lines[1], "recipe ");
        String version = value(file, lines[2], "version ");
        String directory = name(file, value(file, lines[3], "directory "));
        Map<String, Item> files = new TreeMap<>();
        int end = 4;
        for (; end < lines.length && !lines[end].equals(END); end++) {
            String[] fields = lines[end].split(" ", 3);
            if (fields.length != 3
                    || !fields[0].matches("[0-9a-f]{64}")
                    || !fields[1].matches("\\d{1,12}")) {
                throw new IOException(file + " is malformed in line " + (end + 1));
            }
            files.put(name(file, fields[2]), new Item(Long.parseLong(fields[1]), fields[0]));
        }
        if (end == lines.length || files.isEmpty()) {
            throw new IOException(file + " was cut");
        }
        return new Manifest(recipe, version, directory, files);
    }

    /** Writes this manifest so that a reader sees the old one or the new one, never a part. */
    void write(Path file) throws IOException {
        StringBuilder text = new StringBuilder(FORMAT + "\n");
        text.append("recipe ").append(recipe).append('\n');
        text.append("version ").append(version).append('\n');
        text.append("directory ").append(directory).append('\n');
        new TreeMap<>(files)
                .forEach(
                        (name, item) ->
                                text.append(item.sha256)
                                        .append(' ')
                                        .append(item.bytes)
                                        .append(' ')
                                        .append(name)
                                        .append('\n'));
        text.append(END).append('\n');
        Path temporary = file.resolveSibling("." + file.getFileName() + ".new");
        try {
            Files.writeString(temporary, text, StandardCharsets.ISO_8859_1);
            Files.move(
                    temporary,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static String value(Path file, String line, String key) throws IOException {
        if (!line.startsWith(key)) {
            throw new IOException(file + " has no line '" + key.strip() + "' where it belongs");
        }
        return line.substring(key.length());
    }

    /** A name that stays inside its directory. */
    private static String name(Path file, String name) throws IOException {
        if (!name.matches("[A-Za-z0-9][A-Za-z0-9+._-]{0,200}")) {
            throw new IOException(file + " names '" + name + "', which is not a plain file name");
        }
        return name;
    }
}
