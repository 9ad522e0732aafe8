package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

class ManifestTest {

    private static final String HASH = "0123456789abcdef".repeat(4);
    private static final Manifest MANIFEST =
            new Manifest(
                    "debian-1",
                    "6.12.1-1",
                    "content-1",
                    Map.of(
                            "kernel", new Manifest.Item(31165952, HASH),
                            "fw_dynamic.bin", new Manifest.Item(0, HASH)));

    @TempDir private Path directory;
    private Path file;

    @BeforeEach
    void nameFile() {
        file = directory.resolve(Manifest.FILE + "x");
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        MANIFEST.write(file);

        assertThat(Manifest.read(file)).isEqualTo(MANIFEST);
        assertThat(directory.toFile().list()).containsExactly(Manifest.FILE + "x");
    }

    @Test
    void aManifestCutAnywhereIsRefused() throws IOException {
        MANIFEST.write(file);
        String whole = Files.readString(file);
        for (int length = 0; length < whole.length() - 1; length++) {
            Files.writeString(file, whole.substring(0, length));
            assertThatThrownBy(() -> Manifest.read(file)).isInstanceOf(IOException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "a/b", "/etc/passwd", ".hidden", "", "a b", "a\u0000"})
    void aNameThatLeavesTheDirectoryIsRefused(String name) throws IOException {
        Files.writeString(
                file,
                "dalang-manifest 1\nrecipe r\nversion v\ndirectory d\n"
                        + HASH
                        + " 7 "
                        + name
                        + "\nend\n");

        assertThatThrownBy(() -> Manifest.read(file)).isInstanceOf(IOException.class);
    }

    @Test
    void aDirectoryElsewhereIsRefused() throws IOException {
        Files.writeString(
                file,
                "dalang-manifest 1\nrecipe r\nversion v\ndirectory ../../home\n"
                        + HASH
                        + " 7 x\nend\n");

        assertThatThrownBy(() -> Manifest.read(file)).hasMessageContaining("../../home");
    }

    @Test
    void aHugeFileIsRefusedUnread() throws IOException {
        Files.writeString(file, "x".repeat(1 << 17));

        assertThatThrownBy(() -> Manifest.read(file)).hasMessageContaining("65536");
    }

    @Test
    void anotherFormatIsRefused() throws IOException {
        Files.writeString(file, "dalang-manifest 2\nrecipe r\nversion v\ndirectory d\n");

        assertThatThrownBy(() -> Manifest.read(file)).hasMessageContaining("not a manifest");
    }
}
