package dev.dalang.riscv.internal.fp;

import static dev.dalang.riscv.internal.fp.FpStatus.DZ;
import static dev.dalang.riscv.internal.fp.FpStatus.NV;
import static dev.dalang.riscv.internal.fp.FpStatus.NX;
import static dev.dalang.riscv.internal.fp.FpStatus.OF;
import static dev.dalang.riscv.internal.fp.FpStatus.UF;
import static dev.dalang.riscv.internal.fp.RoundingMode.RDN;
import static dev.dalang.riscv.internal.fp.RoundingMode.RMM;
import static dev.dalang.riscv.internal.fp.RoundingMode.RNE;
import static dev.dalang.riscv.internal.fp.RoundingMode.RUP;

/**
 * IEEE 754 arithmetic in integers: exact in every rounding mode, with every flag, for one binary
 * format. Values are raw bits in the low end of a {@code long}, zero above.
 *
 * <p>A finite number that is not zero is taken apart into its sign, its <em>exponent</em> (biased
 * as in the encoding, but without its limits: 0 and below for subnormal numbers), and its
 * <em>significand</em>, normalised so that the leading one is bit {@value #LEAD}: its magnitude is
 * {@code significand × 2^(exponent − bias − 62)}. Each operation computes an exponent and a
 * significand with at least two bits more than the format's precision, the lowest being
 * <em>sticky</em>: one if anything below it is not zero. {@link #roundAndPack} does the rest for
 * all.
 *
 * @param fractionBits stored bits of the significand
 * @param exponentBits bits of the biased exponent
 */
record SoftFloat(int fractionBits, int exponentBits) {
    static final SoftFloat BINARY32 = new SoftFloat(23, 8);
    static final SoftFloat BINARY64 = new SoftFloat(52, 11);

    /** Position of a normalised significand's leading one; bit 63 takes the carry of a sum. */
    private static final int LEAD = 62;

    long add(long a, long b, int rm, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            return nan(a, b, s);
        }
        if (isInfinite(a)) {
            return isInfinite(b) && a != b ? invalid(s) : a;
        }
        if (isInfinite(b)) {
            return b;
        }
        if (isZero(a)) {
            return isZero(b) && a != b ? cancelled(rm) : b;
        }
        if (isZero(b)) {
            return a;
        }
        if (magnitude(a) < magnitude(b)) {
            return addOrdered(b, a, rm, s);
        }
        return addOrdered(a, b, rm, s);
    }

    /** Adds finite numbers, neither zero, the first at least as large in magnitude. */
    private long addOrdered(long large, long small, int rm, FpStatus s) {
        long sign = sign(large);
        int exponent = exponent(large);
        long x = significand(large);
        long y = shiftRightSticky(significand(small), exponent - exponent(small));
        if (sign == sign(small)) {
            return normaliseAndRound(sign, exponent, x + y, rm, s);
        }
        // A sticky bit means the exponents differ by more than the ten spare bits, and then at
        // most one leading bit cancels: the sticky bit stays below the rounding position.
        return x == y ? cancelled(rm) : normaliseAndRound(sign, exponent, x - y, rm, s);
    }

    long multiply(long a, long b, int rm, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            return nan(a, b, s);
        }
        long sign = sign(a ^ b);
        if (isInfinite(a) || isInfinite(b)) {
            return isZero(a) || isZero(b) ? invalid(s) : sign | infinity();
        }
        if (isZero(a) || isZero(b)) {
            return sign;
        }
        // Leading ones at bit 63 make the high word of the product P >> 62, in [2^62, 2^64).
        long x = significand(a) << 1;
        long y = significand(b) << 1;
        long product = Math.unsignedMultiplyHigh(x, y) | sticky(x * y);
        return normaliseAndRound(sign, exponent(a) + exponent(b) - bias(), product, rm, s);
    }

    long divide(long a, long b, int rm, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            return nan(a, b, s);
        }
        long sign = sign(a ^ b);
        if (isInfinite(a)) {
            return isInfinite(b) ? invalid(s) : sign | infinity();
        }
        if (isInfinite(b)) {
            return sign;
        }
        if (isZero(b)) {
            if (isZero(a)) {
                return invalid(s);
            }
            s.flags |= DZ;
            return sign | infinity();
        }
        if (isZero(a)) {
            return sign;
        }
        int exponent = exponent(a) - exponent(b) + bias();
        long divisor = significand(b) >>> (LEAD - fractionBits);
        long remainder = significand(a) >>> (LEAD - fractionBits);
        if (remainder < divisor) {
            remainder <<= 1;
            exponent--;
        }
        // Long division, ten bits a step: the remainder is below 2^53, so shifted it stays
        // positive. One bit before the point and sixty after it are enough for either format.
        remainder -= divisor;
        long quotient = 1;
        for (int step = 0; step < 6; step++) {
            remainder <<= 10;
            long digit = remainder / divisor;
            remainder -= digit * divisor;
            quotient = quotient << 10 | digit;
        }
        return roundAndPack(sign, exponent, quotient << 2 | sticky(remainder), rm, s);
    }

    long squareRoot(long a, int rm, FpStatus s) {
        if (isNan(a)) {
            return nan(a, a, s);
        }
        if (isZero(a)) {
            return a;
        }
        if (sign(a) != 0) {
            return invalid(s);
        }
        if (isInfinite(a)) {
            return a;
        }
        int power = exponent(a) - bias();
        long radicand = significand(a) << (power & 1); // in [1, 4), point above bit 62
        // Digit by digit: sixty bits of root, two bits of radicand for each.
        long root = 0;
        long remainder = 0;
        for (int digit = 0; digit < 60; digit++) {
            remainder = remainder << 2 | radicand >>> 62;
            radicand <<= 2;
            long trial = root << 2 | 1;
            root <<= 1;
            if (remainder >= trial) {
                remainder -= trial;
                root |= 1;
            }
        }
        return roundAndPack(0, (power >> 1) + bias(), root << 3 | sticky(remainder), rm, s);
    }

    /** {@code a × b + c}, rounded once. */
    long fusedMultiplyAdd(long a, long b, long c, int rm, FpStatus s) {
        boolean undefinedProduct = isInfinite(a) && isZero(b) || isZero(a) && isInfinite(b);
        if (undefinedProduct) {
            // Invalid even when the addend is a quiet NaN (unprivileged spec §20.6).
            return invalid(s);
        }
        if (isNan(a) || isNan(b) || isNan(c)) {
            if (isSignalling(c)) {
                s.flags |= NV;
            }
            return nan(a, b, s);
        }
        long sign = sign(a ^ b);
        if (isInfinite(a) || isInfinite(b)) {
            return isInfinite(c) && sign != sign(c) ? invalid(s) : sign | infinity();
        }
        if (isInfinite(c)) {
            return c;
        }
        if (isZero(a) || isZero(b)) {
            return isZero(c) && sign != sign(c) ? cancelled(rm) : c;
        }
        int exponent = exponent(a) + exponent(b) - bias();
        return addToProduct(sign, exponent, significand(a), significand(b), c, rm, s);
    }

    /**
     * Adds a finite {@code c} to the product of two significands in 128 bits, in which the leading
     * one of a number with the common exponent is bit 124 (a product may reach bit 125, the sum bit
     * 126).
     */
    private long addToProduct(
            long productSign, int exponent, long x, long y, long c, int rm, FpStatus s) {
        long high = Math.multiplyHigh(x, y);
        long low = x * y;
        long addendHigh = 0;
        long addendLow = 0;
        if (!isZero(c)) {
            long significand = significand(c);
            addendHigh = significand >>> 2;
            addendLow = significand << 62;
            int distance = exponent - exponent(c);
            if (distance >= 0) {
                addendLow = shiftRightStickyLow(addendHigh, addendLow, distance);
                addendHigh = shiftRightHigh(addendHigh, distance);
            } else {
                low = shiftRightStickyLow(high, low, -distance);
                high = shiftRightHigh(high, -distance);
                exponent = exponent(c);
            }
        }
        long sign = productSign;
        if (sign == sign(c)) {
            low += addendLow;
            high += addendHigh + (Long.compareUnsigned(low, addendLow) < 0 ? 1 : 0);
        } else {
            high -= addendHigh + (Long.compareUnsigned(low, addendLow) < 0 ? 1 : 0);
            low -= addendLow;
            if ((high | low) == 0) {
                return cancelled(rm);
            }
            if (high < 0) {
                sign ^= signBit();
                high = low == 0 ? -high : ~high;
                low = -low;
            }
        }
        if (high == 0) {
            return normaliseAndRound(sign, exponent - 62, low, rm, s);
        }
        int shift = Long.numberOfLeadingZeros(high) - 1;
        long significand = high << shift | low >>> 1 >>> (63 - shift) | sticky(low << shift);
        return roundAndPack(sign, exponent + 2 - shift, significand, rm, s);
    }

    /** The value of an unsigned 64-bit integer, negated if {@code sign} is the sign bit. */
    long fromInteger(long sign, long magnitude, int rm, FpStatus s) {
        return magnitude == 0 ? 0 : normaliseAndRound(sign, bias() + LEAD, magnitude, rm, s);
    }

    /** Converts from the other format. */
    long convert(SoftFloat source, long a, int rm, FpStatus s) {
        if (source.isNan(a)) {
            if (source.isSignalling(a)) {
                s.flags |= NV;
            }
            return canonicalNan();
        }
        long sign = source.sign(a) == 0 ? 0 : signBit();
        if (source.isInfinite(a)) {
            return sign | infinity();
        }
        if (source.isZero(a)) {
            return sign;
        }
        int exponent = source.exponent(a) - source.bias() + bias();
        return roundAndPack(sign, exponent, source.significand(a), rm, s);
    }

    /** As {@link #roundAndPack}, of a significand whose leading one may be anywhere. */
    private long normaliseAndRound(long sign, int exponent, long significand, int rm, FpStatus s) {
        if (significand < 0) {
            long halved = significand >>> 1 | significand & 1;
            return roundAndPack(sign, exponent + 1, halved, rm, s);
        }
        int shift = Long.numberOfLeadingZeros(significand) - 1;
        return roundAndPack(sign, exponent - shift, significand << shift, rm, s);
    }

    /**
     * Rounds to the format's precision and range and raises NX, UF and OF.
     *
     * @param sign the sign bit in its place, or 0
     * @param exponent the biased exponent, without limits
     * @param significand normalised: bit 62 set, bit 63 clear, bit 0 sticky
     */
    private long roundAndPack(long sign, int exponent, long significand, int rm, FpStatus s) {
        int excessBits = LEAD - fractionBits;
        long excessMask = (1L << excessBits) - 1;
        long half = 1L << (excessBits - 1);
        long increment =
                switch (rm) {
                    case RNE, RMM -> half;
                    case RDN -> sign != 0 ? excessMask : 0;
                    case RUP -> sign == 0 ? excessMask : 0;
                    default -> 0;
                };
        boolean tiny = false;
        if (exponent <= 0) {
            // Tiny unless rounding with an unlimited exponent carries to the smallest normal
            // number.
            tiny = exponent < 0 || significand + increment > 0;
            significand = shiftRightSticky(significand, 1 - exponent);
            exponent = 1;
        }
        long excess = significand & excessMask;
        long rounded = (significand + increment) >>> excessBits;
        if (excess != 0) {
            s.flags |= tiny ? UF | NX : NX;
            if (excess == half && rm == RNE) {
                rounded &= ~1L;
            }
        }
        // The leading one, present in a normal number only, adds one to the exponent field, and
        // so does a carry out of the rounding.
        int exponentField = exponent - 1;
        if (exponentField < maxExponent() - 1) {
            long magnitude = ((long) exponentField << fractionBits) + rounded;
            if (magnitude < infinity()) {
                return sign | magnitude;
            }
        }
        s.flags |= OF | NX;
        boolean toInfinity = rm == RNE || rm == RMM || rm == (sign == 0 ? RUP : RDN);
        return sign | (toInfinity ? infinity() : infinity() - 1);
    }

    /** The result of an operation with a NaN among its operands. */
    private long nan(long a, long b, FpStatus s) {
        if (isSignalling(a) || isSignalling(b)) {
            s.flags |= NV;
        }
        return canonicalNan();
    }

    private long invalid(FpStatus s) {
        s.flags |= NV;
        return canonicalNan();
    }

    /** The zero that is the sum of opposite numbers (IEEE 754-2019 §6.3). */
    private long cancelled(int rm) {
        return rm == RDN ? signBit() : 0;
    }

    long negate(long a) {
        return a ^ signBit();
    }

    private int maxExponent() {
        return (1 << exponentBits) - 1;
    }

    private int bias() {
        return (1 << (exponentBits - 1)) - 1;
    }

    private long signBit() {
        return 1L << (fractionBits + exponentBits);
    }

    private long infinity() {
        return (long) maxExponent() << fractionBits;
    }

    private long canonicalNan() {
        return infinity() | 1L << (fractionBits - 1);
    }

    private long sign(long a) {
        return a & signBit();
    }

    private long magnitude(long a) {
        return a & signBit() - 1;
    }

    private boolean isZero(long a) {
        return magnitude(a) == 0;
    }

    private boolean isInfinite(long a) {
        return magnitude(a) == infinity();
    }

    private boolean isNan(long a) {
        return magnitude(a) > infinity();
    }

    private boolean isSignalling(long a) {
        return isNan(a) && (a & 1L << (fractionBits - 1)) == 0;
    }

    private int exponent(long a) {
        long magnitude = magnitude(a);
        int field = (int) (magnitude >>> fractionBits);
        return field != 0 ? field : 64 - fractionBits - Long.numberOfLeadingZeros(magnitude);
    }

    private long significand(long a) {
        long magnitude = magnitude(a);
        long leadingOne = 1L << fractionBits;
        return magnitude >= leadingOne
                ? (magnitude & leadingOne - 1 | leadingOne) << (LEAD - fractionBits)
                : magnitude << (Long.numberOfLeadingZeros(magnitude) - 1);
    }

    private static long sticky(long lost) {
        return lost == 0 ? 0 : 1;
    }

    /** Shifts a positive number right by any distance from 0 up; what falls out is sticky. */
    private static long shiftRightSticky(long value, int distance) {
        return distance > 62 ? 1 : value >>> distance | sticky(value & (1L << distance) - 1);
    }

    /** The high word of a non-negative 128-bit number shifted right. */
    private static long shiftRightHigh(long high, int distance) {
        return distance > 63 ? 0 : high >>> distance;
    }

    /** The low word of a positive 128-bit number shifted right; what falls out is sticky. */
    private static long shiftRightStickyLow(long high, long low, int distance) {
        if (distance == 0) {
            return low;
        }
        if (distance < 64) {
            return high << -distance | low >>> distance | sticky(low << -distance);
        }
        if (distance == 64) {
            return high | sticky(low);
        }
        return distance > 127 ? 1 : high >>> distance | sticky(high << -distance | low);
    }
}
