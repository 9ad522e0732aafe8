package dev.dalang.vm.internal.boot;

import dev.dalang.bus.memory.GuestMemory;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Loads a kernel: Linux's {@code Image} (boot-image-header 0.2), raw or compressed with gzip, or an
 * ELF file at its physical addresses.
 */
public final class KernelLoader {
    private static final int HEADER_BYTES = 64;

    /** "RSC\x05", little-endian, at offset 56 of an {@code Image}. */
    private static final int MAGIC2 = 0x05435352;

    /** Linux maps itself with 2 MiB pages, so it starts at a multiple of them. */
    private static final long ALIGNMENT = 2 << 20;

    private final BootFile file;
    private final GuestMemory memory;
    private final long ramBase;
    private final long ramEnd;

    private KernelLoader(BootFile file, GuestMemory memory, long ramBase, long ramEnd) {
        this.file = file;
        this.memory = memory;
        this.ramBase = ramBase;
        this.ramEnd = ramEnd;
    }

    /**
     * Loads the kernel.
     *
     * @param file the kernel
     * @param memory guest memory
     * @param layout where it may lie; an {@code Image} lies at the start of RAM plus the offset
     *     that its header gives
     * @param isZeroed true if memory has never been written
     * @return where the kernel lies
     */
    public static LoadedImage load(
            BootFile file, GuestMemory memory, BootLayout layout, boolean isZeroed) {
        byte[] start = file.readStart(HEADER_BYTES);
        var loader = new KernelLoader(file, memory, layout.ramBase(), layout.ramEnd());
        LoadedImage image;
        if (ElfFile.isElf(start)) {
            image = ElfFile.parse(file).load(memory, isZeroed);
        } else if (start.length >= 2 && start[0] == 0x1F && start[1] == (byte) 0x8B) {
            image = loader.loadCompressed(isZeroed);
        } else {
            Header header = loader.header(start, "");
            image = loader.place(header, file.size());
            file.load(0, file.size(), memory, image.first(), "the kernel");
            loader.clear(image, file.size(), isZeroed);
        }
        layout.requireFree(file, image);
        return image;
    }

    private record Header(long textOffset, long imageBytes) {}

    private Header header(byte[] start, String where) {
        if (start.length < HEADER_BYTES) {
            throw file.failure(
                    "expected a kernel of at least %d bytes%s, found %d"
                            .formatted(HEADER_BYTES, where, start.length));
        }
        ByteBuffer fields = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN);
        int magic = fields.getInt(56);
        if (magic != MAGIC2) {
            throw file.failure(
                    ("expected a RISC-V kernel Image (0x%08x at offset 56)%s, an ELF file or gzip,"
                                    + " found 0x%08x%s")
                            .formatted(MAGIC2, where, magic, hint(start)));
        }
        if ((fields.getLong(24) & 1) != 0) {
            throw file.failure("expected a little-endian kernel, found flag 0 (big-endian) set");
        }
        return new Header(fields.getLong(8), fields.getLong(16));
    }

    private static String hint(byte[] start) {
        boolean isMz = start[0] == 'M' && start[1] == 'Z';
        if (isMz && start[4] == 'z' && start[5] == 'i' && start[6] == 'm' && start[7] == 'g') {
            return " (an EFI zboot image: unpack the kernel in it first)";
        }
        if (start[56] == 'A' && start[57] == 'R' && start[58] == 'M' && start[59] == 'd') {
            return " (an arm64 kernel)";
        }
        return isMz ? " (an EFI program)" : "";
    }

    /** Where an image of this header goes that has {@code fileBytes} to load. */
    private LoadedImage place(Header header, long fileBytes) {
        long offset = header.textOffset;
        long room = ramEnd - ramBase;
        if (offset < 0 || offset >= room || (offset & (ALIGNMENT - 1)) != 0) {
            throw file.failure(
                    ("expected a load offset that is a multiple of 0x%x below the memory size"
                                    + " 0x%x, found 0x%x")
                            .formatted(ALIGNMENT, room, offset));
        }
        long needed = Math.max(header.imageBytes, fileBytes);
        if (header.imageBytes < 0 || needed > room - offset) {
            throw file.failure(
                    "the kernel needs %s bytes at 0x%x, but memory ends %d bytes behind it"
                            .formatted(
                                    Long.toUnsignedString(
                                            header.imageBytes < 0 ? header.imageBytes : needed),
                                    ramBase + offset,
                                    room - offset));
        }
        long first = ramBase + offset;
        return new LoadedImage(first, first, first + needed);
    }

    /**
     * The kernel clears its own uninitialised data; what lies behind it must not be stale either.
     */
    private void clear(LoadedImage image, long loadedBytes, boolean isZeroed) {
        if (!isZeroed) {
            long from = image.first() + loadedBytes;
            memory.fill(from, image.end() - from, (byte) 0);
        }
    }

    private LoadedImage loadCompressed(boolean isZeroed) {
        try (InputStream stream = new GZIPInputStream(file.stream(), 1 << 16)) {
            byte[] start = stream.readNBytes(HEADER_BYTES);
            Header header = header(start, " in the gzip data");
            LoadedImage image = place(header, start.length);
            memory.copyIn(image.first(), start);
            // What is compressed may be of any size: it is written to memory as it comes, and
            // refused where memory ends.
            byte[] chunk = new byte[1 << 16];
            long address = image.first() + start.length;
            for (int n = stream.read(chunk); n >= 0; n = stream.read(chunk)) {
                if (n > ramEnd - address) {
                    throw file.failure(
                            "the kernel needs more than the %d bytes between 0x%x and the end of"
                                            .formatted(ramEnd - image.first(), image.first())
                                    + " memory");
                }
                memory.copyIn(address, chunk, 0, n);
                address += n;
            }
            LoadedImage whole = place(header, address - image.first());
            clear(whole, address - image.first(), isZeroed);
            return whole;
        } catch (EOFException e) {
            throw file.failure("the gzip data is truncated, at " + file.size() + " bytes");
        } catch (ZipException e) {
            throw file.failure("the gzip data is damaged: " + e.getMessage());
        } catch (IOException e) {
            throw file.failure("cannot be read: " + e.getMessage());
        }
    }
}
