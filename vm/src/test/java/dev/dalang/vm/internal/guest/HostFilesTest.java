package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.vm.ConfigurationException;

import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;

class HostFilesTest {
    @TempDir private Path directory;

    private Path file(String name, String content, String mode) throws IOException {
        Path path = Files.writeString(directory.resolve(name), content);
        return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }

    private static byte[] archive(HostFiles files) throws IOException {
        var bytes = new ByteArrayOutputStream();
        files.writeTo(bytes);
        return bytes.toByteArray();
    }

    /** Path, then mode and content. */
    private static Map<String, String> readBack(byte[] archive) throws IOException {
        var result = new LinkedHashMap<String, String>();
        try (var in = new CpioArchiveInputStream(new ByteArrayInputStream(archive))) {
            for (CpioArchiveEntry e = in.getNextEntry(); e != null; e = in.getNextEntry()) {
                result.put(
                        e.getName(),
                        "%o %d %s"
                                .formatted(
                                        e.getMode(),
                                        e.getUID(),
                                        new String(in.readAllBytes(), StandardCharsets.UTF_8)));
            }
        }
        return result;
    }

    @Test
    void filesLinksAndDirectoriesKeepTheirModes() throws IOException {
        Files.createDirectories(directory.resolve("lib/deep"));
        Files.setPosixFilePermissions(
                directory.resolve("lib"), PosixFilePermissions.fromString("rwxr-x---"));
        Files.setPosixFilePermissions(
                directory.resolve("lib/deep"), PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        file("run.sh", "#!/bin/sh\n", "rwxr-xr-x");
        file("lib/deep/data", "", "rw-------");
        Files.setAttribute(file("lib/tool", "x", "rwxr-xr-x"), "unix:mode", 04755);
        Files.createSymbolicLink(directory.resolve("link"), Path.of("lib/deep/data"));
        Files.createSymbolicLink(directory.resolve("lib/dangling"), Path.of("/nowhere/at all"));

        HostFiles files = HostFiles.of(directory);
        byte[] archive = archive(files);

        assertThat(files.size()).isEqualTo(archive.length);
        assertThat(readBack(archive))
                .containsExactly(
                        Map.entry("host", "40755 0 "),
                        Map.entry("host/lib", "40750 0 "),
                        Map.entry("host/lib/dangling", "120777 0 /nowhere/at all"),
                        Map.entry("host/lib/deep", "40755 0 "),
                        Map.entry("host/lib/deep/data", "100600 0 "),
                        Map.entry("host/lib/tool", "104755 0 x"),
                        Map.entry("host/link", "120777 0 lib/deep/data"),
                        Map.entry("host/run.sh", "100755 0 #!/bin/sh\n"));
    }

    @Test
    void aDirectoryBehindALinkIsTaken() throws IOException {
        Path real = Files.createDirectory(directory.resolve("real"));
        Files.writeString(real.resolve("file"), "1");
        Path link = Files.createSymbolicLink(directory.resolve("link"), real);

        assertThat(readBack(archive(HostFiles.of(link)))).containsOnlyKeys("host", "host/file");
    }

    @Test
    void sizesOfAllLengthsAreForetold() throws IOException {
        for (int length = 0; length < 9; length++) {
            file("n".repeat(length + 1), "x".repeat(length), "rw-r--r--");

            HostFiles files = HostFiles.of(directory);

            assertThat(archive(files)).hasSize((int) files.size());
        }
    }

    @Test
    void whatIsNoDirectoryIsNamed() throws IOException {
        Path plain = file("plain", "", "rw-r--r--");
        Path missing = directory.resolve("missing");

        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> HostFiles.of(plain))
                .withMessage(
                        "--initrd-add " + plain + ": expected a directory, found something else");
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> HostFiles.of(missing))
                .withMessage("--initrd-add " + missing + ": expected a directory, found nothing");
    }

    /** To read a pipe or a socket could take for ever. */
    @Test
    void whatIsNoFileIsNamed() throws IOException {
        Path socket = directory.resolve("socket");
        try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));

            assertThatExceptionOfType(ConfigurationException.class)
                    .isThrownBy(() -> HostFiles.of(directory))
                    .withMessageContaining(socket.toRealPath().toString())
                    .withMessageContaining(
                            "expected a file, a directory or a symbolic link, found something else");
        }
    }

    @Test
    void aFileThatChangedBetweenIsNamed() throws IOException {
        Path shrunk = file("shrunk", "long content", "rw-r--r--");
        HostFiles files = HostFiles.of(directory);
        Files.writeString(shrunk, "short");

        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> files.writeTo(OutputStream.nullOutputStream()))
                .withMessageContaining("it had 12 bytes and now has 5");
        Files.delete(shrunk);
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> files.writeTo(OutputStream.nullOutputStream()))
                .withMessageEndingWith("shrunk: is no longer there");
    }

    @Test
    void aReaderThatFailsIsNotMistakenForTheFiles() throws IOException {
        file("a", "content", "rw-r--r--");
        HostFiles files = HostFiles.of(directory);
        var full =
                new OutputStream() {
                    @Override
                    public void write(int octet) throws IOException {
                        throw new IOException("full");
                    }
                };

        assertThatThrownBy(() -> files.writeTo(full)).isInstanceOf(IOException.class);
    }
}
