package dev.dalang.vm.internal.boot;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Writes small ELF files, right ones by default; {@link #patch} makes them wrong. */
public final class ElfBuilder {
    static final int HEADER_BYTES = 64;
    private static final int PROGRAM_HEADER_BYTES = 56;

    private final List<byte[]> contents = new ArrayList<>();
    private final List<long[]> addresses = new ArrayList<>();
    private final Map<String, Long> symbols = new LinkedHashMap<>();
    private final List<Consumer<ByteBuffer>> patches = new ArrayList<>();
    private long entry;

    public ElfBuilder entry(long address) {
        entry = address;
        return this;
    }

    public ElfBuilder segment(long address, byte[] content, long memoryBytes) {
        return segment(address, address, content, memoryBytes);
    }

    ElfBuilder segment(long virtual, long physical, byte[] content, long memoryBytes) {
        contents.add(content);
        addresses.add(new long[] {virtual, physical, memoryBytes});
        return this;
    }

    public ElfBuilder symbol(String name, long value) {
        symbols.put(name, value);
        return this;
    }

    /** Changes the finished file. */
    ElfBuilder patch(Consumer<ByteBuffer> change) {
        patches.add(change);
        return this;
    }

    static int programHeader(int index) {
        return HEADER_BYTES + index * PROGRAM_HEADER_BYTES;
    }

    public byte[] build() {
        int headers = programHeader(contents.size());
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        ByteBuffer head = little(headers);
        head.put(new byte[] {0x7F, 'E', 'L', 'F', 2, 1, 1});
        head.putShort(16, (short) 2).putShort(18, (short) 243).putInt(20, 1);
        head.putLong(24, entry).putLong(32, HEADER_BYTES);
        head.putShort(52, (short) HEADER_BYTES).putShort(54, (short) PROGRAM_HEADER_BYTES);
        head.putShort(56, (short) contents.size()).putShort(58, (short) 64);
        for (int i = 0; i < contents.size(); i++) {
            long[] where = addresses.get(i);
            head.position(programHeader(i));
            head.putInt(1).putInt(7).putLong(headers + body.size());
            head.putLong(where[0]).putLong(where[1]);
            head.putLong(contents.get(i).length).putLong(where[2]).putLong(4096);
            body.writeBytes(contents.get(i));
        }
        byte[] tables = tables(headers + body.size(), head);
        ByteBuffer file = little(headers + body.size() + tables.length);
        file.put(bytes(head)).put(body.toByteArray()).put(tables);
        patches.forEach(patch -> patch.accept(file));
        return bytes(file);
    }

    /** String table, symbol table, and the headers of both behind an empty one. */
    private byte[] tables(int offset, ByteBuffer head) {
        if (symbols.isEmpty()) {
            return new byte[0];
        }
        ByteArrayOutputStream strings = new ByteArrayOutputStream();
        strings.write(0);
        ByteBuffer table = little(24 * symbols.size());
        symbols.forEach(
                (name, value) -> {
                    table.putInt(strings.size()).putInt(0).putLong(value).putLong(8);
                    strings.writeBytes((name + "\0").getBytes(StandardCharsets.US_ASCII));
                });
        ByteBuffer sections = little(3 * 64);
        sections.putInt(64 + 4, 2).putLong(64 + 24, offset + strings.size());
        sections.putLong(64 + 32, table.capacity()).putInt(64 + 40, 2);
        sections.putInt(128 + 4, 3).putLong(128 + 24, offset);
        sections.putLong(128 + 32, strings.size());
        head.putLong(40, offset + strings.size() + table.capacity());
        head.putShort(60, (short) 3);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(strings.toByteArray());
        all.writeBytes(bytes(table));
        all.writeBytes(bytes(sections));
        return all.toByteArray();
    }

    static byte[] bytes(ByteBuffer buffer) {
        byte[] all = new byte[buffer.capacity()];
        buffer.get(0, all);
        return all;
    }

    static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
