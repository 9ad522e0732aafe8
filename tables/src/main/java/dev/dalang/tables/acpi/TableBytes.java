package dev.dalang.tables.acpi;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Collects the little-endian fields of a table. */
final class TableBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    TableBytes u8(int value) {
        return number(value, Byte.BYTES);
    }

    TableBytes u16(int value) {
        return number(value, Short.BYTES);
    }

    TableBytes u32(long value) {
        return number(value, Integer.BYTES);
    }

    TableBytes u64(long value) {
        return number(value, Long.BYTES);
    }

    private TableBytes number(long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> i * Byte.SIZE));
        }
        return this;
    }

    /** ASCII characters, filled up to a width. */
    TableBytes text(String text, int width, char filler) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        out.writeBytes(bytes);
        for (int i = bytes.length; i < width; i++) {
            out.write(filler);
        }
        return this;
    }

    TableBytes zeros(int count) {
        out.writeBytes(new byte[count]);
        return this;
    }

    TableBytes bytes(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    TableBytes address(GenericAddress address) {
        return u8(address.space())
                .u8(address.bitWidth())
                .u8(address.bitOffset())
                .u8(address.accessSize())
                .u64(address.address());
    }

    int size() {
        return out.size();
    }

    byte[] toBytes() {
        return out.toByteArray();
    }
}
