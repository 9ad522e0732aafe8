package dev.dalang.remote.internal.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Structures as bytes. */
final class Layout {
    private Layout() {}

    /** Reads a structure; a {@link Refusal} if fewer bytes came than it has. */
    static ByteBuffer reader(byte[] payload, int bytes, String structure) {
        if (payload.length < bytes) {
            throw Refusal.invalid(
                    "%s: expected %d bytes, got %d".formatted(structure, bytes, payload.length));
        }
        return ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The rest of a buffer, on its own. */
    static Bytes rest(ByteBuffer buffer) {
        byte[] rest = new byte[buffer.remaining()];
        buffer.get(rest);
        return Bytes.of(rest);
    }

    /** Checks what a request says about the structures of both sides. */
    static void requireArgsz(int argsz, int bytes, String structure) {
        if (Integer.compareUnsigned(argsz, bytes) < 0) {
            throw Refusal.invalid(
                    "%s: expected argsz of at least %d, got %s"
                            .formatted(structure, bytes, Integer.toUnsignedString(argsz)));
        }
    }
}
