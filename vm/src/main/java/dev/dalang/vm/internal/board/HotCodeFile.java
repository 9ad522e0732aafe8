package dev.dalang.vm.internal.board;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Where the translator's memory of what was hot lies between runs. It may be missing, damaged, or
 * of another guest: then translation begins as if for the first time. A run that cannot write it
 * goes on without a word, for nothing is lost but time.
 */
final class HotCodeFile {
    private static final System.Logger LOG = System.getLogger(HotCodeFile.class.getName());
    private static final int MAX_BYTES = 16 << 20;

    private HotCodeFile() {}

    /** The contents; nothing if the file cannot be read, or is not of a size that makes sense. */
    static byte[] read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            return bytes.length > MAX_BYTES ? new byte[0] : bytes;
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "no hot code in {0}: {1}", file, e);
            return new byte[0];
        }
    }

    /**
     * Replaces the contents at once, so that another machine reads the old ones or the new ones.
     */
    static void write(Path file, byte[] bytes) {
        try {
            Path directory = file.toAbsolutePath().getParent();
            if (directory == null) {
                return;
            }
            Files.createDirectories(directory);
            Path next = Files.createTempFile(directory, "hot-code-", null);
            try {
                Files.write(next, bytes);
                Files.move(
                        next,
                        file,
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(next);
            }
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "hot code is not kept in {0}: {1}", file, e);
        }
    }
}
