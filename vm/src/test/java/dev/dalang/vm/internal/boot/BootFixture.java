package dev.dalang.vm.internal.boot;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;

/** Sixteen MiB of RAM at the board's address, and files to load into it. */
final class BootFixture implements AutoCloseable {
    static final long RAM = 0x8000_0000L;
    static final long RAM_BYTES = 16 << 20;
    static final long KERNEL = RAM + (2 << 20);

    private final Arena arena = Arena.ofShared();
    private final Path directory;
    final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, arena.allocate(RAM_BYTES, 4096)));
    final BootLayout layout = BootLayout.of(RAM, RAM_BYTES);

    BootFixture(Path directory) {
        this.directory = directory;
    }

    Path file(String name, byte[] content) {
        try {
            return Files.write(directory.resolve(name), content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    LoadedImage loadKernel(byte[] content, boolean isZeroed) {
        try (BootFile file = BootFile.open("--kernel", file("vmlinuz", content))) {
            return KernelLoader.load(file, memory, layout, isZeroed);
        }
    }

    LoadedImage loadKernel(byte[] content) {
        return loadKernel(content, true);
    }

    LoadedImage loadInitrd(byte[] content) {
        return loadInitrd(Optional.of(file("initrd", content)), Optional.empty());
    }

    LoadedImage loadInitrd(Optional<Path> file, Optional<Path> added) {
        try (Initrd initrd = Initrd.open(file, added).orElseThrow()) {
            return layout.loadInitrd(initrd, memory);
        }
    }

    byte[] read(long address, int length) {
        byte[] bytes = new byte[length];
        memory.copyOut(address, bytes);
        return bytes;
    }

    /** A kernel image of this size with a right header and noise behind it. */
    static byte[] image(int bytes, long imageBytes) {
        byte[] content = noise(bytes);
        ByteBuffer header = ElfBuilder.little(64);
        header.putLong(8, 2 << 20).putLong(16, imageBytes);
        header.putInt(56, 0x05435352);
        header.get(0, content, 0, 64);
        return content;
    }

    static byte[] noise(int bytes) {
        byte[] content = new byte[bytes];
        new Random(bytes).nextBytes(content);
        return content;
    }

    static byte[] gzip(byte[] content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream stream = new GZIPOutputStream(bytes)) {
            stream.write(content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    @Override
    public void close() {
        arena.close();
    }
}
