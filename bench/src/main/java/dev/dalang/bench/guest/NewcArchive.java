package dev.dalang.bench.guest;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A cpio archive in the form "newc" with one program. Linux unpacks several archives that follow
 * each other (Documentation/driver-api/early-userspace/buffer-format.rst), so that this one adds a
 * program to a guest without a look into the guest's own.
 */
final class NewcArchive {
    private static final int EXECUTABLE = 0100755;

    private NewcArchive() {}

    /** The archive that holds a program at a path whose directory is there already. */
    static byte[] ofProgram(String path, byte[] program) {
        var archive = new ByteArrayOutputStream();
        entry(archive, path, EXECUTABLE, program);
        entry(archive, "TRAILER!!!", 0, new byte[0]);
        return archive.toByteArray();
    }

    private static void entry(
            ByteArrayOutputStream archive, String path, int mode, byte[] content) {
        byte[] name = (path + "\0").getBytes(StandardCharsets.UTF_8);
        String header =
                String.format(
                        Locale.ROOT,
                        "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                        1, // inode: nothing is linked twice
                        mode,
                        0,
                        0,
                        1,
                        0,
                        content.length,
                        0,
                        0,
                        0,
                        0,
                        name.length,
                        0);
        archive.writeBytes(header.getBytes(StandardCharsets.US_ASCII));
        archive.writeBytes(name);
        pad(archive);
        archive.writeBytes(content);
        pad(archive);
    }

    private static void pad(ByteArrayOutputStream archive) {
        archive.writeBytes(new byte[-archive.size() & 3]);
    }
}
