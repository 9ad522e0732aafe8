package dev.dalang.riscv.debug;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Takes packets out of a stream: {@code $data#checksum}, with {@code }} as the escape. What is too
 * long, has a wrong checksum or is no packet at all is dropped; nothing that a peer sends grows
 * what is kept beyond the limit. One thread.
 */
final class PacketReader {
    /** The longest packet, escapes included; told to the peer. */
    static final int MAX_BYTES = 0x4000;

    private static final int INTERRUPT = 3;
    private static final int ESCAPE = '}';
    private static final int ESCAPED = 0x20;

    private final InputStream in;
    private final OutputStream out;

    /** Whether packets are acknowledged; the session ends it. */
    private volatile boolean acknowledges = true;

    /** What the peer sends. */
    sealed interface Message {
        /**
         * A packet, a byte to a character.
         *
         * @param data what stands between the markers, without escapes
         */
        record Packet(String data) implements Message {}

        /** Control-C. */
        record Interrupt() implements Message {}

        /** The peer is gone. */
        record Closed() implements Message {}
    }

    PacketReader(InputStream in, OutputStream out) {
        this.in = in;
        this.out = out;
    }

    void acknowledge(boolean acknowledge) {
        acknowledges = acknowledge;
    }

    /** Waits for the next message. */
    Message next() {
        try {
            while (true) {
                int c = in.read();
                if (c < 0) {
                    return new Message.Closed();
                }
                if (c == INTERRUPT) {
                    return new Message.Interrupt();
                }
                if (c == '$') {
                    String data = packet();
                    if (data != null) {
                        return new Message.Packet(data);
                    }
                }
            }
        } catch (IOException e) {
            return new Message.Closed();
        }
    }

    /** What follows a packet's begin; null if it is no good. */
    private @Nullable String packet() throws IOException {
        byte[] data = new byte[MAX_BYTES];
        int length = 0;
        int sum = 0;
        boolean tooLong = false;
        boolean escape = false;
        while (true) {
            int c = in.read();
            if (c < 0) {
                return null;
            }
            if (c == '#') {
                break;
            }
            if (c == '$') {
                // The peer has begun again: the rest of what it sent before was lost.
                length = 0;
                sum = 0;
                escape = false;
                tooLong = false;
                continue;
            }
            sum += c;
            if (c == ESCAPE && !escape) {
                escape = true;
                continue;
            }
            if (length == MAX_BYTES) {
                tooLong = true;
            } else {
                data[length++] = (byte) (escape ? c ^ ESCAPED : c);
            }
            escape = false;
        }
        int high = Character.digit(in.read(), 16);
        int low = Character.digit(in.read(), 16);
        boolean good = high >= 0 && low >= 0 && (high << 4 | low) == (sum & 0xff) && !tooLong;
        if (acknowledges) {
            synchronized (out) {
                out.write(good ? '+' : '-');
                out.flush();
            }
        }
        return good ? new String(data, 0, length, StandardCharsets.ISO_8859_1) : null;
    }

    /** {@return data as a packet} Escapes what has a meaning. */
    static byte[] encode(String data) {
        StringBuilder packet = new StringBuilder(data.length() + 4).append('$');
        int sum = 0;
        for (int i = 0; i < data.length(); i++) {
            char c = data.charAt(i);
            if (c == '$' || c == '#' || c == ESCAPE || c == '*') {
                packet.append((char) ESCAPE);
                sum += ESCAPE;
                c = (char) (c ^ ESCAPED);
            }
            packet.append(c);
            sum += c;
        }
        packet.append("#%02x".formatted(sum & 0xff));
        return packet.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
