package dev.dalang.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Files that a guest shall have beside, or in place of, what its initial file system has. */
final class GuestFiles {
    private static final int S_IFDIR = 0040000;
    private static final int S_IFREG = 0100000;

    private final Map<String, byte[]> files = new TreeMap<>();

    /** Adds one; its directory is made. */
    GuestFiles with(String path, byte[] content) {
        files.put(path, content);
        return this;
    }

    GuestFiles with(String path, String text) {
        return with(path, text.getBytes(US_ASCII));
    }

    /**
     * Makes an initial file system of others, if there are any, and these files: Linux unpacks one
     * over the other.
     */
    Path over(Path target, Path... others) throws IOException {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        for (Path other : others) {
            archive.writeBytes(Files.readAllBytes(other));
            pad(archive);
        }
        Set<String> directories = new TreeSet<>();
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            String directory = Path.of("/" + file.getKey()).getParent().toString().substring(1);
            if (!directory.isEmpty() && directories.add(directory)) {
                entry(archive, directory, S_IFDIR | 0755, new byte[0]);
            }
            entry(archive, file.getKey(), S_IFREG | 0755, file.getValue());
        }
        entry(archive, "TRAILER!!!", 0, new byte[0]);
        return Files.write(target, archive.toByteArray());
    }

    /** As Linux's buffer-format.rst has it, "newc". */
    private static void entry(ByteArrayOutputStream to, String name, int mode, byte[] content) {
        int[] fields = {0, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length() + 1, 0};
        StringBuilder header = new StringBuilder("070701");
        for (int field : fields) {
            header.append("%08x".formatted(field));
        }
        to.writeBytes(header.append(name).append('\0').toString().getBytes(US_ASCII));
        pad(to);
        to.writeBytes(content);
        pad(to);
    }

    private static void pad(ByteArrayOutputStream to) {
        while (to.size() % 4 != 0) {
            to.write(0);
        }
    }
}
