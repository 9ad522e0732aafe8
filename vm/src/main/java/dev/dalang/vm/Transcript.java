package dev.dalang.vm;

import java.nio.charset.StandardCharsets;

/**
 * The newest part of a guest's output, addressed by absolute position: how many bytes the guest had
 * written before. Not thread-safe.
 */
final class Transcript {
    private final byte[] ring;
    private long end;

    /** Keeps the newest {@code capacity} bytes; a power of two. */
    Transcript(int capacity) {
        ring = new byte[capacity];
    }

    /** Position behind the newest byte. */
    long end() {
        return end;
    }

    /** Position of the oldest byte that is kept. */
    long start() {
        return Math.max(0, end - ring.length);
    }

    void append(byte[] bytes, int length) {
        for (int i = 0; i < length; i++) {
            ring[(int) (end++ & (ring.length - 1))] = bytes[i];
        }
    }

    byte at(long position) {
        return ring[(int) (position & (ring.length - 1))];
    }

    /** The kept text between two positions; malformed UTF-8 shows as replacement characters. */
    String text(long from, long to) {
        long first = Math.max(from, start());
        byte[] bytes = new byte[(int) Math.max(0, to - first)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = at(first + i);
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
