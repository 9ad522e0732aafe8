package dev.dalang.vm.internal.guest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What a kernel module says of itself in its section {@code .modinfo}.
 *
 * @param depends the modules that it needs directly, with underscores
 * @param aliases the patterns of the devices that it drives
 */
record ModuleInfo(List<String> depends, List<String> aliases) {

    private static final int ELF_MAGIC = 0x464c457f;
    private static final int SECTION_HEADER_BYTES = 64;

    /**
     * Reads the section of a module.
     *
     * @param elf the whole module, an ELF-64 relocatable file, little-endian
     * @throws IOException when it is none, or malformed
     */
    static ModuleInfo parse(byte[] elf) throws IOException {
        ByteBuffer file = ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN);
        if (elf.length < 64 || file.getInt(0) != ELF_MAGIC || elf[4] != 2 || elf[5] != 1) {
            throw new IOException("a module is not a little-endian ELF-64 file");
        }
        long table = file.getLong(40);
        int count = Short.toUnsignedInt(file.getShort(60));
        int names = Short.toUnsignedInt(file.getShort(62));
        if (Short.toUnsignedInt(file.getShort(58)) != SECTION_HEADER_BYTES || names >= count) {
            throw new IOException("a module's section table is malformed");
        }
        slice(elf, table, (long) count * SECTION_HEADER_BYTES);
        int base = (int) table;
        byte[] strings = section(elf, file, base + names * SECTION_HEADER_BYTES);
        for (int i = 0; i < count; i++) {
            int header = base + i * SECTION_HEADER_BYTES;
            if (".modinfo".equals(text(strings, file.getInt(header)))) {
                return fromSection(section(elf, file, header));
            }
        }
        throw new IOException("a module has no section .modinfo");
    }

    private static ModuleInfo fromSection(byte[] section) {
        List<String> depends = new ArrayList<>();
        List<String> aliases = new ArrayList<>();
        for (String entry : new String(section, StandardCharsets.ISO_8859_1).split("\0")) {
            if (entry.startsWith("depends=")) {
                for (String name : entry.substring("depends=".length()).split(",")) {
                    if (!name.isBlank()) {
                        depends.add(normalised(name.strip()));
                    }
                }
            } else if (entry.startsWith("alias=")) {
                aliases.add(entry.substring("alias=".length()).strip());
            }
        }
        return new ModuleInfo(List.copyOf(depends), List.copyOf(aliases));
    }

    /** A module's name as the kernel compares it: a dash and an underscore are the same. */
    static String normalised(String name) {
        return name.replace('-', '_');
    }

    private static byte[] section(byte[] elf, ByteBuffer file, int header) throws IOException {
        return slice(elf, file.getLong(header + 24), file.getLong(header + 32));
    }

    private static byte[] slice(byte[] elf, long offset, long bytes) throws IOException {
        if (offset < 0 || bytes < 0 || offset > elf.length || bytes > elf.length - offset) {
            throw new IOException(
                    "a module of %d bytes has a part at %d of %d bytes"
                            .formatted(elf.length, offset, bytes));
        }
        return Arrays.copyOfRange(elf, (int) offset, (int) (offset + bytes));
    }

    private static String text(byte[] strings, int offset) {
        int end = Math.max(0, Math.min(offset, strings.length));
        int start = end;
        while (end < strings.length && strings[end] != 0) {
            end++;
        }
        return new String(strings, start, end - start, StandardCharsets.ISO_8859_1);
    }
}
