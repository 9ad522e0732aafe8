package dev.dalang.net.internal.user;

import java.nio.ByteBuffer;

/**
 * One connection's stream from the guest to the host: what may come next, what came too early, and
 * what the host has not taken yet (RFC 9293 §3.10.7.4).
 */
final class TcpReceiver {
    /** Pieces that came too early; one more is dropped, and comes again. */
    static final int MAX_PIECES = 16;

    /** The scale of our windows: enough for the largest buffer. */
    static final int WINDOW_SCALE = 7;

    final StreamBuffer buffer;

    /** What comes next, RCV.NXT. */
    int next;

    private final int[] begins = new int[MAX_PIECES];
    private final int[] ends = new int[MAX_PIECES];
    private int pieces;
    private int newest;

    /** Up to where the guest was told that it may send. */
    private int advertised;

    private int first;
    private boolean scaled;
    private boolean finKnown;
    private int fin;

    TcpReceiver(BufferPool pool, int capacity) {
        buffer = new StreamBuffer(pool, capacity);
    }

    void begin(int sequence, boolean windowsScaled) {
        first = sequence;
        next = sequence;
        advertised = sequence;
        scaled = windowsScaled;
    }

    boolean isScaled() {
        return scaled;
    }

    /** Whether all that the guest will ever send is here. */
    boolean isFinished() {
        return finKnown && next == fin + 1;
    }

    /** How much the guest may send; what it was told is not taken back. */
    int window() {
        int edge = next + Math.min(buffer.free(), scaled ? 0xffff << WINDOW_SCALE : 0xffff);
        if (scaled) {
            edge = next + (edge - next >> WINDOW_SCALE << WINDOW_SCALE);
        }
        return edge - advertised > 0 ? edge - next : Math.max(0, advertised - next);
    }

    /** The field of a header that tells the guest; without a scale in a segment with SYN. */
    int advertise(boolean syn) {
        int window = window();
        if (syn || !scaled) {
            window = Math.min(window, 0xffff);
            advertised = next + window;
            return window;
        }
        advertised = next + window;
        return window >> WINDOW_SCALE;
    }

    /**
     * Whether enough room came free since that the guest should be told. That there is more than
     * the handshake could say, it learns with the acknowledgment of its first data.
     */
    boolean shouldTell(int segmentBytes) {
        int told = Math.max(0, advertised - next);
        if (next == first && told > 0) {
            return false;
        }
        int gained = window() - told;
        return gained >= Math.min(buffer.capacity() / 2, 2 * segmentBytes)
                && (told < buffer.capacity() / 2 || gained >= buffer.capacity() / 2);
    }

    /** Whether any part of a segment lies where something is expected. */
    boolean isAcceptable(int sequence, int bytes) {
        int window = window();
        int offset = sequence - next;
        if (bytes == 0) {
            return window == 0 ? offset == 0 : offset >= 0 && offset < window;
        }
        int end = offset + bytes;
        return window > 0 && (offset >= 0 && offset < window || end > 0 && offset < 0);
    }

    /**
     * Takes the data of a segment that is acceptable.
     *
     * @return true if it came in order, and {@link #next} has moved
     */
    boolean accept(TcpHeader header, ByteBuffer data) {
        int sequence = header.sequence;
        int from = header.data;
        int bytes = header.dataBytes;
        if (header.has(TcpHeader.FIN) && !finKnown) {
            int end = sequence + bytes;
            if (end - next >= 0 && end - next <= window()) {
                finKnown = true;
                fin = end;
            }
        }
        int early = next - sequence;
        if (early > 0) {
            int skip = Math.min(early, bytes);
            sequence += skip;
            from += skip;
            bytes -= skip;
        }
        int offset = sequence - next;
        int room = window() - offset;
        bytes = Math.min(bytes, room);
        if (finKnown) {
            bytes = Math.min(bytes, fin - sequence);
        }
        int before = next;
        if (bytes > 0) {
            if (offset == 0) {
                buffer.put(buffer.size(), data, from, bytes);
                advance(bytes);
                takePieces();
            } else if (note(sequence, sequence + bytes)) {
                buffer.put(buffer.size() + offset, data, from, bytes);
            }
        }
        if (finKnown && next == fin) {
            next = fin + 1;
            pieces = 0;
        }
        return next != before;
    }

    /** Bytes that were passed on without coming here. */
    void passed(int bytes) {
        next += bytes;
    }

    /** Whether nothing waits: what comes in order may be passed on directly. */
    boolean isIdle() {
        return buffer.size() == 0 && pieces == 0 && !finKnown;
    }

    private void advance(int bytes) {
        buffer.extend(bytes);
        next += bytes;
    }

    private void takePieces() {
        boolean found = true;
        while (found) {
            found = false;
            for (int i = pieces - 1; i >= 0; i--) {
                if (begins[i] - next <= 0) {
                    if (ends[i] - next > 0) {
                        advance(ends[i] - next);
                        found = true;
                    }
                    drop(i);
                }
            }
        }
    }

    private void drop(int place) {
        pieces--;
        begins[place] = begins[pieces];
        ends[place] = ends[pieces];
        newest = 0;
    }

    private boolean note(int begin, int end) {
        int from = begin;
        int to = end;
        for (int i = pieces - 1; i >= 0; i--) {
            if (begins[i] - to <= 0 && ends[i] - from >= 0) {
                from = begins[i] - from < 0 ? begins[i] : from;
                to = ends[i] - to > 0 ? ends[i] : to;
                drop(i);
            }
        }
        if (pieces == MAX_PIECES) {
            return false;
        }
        begins[pieces] = from;
        ends[pieces] = to;
        newest = pieces++;
        return true;
    }

    int pieces() {
        return pieces;
    }

    /** A piece that came early, the newest first (RFC 2018 §4). */
    int pieceBegin(int i) {
        return begins[(newest + i) % pieces];
    }

    int pieceEnd(int i) {
        return ends[(newest + i) % pieces];
    }

    /** Gives memory back that nothing is in. */
    void trim() {
        if (pieces == 0) {
            buffer.trim();
        }
    }

    void close() {
        pieces = 0;
        buffer.close();
    }
}
