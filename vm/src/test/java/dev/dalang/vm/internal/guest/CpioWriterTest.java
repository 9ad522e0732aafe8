package dev.dalang.vm.internal.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

class CpioWriterTest {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final CpioWriter cpio = new CpioWriter(bytes);

    private record Seen(CpioArchiveEntry entry, String content) {}

    private Map<String, Seen> readBack() throws IOException {
        cpio.close();
        Map<String, Seen> result = new LinkedHashMap<>();
        try (var in = new CpioArchiveInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            for (CpioArchiveEntry e = in.getNextEntry(); e != null; e = in.getNextEntry()) {
                result.put(
                        e.getName(),
                        new Seen(e, new String(in.readAllBytes(), StandardCharsets.US_ASCII)));
            }
        }
        return result;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void filesOfEveryLengthModuloFourComeBack() throws IOException {
        for (int length = 0; length < 9; length++) {
            cpio.file("f".repeat(length + 1), 0644, ascii("x".repeat(length)));
        }

        Map<String, Seen> seen = readBack();

        assertThat(seen).hasSize(9);
        for (int length = 0; length < 9; length++) {
            Seen file = seen.get("f".repeat(length + 1));
            assertThat(file.content()).isEqualTo("x".repeat(length));
            assertThat(file.entry().isRegularFile()).isTrue();
            assertThat(file.entry().getMode() & 07777).isEqualTo(0644);
        }
    }

    @Test
    void parentsComeFirstAndOnce() throws IOException {
        cpio.file("a/b/one", 0755, ascii("1"));
        cpio.file("a/b/two", 0755, ascii("2"));

        Map<String, Seen> seen = readBack();

        assertThat(seen.keySet()).containsExactly("a", "a/b", "a/b/one", "a/b/two");
        assertThat(seen.get("a").entry().isDirectory()).isTrue();
        assertThat(seen.get("a/b").entry().getMode() & 07777).isEqualTo(0755);
    }

    @Test
    void linksKeepTheirTarget() throws IOException {
        cpio.symbolicLink("usr/bin/sh", "busybox");

        Seen link = readBack().get("usr/bin/sh");

        assertThat(link.entry().isSymbolicLink()).isTrue();
        assertThat(link.content()).isEqualTo("busybox");
    }

    @Test
    void devicesKeepTheirNumbers() throws IOException {
        cpio.characterDevice("dev/console", 0600, 5, 1);

        CpioArchiveEntry device = readBack().get("dev/console").entry();

        assertThat(device.isCharacterDevice()).isTrue();
        assertThat(device.getRemoteDeviceMaj()).isEqualTo(5);
        assertThat(device.getRemoteDeviceMin()).isEqualTo(1);
    }

    @Test
    void everythingBelongsToRootAndHasNoTime() throws IOException {
        cpio.file("x", 0600, ascii("x"));

        CpioArchiveEntry file = readBack().get("x").entry();

        assertThat(file.getUID()).isZero();
        assertThat(file.getGID()).isZero();
        assertThat(file.getTime()).isZero();
    }

    @Test
    void aSecondEntryOfTheSamePathIsAnError() throws IOException {
        cpio.file("x", 0600, ascii("x"));

        assertThatThrownBy(() -> cpio.symbolicLink("x", "y")).hasMessageContaining("x");
    }

    @Test
    void aStreamThatEndsEarlyIsAnError() {
        var three = new ByteArrayInputStream(new byte[3]);

        assertThatThrownBy(() -> cpio.file("x", 0600, 5, three))
                .isInstanceOf(IOException.class)
                .hasMessage("x ends 2 bytes too early");
    }

    @Test
    void closingTwiceEndsTheArchiveOnce() throws IOException {
        cpio.file("x", 0600, ascii("x"));
        cpio.close();
        int size = bytes.size();
        cpio.close();

        assertThat(bytes.size()).isEqualTo(size);
        assertThat(size % 4).isZero();
    }
}
