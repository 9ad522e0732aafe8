package dev.dalang.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** What a user hears when a disk cannot be opened. */
final class DiskFormatTest {
    @TempDir Path directory;

    private Path disk(int bytes) throws IOException {
        return Files.write(directory.resolve("disk"), new byte[bytes]);
    }

    @Test
    void aRawImageIsItsFile() throws Exception {
        try (DiskImage image = DiskFormat.RAW.open(disk(1024), false)) {
            assertThat(image.sizeBytes()).isEqualTo(1024);
            assertThat(image.isReadOnly()).isFalse();
            assertThat(image.topology()).isEqualTo(new BlockTopology(512, 4096, 0, 4096));
        }
        assertThat(DiskFormat.RAW).hasToString("raw");
    }

    @Test
    void whatIsMissingSaysSo() {
        Path missing = directory.resolve("none");
        assertThatThrownBy(() -> DiskFormat.RAW.open(missing, false))
                .isInstanceOf(DiskException.class)
                .hasMessage(missing + ": expected a file, found none");
    }

    @Test
    void aDirectorySaysSo() {
        assertThatThrownBy(() -> DiskFormat.RAW.open(directory, true))
                .isInstanceOf(DiskException.class)
                .hasMessageContaining("found a directory");
    }

    @Test
    void aPartOfABlockSaysSo() throws Exception {
        Path odd = disk(1000);
        assertThatThrownBy(() -> DiskFormat.RAW.open(odd, false))
                .hasMessage(
                        odd + ": expected a disk of whole blocks of 512 bytes, found 1000 bytes");
    }

    @Test
    void twoWritersOfOneImageAreRefused() throws Exception {
        Path path = disk(512);
        try (DiskImage image = DiskFormat.RAW.open(path, false)) {
            assertThat(image.isReadOnly()).isFalse();
            assertThatThrownBy(() -> DiskFormat.RAW.open(path, false))
                    .hasMessage(
                            path
                                    + ": expected a file that nobody else uses, found that it is"
                                    + " locked");
            assertThatThrownBy(() -> DiskFormat.RAW.open(path, true))
                    .hasMessageContaining("nobody else uses for writing");
        }
        DiskFormat.RAW.open(path, false).close();
    }

    @Test
    void readersShareAnImage() throws Exception {
        assumeThat(dev.dalang.linux.Linux.isAvailable()).isTrue();
        Path path = disk(512);
        try (DiskImage one = DiskFormat.RAW.open(path, true);
                DiskImage two = DiskFormat.RAW.open(path, true)) {
            assertThat(one.isReadOnly() && two.isReadOnly()).isTrue();
            assertThatThrownBy(() -> DiskFormat.RAW.open(path, false))
                    .hasMessageContaining("locked");
        }
    }

    @Test
    void aFileThatMayOnlyBeReadSaysHowToUseIt() throws Exception {
        Path path = disk(512);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("r--r--r--"));
        assumeThat(Files.isWritable(path)).as("this user may do anything").isFalse();
        assertThatThrownBy(() -> DiskFormat.RAW.open(path, false))
                .hasMessageContaining("or readonly");
        DiskFormat.RAW.open(path, true).close();
    }
}
