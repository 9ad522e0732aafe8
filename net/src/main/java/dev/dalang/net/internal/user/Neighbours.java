package dev.dalang.net.internal.user;

/**
 * The hardware addresses of the guest's addresses, learnt from what it sends. A new address takes
 * the place of the one that was learnt first, when there are too many.
 */
final class Neighbours {
    static final int LIMIT = 64;

    private final long[] his = new long[LIMIT];
    private final long[] los = new long[LIMIT];
    private final long[] macs = new long[LIMIT];
    private int size;
    private int oldest;

    /** Learns; gives true if it is new. */
    boolean learn(long hi, long lo, long mac) {
        if (!Ip.isGuest(hi, lo) || mac == 0 || (mac >>> 40 & 1) != 0) {
            return false; // a group address is nobody's
        }
        int place = find(hi, lo);
        if (place >= 0) {
            boolean changed = macs[place] != mac;
            macs[place] = mac;
            return changed;
        }
        if (size < LIMIT) {
            place = size++;
        } else {
            place = oldest;
            oldest = (oldest + 1) % LIMIT;
        }
        his[place] = hi;
        los[place] = lo;
        macs[place] = mac;
        return true;
    }

    /** The hardware address of an address, or 0. */
    long mac(long hi, long lo) {
        int place = find(hi, lo);
        return place < 0 ? 0 : macs[place];
    }

    private int find(long hi, long lo) {
        for (int i = 0; i < size; i++) {
            if (los[i] == lo && his[i] == hi) {
                return i;
            }
        }
        return -1;
    }

    int size() {
        return size;
    }

    long[] entry(int place) {
        return new long[] {his[place], los[place], macs[place]};
    }

    void clear() {
        size = 0;
        oldest = 0;
    }
}
