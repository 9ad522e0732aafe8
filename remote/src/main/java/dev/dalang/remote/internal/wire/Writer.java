package dev.dalang.remote.internal.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Puts a structure together, of a size that is known. */
public final class Writer {
    private final byte[] bytes;
    private final ByteBuffer buffer;

    private Writer(int size) {
        bytes = new byte[size];
        buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Begins a structure of so many bytes, all 0. */
    public static Writer of(int size) {
        return new Writer(size);
    }

    public Writer putShort(int value) {
        buffer.putShort((short) value);
        return this;
    }

    public Writer putInt(int value) {
        buffer.putInt(value);
        return this;
    }

    public Writer putLong(long value) {
        buffer.putLong(value);
        return this;
    }

    public Writer put(byte[] value) {
        buffer.put(value);
        return this;
    }

    /** Leaves bytes as they are. */
    public Writer skip(int count) {
        buffer.position(buffer.position() + count);
        return this;
    }

    int position() {
        return buffer.position();
    }

    /** The structure. */
    public byte[] bytes() {
        return bytes;
    }
}
