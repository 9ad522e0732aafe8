package dev.dalang.riscv;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.LongUnaryOperator;

/** Register values to try an instruction with, and views of them as mathematical integers. */
final class Operand {
    /** Where the sign, the word's sign, carries and the shift amounts turn. */
    static final long[] CORNERS = {
        0,
        1,
        2,
        31,
        32,
        63,
        64,
        -1,
        -2,
        0x7fL,
        0x80L,
        0xffL,
        0x7fffL,
        0x8000L,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        0x1_0000_0000L,
        0xffff_ffff_8000_0000L,
        0xffff_ffff_7fff_ffffL,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        Long.MIN_VALUE + 1,
        0x5555_5555_5555_5555L,
        0xaaaa_aaaa_aaaa_aaaaL,
        0x0123_4567_89ab_cdefL,
        0x0100_8000_0001_ff00L,
    };

    private static final long SEED = 0x0dd_ba11;

    private Operand() {}

    /** A pair of operands. */
    record Pair(long a, long b) {}

    /** All pairs of corners, and some random ones of all magnitudes. */
    static List<Pair> pairs() {
        List<Pair> pairs = new ArrayList<>();
        for (long a : CORNERS) {
            for (long b : CORNERS) {
                pairs.add(new Pair(a, b));
            }
        }
        Random random = new Random(SEED);
        for (int n = 0; n < 500; n++) {
            pairs.add(new Pair(random(random), random(random)));
        }
        return pairs;
    }

    /** All corners, and some random values of all magnitudes. */
    static List<Long> values() {
        List<Long> values = new ArrayList<>();
        for (long a : CORNERS) {
            values.add(a);
        }
        Random random = new Random(SEED);
        for (int n = 0; n < 100; n++) {
            values.add(random(random));
        }
        return values;
    }

    /** A value with a random number of significant bits. */
    static long random(Random random) {
        return random.nextLong() >> random.nextInt(64);
    }

    static BigInteger signed(long value) {
        return BigInteger.valueOf(value);
    }

    static BigInteger unsigned(long value) {
        return new BigInteger(Long.toUnsignedString(value));
    }

    static BigInteger signedWord(long value) {
        return BigInteger.valueOf(value << 32 >> 32);
    }

    static BigInteger unsignedWord(long value) {
        return BigInteger.valueOf(value & 0xffff_ffffL);
    }

    /** The value's residue modulo 2^64, as a register holds it. */
    static long register(BigInteger value) {
        return value.longValue();
    }

    /** The value's residue modulo 2^32, sign-extended, as the word instructions leave it. */
    static long word(BigInteger value) {
        return value.intValue();
    }

    /** Applies a function to each byte of a value. */
    static long bytes(long value, LongUnaryOperator function) {
        long result = 0;
        for (int shift = 0; shift < 64; shift += 8) {
            result |= (function.applyAsLong(value >>> shift & 0xff) & 0xff) << shift;
        }
        return result;
    }
}
