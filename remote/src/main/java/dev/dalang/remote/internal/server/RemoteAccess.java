package dev.dalang.remote.internal.server;

import dev.dalang.bus.memory.GuestMemoryException;

/** Memory of the client's that is reached by messages. Any thread; waits for the answer. */
interface RemoteAccess {
    /** The most bytes of one transfer. */
    int maxBytes();

    /**
     * Reads.
     *
     * @param address as the device knows it, unsigned
     * @param count bytes, at most {@link #maxBytes}
     * @return as many bytes
     * @throws GuestMemoryException if the client refuses, or does not answer
     */
    byte[] read(long address, int count);

    /**
     * Writes.
     *
     * @param address as the device knows it, unsigned
     * @param data at most {@link #maxBytes}
     * @throws GuestMemoryException if the client refuses, or does not answer
     */
    void write(long address, byte[] data);
}
