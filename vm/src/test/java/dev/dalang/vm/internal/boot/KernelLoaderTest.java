package dev.dalang.vm.internal.boot;

import static dev.dalang.vm.internal.boot.BootFixture.KERNEL;
import static dev.dalang.vm.internal.boot.BootFixture.RAM_BYTES;
import static dev.dalang.vm.internal.boot.BootFixture.gzip;
import static dev.dalang.vm.internal.boot.BootFixture.image;
import static dev.dalang.vm.internal.boot.BootFixture.noise;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.vm.ConfigurationException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;

class KernelLoaderTest {
    @TempDir private Path directory;
    private BootFixture boot;

    @BeforeEach
    void setUp() {
        boot = new BootFixture(directory);
    }

    @AfterEach
    void tearDown() {
        boot.close();
    }

    @Test
    void rawImageLiesAtRamPlusItsOffset() {
        byte[] kernel = image(3_000_000, 4_000_000);

        LoadedImage loaded = boot.loadKernel(kernel);

        assertThat(loaded).isEqualTo(new LoadedImage(KERNEL, KERNEL, KERNEL + 4_000_000));
        assertThat(boot.read(KERNEL, kernel.length)).isEqualTo(kernel);
    }

    @Test
    void imageSmallerThanItsFileTakesTheFilesSize() {
        assertThat(boot.loadKernel(image(8192, 4096)).end()).isEqualTo(KERNEL + 8192);
    }

    @Test
    void compressedImageIsUnpackedInPlace() {
        byte[] kernel = image(3_000_000, 4_000_000);

        LoadedImage loaded = boot.loadKernel(gzip(kernel));

        assertThat(loaded).isEqualTo(new LoadedImage(KERNEL, KERNEL, KERNEL + 4_000_000));
        assertThat(boot.read(KERNEL, kernel.length)).isEqualTo(kernel);
    }

    @Test
    void secondLoadClearsWhatLiesBehindTheImage() {
        boot.memory.writeLong(KERNEL + 8192, -1);

        boot.loadKernel(image(8192, 16384), false);

        assertThat(boot.memory.readLong(KERNEL + 8192)).isZero();
    }

    @Test
    void elfKernelEntersAtItsPhysicalAddress() {
        byte[] text = noise(5000);
        long virtual = 0xFFFF_FFFF_8000_0000L;
        byte[] elf =
                new ElfBuilder()
                        .segment(virtual, KERNEL, text, 9000)
                        .segment(virtual + 0x10000, KERNEL + 0x10000, noise(100), 100)
                        .entry(virtual + 64)
                        .build();

        LoadedImage loaded = boot.loadKernel(elf);

        assertThat(loaded).isEqualTo(new LoadedImage(KERNEL + 64, KERNEL, KERNEL + 0x10000 + 100));
        assertThat(boot.read(KERNEL, 5000)).isEqualTo(text);
    }

    @Test
    void missingFileIsNamed() {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> BootFile.open("--kernel", directory.resolve("nowhere")))
                .withMessage("--kernel " + directory.resolve("nowhere") + ": no such file");
    }

    @Test
    void directoryIsNotAKernel() {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> BootFile.open("--kernel", directory))
                .withMessageContaining("expected a file, found a directory");
    }

    @Test
    void deviceIsNotAKernel() {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> BootFile.open("--kernel", Path.of("/dev/zero")))
                .withMessageContaining("expected a regular file");
    }

    @Test
    void unreadableFileIsNamed() throws Exception {
        Path file = boot.file("secret", new byte[100]);
        Files.setPosixFilePermissions(file, java.util.Set.of());
        // Root reads everything; then there is nothing to refuse.
        if (!Files.isReadable(file)) {
            assertThatExceptionOfType(ConfigurationException.class)
                    .isThrownBy(() -> BootFile.open("--kernel", file))
                    .withMessageContaining("may not be read");
        }
    }

    @Test
    void emptyFileIsRefused() {
        refused(new byte[0], "the file is empty (0 bytes)");
    }

    @Test
    void filesThatAreNoKernelsAreRefused() {
        refused(noise(10), "expected a kernel of at least 64 bytes, found 10");
        refused(noise(4096), "expected a RISC-V kernel Image (0x05435352 at offset 56)");
        refused(patched(b -> b.putInt(56, 0x644D5241)), "an arm64 kernel");
        refused(patched(b -> b.putInt(56, 0).putShort(0, (short) 0x5A4D)), "an EFI program");
        refused(
                patched(b -> b.putInt(56, 0).putShort(0, (short) 0x5A4D).putInt(4, 0x676D697A)),
                "an EFI zboot image");
        refused(patched(b -> b.putLong(24, 1)), "big-endian");
    }

    @Test
    void loadOffsetsOutsideMemoryAreRefused() {
        for (long offset : new long[] {-1, Long.MIN_VALUE, 4096, RAM_BYTES, 1L << 40}) {
            refused(patched(b -> b.putLong(8, offset)), "expected a load offset");
        }
    }

    @Test
    void imagesThatDoNotFitAreRefused() {
        for (long size : new long[] {RAM_BYTES, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
            refused(
                    patched(b -> b.putLong(16, size)),
                    "the kernel needs " + Long.toUnsignedString(size) + " bytes at 0x80200000");
        }
        refused(image((int) RAM_BYTES, 0), "the kernel needs 16777216 bytes");
    }

    @Test
    void damagedCompressionIsRefused() {
        byte[] good = gzip(image(100_000, 200_000));
        refused(Arrays.copyOf(good, good.length / 2), "the gzip data is truncated");
        refused(Arrays.copyOf(good, 5), "the gzip data is truncated");
        byte[] bad = good.clone();
        bad[bad.length - 6] ^= 1;
        refused(bad, "the gzip data is damaged");
        refused(gzip(noise(4096)), "in the gzip data");
        refused(gzip(new byte[0]), "expected a kernel of at least 64 bytes in the gzip data");
    }

    @Test
    void compressedImageStopsAtTheEndOfMemory() {
        byte[] bomb = image(64 << 20, 4096);
        Arrays.fill(bomb, 64, bomb.length, (byte) 0);
        refused(gzip(bomb), "the kernel needs more than the 14680064 bytes");
    }

    /** Every length that a kernel can be cut to gives a clear refusal or loads what is there. */
    @Test
    void truncatedElfFilesNeverLoadPartly() {
        byte[] elf = new ElfBuilder().segment(KERNEL, noise(64), 64).entry(KERNEL).build();
        for (int length = 1; length < elf.length; length++) {
            byte[] cut = Arrays.copyOf(elf, length);
            assertThatExceptionOfType(ConfigurationException.class)
                    .as("cut to %d bytes", length)
                    .isThrownBy(() -> boot.loadKernel(cut))
                    .withMessageStartingWith("--kernel ");
        }
    }

    private static byte[] patched(Consumer<ByteBuffer> patch) {
        byte[] kernel = image(4096, 8192);
        patch.accept(ByteBuffer.wrap(kernel).order(ByteOrder.LITTLE_ENDIAN));
        return kernel;
    }

    private void refused(byte[] content, String message) {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> boot.loadKernel(content))
                .withMessageStartingWith("--kernel " + directory)
                .withMessageContaining(message)
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
    }
}
