package dev.dalang.bus.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Memory that costs what is touched. {@link Arena#allocate} writes zeros to every byte, so a large
 * guest would occupy all of its memory at once; a private mapping of a file that is one hole is
 * filled page by page, on first touch, and never written back.
 */
final class SparseMemory {
    private SparseMemory() {}

    static MemorySegment map(long bytes, Arena arena) throws IOException {
        if (bytes <= 0) {
            throw new IllegalArgumentException("expected at least one byte, got " + bytes);
        }
        Path file = Files.createTempFile(directory(), "dalang-memory-", null);
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            // Mapping past the end extends the file; the extension is a hole.
            return channel.map(FileChannel.MapMode.PRIVATE, 0, bytes, arena);
        } finally {
            remove(file);
        }
    }

    /**
     * A page of a private mapping is first read from the file and then copied. In a file system
     * that lives on disk the page that was read is cache, which the host takes back under pressure;
     * in one that lives in memory it would stay, and each guest page would cost two.
     */
    private static Path directory() throws IOException {
        Path standard = Path.of(System.getProperty("java.io.tmpdir"));
        for (Path candidate : List.of(standard, Path.of("/var/tmp"))) {
            if (Files.isDirectory(candidate)
                    && Files.isWritable(candidate)
                    && !isInMemory(Files.getFileStore(candidate).type())) {
                return candidate;
            }
        }
        return standard;
    }

    private static boolean isInMemory(String fileSystem) {
        return fileSystem.equals("tmpfs") || fileSystem.equals("ramfs");
    }

    private static void remove(Path file) {
        try {
            Files.delete(file);
        } catch (IOException stillMapped) {
            // Hosts that keep the name of a mapped file let it go when the process ends.
            file.toFile().deleteOnExit();
        }
    }
}
