package dev.dalang.remote.internal.wire;

import static dev.dalang.remote.internal.wire.Layout.reader;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A part of a region whose accesses go to a descriptor.
 *
 * @param offset in the region
 * @param size bytes
 * @param descriptor which of those that came with the reply
 * @param type {@link #IOEVENTFD} or {@link #IOREGIONFD}
 * @param flags of the kernel's call
 * @param value what is written, or what the descriptor is told
 */
public record IoFd(long offset, long size, int descriptor, int type, int flags, long value) {
    public static final int IOEVENTFD = 0;
    public static final int IOREGIONFD = 1;

    /** Of the flags: only {@link #value} is told so. */
    public static final int DATA_MATCH = 1;

    /** Of the flags: the region is one of ports. */
    public static final int PORTS = 2;

    private static final int BYTES = 40;

    /** Bytes of a reply that has so many. */
    public static int bytes(int parts) {
        return Request.RegionIoFds.BYTES + BYTES * parts;
    }

    /**
     * Reads the reply to a {@link Request.RegionIoFds}.
     *
     * @throws Refusal if it is cut off
     */
    public static List<IoFd> parseReply(byte[] payload) {
        Request.RegionIoFds reply = Request.RegionIoFds.parse(payload);
        ByteBuffer from = reader(payload, Request.RegionIoFds.BYTES, "DEVICE_GET_REGION_IO_FDS");
        from.position(Request.RegionIoFds.BYTES);
        long room = from.remaining() / BYTES;
        Refusal.unless(
                Integer.toUnsignedLong(reply.count()) <= room,
                "DEVICE_GET_REGION_IO_FDS: more parts than came");
        List<IoFd> parts = new ArrayList<>();
        for (int part = 0; part < reply.count(); part++) {
            long offset = from.getLong();
            long size = from.getLong();
            int descriptor = from.getInt();
            int type = from.getInt();
            int flags = from.getInt();
            from.getInt();
            parts.add(new IoFd(offset, size, descriptor, type, flags, from.getLong()));
        }
        return List.copyOf(parts);
    }

    /** The reply to a request. */
    public static byte[] reply(int index, List<IoFd> parts) {
        int bytes = bytes(parts.size());
        Writer to = Writer.of(bytes);
        to.put(new Request.RegionIoFds(bytes, 0, index, parts.size()).payload());
        for (IoFd part : parts) {
            to.putLong(part.offset).putLong(part.size).putInt(part.descriptor);
            to.putInt(part.type).putInt(part.flags).putInt(0).putLong(part.value);
        }
        return to.bytes();
    }
}
