package dev.dalang.vm.internal.guest;

import dev.dalang.vm.ConfigurationException;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A directory of the host as an archive that Linux unpacks after its initial file system: what is
 * in the directory appears below {@code /host}. Files, directories and symbolic links keep their
 * modes and belong to root; links are not followed. What is in the files is read only when the
 * archive is written, piece by piece.
 *
 * <p>Every failure is a {@link ConfigurationException} that begins with the option and the path.
 */
public final class HostFiles {
    private static final String OPTION = "--initrd-add ";

    /** Where the files appear in the guest. */
    private static final String TOP = "host";

    /** Linux leaves out what has a longer path (PATH_MAX, which counts the null character). */
    private static final int MAX_PATH_BYTES = 4095;

    private static final int MODE_BITS = 07777;

    private final List<Item> items;
    private final long bytes;

    private enum Kind {
        DIRECTORY,
        FILE,
        SYMBOLIC_LINK
    }

    /**
     * One thing to write.
     *
     * @param bytes of a file's content or of a link's target
     * @param target of a link
     */
    private record Item(Path source, String path, Kind kind, int mode, long bytes, String target) {}

    private HostFiles(List<Item> items) {
        this.items = items;
        long sum = CpioWriter.trailerBytes();
        for (Item item : items) {
            sum += CpioWriter.entryBytes(item.path, item.bytes);
        }
        this.bytes = sum;
    }

    /**
     * Looks at everything in a directory.
     *
     * @param directory the directory, or a link to one
     * @return what is there now
     */
    public static HostFiles of(Path directory) {
        if (!Files.isDirectory(directory)) {
            throw new ConfigurationException(
                    OPTION
                            + directory
                            + ": expected a directory, found "
                            + (Files.exists(directory) ? "something else" : "nothing"));
        }
        try {
            var visitor = new Visitor(directory.toRealPath());
            Files.walkFileTree(visitor.root, visitor);
            // Parents come before what they hold, and the same directory gives the same archive.
            visitor.items.sort(Comparator.comparing(Item::path));
            return new HostFiles(visitor.items);
        } catch (IOException e) {
            throw failure(directory, e);
        }
    }

    /** How many bytes the archive has. */
    public long size() {
        return bytes;
    }

    /**
     * Writes the archive.
     *
     * @param out gets {@link #size} bytes and stays open
     * @throws IOException if {@code out} fails
     */
    public void writeTo(OutputStream out) throws IOException {
        try (CpioWriter cpio = new CpioWriter(out)) {
            for (Item item : items) {
                switch (item.kind) {
                    case DIRECTORY -> cpio.directory(item.path, item.mode);
                    case SYMBOLIC_LINK -> cpio.symbolicLink(item.path, item.target);
                    case FILE -> {
                        try (InputStream content = open(item)) {
                            cpio.file(item.path, item.mode, item.bytes, content);
                        }
                    }
                }
            }
        }
    }

    private static InputStream open(Item item) {
        try {
            if (Files.size(item.source) != item.bytes) {
                throw new IOException(
                        "it had %d bytes and now has %d"
                                .formatted(item.bytes, Files.size(item.source)));
            }
            return Files.newInputStream(item.source, LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) {
            throw failure(item.source, e);
        }
    }

    private static ConfigurationException failure(Path path, IOException e) {
        String reason =
                switch (e) {
                    case AccessDeniedException _ -> "may not be read";
                    case NoSuchFileException _ -> "is no longer there";
                    default -> "cannot be read: " + e.getMessage();
                };
        return new ConfigurationException(OPTION + path + ": " + reason, e);
    }

    /** Collects what is in a directory. */
    private static final class Visitor extends SimpleFileVisitor<Path> {
        private final List<Item> items = new ArrayList<>();
        private final Path root;

        Visitor(Path root) {
            this.root = root;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
                throws IOException {
            return add(path, Kind.DIRECTORY, 0, "");
        }

        @Override
        public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
                throws IOException {
            if (attributes.isSymbolicLink()) {
                String target = Files.readSymbolicLink(path).toString();
                int length = target.getBytes(StandardCharsets.UTF_8).length;
                return add(path, Kind.SYMBOLIC_LINK, length, target);
            }
            if (!attributes.isRegularFile()) {
                throw new ConfigurationException(
                        OPTION
                                + path
                                + ": expected a file, a directory or a symbolic link, found"
                                + " something else");
            }
            if (!Files.isReadable(path)) {
                throw new AccessDeniedException(path.toString());
            }
            return add(path, Kind.FILE, attributes.size(), "");
        }

        @Override
        public FileVisitResult visitFileFailed(Path path, IOException e) {
            throw failure(path, e);
        }

        private FileVisitResult add(Path path, Kind kind, long bytes, String target)
                throws IOException {
            var name = new StringBuilder(TOP);
            for (Path part : root.relativize(path)) {
                if (!part.toString().isEmpty()) {
                    name.append('/').append(part);
                }
            }
            int length = name.toString().getBytes(StandardCharsets.UTF_8).length;
            if (length > MAX_PATH_BYTES) {
                throw new ConfigurationException(
                        OPTION
                                + path
                                + ": expected a path of at most %d bytes in the guest, found %d"
                                        .formatted(MAX_PATH_BYTES, length));
            }
            items.add(new Item(path, name.toString(), kind, mode(path, kind), bytes, target));
            return FileVisitResult.CONTINUE;
        }

        private static int mode(Path path, Kind kind) throws IOException {
            try {
                Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
                return (Integer) mode & MODE_BITS;
            } catch (UnsupportedOperationException _) {
                // A host that knows no modes: whatever can be run may be run.
                return kind == Kind.DIRECTORY || Files.isExecutable(path) ? 0755 : 0644;
            }
        }
    }
}
