package dev.dalang.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** Files that a guest shall have in {@code /host}, beside what its initial file system has. */
final class GuestFiles {
    private static final int S_IFDIR = 0040000;
    private static final int S_IFREG = 0100000;

    private final Map<String, byte[]> files = new TreeMap<>();

    GuestFiles with(String name, byte[] content) {
        files.put(name, content);
        return this;
    }

    GuestFiles with(String name, String text) {
        return with(name, text.getBytes(US_ASCII));
    }

    /** Makes an initial file system of another and these: Linux unpacks one over the other. */
    Path over(Path initrd, Path target) throws IOException {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        archive.writeBytes(Files.readAllBytes(initrd));
        pad(archive);
        entry(archive, "host", S_IFDIR | 0755, new byte[0]);
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            entry(archive, "host/" + file.getKey(), S_IFREG | 0755, file.getValue());
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
