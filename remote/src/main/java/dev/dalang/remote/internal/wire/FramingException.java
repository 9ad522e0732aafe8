package dev.dalang.remote.internal.wire;

import java.io.IOException;

/** A header after which nobody knows where the next message begins: the connection ends. */
public final class FramingException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Header header;

    FramingException(Header header, int limit) {
        super(
                "expected a message of %d..%d bytes, got one of %s"
                        .formatted(Header.BYTES, limit, Integer.toUnsignedString(header.size())));
        this.header = header;
    }

    /** The header, to answer it. */
    public Header header() {
        return header;
    }
}
