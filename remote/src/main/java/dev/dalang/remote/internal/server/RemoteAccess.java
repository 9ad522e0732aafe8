package dev.dalang.remote.internal.server;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.GuestMemoryException.Kind;
import dev.dalang.remote.internal.wire.Bytes;
import dev.dalang.remote.internal.wire.Command;
import dev.dalang.remote.internal.wire.Message;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Request.DmaRead;
import dev.dalang.remote.internal.wire.Request.DmaWrite;

import java.util.concurrent.TimeUnit;

/** Memory of the client's that is reached by messages. Any thread; waits for the answer. */
interface RemoteAccess {
    /** How long the client may take for an answer. */
    long TRANSFER_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** The most bytes of one transfer. */
    int maxBytes();

    /**
     * Sends a request and waits for its answer.
     *
     * @param address what it is about
     * @param length what it is about
     * @return the answer, which tells of no error; the caller closes it
     * @throws GuestMemoryException if the client refuses, or does not answer
     */
    Message ask(Command command, byte[] payload, long address, long length);

    /**
     * Reads.
     *
     * @param address as the device knows it, unsigned
     * @param count bytes, at most {@link #maxBytes}
     * @return as many bytes
     * @throws GuestMemoryException if the client refuses, or does not answer
     */
    default byte[] read(long address, int count) {
        byte[] payload = new DmaRead(address, count).payload();
        try (Message answer = ask(Command.DMA_READ, payload, address, count)) {
            DmaWrite data = DmaWrite.parse(answer.payload());
            if (data.address() != address || data.data().length() != count) {
                throw new GuestMemoryException(Kind.UNMAPPED, address, count);
            }
            return data.data().array();
        } catch (Refusal garbled) {
            throw new GuestMemoryException(Kind.UNMAPPED, address, count);
        }
    }

    /**
     * Writes.
     *
     * @param address as the device knows it, unsigned
     * @param data at most {@link #maxBytes}
     * @throws GuestMemoryException if the client refuses, or does not answer
     */
    default void write(long address, byte[] data) {
        byte[] payload = new DmaWrite(address, Bytes.of(data)).payload();
        ask(Command.DMA_WRITE, payload, address, data.length).close();
    }
}
