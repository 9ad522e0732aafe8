package dev.dalang.net.internal.user;

import java.nio.ByteBuffer;

/** The Internet checksum (RFC 1071). Sums are kept unfolded, below 2^48. */
final class Checksums {
    private Checksums() {}

    /** The sum of some bytes; an odd last one counts as the upper half of a word. */
    static long sum(ByteBuffer data, int offset, int length) {
        long even = 0;
        long odd = 0;
        int at = offset;
        int left = length;
        while (left >= 16) {
            long first = data.getLong(at);
            long second = data.getLong(at + 8);
            even += (first >>> 32) + (second >>> 32);
            odd += (first & 0xffff_ffffL) + (second & 0xffff_ffffL);
            at += 16;
            left -= 16;
        }
        long sum = even + odd;
        while (left >= 2) {
            sum += data.getShort(at) & 0xffff;
            at += 2;
            left -= 2;
        }
        if (left == 1) {
            sum += (data.get(at) & 0xff) << 8;
        }
        return sum;
    }

    /** The sum of the pseudo header (RFC 9293 §3.1, RFC 8200 §8.1). */
    static long pseudo(
            long sourceHi, long sourceLo, long targetHi, long targetLo, int protocol, int length) {
        long sum = (long) protocol + (length >>> 16) + (length & 0xffff);
        if (Ip.isV4(sourceHi, sourceLo)) {
            return sum + (sourceLo & 0xffff_ffffL) + (targetLo & 0xffff_ffffL);
        }
        return sum + halves(sourceHi) + halves(sourceLo) + halves(targetHi) + halves(targetLo);
    }

    private static long halves(long value) {
        return (value >>> 32) + (value & 0xffff_ffffL);
    }

    /** Folds a sum to 16 bits, without inverting it. */
    static int fold(long sum) {
        long folded = (sum >>> 32) + (sum & 0xffff_ffffL);
        folded = (folded >>> 32) + (folded & 0xffff_ffffL);
        folded = (folded >>> 16) + (folded & 0xffff);
        folded = (folded >>> 16) + (folded & 0xffff);
        return (int) ((folded >>> 16) + (folded & 0xffff));
    }

    /** What goes into a checksum's field. */
    static int finish(long sum) {
        return ~fold(sum) & 0xffff;
    }
}
