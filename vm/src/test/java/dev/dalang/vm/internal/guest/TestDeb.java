package dev.dalang.vm.internal.guest;

import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;

/** Makes Debian packages for tests. */
public final class TestDeb {

    private final ByteArrayOutputStream tarBytes = new ByteArrayOutputStream();
    private final TarArchiveOutputStream tar = new TarArchiveOutputStream(tarBytes);

    public static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    public TestDeb file(String path, int mode, byte[] content) throws IOException {
        // The second argument keeps a leading slash, which a hostile package may have.
        TarArchiveEntry entry = new TarArchiveEntry(path, true);
        entry.setMode(mode);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
        return this;
    }

    public TestDeb directory(String path) throws IOException {
        tar.putArchiveEntry(new TarArchiveEntry(path + "/", true));
        tar.closeArchiveEntry();
        return this;
    }

    public TestDeb link(String path, byte type, String target) throws IOException {
        TarArchiveEntry entry = new TarArchiveEntry(path, type, true);
        entry.setLinkName(target);
        tar.putArchiveEntry(entry);
        tar.closeArchiveEntry();
        return this;
    }

    public TestDeb symbolicLink(String path, String target) throws IOException {
        return link(path, TarConstants.LF_SYMLINK, target);
    }

    public TestDeb hardLink(String path, String target) throws IOException {
        return link(path, TarConstants.LF_LINK, target);
    }

    /** The package with its files in {@code data.tar.xz}. */
    public byte[] build() throws IOException {
        tar.close();
        return ar("data.tar.xz", xz(tarBytes.toByteArray()));
    }

    /** The package with its files in {@code data.tar.gz}. */
    public byte[] buildWithGzip() throws IOException {
        tar.close();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            tarBytes.writeTo(out);
        }
        return ar("data.tar.gz", bytes.toByteArray());
    }

    /** The package with another's files as what it says of itself. */
    public byte[] buildWithControl(TestDeb control) throws IOException {
        tar.close();
        control.tar.close();
        return ar("data.tar.xz", xz(tarBytes.toByteArray()), xz(control.tarBytes.toByteArray()));
    }

    public static byte[] xz(byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        LZMA2Options options = new LZMA2Options(0);
        try (OutputStream out = new XZOutputStream(bytes, options)) {
            out.write(content);
        }
        return bytes.toByteArray();
    }

    public static byte[] ar(String dataName, byte[] data) throws IOException {
        return ar(dataName, data, xz(new byte[1024]));
    }

    private static byte[] ar(String dataName, byte[] data, byte[] control) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ArArchiveOutputStream out = new ArArchiveOutputStream(bytes)) {
            member(out, "debian-binary", ascii("2.0\n"));
            member(out, "control.tar.xz", control);
            member(out, dataName, data);
        }
        return bytes.toByteArray();
    }

    private static void member(ArArchiveOutputStream out, String name, byte[] content)
            throws IOException {
        out.putArchiveEntry(new ArArchiveEntry(name, content.length));
        out.write(content);
        out.closeArchiveEntry();
    }
}
