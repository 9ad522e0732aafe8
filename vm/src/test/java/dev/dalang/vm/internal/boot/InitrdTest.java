package dev.dalang.vm.internal.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.vm.ConfigurationException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

class InitrdTest {
    @TempDir private Path directory;
    private BootFixture boot;
    private Path added;

    @BeforeEach
    void prepare() throws IOException {
        boot = new BootFixture(directory);
        added = Files.createDirectory(directory.resolve("added"));
        Files.writeString(added.resolve("hello"), "world");
    }

    @AfterEach
    void close() {
        boot.close();
    }

    private static String text(byte[] bytes, int from) {
        return new String(bytes, from, bytes.length - from, StandardCharsets.ISO_8859_1);
    }

    /** An archive begins at a multiple of four, or Linux does not find it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 4097})
    void whatIsAddedFollowsTheFileAtAMultipleOfFour(int length) {
        byte[] first = BootFixture.noise(length);

        LoadedImage image =
                boot.loadInitrd(Optional.of(boot.file("initrd", first)), Optional.of(added));

        byte[] loaded = boot.read(image.first(), (int) (image.end() - image.first()));
        int behind = length + 3 & -4;
        assertThat(loaded).startsWith(first);
        for (int i = length; i < behind; i++) {
            assertThat(loaded[i]).isZero();
        }
        assertThat(text(loaded, behind))
                .startsWith("070701")
                .contains("host/hello\0", "world\0")
                .contains("TRAILER!!!");
    }

    @Test
    void filesAloneAreARamDisk() {
        LoadedImage image = boot.loadInitrd(Optional.empty(), Optional.of(added));

        assertThat(text(boot.read(image.first(), 6), 0)).isEqualTo("070701");
        assertThat(Initrd.open(Optional.empty(), Optional.empty())).isEmpty();
    }

    @Test
    void firmwareGetsTheSameBytes() {
        Path file = boot.file("initrd", BootFixture.noise(5));
        LoadedImage image = boot.loadInitrd(Optional.of(file), Optional.of(added));
        try (Arena arena = Arena.ofConfined();
                Initrd initrd = Initrd.open(Optional.of(file), Optional.of(added)).orElseThrow()) {
            MemorySegment copy = arena.allocate(initrd.size());

            initrd.copyTo(copy);

            assertThat(copy.toArray(ValueLayout.JAVA_BYTE))
                    .isEqualTo(boot.read(image.first(), (int) initrd.size()));
        }
    }

    @Test
    void whatDoesNotFitIsNamed() throws IOException {
        Files.write(added.resolve("large"), new byte[64 << 20]);

        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> boot.loadInitrd(Optional.empty(), Optional.of(added)))
                .withMessageStartingWith("--initrd-add: the initial RAM disk has 67109");
    }
}
