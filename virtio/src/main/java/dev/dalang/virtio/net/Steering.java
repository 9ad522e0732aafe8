package dev.dalang.virtio.net;

import dev.dalang.net.Frame;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Which pair of queues a flow's frames are received on: that on which the driver sends the flow's
 * own (virtio 1.3 §5.1.6.5.6). Any thread; a race puts a frame on another queue of the driver's.
 */
final class Steering {
    private static final int PLACES = 1024;

    private final AtomicIntegerArray pairs = new AtomicIntegerArray(PLACES);
    private volatile int enabled = 1;

    /** How many pairs the driver uses. */
    void enable(int count) {
        enabled = count;
    }

    int enabled() {
        return enabled;
    }

    void learn(Frame frame, int pair) {
        if (enabled > 1) {
            int place = place(frame);
            if (pairs.getPlain(place) != pair) {
                pairs.setOpaque(place, pair);
            }
        }
    }

    int pair(Frame frame) {
        int count = enabled;
        if (count == 1) {
            return 0;
        }
        int pair = pairs.getOpaque(place(frame));
        return pair < count ? pair : 0;
    }

    /** The same for both directions: sender and receiver go into it alike. */
    private static int place(Frame frame) {
        ByteBuffer data = frame.data();
        int type = data.getShort(12) & 0xffff;
        int hash = 0;
        int ports = 0;
        if (type == 0x0800 && frame.length() >= 38) {
            hash = data.getInt(26) ^ data.getInt(30);
            boolean fragment = (data.getShort(20) & 0x3fff) != 0;
            boolean hasPorts = data.get(23) == 6 || data.get(23) == 17;
            ports = hasPorts && !fragment && (data.get(14) & 0xf) == 5 ? data.getInt(34) : 0;
        } else if (type == 0x86dd && frame.length() >= 58) {
            long both = data.getLong(22) ^ data.getLong(30) ^ data.getLong(38) ^ data.getLong(46);
            hash = (int) (both ^ both >>> 32);
            ports = data.get(20) == 6 || data.get(20) == 17 ? data.getInt(54) : 0;
        }
        hash ^= (ports ^ ports >>> 16) & 0xffff;
        hash *= 0x9e37_79b9;
        return hash >>> 22 & PLACES - 1;
    }
}
