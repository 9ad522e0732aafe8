package dev.dalang.vm.internal.guest;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Makes kernel modules for tests: ELF-64 files with a section {@code .modinfo}. */
final class TestModule {
    private TestModule() {}

    /** A module that needs others, given as in the section: separated by commas. */
    static byte[] needing(String depends, String... aliases) {
        StringBuilder info = new StringBuilder("license=GPL\0");
        for (String alias : aliases) {
            info.append("alias=").append(alias).append('\0');
        }
        info.append("depends=").append(depends).append("\0name=x\0");
        return elf(info.toString());
    }

    static byte[] elf(String info) {
        byte[] names = "\0.shstrtab\0.modinfo\0".getBytes(StandardCharsets.ISO_8859_1);
        byte[] content = info.getBytes(StandardCharsets.ISO_8859_1);
        int table = 64 + names.length + content.length;
        ByteBuffer file = ByteBuffer.allocate(table + 3 * 64).order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(0, 0x464c457f).put(4, (byte) 2).put(5, (byte) 1);
        file.putLong(40, table);
        file.putShort(58, (short) 64).putShort(60, (short) 3).putShort(62, (short) 1);
        file.put(64, names).put(64 + names.length, content);
        section(file, table + 64, 1, 64, names.length);
        section(file, table + 128, 11, 64 + names.length, content.length);
        return file.array();
    }

    private static void section(ByteBuffer file, int header, int name, long offset, long bytes) {
        file.putInt(header, name).putLong(header + 24, offset).putLong(header + 32, bytes);
    }
}
