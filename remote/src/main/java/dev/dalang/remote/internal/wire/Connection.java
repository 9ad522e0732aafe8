package dev.dalang.remote.internal.wire;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.UnixSocket;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A connection as messages, whole and in order, however the bytes are split on their way. One
 * thread at a time receives, any thread sends.
 *
 * <p>Descriptors ride with the first byte of a header: no read goes beyond one message, or those of
 * the next would come with this one.
 */
public final class Connection implements AutoCloseable {
    /** The most descriptors that one message may bring; what is above is closed. */
    public static final int MAX_DESCRIPTORS = UnixSocket.MAX_DESCRIPTORS;

    /**
     * Bytes of a transfer that a peer may ask for, by the protocol, unless it is told otherwise.
     */
    public static final int MAX_TRANSFER_BYTES = 1 << 20;

    /** The longest message: a transfer of full size with the structure before it. */
    public static final int MAX_BYTES = Header.BYTES + 16 + MAX_TRANSFER_BYTES;

    /** What is moved by one call: a transfer of 64 KiB with what stands before it. */
    private static final int CHUNK_BYTES = (64 << 10) + 64;

    private final UnixSocket socket;
    private final int patience;
    private final MemorySegment incoming = Arena.ofAuto().allocate(CHUNK_BYTES);
    private final Object sending = new Object();

    /** When the message that is coming must have come; 0 while there is no hurry. */
    private long deadline;

    /** Guarded by {@link #sending}. */
    private MemorySegment outgoing = Arena.ofAuto().allocate(CHUNK_BYTES);

    /** One that gives its peer as long as it takes. */
    public Connection(UnixSocket socket) {
        this(socket, -1);
    }

    /**
     * One that does not wait for ever for a peer that has begun a message, or does not read.
     *
     * @param socket taken over
     * @param patience milliseconds that the rest of a message may take to come, and a message to
     *     go; negative: as long as it takes
     */
    public Connection(UnixSocket socket, int patience) {
        this.socket = socket;
        this.patience = patience;
    }

    /**
     * Waits for the next message.
     *
     * @return it; empty at the end of the stream, also if that comes within a message
     * @throws FramingException if it is of a size that none has
     * @throws HostIoException if the connection fails, or the rest of a message does not come in
     *     time
     */
    public Optional<Message> receive() throws HostIoException, FramingException {
        List<Descriptor> descriptors = new ArrayList<>();
        boolean isWhole = false;
        deadline = 0;
        try {
            int strays = fill(Header.BYTES, descriptors);
            if (strays < 0) {
                return Optional.empty();
            }
            Header header = Header.parse(buffer(incoming, Header.BYTES));
            if (header.size() < Header.BYTES || header.size() > MAX_BYTES) {
                throw new FramingException(header, MAX_BYTES);
            }
            byte[] payload = new byte[header.size() - Header.BYTES];
            for (int done = 0; done < payload.length; ) {
                int step = Math.min(payload.length - done, CHUNK_BYTES);
                int more = fill(step, null);
                if (more < 0) {
                    return Optional.empty();
                }
                strays += more;
                buffer(incoming, step).get(payload, done, step);
                done += step;
            }
            isWhole = true;
            return Optional.of(new Message(header, payload, descriptors, strays > 0));
        } finally {
            if (!isWhole) {
                descriptors.forEach(Descriptor::close);
            }
        }
    }

    /**
     * Reads so many bytes.
     *
     * @param descriptors takes those that come with the first byte; null if none may
     * @return how many descriptors came beyond that, and were closed; -1 at the end of the stream
     */
    private int fill(int bytes, @Nullable List<Descriptor> descriptors) throws HostIoException {
        int strays = 0;
        for (int done = 0; done < bytes; ) {
            MemorySegment rest = incoming.asSlice(done, bytes - done);
            var received =
                    done == 0 && descriptors != null
                            ? socket.receive(rest, descriptors, MAX_DESCRIPTORS)
                            : socket.receive(rest, List.of(), 0, left());
            if (received.bytes() == 0) {
                return -1;
            }
            strays += received.dropped();
            done += received.bytes();
        }
        return strays;
    }

    /** Milliseconds that are left for the rest of a message; the first to ask begins them. */
    private int left() {
        if (patience < 0) {
            return -1;
        }
        long now = System.nanoTime();
        if (deadline == 0) {
            deadline = now + patience * 1_000_000L | 1;
        }
        return (int) Math.max(0, (deadline - now) / 1_000_000);
    }

    /**
     * Sends a message, whole. Waits while the peer does not read.
     *
     * @param header its size is that of header and payload
     * @param payload what is behind the header
     * @param descriptors ride with it, and stay open here
     * @throws HostIoException if the peer is gone, or does not read in time: what it got is then no
     *     stream of messages any more
     */
    public void send(Header header, byte[] payload, List<Descriptor> descriptors)
            throws HostIoException {
        int bytes = Header.BYTES + payload.length;
        if (bytes != header.size()) {
            throw new IllegalArgumentException(
                    "a message of %d bytes says that it has %d".formatted(bytes, header.size()));
        }
        synchronized (sending) {
            if (bytes > outgoing.byteSize()) {
                // Kept: who sends one long message sends more, and fresh memory costs more than it.
                outgoing = Arena.ofAuto().allocate(Math.max(bytes, 2 * outgoing.byteSize()));
            }
            ByteBuffer message = buffer(outgoing, bytes);
            header.put(message);
            message.put(payload);
            socket.send(outgoing.asSlice(0, bytes), descriptors, patience);
        }
    }

    private static ByteBuffer buffer(MemorySegment memory, int bytes) {
        return memory.asSlice(0, bytes).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Waits until {@link #receive} would find something, or the end.
     *
     * @param milliseconds to wait at the most
     * @return false if the time has passed
     * @throws HostIoException if it is closed here
     */
    public boolean await(int milliseconds) throws HostIoException {
        return socket.await(milliseconds);
    }

    /** True if the peer is gone, even if what it sent is not all received. */
    public boolean isHungUp() {
        return socket.isHungUp();
    }

    /** Ends the connection: who waits to receive or to send goes on. */
    public void shutdown() {
        socket.shutdown();
    }

    /** Ends the connection, and gives its descriptor back when the last call returns. */
    @Override
    public void close() {
        socket.close();
    }
}
