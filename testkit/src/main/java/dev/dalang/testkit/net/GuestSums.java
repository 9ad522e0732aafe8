package dev.dalang.testkit.net;

import java.nio.ByteBuffer;

/** The Internet checksum, written once more: a test that shares its subject's sums is none. */
final class GuestSums {
    private GuestSums() {}

    static long sum(ByteBuffer data, int at, int bytes) {
        long sum = 0;
        int end = at + bytes;
        int i = at;
        for (; i + 4 <= end; i += 4) {
            sum += data.getInt(i) & 0xffff_ffffL;
        }
        for (; i + 2 <= end; i += 2) {
            sum += data.getShort(i) & 0xffff;
        }
        return i < end ? sum + ((data.get(i) & 0xff) << 8) : sum;
    }

    static int fold(long sum) {
        long folded = sum;
        while (folded >>> 16 != 0) {
            folded = (folded >>> 16) + (folded & 0xffff);
        }
        return (int) folded;
    }
}
