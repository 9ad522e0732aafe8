package dev.dalang.riscv.internal.fp;

import static dev.dalang.riscv.internal.fp.FpStatus.NV;
import static dev.dalang.riscv.internal.fp.FpStatus.NX;
import static dev.dalang.riscv.internal.fp.RoundingMode.RNE;
import static dev.dalang.riscv.internal.fp.RoundingMode.RTZ;

/**
 * Binary64 arithmetic on raw bits: the D extension (unprivileged spec §21) and the double-precision
 * part of Zfa. {@code rm} is a constant of {@link RoundingMode}, {@code s} receives the flags.
 *
 * <p>The host rounds to nearest even, as IEEE 754 says (JLS §15.4), so in that mode its result is
 * ours, and what remains is to know the flags. A result above the smallest normal number and below
 * infinity can only be inexact or not; once NX is set there is nothing left to find out.
 */
public final class Fp64 {
    /** The NaN that arithmetic produces. */
    public static final long CANONICAL_NAN = 0x7ff8_0000_0000_0000L;

    private static final long SIGN = 0x8000_0000_0000_0000L;
    private static final long MIN_NORMAL = 0x0010_0000_0000_0000L;
    private static final long INFINITY = 0x7ff0_0000_0000_0000L;
    private static final long QUIET = 0x0008_0000_0000_0000L;
    private static final int FRACTION_BITS = 52;

    private static final double FAR_ABOVE = 0x1p1000;
    private static final double FAR_BELOW = 0x1p-900;

    private Fp64() {}

    /** {@code fadd.d}. */
    public static long add(long a, long b, int rm, FpStatus s) {
        if (rm == RNE) {
            double x = value(a);
            double y = value(b);
            double sum = x + y;
            if (Math.abs(sum) < Double.POSITIVE_INFINITY) {
                raiseInexactSum(x, y, sum, s);
                return bits(sum);
            }
        }
        return SoftFloat.BINARY64.add(a, b, rm, s);
    }

    /** {@code fsub.d}. */
    public static long sub(long a, long b, int rm, FpStatus s) {
        return add(a, b ^ SIGN, rm, s);
    }

    /**
     * Raises NX if a finite sum is rounded. Taking the larger operand from the sum is exact (the
     * first half of Dekker's Fast2Sum, which cannot overflow when the sum did not) and gives the
     * other operand if and only if nothing was rounded; testing both spares finding the larger. A
     * sum never underflows: below the normal numbers it is exact.
     */
    private static void raiseInexactSum(double x, double y, double sum, FpStatus s) {
        if ((s.flags & NX) == 0 && (sum - x != y || sum - y != x)) {
            s.flags |= NX;
        }
    }

    /** {@code fmul.d}. */
    public static long mul(long a, long b, int rm, FpStatus s) {
        if (rm == RNE) {
            double x = value(a);
            double y = value(b);
            double product = x * y;
            if (isOrdinary(product)) {
                if ((s.flags & NX) != 0) {
                    return bits(product);
                }
                if (isNormalOrMore(x) && isNormalOrMore(y)) {
                    if (!isExactProduct(a, b, bits(product))) {
                        s.flags |= NX;
                    }
                    return bits(product);
                }
            }
        }
        return SoftFloat.BINARY64.multiply(a, b, rm, s);
    }

    /** {@code fdiv.d}. */
    public static long div(long a, long b, int rm, FpStatus s) {
        if (rm == RNE) {
            double x = value(a);
            double y = value(b);
            double quotient = x / y;
            if (isOrdinary(quotient)) {
                if ((s.flags & NX) != 0) {
                    return bits(quotient);
                }
                if (isNormalOrMore(x) && isNormalOrMore(y)) {
                    long q = bits(quotient);
                    if (quotient * y != x || !isExactProduct(q, b, a)) {
                        s.flags |= NX;
                    }
                    return q;
                }
            }
        }
        return SoftFloat.BINARY64.divide(a, b, rm, s);
    }

    /** {@code fsqrt.d}. */
    public static long sqrt(long a, int rm, FpStatus s) {
        if (rm == RNE) {
            double x = value(a);
            if (x >= Double.MIN_NORMAL && x < Double.POSITIVE_INFINITY) {
                double root = Math.sqrt(x);
                long r = bits(root);
                if ((s.flags & NX) == 0 && (root * root != x || !isExactProduct(r, r, a))) {
                    s.flags |= NX;
                }
                return r;
            }
        }
        return SoftFloat.BINARY64.squareRoot(a, rm, s);
    }

    /**
     * {@code fmadd.d}: {@code a × b + c} with one rounding. The other three are this one with
     * {@code a}, {@code c} or both negated.
     */
    public static long fma(long a, long b, long c, int rm, FpStatus s) {
        if (rm == RNE) {
            double x = value(a);
            double y = value(b);
            double z = value(c);
            double result = Math.fma(x, y, z);
            if (isOrdinary(result)) {
                if ((s.flags & NX) != 0) {
                    return bits(result);
                }
                double product = x * y;
                if (isFarFromLimits(product)) {
                    if (!isExactFma(x, y, z, product, result)) {
                        s.flags |= NX;
                    }
                    return bits(result);
                }
            }
        }
        return SoftFloat.BINARY64.fusedMultiplyAdd(a, b, c, rm, s);
    }

    /**
     * Whether a product's rounding error is representable, and the product too small to take a
     * number that is finite out of the range.
     */
    private static boolean isFarFromLimits(double x) {
        return Math.abs(x) < FAR_ABOVE && Math.abs(x) > FAR_BELOW;
    }

    /**
     * Whether {@code x × y + z = result} exactly, for {@code product} the rounded product. Both
     * {@code x × y} and {@code result − z} are written as a rounded value and its exact error;
     * since rounding is a function, the two are equal if and only if both parts are.
     */
    private static boolean isExactFma(double x, double y, double z, double product, double result) {
        double difference = result - z;
        double back = result - difference;
        double differenceError = (result - (difference + back)) + (back - z);
        return product == difference && Math.fma(x, y, -product) == differenceError;
    }

    /**
     * Whether the product of two normal numbers is {@code product}, which is normal and the
     * product's rounded value: whether the exact product has no more than 53 significant bits. The
     * trailing zeros of the significands add up, out of the 105 or 106 bits of their product.
     */
    private static boolean isExactProduct(long a, long b, long product) {
        int trailingZeros =
                Long.numberOfTrailingZeros(a | 1L << FRACTION_BITS)
                        + Long.numberOfTrailingZeros(b | 1L << FRACTION_BITS);
        if (trailingZeros != FRACTION_BITS) {
            return trailingZeros > FRACTION_BITS;
        }
        // Exact if the product has 105 bits, that is, if the exponents just add up.
        return exponent(a) + exponent(b) == exponent(product) + 1023;
    }

    /**
     * Whether a rounded result can have raised neither overflow nor underflow, nor is a NaN: it
     * lies strictly between the smallest normal number and infinity. One unsigned comparison,
     * cheaper than two of floating point.
     */
    private static boolean isOrdinary(double result) {
        long magnitude = bits(result) & ~SIGN;
        return Long.compareUnsigned(magnitude - MIN_NORMAL - 1, INFINITY - MIN_NORMAL - 1) < 0;
    }

    private static boolean isNormalOrMore(double x) {
        return Math.abs(x) >= Double.MIN_NORMAL;
    }

    /** {@code fmin.d}: the number if only one is; −0 is less than +0 (unprivileged spec §20.6). */
    public static long min(long a, long b, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            return numberOrNan(a, b, s);
        }
        return order(a) < order(b) ? a : b;
    }

    /** {@code fmax.d}. */
    public static long max(long a, long b, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            return numberOrNan(a, b, s);
        }
        return order(a) < order(b) ? b : a;
    }

    /** {@code fminm.d}: NaN if either is (Zfa). */
    public static long minm(long a, long b, FpStatus s) {
        long result = min(a, b, s);
        return isNan(a) || isNan(b) ? CANONICAL_NAN : result;
    }

    /** {@code fmaxm.d}: NaN if either is (Zfa). */
    public static long maxm(long a, long b, FpStatus s) {
        long result = max(a, b, s);
        return isNan(a) || isNan(b) ? CANONICAL_NAN : result;
    }

    private static long numberOrNan(long a, long b, FpStatus s) {
        raiseIfSignalling(a, b, s);
        if (!isNan(a)) {
            return a;
        }
        return isNan(b) ? CANONICAL_NAN : b;
    }

    /** The bits as an integer that is ordered as the numbers are, −0 before +0. */
    private static long order(long a) {
        return a ^ (a >> 63 & ~SIGN);
    }

    /** {@code feq.d}: only signalling NaNs raise NV. */
    public static boolean eq(long a, long b, FpStatus s) {
        raiseIfSignalling(a, b, s);
        return value(a) == value(b);
    }

    /** {@code flt.d}: every NaN raises NV. */
    public static boolean lt(long a, long b, FpStatus s) {
        raiseIfNan(a, b, s);
        return value(a) < value(b);
    }

    /** {@code fle.d}: every NaN raises NV. */
    public static boolean le(long a, long b, FpStatus s) {
        raiseIfNan(a, b, s);
        return value(a) <= value(b);
    }

    /** {@code fltq.d}: only signalling NaNs raise NV (Zfa). */
    public static boolean ltq(long a, long b, FpStatus s) {
        raiseIfSignalling(a, b, s);
        return value(a) < value(b);
    }

    /** {@code fleq.d}: only signalling NaNs raise NV (Zfa). */
    public static boolean leq(long a, long b, FpStatus s) {
        raiseIfSignalling(a, b, s);
        return value(a) <= value(b);
    }

    /** {@code fclass.d}: one bit of ten, from −∞ at bit 0 to quiet NaN at bit 9 (§20.9). */
    public static int classify(long a) {
        long magnitude = a & ~SIGN;
        if (magnitude > INFINITY) {
            return isSignalling(a) ? 1 << 8 : 1 << 9;
        }
        int kind;
        if (magnitude == INFINITY) {
            kind = 3;
        } else if (magnitude >= MIN_NORMAL) {
            kind = 2;
        } else {
            kind = magnitude != 0 ? 1 : 0;
        }
        return 1 << (a < 0 ? 3 - kind : 4 + kind);
    }

    /** {@code fsgnj.d}: the magnitude of {@code a} with the sign of {@code b}. */
    public static long sgnj(long a, long b) {
        return a & ~SIGN | b & SIGN;
    }

    /** {@code fsgnjn.d}: the magnitude of {@code a} with the opposite of {@code b}'s sign. */
    public static long sgnjn(long a, long b) {
        return a & ~SIGN | ~b & SIGN;
    }

    /** {@code fsgnjx.d}: {@code a}, negated if {@code b} is negative. */
    public static long sgnjx(long a, long b) {
        return a ^ b & SIGN;
    }

    /** The opposite sign, of NaNs too; no flags. */
    public static long negate(long a) {
        return a ^ SIGN;
    }

    /** {@code fcvt.w.d}: a signed 32-bit integer, sign-extended. */
    public static long toInt32(long a, int rm, FpStatus s) {
        return RoundToInteger.toInt32(value(a), rm, s);
    }

    /** {@code fcvt.wu.d}: an unsigned 32-bit integer, <em>sign</em>-extended. */
    public static long toUInt32(long a, int rm, FpStatus s) {
        return RoundToInteger.toUInt32(value(a), rm, s);
    }

    /** {@code fcvt.l.d}. */
    public static long toInt64(long a, int rm, FpStatus s) {
        return RoundToInteger.toInt64(value(a), rm, s);
    }

    /** {@code fcvt.lu.d}. */
    public static long toUInt64(long a, int rm, FpStatus s) {
        return RoundToInteger.toUInt64(value(a), rm, s);
    }

    /**
     * {@code fcvtmod.w.d}: truncated, modulo 2^32, sign-extended; zero for infinities and NaN. The
     * flags are those of {@link #toInt32} towards zero (Zfa).
     */
    public static long toInt32Modular(long a, FpStatus s) {
        long saturated = toInt32(a, RTZ, s);
        double truncated = RoundToInteger.truncate(value(a));
        if (Math.abs(truncated) < 0x1p31) {
            return saturated;
        }
        // An integer of at least 32 bits: the low ones are the significand, moved in place.
        int shift = exponent(a) - 1023 - FRACTION_BITS;
        if (shift >= 32) { // also infinities and NaN
            return 0;
        }
        long significand = a & (1L << FRACTION_BITS) - 1 | 1L << FRACTION_BITS;
        long magnitude = shift < 0 ? significand >>> -shift : significand << shift;
        return (int) (a < 0 ? -magnitude : magnitude);
    }

    /** {@code fcvt.d.w}: from the low 32 bits, signed; always exact. */
    public static long fromInt32(long x, int rm, FpStatus s) {
        return bits((int) x);
    }

    /** {@code fcvt.d.wu}: from the low 32 bits, unsigned; always exact. */
    public static long fromUInt32(long x, int rm, FpStatus s) {
        return bits((double) (x & 0xffff_ffffL));
    }

    /** {@code fcvt.d.l}. */
    public static long fromInt64(long x, int rm, FpStatus s) {
        long magnitude = Math.abs(x);
        return magnitude >>> 53 == 0
                ? bits((double) x)
                : SoftFloat.BINARY64.fromInteger(x & SIGN, magnitude, rm, s);
    }

    /** {@code fcvt.d.lu}. */
    public static long fromUInt64(long x, int rm, FpStatus s) {
        return x >>> 53 == 0 ? bits((double) x) : SoftFloat.BINARY64.fromInteger(0, x, rm, s);
    }

    /** {@code fcvt.d.s}: exact; a signalling NaN raises NV. */
    public static long fromFp32(int a, FpStatus s) {
        float x = Float.intBitsToFloat(a);
        if (Float.isNaN(x)) {
            Fp32.raiseIfSignalling(a, s);
            return CANONICAL_NAN;
        }
        return bits(x);
    }

    /** {@code fround.d}: to an integer, without NX (Zfa). */
    public static long round(long a, int rm, FpStatus s) {
        if (isNan(a)) {
            raiseIfSignalling(a, s);
            return CANONICAL_NAN;
        }
        return bits(RoundToInteger.round(value(a), rm));
    }

    /** {@code froundnx.d}: to an integer, NX if that changed the value (Zfa). */
    public static long roundnx(long a, int rm, FpStatus s) {
        long rounded = round(a, rm, s);
        if (rounded != a && !isNan(a)) {
            s.flags |= NX;
        }
        return rounded;
    }

    /** {@code fli.d}: constant {@code index}, 0..31 (Zfa). */
    public static long loadImmediate(int index) {
        return switch (index) {
            case 1 -> MIN_NORMAL; // the smallest normal number differs between formats
            case 31 -> CANONICAL_NAN;
            default -> bits(Float.intBitsToFloat(Fp32.loadImmediate(index)));
        };
    }

    static void raiseIfSignalling(long a, FpStatus s) {
        if (isSignalling(a)) {
            s.flags |= NV;
        }
    }

    private static void raiseIfSignalling(long a, long b, FpStatus s) {
        if (isSignalling(a) || isSignalling(b)) {
            s.flags |= NV;
        }
    }

    private static void raiseIfNan(long a, long b, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            s.flags |= NV;
        }
    }

    private static boolean isNan(long a) {
        return (a & ~SIGN) > INFINITY;
    }

    private static boolean isSignalling(long a) {
        return isNan(a) && (a & QUIET) == 0;
    }

    private static int exponent(long a) {
        return (int) (a >>> FRACTION_BITS) & 0x7ff;
    }

    private static double value(long a) {
        return Double.longBitsToDouble(a);
    }

    private static long bits(double x) {
        return Double.doubleToRawLongBits(x);
    }
}
