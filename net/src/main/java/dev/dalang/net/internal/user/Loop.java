package dev.dalang.net.internal.user;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;

/** What the engine does for flows. Its thread only. */
interface Loop {
    /** Who is told when a channel is ready. */
    interface Endpoint {
        /** The channel is ready for some of what its key is interested in. */
        void ready(SelectionKey key) throws IOException;

        /** The endpoint is at fault or its channel broke: it goes away. */
        void fail();
    }

    /** The time of the current batch. */
    long now();

    /** Asks for a tick at a time, or earlier. */
    void schedule(long deadline);

    /** Has a channel watched; it must not block. */
    SelectionKey register(SelectableChannel channel, int operations, Endpoint endpoint)
            throws IOException;

    /** Stops reading until the card has room again. */
    void pauseReading(SelectionKey key);

    /** A view of some bytes of a buffer, for a channel; until the next call. */
    ByteBuffer view(ByteBuffer buffer, int offset, int bytes);
}
