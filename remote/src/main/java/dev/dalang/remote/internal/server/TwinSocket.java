package dev.dalang.remote.internal.server;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.GuestMemoryException.Kind;
import dev.dalang.linux.HostIoException;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.FramingException;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * The client's memory, by messages over a socket of their own: no request of the client's comes
 * between. One transfer at a time; any thread.
 */
final class TwinSocket implements RemoteAccess, AutoCloseable {
    private final Connection connection;
    private final int maxBytes;
    private final LongAdder refusals;

    // Guarded by this.
    private int nextId;
    private boolean isOver;

    TwinSocket(Connection connection, int maxBytes, LongAdder refusals) {
        this.connection = connection;
        this.maxBytes = maxBytes;
        this.refusals = refusals;
    }

    @Override
    public int maxBytes() {
        return maxBytes;
    }

    @Override
    public synchronized Message ask(Command command, byte[] payload, long address, long length) {
        if (!isOver) {
            try {
                nextId = nextId + 1 & 0xffff;
                Header header = Header.request(nextId, command, true, payload.length);
                connection.send(header, payload, List.of());
                Optional<Message> answer = await(header);
                if (answer.isPresent()) {
                    if (!answer.get().header().isError()) {
                        return answer.get();
                    }
                    answer.get().close();
                }
            } catch (HostIoException | FramingException gone) {
                isOver = true;
                connection.shutdown();
            }
        }
        throw new GuestMemoryException(Kind.UNMAPPED, address, length);
    }

    /** Its answer, if one comes in time; what is for a request that was given up is let go. */
    private Optional<Message> await(Header request) throws HostIoException, FramingException {
        long deadline = System.nanoTime() + TRANSFER_NANOS;
        while (true) {
            long left = deadline - System.nanoTime();
            if (left <= 0 || !connection.await((int) TimeUnit.NANOSECONDS.toMillis(left) + 1)) {
                return Optional.empty();
            }
            Optional<Message> next = connection.receive();
            if (next.isEmpty()) {
                isOver = true;
                return next;
            }
            Header came = next.get().header();
            if (came.isReply()
                    && came.id() == request.id()
                    && came.command() == request.command()) {
                return next;
            }
            refusals.increment();
            next.get().close();
        }
    }

    /** Ends it: who waits for the client goes on. */
    void shutdown() {
        connection.shutdown();
    }

    @Override
    public void close() {
        connection.close();
    }
}
