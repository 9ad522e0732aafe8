package dev.dalang.remote.internal.wire;

import java.nio.ByteBuffer;

/**
 * What every message begins with.
 *
 * @param id chosen by who asks, and given back with the reply; 16 bits
 * @param command what it is about, see {@link Command}; 16 bits
 * @param size bytes of the whole message, unsigned
 * @param flags whether it is a reply, wants one, and tells of an error
 * @param error the {@code errno} of a reply that tells of one
 */
public record Header(int id, int command, int size, int flags, int error) {
    /** Bytes of a header. */
    public static final int BYTES = 16;

    static final int TYPE = 0xf;
    static final int REPLY = 1;
    static final int NO_REPLY = 1 << 4;
    static final int ERROR = 1 << 5;

    /** A request. */
    public static Header request(int id, Command command, boolean wantsReply, int payloadBytes) {
        int flags = wantsReply ? 0 : NO_REPLY;
        return new Header(id, command.number(), BYTES + payloadBytes, flags, 0);
    }

    /** The reply to a request that was done. */
    public static Header reply(Header request, int payloadBytes) {
        return new Header(request.id, request.command, BYTES + payloadBytes, REPLY, 0);
    }

    /** The reply to a request that was refused. */
    public static Header refusal(Header request, int errno) {
        return new Header(request.id, request.command, BYTES, REPLY | ERROR, errno);
    }

    static Header parse(ByteBuffer bytes) {
        return new Header(
                Short.toUnsignedInt(bytes.getShort()),
                Short.toUnsignedInt(bytes.getShort()),
                bytes.getInt(),
                bytes.getInt(),
                bytes.getInt());
    }

    void put(ByteBuffer bytes) {
        bytes.putShort((short) id).putShort((short) command);
        bytes.putInt(size).putInt(flags).putInt(error);
    }

    /** True of a request; a message may be neither that nor a reply. */
    public boolean isRequest() {
        return (flags & TYPE) == 0;
    }

    /** True of a reply. */
    public boolean isReply() {
        return (flags & TYPE) == REPLY;
    }

    /** True if who asks waits for no answer, not even one that tells of an error. */
    public boolean wantsReply() {
        return (flags & NO_REPLY) == 0;
    }

    /** True of a reply that tells of an error, which may have no number. */
    public boolean isError() {
        return (flags & ERROR) != 0;
    }
}
