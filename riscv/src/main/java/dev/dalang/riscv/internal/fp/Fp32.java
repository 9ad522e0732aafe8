package dev.dalang.riscv.internal.fp;

import static dev.dalang.riscv.internal.fp.FpStatus.NV;
import static dev.dalang.riscv.internal.fp.FpStatus.NX;
import static dev.dalang.riscv.internal.fp.RoundingMode.RNE;

/**
 * Binary32 arithmetic on raw bits: the F extension (unprivileged spec §20) and the single-precision
 * part of Zfa. {@code rm} is a constant of {@link RoundingMode}, {@code s} receives the flags.
 * Operands come from registers through {@link NanBox}.
 *
 * <p>As in {@link Fp64} the host rounds to nearest even; whether it had to is found in binary64,
 * which holds the product of two binary32 numbers exactly.
 */
public final class Fp32 {
    /** The NaN that arithmetic produces. */
    public static final int CANONICAL_NAN = 0x7fc0_0000;

    private static final int SIGN = 0x8000_0000;
    private static final int MIN_NORMAL = 0x0080_0000;
    private static final int INFINITY = 0x7f80_0000;
    private static final int QUIET = 0x0040_0000;

    /** The bits of a binary64 number below the last one of a binary32 number, and half of that. */
    private static final long BELOW_FP32 = (1L << 29) - 1;

    private static final long FP32_MIDPOINT = 1L << 28;

    private static final int[] IMMEDIATES = {
        0xbf80_0000, // -1.0
        MIN_NORMAL,
        0x3780_0000, // 2^-16
        0x3800_0000, // 2^-15
        0x3b80_0000, // 2^-8
        0x3c00_0000, // 2^-7
        0x3d80_0000, // 0.0625
        0x3e00_0000, // 0.125
        0x3e80_0000, // 0.25
        0x3ea0_0000, // 0.3125
        0x3ec0_0000, // 0.375
        0x3ee0_0000, // 0.4375
        0x3f00_0000, // 0.5
        0x3f20_0000, // 0.625
        0x3f40_0000, // 0.75
        0x3f60_0000, // 0.875
        0x3f80_0000, // 1.0
        0x3fa0_0000, // 1.25
        0x3fc0_0000, // 1.5
        0x3fe0_0000, // 1.75
        0x4000_0000, // 2.0
        0x4020_0000, // 2.5
        0x4040_0000, // 3
        0x4080_0000, // 4
        0x4100_0000, // 8
        0x4180_0000, // 16
        0x4300_0000, // 128
        0x4380_0000, // 256
        0x4700_0000, // 2^15
        0x4780_0000, // 2^16
        INFINITY,
        CANONICAL_NAN,
    };

    private Fp32() {}

    /** {@code fadd.s}. */
    public static int add(int a, int b, int rm, FpStatus s) {
        if (rm == RNE) {
            float x = value(a);
            float y = value(b);
            float sum = x + y;
            if (Math.abs(sum) < Float.POSITIVE_INFINITY) {
                // As in Fp64: undoing the sum with either operand gives the other one.
                if ((s.flags & NX) == 0 && (sum - x != y || sum - y != x)) {
                    s.flags |= NX;
                }
                return bits(sum);
            }
        }
        return (int) SoftFloat.BINARY32.add(wide(a), wide(b), rm, s);
    }

    /** {@code fsub.s}. */
    public static int sub(int a, int b, int rm, FpStatus s) {
        return add(a, b ^ SIGN, rm, s);
    }

    /** {@code fmul.s}. */
    public static int mul(int a, int b, int rm, FpStatus s) {
        if (rm == RNE) {
            double exact = (double) value(a) * value(b);
            float product = (float) exact;
            if (isOrdinary(product)) {
                if (product != exact) {
                    s.flags |= NX;
                }
                return bits(product);
            }
        }
        return (int) SoftFloat.BINARY32.multiply(wide(a), wide(b), rm, s);
    }

    /** {@code fdiv.s}. */
    public static int div(int a, int b, int rm, FpStatus s) {
        if (rm == RNE) {
            float x = value(a);
            float y = value(b);
            float quotient = x / y;
            if (isOrdinary(quotient)) {
                if ((double) quotient * y != x) {
                    s.flags |= NX;
                }
                return bits(quotient);
            }
        }
        return (int) SoftFloat.BINARY32.divide(wide(a), wide(b), rm, s);
    }

    /** {@code fsqrt.s}. */
    public static int sqrt(int a, int rm, FpStatus s) {
        if (rm == RNE) {
            float x = value(a);
            if (x > 0 && x < Float.POSITIVE_INFINITY) {
                // Rounding twice is harmless: a root in binary64 is never so near a midpoint of
                // binary32 numbers (53 bits are more than twice 24 and two).
                float root = (float) Math.sqrt(x);
                if ((double) root * root != x) {
                    s.flags |= NX;
                }
                return bits(root);
            }
        }
        return (int) SoftFloat.BINARY32.squareRoot(wide(a), rm, s);
    }

    /**
     * {@code fmadd.s}: {@code a × b + c} with one rounding. The other three are this one with
     * {@code a}, {@code c} or both negated.
     */
    public static int fma(int a, int b, int c, int rm, FpStatus s) {
        if (rm == RNE) {
            double product = (double) value(a) * value(b);
            double z = value(c);
            double sum = product + z;
            float result = (float) sum;
            // Midpoints of binary32 are binary64 numbers, so rounding to binary64 first never takes
            // the sum across one; it only goes wrong if it lands on one.
            boolean midpoint = (Double.doubleToRawLongBits(sum) & BELOW_FP32) == FP32_MIDPOINT;
            if (isOrdinary(result) && !midpoint) {
                if (result != sum || (s.flags & NX) == 0 && sumError(product, z, sum) != 0) {
                    s.flags |= NX;
                }
                return bits(result);
            }
        }
        return (int) SoftFloat.BINARY32.fusedMultiplyAdd(wide(a), wide(b), wide(c), rm, s);
    }

    /** What rounding took from a sum, exactly (Knuth's TwoSum; nothing here can overflow). */
    private static double sumError(double x, double y, double sum) {
        double back = sum - x;
        return (x - (sum - back)) + (y - back);
    }

    /** As in {@link Fp64}: strictly between the smallest normal number and infinity. */
    private static boolean isOrdinary(float result) {
        int magnitude = bits(result) & ~SIGN;
        return Integer.compareUnsigned(magnitude - MIN_NORMAL - 1, INFINITY - MIN_NORMAL - 1) < 0;
    }

    /** {@code fmin.s}: the number if only one is; −0 is less than +0 (§20.6). */
    public static int min(int a, int b, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            return numberOrNan(a, b, s);
        }
        return order(a) < order(b) ? a : b;
    }

    /** {@code fmax.s}. */
    public static int max(int a, int b, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            return numberOrNan(a, b, s);
        }
        return order(a) < order(b) ? b : a;
    }

    /** {@code fminm.s}: NaN if either is (Zfa). */
    public static int minm(int a, int b, FpStatus s) {
        int result = min(a, b, s);
        return isNan(a) || isNan(b) ? CANONICAL_NAN : result;
    }

    /** {@code fmaxm.s}: NaN if either is (Zfa). */
    public static int maxm(int a, int b, FpStatus s) {
        int result = max(a, b, s);
        return isNan(a) || isNan(b) ? CANONICAL_NAN : result;
    }

    private static int numberOrNan(int a, int b, FpStatus s) {
        raiseIfSignalling(a, b, s);
        if (!isNan(a)) {
            return a;
        }
        return isNan(b) ? CANONICAL_NAN : b;
    }

    /** The bits as an integer that is ordered as the numbers are, −0 before +0. */
    private static int order(int a) {
        return a ^ (a >> 31 & ~SIGN);
    }

    /** {@code feq.s}: only signalling NaNs raise NV. */
    public static boolean eq(int a, int b, FpStatus s) {
        raiseIfSignalling(a, b, s);
        return value(a) == value(b);
    }

    /** {@code flt.s}: every NaN raises NV. */
    public static boolean lt(int a, int b, FpStatus s) {
        raiseIfNan(a, b, s);
        return value(a) < value(b);
    }

    /** {@code fle.s}: every NaN raises NV. */
    public static boolean le(int a, int b, FpStatus s) {
        raiseIfNan(a, b, s);
        return value(a) <= value(b);
    }

    /** {@code fltq.s}: only signalling NaNs raise NV (Zfa). */
    public static boolean ltq(int a, int b, FpStatus s) {
        raiseIfSignalling(a, b, s);
        return value(a) < value(b);
    }

    /** {@code fleq.s}: only signalling NaNs raise NV (Zfa). */
    public static boolean leq(int a, int b, FpStatus s) {
        raiseIfSignalling(a, b, s);
        return value(a) <= value(b);
    }

    /** {@code fclass.s}: one bit of ten, from −∞ at bit 0 to quiet NaN at bit 9 (§20.9). */
    public static int classify(int a) {
        int magnitude = a & ~SIGN;
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

    /** {@code fsgnj.s}: the magnitude of {@code a} with the sign of {@code b}. */
    public static int sgnj(int a, int b) {
        return a & ~SIGN | b & SIGN;
    }

    /** {@code fsgnjn.s}: the magnitude of {@code a} with the opposite of {@code b}'s sign. */
    public static int sgnjn(int a, int b) {
        return a & ~SIGN | ~b & SIGN;
    }

    /** {@code fsgnjx.s}: {@code a}, negated if {@code b} is negative. */
    public static int sgnjx(int a, int b) {
        return a ^ b & SIGN;
    }

    /** The opposite sign, of NaNs too; no flags. */
    public static int negate(int a) {
        return a ^ SIGN;
    }

    /** {@code fcvt.w.s}: a signed 32-bit integer, sign-extended. */
    public static long toInt32(int a, int rm, FpStatus s) {
        return RoundToInteger.toInt32(value(a), rm, s);
    }

    /** {@code fcvt.wu.s}: an unsigned 32-bit integer, <em>sign</em>-extended. */
    public static long toUInt32(int a, int rm, FpStatus s) {
        return RoundToInteger.toUInt32(value(a), rm, s);
    }

    /** {@code fcvt.l.s}. */
    public static long toInt64(int a, int rm, FpStatus s) {
        return RoundToInteger.toInt64(value(a), rm, s);
    }

    /** {@code fcvt.lu.s}. */
    public static long toUInt64(int a, int rm, FpStatus s) {
        return RoundToInteger.toUInt64(value(a), rm, s);
    }

    /** {@code fcvt.s.w}: from the low 32 bits, signed. */
    public static int fromInt32(long x, int rm, FpStatus s) {
        int signed = (int) x;
        return fromInt64(signed, rm, s);
    }

    /** {@code fcvt.s.wu}: from the low 32 bits, unsigned. */
    public static int fromUInt32(long x, int rm, FpStatus s) {
        return fromUInt64(x & 0xffff_ffffL, rm, s);
    }

    /** {@code fcvt.s.l}. */
    public static int fromInt64(long x, int rm, FpStatus s) {
        long magnitude = Math.abs(x);
        return magnitude >>> 24 == 0
                ? bits((float) x)
                : (int) SoftFloat.BINARY32.fromInteger(x >>> 63 << 31, magnitude, rm, s);
    }

    /** {@code fcvt.s.lu}. */
    public static int fromUInt64(long x, int rm, FpStatus s) {
        return x >>> 24 == 0 ? bits((float) x) : (int) SoftFloat.BINARY32.fromInteger(0, x, rm, s);
    }

    /** {@code fcvt.s.d}. */
    public static int fromFp64(long a, int rm, FpStatus s) {
        if (rm == RNE) {
            double x = Double.longBitsToDouble(a);
            float narrow = (float) x;
            if (isOrdinary(narrow)) {
                if (narrow != x) {
                    s.flags |= NX;
                }
                return bits(narrow);
            }
        }
        return (int) SoftFloat.BINARY32.convert(SoftFloat.BINARY64, a, rm, s);
    }

    /** {@code fround.s}: to an integer, without NX (Zfa). */
    public static int round(int a, int rm, FpStatus s) {
        if (isNan(a)) {
            raiseIfSignalling(a, s);
            return CANONICAL_NAN;
        }
        return bits((float) RoundToInteger.round(value(a), rm));
    }

    /** {@code froundnx.s}: to an integer, NX if that changed the value (Zfa). */
    public static int roundnx(int a, int rm, FpStatus s) {
        int rounded = round(a, rm, s);
        if (rounded != a && !isNan(a)) {
            s.flags |= NX;
        }
        return rounded;
    }

    /** {@code fli.s}: constant {@code index}, 0..31 (Zfa). */
    public static int loadImmediate(int index) {
        return IMMEDIATES[index];
    }

    static void raiseIfSignalling(int a, FpStatus s) {
        if (isSignalling(a)) {
            s.flags |= NV;
        }
    }

    private static void raiseIfSignalling(int a, int b, FpStatus s) {
        if (isSignalling(a) || isSignalling(b)) {
            s.flags |= NV;
        }
    }

    private static void raiseIfNan(int a, int b, FpStatus s) {
        if (isNan(a) || isNan(b)) {
            s.flags |= NV;
        }
    }

    private static boolean isNan(int a) {
        return (a & ~SIGN) > INFINITY;
    }

    private static boolean isSignalling(int a) {
        return isNan(a) && (a & QUIET) == 0;
    }

    private static float value(int a) {
        return Float.intBitsToFloat(a);
    }

    private static int bits(float x) {
        return Float.floatToRawIntBits(x);
    }

    private static long wide(int a) {
        return a & 0xffff_ffffL;
    }
}
