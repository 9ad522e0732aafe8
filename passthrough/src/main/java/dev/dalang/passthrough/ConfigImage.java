package dev.dalang.passthrough;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What a device's configuration space held when it was opened. */
final class ConfigImage {
    private static final int CONVENTIONAL_BYTES = 0x100;
    private static final int EXTENDED_BYTES = 0x1000;

    private final byte[] content;

    private ConfigImage(byte[] content) {
        this.content = content;
    }

    /** Reads it: 256 bytes, or 4,096 if the region has as many. */
    static ConfigImage read(PassthroughBackend backend) throws BackendException {
        long size = backend.region(BackendRegion.CONFIG).map(BackendRegion::size).orElse(0L);
        if (size < CONVENTIONAL_BYTES) {
            throw new BackendException(
                    "find configuration space",
                    0,
                    "expected a region of at least 256 bytes, got " + size);
        }
        byte[] bytes = new byte[size < EXTENDED_BYTES ? CONVENTIONAL_BYTES : EXTENDED_BYTES];
        try (Arena arena = Arena.ofShared()) {
            MemorySegment target = arena.allocate(bytes.length, 8);
            backend.read(BackendRegion.CONFIG, 0, target);
            MemorySegment.copy(target, ValueLayout.JAVA_BYTE, 0, bytes, 0, bytes.length);
        }
        return new ConfigImage(bytes);
    }

    int bytes() {
        return content.length;
    }

    /** A little-endian number of 1..4 bytes; what lies beyond the space reads as 0. */
    int get(int offset, int size) {
        int value = 0;
        for (int k = size - 1; k >= 0; k--) {
            int at = offset + k;
            value = value << 8 | (at < content.length ? content[at] & 0xff : 0);
        }
        return value;
    }
}
