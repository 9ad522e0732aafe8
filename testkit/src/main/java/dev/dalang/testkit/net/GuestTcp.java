package dev.dalang.testkit.net;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.function.BooleanSupplier;

/** A connection of the guest's, with blocking reads and writes. Any thread. */
public final class GuestTcp implements AutoCloseable {
    static final int FIN = 1;
    static final int SYN = 2;
    static final int RST = 4;
    static final int PSH = 8;
    static final int ACK = 16;

    private static final int SCALE = 7;
    private static final int MAX_EARLY = 4096;
    private static final long PATIENCE_SECONDS = 60;
    private static final long FIRST_TIMEOUT = 100_000_000L;

    enum State {
        SYN_SENT,
        SYN_RECEIVED,
        OPEN,
        RESET
    }

    final InetAddress local;
    final InetAddress remote;
    final int localPort;
    final int remotePort;
    State state;

    private final GuestStack stack;
    private final Condition changed;
    private final byte[] out;
    private final byte[] in;
    private final NavigableMap<Integer, byte[]> early = new TreeMap<>((a, b) -> a - b);
    private @Nullable GuestListener listener;
    private long outStart;
    private int outSize;
    private int una;
    private int next;
    private int max;
    private int window;
    private int peerScale;
    private int segmentBytes = 1460;
    private boolean finWanted;
    private boolean finAcked;
    private int duplicates;
    private long timer;
    private long timeout = FIRST_TIMEOUT;

    private long inStart;
    private int inSize;
    private int expected;
    private boolean finSeen;
    private boolean finKnown;
    private int finSequence;
    private int told;
    private boolean acknowledgmentDue;
    private int retransmissions;

    GuestTcp(
            GuestStack stack,
            InetAddress local,
            int localPort,
            InetAddress remote,
            int remotePort,
            int sequence,
            int bufferBytes) {
        this.stack = stack;
        this.local = local;
        this.localPort = localPort;
        this.remote = remote;
        this.remotePort = remotePort;
        this.in = new byte[bufferBytes];
        this.out = new byte[bufferBytes];
        this.una = sequence;
        this.next = sequence;
        this.max = sequence;
        this.changed = stack.lock.newCondition();
        this.state = State.SYN_SENT;
    }

    // ---- for tests

    /** {@return how many segments were sent again} */
    public int retransmissions() {
        return retransmissions;
    }

    /** {@return whether the other side has reset the connection} */
    public boolean isReset() {
        stack.lock.lock();
        try {
            return state == State.RESET;
        } finally {
            stack.lock.unlock();
        }
    }

    /**
     * Waits until the connection is open.
     *
     * @throws IOException if it was refused, or nobody answers
     */
    public void awaitOpen() throws IOException {
        stack.lock.lock();
        try {
            awaitWhile(() -> state == State.SYN_SENT || state == State.SYN_RECEIVED);
        } finally {
            stack.lock.unlock();
        }
    }

    private void awaitWhile(BooleanSupplier waits) throws IOException {
        long left = TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (waits.getAsBoolean() && state != State.RESET) {
            if (left <= 0) {
                throw new IOException("the connection to port " + remotePort + " hangs");
            }
            left = stack.await(changed, left);
        }
        if (state == State.RESET) {
            throw new IOException("the connection to port " + remotePort + " was reset");
        }
    }

    /**
     * Waits until everything that was written is acknowledged, the end included.
     *
     * @throws IOException if the connection was reset, or nobody answers
     */
    public void awaitAcknowledged() throws IOException {
        stack.lock.lock();
        try {
            awaitWhile(() -> outSize > 0 || finWanted && !finAcked);
        } finally {
            stack.lock.unlock();
        }
    }

    /**
     * Writes bytes; waits while the buffer is full.
     *
     * @param bytes from where
     * @param offset from which byte on
     * @param length how many
     * @throws IOException if the connection was reset, or nobody takes them
     */
    public void write(byte[] bytes, int offset, int length) throws IOException {
        int done = 0;
        while (done < length) {
            stack.lock.lock();
            try {
                awaitWhile(() -> outSize == out.length || state != State.OPEN);
                int count = Math.min(length - done, out.length - outSize);
                int at = (int) ((outStart + outSize) % out.length);
                int first = Math.min(count, out.length - at);
                System.arraycopy(bytes, offset + done, out, at, first);
                System.arraycopy(bytes, offset + done + first, out, 0, count - first);
                outSize += count;
                done += count;
                pump();
            } finally {
                stack.lock.unlock();
            }
        }
    }

    /**
     * Writes bytes.
     *
     * @param bytes which
     * @throws IOException if the connection was reset, or nobody takes them
     */
    public void write(byte[] bytes) throws IOException {
        write(bytes, 0, bytes.length);
    }

    /**
     * Writes as much as there is room for, without waiting.
     *
     * @param bytes which
     * @return how many were taken
     */
    public int offer(byte[] bytes) {
        stack.lock.lock();
        try {
            int count = state == State.OPEN ? Math.min(bytes.length, out.length - outSize) : 0;
            for (int i = 0; i < count; i++) {
                out[(int) ((outStart + outSize + i) % out.length)] = bytes[i];
            }
            outSize += count;
            pump();
            return count;
        } finally {
            stack.lock.unlock();
        }
    }

    /**
     * Reads what is there; waits for the first byte.
     *
     * @param bytes to where
     * @return how many, or -1 at the end
     * @throws IOException if the connection was reset, or nothing comes
     */
    public int read(byte[] bytes) throws IOException {
        return read(bytes, 0, bytes.length);
    }

    /**
     * Reads what is there; waits for the first byte.
     *
     * @param bytes to where
     * @param offset to which byte on
     * @param length how many at most
     * @return how many, or -1 at the end
     * @throws IOException if the connection was reset, or nothing comes
     */
    public int read(byte[] bytes, int offset, int length) throws IOException {
        stack.lock.lock();
        try {
            if (inSize == 0) {
                awaitWhile(() -> inSize == 0 && !finSeen);
            }
            if (inSize == 0) {
                return -1;
            }
            int count = Math.min(length, inSize);
            int at = (int) (inStart % in.length);
            int first = Math.min(count, in.length - at);
            System.arraycopy(in, at, bytes, offset, first);
            System.arraycopy(in, 0, bytes, offset + first, count - first);
            inStart += count;
            inSize -= count;
            int gained = expected + in.length - inSize - told;
            boolean tells =
                    gained >= in.length / 2 || gained >= 8 * segmentBytes && told - expected <= 0;
            // After the end nobody wants to know, and who has forgotten the connection resets it.
            if (tells && !finSeen) {
                acknowledge();
            }
            return count;
        } finally {
            stack.lock.unlock();
        }
    }

    /**
     * Reads so many bytes.
     *
     * @param length how many
     * @return the bytes
     * @throws IOException if the end comes first, or the connection was reset
     */
    public byte[] readFully(int length) throws IOException {
        byte[] all = new byte[length];
        int done = 0;
        while (done < length) {
            int count = read(all, done, length - done);
            if (count < 0) {
                throw new IOException("the end came after " + done + " of " + length + " bytes");
            }
            done += count;
        }
        return all;
    }

    /** Ends the guest's half. */
    public void shutdownOutput() {
        stack.lock.lock();
        try {
            finWanted = true;
            pump();
        } finally {
            stack.lock.unlock();
        }
    }

    /** Resets the connection. */
    public void reset() {
        stack.lock.lock();
        try {
            emit(next, RST | ACK, 0, 0);
            state = State.RESET;
            stack.forget(this);
            changed.signalAll();
        } finally {
            stack.lock.unlock();
        }
    }

    /** Stops taking part: nothing is sent or answered any more, as if the guest had crashed. */
    public void vanish() {
        stack.lock.lock();
        try {
            stack.forget(this);
        } finally {
            stack.lock.unlock();
        }
    }

    /** Ends the guest's half and forgets the connection once both are over. */
    @Override
    public void close() {
        shutdownOutput();
    }

    // ---- for the stack, with its lock

    void connect() {
        emit(una, SYN, 0, 0);
        next = una + 1;
        max = next;
        timer = System.nanoTime() + timeout;
    }

    void accept(int sequence, int scale, int largest, GuestListener waiting) {
        listener = waiting;
        state = State.SYN_RECEIVED;
        expected = sequence + 1;
        peerScale = Math.max(scale, 0);
        segmentBytes = Math.min(segmentBytes, largest);
        emit(una, SYN | ACK, 0, 0);
        next = una + 1;
        max = next;
        timer = System.nanoTime() + timeout;
    }

    void input(
            int sequence,
            int acknowledgment,
            int flags,
            int peerWindow,
            int scale,
            int largest,
            ByteBuffer data,
            int at,
            int bytes) {
        if (state == State.SYN_SENT) {
            if ((flags & ACK) == 0 || acknowledgment != next) {
                return;
            }
            if ((flags & RST) != 0) {
                die();
            } else if ((flags & SYN) != 0) {
                expected = sequence + 1;
                una = acknowledgment;
                peerScale = Math.max(scale, 0);
                segmentBytes = Math.min(segmentBytes, largest);
                window = peerWindow;
                opened();
                acknowledge();
            }
            return;
        }
        if ((flags & RST) != 0) {
            if (sequence == expected) {
                die();
            }
            return;
        }
        if ((flags & SYN) != 0) {
            acknowledge();
            return;
        }
        if (state == State.SYN_RECEIVED && acknowledgment == next) {
            una = acknowledgment;
            opened();
            if (listener != null) {
                listener.established(this);
            }
        }
        if ((flags & ACK) != 0) {
            acknowledged(acknowledgment, peerWindow << peerScale, bytes, flags);
        }
        if (bytes > 0 || (flags & FIN) != 0) {
            take(sequence, (flags & FIN) != 0, data, at, bytes);
            acknowledge();
        } else if (sequence != expected) {
            acknowledge(); // a probe
        }
        pump();
    }

    private void opened() {
        state = State.OPEN;
        timer = 0;
        timeout = FIRST_TIMEOUT;
        changed.signalAll();
    }

    private void die() {
        state = State.RESET;
        stack.forget(this);
        changed.signalAll();
    }

    private void acknowledged(int acknowledgment, int newWindow, int bytes, int flags) {
        int acked = acknowledgment - una;
        if (acked < 0 || acknowledgment - max > 0) {
            return;
        }
        if (acked > 0) {
            int data = Math.min(acked, outSize);
            outStart += data;
            outSize -= data;
            finAcked |= acked > data && finWanted;
            una = acknowledgment;
            if (next - una < 0) {
                next = una;
            }
            duplicates = 0;
            timeout = FIRST_TIMEOUT;
            timer = next != una ? System.nanoTime() + timeout : 0;
            changed.signalAll();
            if (finAcked && finSeen) {
                stack.forgetLater(this);
            }
        } else if (bytes == 0 && (flags & FIN) == 0 && newWindow == window && next != una) {
            if (++duplicates == 3) {
                retransmissions++;
                next = una; // go back; what comes twice does no harm
            }
        }
        window = newWindow;
    }

    private void take(int sequence, boolean fin, ByteBuffer data, int at, int bytes) {
        if (fin) {
            finKnown = true;
            finSequence = sequence + bytes;
        }
        int skip = Math.max(0, Math.min(expected - sequence, bytes));
        int from = sequence + skip;
        int count = bytes - skip;
        if (from - expected > 0) {
            if (early.size() < MAX_EARLY && from + count - expected <= in.length - inSize) {
                byte[] copy = new byte[count];
                data.get(at + skip, copy);
                early.put(from, copy);
            }
            return;
        }
        append(data, at + skip, Math.min(count, in.length - inSize));
        takeEarly();
        if (finKnown && expected == finSequence && !finSeen) {
            finSeen = true;
            expected++;
        }
        changed.signalAll();
        if (finAcked && finSeen) {
            stack.forgetLater(this);
        }
    }

    private void append(ByteBuffer data, int at, int count) {
        int place = (int) ((inStart + inSize) % in.length);
        int first = Math.min(count, in.length - place);
        data.get(at, in, place, first);
        data.get(at + first, in, 0, count - first);
        inSize += count;
        expected += count;
    }

    private void takeEarly() {
        Map.Entry<Integer, byte[]> first = early.firstEntry();
        while (first != null && first.getKey() - expected <= 0) {
            byte[] piece = first.getValue();
            int skip = expected - first.getKey();
            if (skip < piece.length) {
                append(ByteBuffer.wrap(piece), skip, piece.length - skip);
            }
            early.pollFirstEntry();
            first = early.firstEntry();
        }
    }

    private void acknowledge() {
        acknowledgmentDue = true;
        pump();
        if (acknowledgmentDue) {
            emit(next, ACK, 0, 0);
        }
    }

    /** Sends what the window allows. */
    void pump() {
        if (state != State.OPEN) {
            return;
        }
        while (true) {
            int offset = next - una;
            int unsent = outSize - offset;
            boolean end = finWanted && !finAcked && unsent >= 0;
            int longest =
                    stack.longSegments()
                            ? (65_535 - 120) / segmentBytes * segmentBytes
                            : segmentBytes;
            int bytes = Math.max(0, Math.min(Math.min(unsent, window - offset), longest));
            boolean fin = end && bytes == unsent;
            if (bytes == 0 && !fin || bytes < unsent && bytes < segmentBytes && offset > 0) {
                break;
            }
            if (!emit(next, ACK | (fin ? FIN : 0) | PSH, offset, bytes)) {
                break;
            }
            if (next - max < 0) {
                retransmissions++;
            }
            next += bytes + (fin ? 1 : 0);
            if (next - max > 0) {
                max = next;
            }
            if (timer == 0) {
                timer = System.nanoTime() + timeout;
            }
        }
        if (timer == 0 && (outSize > 0 || finWanted && !finAcked)) {
            timer = System.nanoTime() + timeout; // the window is closed: probe
        }
    }

    void tick(long now) {
        if (timer == 0 || now - timer < 0) {
            return;
        }
        timeout = Math.min(timeout * 2, 2_000_000_000L);
        timer = now + timeout;
        switch (state) {
            case SYN_SENT -> emit(una, SYN, 0, 0);
            case SYN_RECEIVED -> emit(una, SYN | ACK, 0, 0);
            case OPEN -> {
                if (next != una) {
                    next = una;
                    retransmissions++;
                    pump();
                } else if (window == 0 && outSize > 0) {
                    if (emit(una, ACK, 0, 1) && una + 1 - max > 0) {
                        max = una + 1; // the other side may have room by now, and take it
                    }
                } else {
                    pump();
                }
            }
            case RESET -> timer = 0;
        }
    }

    private boolean emit(int sequence, int flags, int offset, int bytes) {
        boolean syn = (flags & SYN) != 0;
        int room = Math.max(0, in.length - inSize);
        int header = syn ? 32 : 20;
        GuestFrame frame = stack.beginIp(local, remote, 6, header + bytes);
        int at = frame.length - header - bytes;
        ByteBuffer data = frame.data;
        data.putInt(at, localPort << 16 | remotePort);
        data.putInt(at + 4, sequence);
        data.putInt(at + 8, (flags & ACK) != 0 ? expected : 0);
        int shown = syn ? Math.min(room, 0xffff) : Math.min(room >> SCALE, 0xffff);
        data.putInt(at + 12, header / 4 << 28 | flags << 16 | shown);
        data.putInt(at + 16, 0);
        if (syn) {
            data.putInt(at + 20, 0x0204_0000 | stack.mtu() - 40);
            data.putInt(at + 24, 0x0103_0300 | SCALE);
            data.putInt(at + 28, 0x0101_0402);
        }
        if (bytes > 0) {
            int place = (int) ((outStart + offset) % out.length);
            int first = Math.min(bytes, out.length - place);
            data.put(at + header, out, place, first);
            data.put(at + header + first, out, 0, bytes - first);
        }
        if (bytes > segmentBytes) {
            frame.segmentBytes = segmentBytes;
            frame.headerBytes = at + header;
        }
        told = expected + (syn ? shown : shown << SCALE);
        if ((flags & ACK) != 0) {
            acknowledgmentDue = false;
        }
        return stack.finishAndSend(6, at, 16);
    }
}
