package dev.dalang.testkit.net;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** Reads IP headers, and puts fragments together. */
final class GuestReassembly {
    /** A packet, whole. */
    record Whole(
            InetAddress source,
            InetAddress target,
            int protocol,
            ByteBuffer data,
            int at,
            int bytes,
            boolean checksumLeft) {
        boolean isChecksumRight() {
            if (protocol == 17 && data.getShort(at + 6) == 0) {
                return true;
            }
            long sum = GuestSums.sum(data, at, bytes);
            if (protocol != 1) {
                sum += protocol + bytes;
                sum += words(source) + words(target);
            }
            return GuestSums.fold(sum) == 0xffff;
        }

        private static long words(InetAddress address) {
            byte[] all = address.getAddress();
            return GuestSums.sum(ByteBuffer.wrap(all), 0, all.length);
        }
    }

    private static final int MAX_PARTIALS = 64;

    private final Map<Integer, TreeMap<Integer, byte[]>> partials = new HashMap<>();
    private final Map<Integer, Integer> totals = new HashMap<>();

    @Nullable Whole take(GuestFrame frame, boolean v4) throws UnknownHostException {
        ByteBuffer data = frame.data;
        byte[] source = new byte[v4 ? 4 : 16];
        byte[] target = new byte[v4 ? 4 : 16];
        data.get(v4 ? 26 : 22, source);
        data.get(v4 ? 30 : 38, target);
        int protocol = data.get(v4 ? 23 : 20) & 0xff;
        int at = v4 ? 34 : 54;
        int bytes = v4 ? (data.getShort(16) & 0xffff) - 20 : data.getShort(18) & 0xffff;
        if (at + bytes > frame.length) {
            throw new AssertionError("a frame of " + frame.length + " bytes says more");
        }
        if (v4 && GuestSums.fold(GuestSums.sum(data, 14, 20)) != 0xffff) {
            throw new AssertionError("the header of an IPv4 packet has a wrong checksum");
        }
        int offset;
        boolean more;
        int id;
        if (v4) {
            offset = (data.getShort(20) & 0x1fff) * 8;
            more = (data.getShort(20) & 0x2000) != 0;
            id = data.getShort(18);
        } else if (protocol == 44) {
            protocol = data.get(54) & 0xff;
            offset = data.getShort(56) & 0xfff8;
            more = (data.getShort(56) & 1) != 0;
            id = data.getInt(58);
            at += 8;
            bytes -= 8;
        } else {
            offset = 0;
            more = false;
            id = 0;
        }
        InetAddress from = InetAddress.getByAddress(source);
        InetAddress to = InetAddress.getByAddress(target);
        if (offset == 0 && !more) {
            return new Whole(from, to, protocol, data, at, bytes, frame.needsChecksum);
        }
        byte[] piece = new byte[bytes];
        data.get(at, piece);
        return add(new Whole(from, to, protocol, data, 0, 0, false), id, offset, more, piece);
    }

    private @Nullable Whole add(Whole like, int id, int offset, boolean more, byte[] piece) {
        if (partials.size() > MAX_PARTIALS) {
            partials.clear();
        }
        TreeMap<Integer, byte[]> pieces = partials.computeIfAbsent(id, _ -> new TreeMap<>());
        pieces.put(offset, piece);
        if (!more) {
            totals.put(id, offset + piece.length);
        }
        int reached = 0;
        for (Map.Entry<Integer, byte[]> entry : pieces.entrySet()) {
            if (entry.getKey() != reached) {
                return null;
            }
            reached += entry.getValue().length;
        }
        Integer total = totals.get(id);
        if (total == null || total != reached) {
            return null;
        }
        ByteBuffer whole = ByteBuffer.allocate(reached);
        pieces.forEach((at, bytes) -> whole.put(at, bytes));
        partials.remove(id);
        totals.remove(id);
        return new Whole(like.source, like.target, like.protocol, whole, 0, reached, false);
    }
}
