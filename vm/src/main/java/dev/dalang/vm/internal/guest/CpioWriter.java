package dev.dalang.vm.internal.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Writes an initial file system in the form that Linux reads: cpio, "newc"
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * <p>Everything belongs to root and carries the time 0, so that the same input gives the same
 * bytes. Missing parent directories are written first; a second entry of the same path is an error.
 */
final class CpioWriter implements AutoCloseable {

    private static final int S_IFDIR = 0040000;
    private static final int S_IFCHR = 0020000;
    private static final int S_IFREG = 0100000;
    private static final int S_IFLNK = 0120000;
    private static final String TRAILER = "TRAILER!!!";

    /** The magic number and 13 numbers of eight digits. */
    private static final int HEADER_BYTES = 6 + 13 * 8;

    private final OutputStream out;
    private final Set<String> written = new TreeSet<>();
    private long position;
    private int inode = 1;
    private boolean closed;

    CpioWriter(OutputStream out) {
        this.out = out;
    }

    /**
     * How many bytes an entry takes.
     *
     * @param contentBytes of the file's content or of the link's target
     */
    static long entryBytes(String path, long contentBytes) {
        int name = path.getBytes(StandardCharsets.UTF_8).length + 1;
        return padded(HEADER_BYTES + name) + padded(contentBytes);
    }

    /** How many bytes the end of an archive takes. */
    static long trailerBytes() {
        return entryBytes(TRAILER, 0);
    }

    private static long padded(long bytes) {
        return bytes + 3 & -4;
    }

    /** Whether an entry of this path has been written. */
    boolean contains(String path) {
        return written.contains(path);
    }

    /** Writes a directory unless it is there. */
    void directory(String path, int permissions) throws IOException {
        if (!path.isEmpty() && !written.contains(path)) {
            header(path, S_IFDIR | permissions, 2, 0, 0, 0);
        }
    }

    /** Writes a file from bytes. */
    void file(String path, int permissions, byte[] content) throws IOException {
        header(path, S_IFREG | permissions, 1, content.length, 0, 0);
        put(content, content.length);
        pad();
    }

    /**
     * Writes a file from a stream.
     *
     * @param bytes how many the stream gives; fewer is an error
     */
    void file(String path, int permissions, long bytes, InputStream content) throws IOException {
        header(path, S_IFREG | permissions, 1, bytes, 0, 0);
        byte[] buffer = new byte[1 << 16];
        for (long left = bytes; left > 0; ) {
            int n = content.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (n < 0) {
                throw new IOException(path + " ends " + left + " bytes too early");
            }
            put(buffer, n);
            left -= n;
        }
        pad();
    }

    /** Writes a symbolic link. */
    void symbolicLink(String path, String target) throws IOException {
        byte[] bytes = target.getBytes(StandardCharsets.UTF_8);
        header(path, S_IFLNK | 0777, 1, bytes.length, 0, 0);
        put(bytes, bytes.length);
        pad();
    }

    /** Writes a character device node. */
    void characterDevice(String path, int permissions, int major, int minor) throws IOException {
        header(path, S_IFCHR | permissions, 1, 0, major, minor);
    }

    /** Ends the archive; the stream below stays open. */
    @Override
    public void close() throws IOException {
        if (!closed) {
            closed = true;
            entry(TRAILER, 0, 0, 1, 0, 0, 0);
            out.flush();
        }
    }

    private void header(String path, int mode, int links, long bytes, int major, int minor)
            throws IOException {
        int slash = path.lastIndexOf('/');
        if (slash > 0) {
            directory(path.substring(0, slash), 0755);
        }
        if (!written.add(path)) {
            throw new IOException("the archive has two entries " + path);
        }
        entry(path, inode++, mode, links, bytes, major, minor);
    }

    private void entry(
            String path, int number, int mode, int links, long bytes, int major, int minor)
            throws IOException {
        if (bytes > 0xffff_ffffL) {
            throw new IOException(path + " has " + bytes + " bytes, the format holds 4294967295");
        }
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        String fields =
                String.format(
                        Locale.ROOT,
                        "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
                        number,
                        mode,
                        0,
                        0,
                        links,
                        0,
                        bytes,
                        0,
                        0,
                        major,
                        minor,
                        name.length + 1,
                        0);
        byte[] header = fields.getBytes(StandardCharsets.US_ASCII);
        put(header, header.length);
        put(name, name.length);
        put(new byte[1], 1);
        pad();
    }

    private void put(byte[] bytes, int length) throws IOException {
        out.write(bytes, 0, length);
        position += length;
    }

    private void pad() throws IOException {
        int missing = (int) (-position & 3);
        put(new byte[3], missing);
    }
}
