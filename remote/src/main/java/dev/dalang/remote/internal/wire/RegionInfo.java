package dev.dalang.remote.internal.wire;

import static dev.dalang.remote.internal.wire.Layout.reader;
import static dev.dalang.remote.internal.wire.Layout.requireArgsz;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a region is like. Of a request {@code argsz} and {@code index} count; a reply may have
 * capabilities behind it.
 *
 * @param argsz bytes that the reply may have, or would have
 * @param flags {@link #READ} and further
 * @param index of the region
 * @param size its bytes, unsigned; 0 if there is no such region
 * @param offset where in the file of the descriptor that comes with the reply it is
 * @param capabilities what else there is to say
 */
public record RegionInfo(
        int argsz, int flags, int index, long size, long offset, List<Capability> capabilities)
        implements Request {
    /** Bytes without capabilities. */
    public static final int BYTES = 32;

    public static final int READ = 1;
    public static final int WRITE = 2;
    public static final int MMAP = 4;
    public static final int CAPS = 8;

    /** Something about a region. */
    public sealed interface Capability {}

    /**
     * Only these parts may be mapped.
     *
     * @param areas the parts
     */
    public record SparseMmap(List<Area> areas) implements Capability {}

    /**
     * A part of a region.
     *
     * @param offset in the region; in the file it is that of the region farther
     * @param size bytes
     */
    public record Area(long offset, long size) {}

    /**
     * What a region beyond those that every PCI device has is for.
     *
     * @param type what kind, by whom
     * @param subtype which of that kind
     */
    public record Type(int type, int subtype) implements Capability {}

    /**
     * One that this code knows nothing of.
     *
     * @param id its number
     * @param version its version
     */
    public record Unknown(int id, int version) implements Capability {}

    private static final int SPARSE_MMAP_ID = 1;
    private static final int TYPE_ID = 2;
    private static final int CAPABILITY_HEADER_BYTES = 8;

    /** A query. */
    public RegionInfo(int argsz, int index) {
        this(argsz, 0, index, 0, 0, List.of());
    }

    /** Bytes of the whole. */
    public int bytes() {
        int bytes = BYTES;
        for (Capability capability : capabilities) {
            bytes += bytes(capability);
        }
        return bytes;
    }

    private static int bytes(Capability capability) {
        return switch (capability) {
            case SparseMmap(List<Area> areas) -> CAPABILITY_HEADER_BYTES + 8 + 16 * areas.size();
            case Type _ -> CAPABILITY_HEADER_BYTES + 8;
            case Unknown _ -> CAPABILITY_HEADER_BYTES;
        };
    }

    /**
     * Reads a request or a reply. Capabilities that the peer had no room for are none.
     *
     * @throws Refusal if it is cut off, or its capabilities are no list that ends
     */
    public static RegionInfo parse(byte[] payload) {
        ByteBuffer from = reader(payload, BYTES, "DEVICE_GET_REGION_INFO");
        int argsz = from.getInt();
        int flags = from.getInt();
        int index = from.getInt();
        int first = from.getInt();
        long size = from.getLong();
        long offset = from.getLong();
        requireArgsz(argsz, BYTES, "DEVICE_GET_REGION_INFO");
        List<Capability> capabilities =
                (flags & CAPS) != 0 && first != 0 ? parseList(from, first) : List.of();
        return new RegionInfo(argsz, flags, index, size, offset, capabilities);
    }

    /**
     * Reads a reply but for its capabilities, which may be cut off where there was no room for
     * them; {@code argsz} tells how much it takes.
     *
     * @throws Refusal if it is cut off before them
     */
    public static RegionInfo parseHead(byte[] payload) {
        ByteBuffer from = reader(payload, BYTES, "DEVICE_GET_REGION_INFO");
        int argsz = from.getInt();
        int flags = from.getInt();
        int index = from.getInt();
        from.getInt();
        long size = from.getLong();
        long offset = from.getLong();
        requireArgsz(argsz, BYTES, "DEVICE_GET_REGION_INFO");
        return new RegionInfo(argsz, flags, index, size, offset, List.of());
    }

    /** Each lies behind the one before: so the list ends. */
    private static List<Capability> parseList(ByteBuffer from, int first) {
        List<Capability> found = new ArrayList<>();
        int end = BYTES;
        int at = first;
        while (at != 0) {
            Refusal.unless(
                    at >= end && at <= from.limit() - CAPABILITY_HEADER_BYTES,
                    "a capability of a region at " + Integer.toUnsignedString(at));
            from.position(at);
            int id = Short.toUnsignedInt(from.getShort());
            int version = Short.toUnsignedInt(from.getShort());
            int next = from.getInt();
            Capability capability = parse(from, id, version);
            found.add(capability);
            end = at + bytes(capability);
            at = next;
        }
        return List.copyOf(found);
    }

    private static Capability parse(ByteBuffer from, int id, int version) {
        if (id == SPARSE_MMAP_ID && version == 1) {
            Refusal.unless(from.remaining() >= 8, "a list of areas that is cut off");
            long count = Integer.toUnsignedLong(from.getInt());
            from.getInt();
            Refusal.unless(count <= from.remaining() / 16, "more areas than came");
            List<Area> areas = new ArrayList<>();
            for (int area = 0; area < count; area++) {
                areas.add(new Area(from.getLong(), from.getLong()));
            }
            return new SparseMmap(List.copyOf(areas));
        }
        if (id == TYPE_ID && version == 1) {
            Refusal.unless(from.remaining() >= 8, "a type that is cut off");
            return new Type(from.getInt(), from.getInt());
        }
        return new Unknown(id, version);
    }

    @Override
    public Command command() {
        return Command.DEVICE_GET_REGION_INFO;
    }

    @Override
    public byte[] payload() {
        Writer to = Writer.of(bytes()).putInt(argsz);
        to.putInt(capabilities.isEmpty() ? flags : flags | CAPS).putInt(index);
        to.putInt(capabilities.isEmpty() ? 0 : BYTES).putLong(size).putLong(offset);
        for (Capability capability : capabilities) {
            int next = to.position() + bytes(capability);
            int link = next < bytes() ? next : 0;
            switch (capability) {
                case SparseMmap(List<Area> areas) -> {
                    to.putShort((short) SPARSE_MMAP_ID).putShort((short) 1).putInt(link);
                    to.putInt(areas.size()).putInt(0);
                    areas.forEach(area -> to.putLong(area.offset).putLong(area.size));
                }
                case Type(int type, int subtype) -> {
                    to.putShort((short) TYPE_ID).putShort((short) 1).putInt(link);
                    to.putInt(type).putInt(subtype);
                }
                case Unknown(int id, int version) ->
                        to.putShort((short) id).putShort((short) version).putInt(link);
            }
        }
        return to.bytes();
    }
}
