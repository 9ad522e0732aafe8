package dev.dalang.vm.internal.guest;

import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.XZInputStream;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the files of a Debian package (deb(5)): an ar archive whose member {@code data.tar.*} holds
 * them.
 *
 * <p>Nothing is written by this class. Paths reach the visitor normalised, without a leading slash
 * and without {@code ..}; a path that leaves the root ends the reading with an error, as do a
 * truncated archive and one that unpacks to more than a bound.
 */
final class DebReader {

    /** The largest package that the project reads unpacks to a tenth of this. */
    static final long MAX_UNPACKED_BYTES = 4L << 30;

    /** The control files of the largest package are a tenth of this. */
    private static final long MAX_CONTROL_BYTES = 64L << 20;

    /** xz asks for memory by the stream's own header; the distribution's packages need 65 MiB. */
    private static final int XZ_MEMORY_LIMIT_KIB = 192 << 10;

    /** What an entry is. Devices, sockets and other kinds are passed over. */
    enum Kind {
        FILE,
        DIRECTORY,
        SYMBOLIC_LINK,
        HARD_LINK
    }

    /**
     * An entry of the package.
     *
     * @param path normalised, relative to the root
     * @param mode permission bits
     * @param bytes the size of a file, else 0
     * @param target a link's target: as it stands for a symbolic link, a normalised path for a hard
     *     link, else empty
     */
    record Entry(Kind kind, String path, int mode, long bytes, String target) {}

    /** Sees each entry once, in the archive's order. */
    @FunctionalInterface
    interface Visitor {
        /**
         * Takes one entry.
         *
         * @param content the file's bytes, exactly {@code entry.bytes()} of them; need not be read
         */
        void visit(Entry entry, InputStream content) throws IOException;
    }

    private DebReader() {}

    /**
     * Reads all entries of a package.
     *
     * @param deb the package
     * @param visitor sees the entries
     * @throws IOException when the package is malformed or truncated; the message names it
     */
    static void read(Path deb, Visitor visitor) throws IOException {
        read(deb, MAX_UNPACKED_BYTES, visitor);
    }

    /**
     * Reads what a package says of itself: its member {@code control.tar.*}, with the file {@code
     * control} and the scripts.
     *
     * @param deb the package
     * @param visitor sees the entries
     * @throws IOException when the package is malformed or truncated; the message names it
     */
    static void readControl(Path deb, Visitor visitor) throws IOException {
        read(deb, "control.tar", MAX_CONTROL_BYTES, visitor);
    }

    static void read(Path deb, long maxUnpackedBytes, Visitor visitor) throws IOException {
        read(deb, "data.tar", maxUnpackedBytes, visitor);
    }

    private static void read(Path deb, String part, long maxUnpackedBytes, Visitor visitor)
            throws IOException {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(deb), 1 << 16);
                ArArchiveInputStream ar = new ArArchiveInputStream(file)) {
            for (ArArchiveEntry member = ar.getNextEntry();
                    member != null;
                    member = ar.getNextEntry()) {
                String name = member.getName().replaceAll("/$", "");
                if (name.startsWith(part)) {
                    String compression = name.substring(part.length());
                    readTar(decompress(name, compression, ar), maxUnpackedBytes, visitor);
                    return;
                }
            }
        } catch (EntryException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            // The archive library reports some malformed headers with unchecked exceptions.
            throw new IOException("the package " + deb + " cannot be read: " + oneLine(e), e);
        }
        throw new IOException("the package " + deb + " has no member " + part);
    }

    /** A visitor's own failure, which is not the package's fault. */
    static final class EntryException extends IOException {
        private static final long serialVersionUID = 1L;

        EntryException(IOException cause) {
            super(cause.getMessage(), cause);
        }
    }

    private static InputStream decompress(String name, String compression, InputStream in)
            throws IOException {
        return switch (compression) {
            case "" -> in;
            case ".gz" -> new GzipCompressorInputStream(in);
            case ".xz" -> new XZInputStream(in, XZ_MEMORY_LIMIT_KIB);
            default ->
                    throw new IOException("the compression of its member " + name + " is unknown");
        };
    }

    private static void readTar(InputStream in, long maxUnpackedBytes, Visitor visitor)
            throws IOException {
        long remaining = maxUnpackedBytes;
        TarArchiveInputStream tar = new TarArchiveInputStream(in);
        for (TarArchiveEntry entry = tar.getNextEntry();
                entry != null;
                entry = tar.getNextEntry()) {
            remaining -= Math.max(0, entry.getSize());
            if (entry.getSize() < 0 || remaining < 0) {
                throw new IOException("it unpacks to more than " + maxUnpackedBytes + " bytes");
            }
            String path = normalised(entry.getName());
            Kind kind = kind(entry);
            if (kind == null || path.isEmpty()) {
                continue;
            }
            String target =
                    switch (kind) {
                        case SYMBOLIC_LINK -> checkedTarget(entry.getLinkName());
                        case HARD_LINK -> normalised(entry.getLinkName());
                        default -> "";
                    };
            long bytes = kind == Kind.FILE ? entry.getSize() : 0;
            Entry seen = new Entry(kind, path, entry.getMode() & 07777, bytes, target);
            try {
                visitor.visit(seen, new Exactly(tar, bytes, path));
            } catch (SourceException e) {
                throw e;
            } catch (IOException e) {
                throw new EntryException(e);
            }
        }
    }

    private static @Nullable Kind kind(TarArchiveEntry entry) {
        if (entry.isSymbolicLink()) {
            return Kind.SYMBOLIC_LINK;
        }
        if (entry.isLink()) {
            return Kind.HARD_LINK;
        }
        if (entry.isDirectory()) {
            return Kind.DIRECTORY;
        }
        boolean special =
                entry.isCharacterDevice()
                        || entry.isBlockDevice()
                        || entry.isFIFO()
                        || entry.isSparse();
        return entry.isFile() && !special ? Kind.FILE : null;
    }

    private static String checkedTarget(String target) throws IOException {
        if (target.isEmpty() || target.length() > 4095 || target.indexOf('\0') >= 0) {
            throw new IOException("it has a symbolic link with a target that cannot be one");
        }
        return target;
    }

    /** The path relative to the root, without empty parts and dots. */
    private static String normalised(String name) throws IOException {
        if (name.indexOf('\0') >= 0 || name.length() > 4095) {
            throw new IOException("it has a path that cannot be one");
        }
        List<String> parts = new ArrayList<>();
        for (String part : name.split("/")) {
            if (part.equals("..")) {
                throw new IOException("its path '" + name + "' leaves the root");
            }
            if (!part.isEmpty() && !part.equals(".")) {
                parts.add(part);
            }
        }
        return String.join("/", parts);
    }

    private static String oneLine(Exception e) {
        String message = e.getMessage();
        return message == null
                ? e.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    /** The package's fault, seen while a visitor reads. */
    private static final class SourceException extends IOException {
        private static final long serialVersionUID = 1L;

        SourceException(String message) {
            super(message);
        }
    }

    /** The bytes of one entry; an end before the promised size is an error. */
    private static final class Exactly extends InputStream {
        private final InputStream in;
        private final String path;
        private long remaining;

        Exactly(InputStream in, long bytes, String path) {
            this.in = in;
            this.remaining = bytes;
            this.path = path;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            if (remaining == 0) {
                return -1;
            }
            int n;
            try {
                n = in.read(buffer, offset, (int) Math.min(length, remaining));
            } catch (IOException | RuntimeException e) {
                throw new SourceException(oneLine(e) + ", in " + path);
            }
            if (n < 0) {
                throw new SourceException(
                        "it ends " + remaining + " bytes before the end of " + path);
            }
            remaining -= n;
            return n;
        }
    }
}
