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

import java.math.BigInteger;

/**
 * What an operation should give, from the definition: the exact real result in big integers, then
 * rounded. It shares nothing with the code under test but the names of modes and flags.
 *
 * @param precision significant bits, the leading one included
 * @param exponentBits bits of the biased exponent
 */
public record Oracle(int precision, int exponentBits) {
    public static final Oracle BINARY32 = new Oracle(24, 8);
    public static final Oracle BINARY64 = new Oracle(53, 11);

    /** Raw bits, or an integer register, and the flags that the operation raises. */
    public record Result(long bits, int flags) {}

    /** A positive real number: a fraction, or the square root of one. */
    private record Real(BigInteger numerator, BigInteger denominator, boolean root) {
        /** {@code floor(this × 2^scale)}. */
        BigInteger floorScaled(int scale) {
            BigInteger quotient = scaledNumerator(scale).divide(scaledDenominator(scale));
            return root ? quotient.sqrt() : quotient;
        }

        /** Whether {@code this × 2^scale} is the integer {@code n}. */
        boolean isScaled(int scale, BigInteger n) {
            BigInteger power = root ? n.multiply(n) : n;
            return power.multiply(scaledDenominator(scale)).equals(scaledNumerator(scale));
        }

        private BigInteger scaledNumerator(int scale) {
            return scale > 0 ? numerator.shiftLeft(root ? 2 * scale : scale) : numerator;
        }

        private BigInteger scaledDenominator(int scale) {
            return scale < 0 ? denominator.shiftLeft(root ? -2 * scale : -scale) : denominator;
        }

        /** {@code floor(log2(this))}. */
        int exponent() {
            int estimate = numerator.bitLength() - denominator.bitLength();
            int scale = 4 - (root ? estimate >> 1 : estimate);
            return floorScaled(scale).bitLength() - 1 - scale;
        }
    }

    /** A rounded multiple of a power of two. */
    private record Rounded(BigInteger units, boolean inexact) {}

    public Result add(long a, long b, int rm) {
        if (isNan(a) || isNan(b)) {
            return nan(a, b);
        }
        if (isInfinite(a) || isInfinite(b)) {
            boolean opposed = isInfinite(a) && isInfinite(b) && a != b;
            return opposed ? invalid() : exact(isInfinite(a) ? a : b);
        }
        BigInteger sum = units(a).add(units(b));
        boolean zeroIsNegative = isNegative(a) == isNegative(b) ? isNegative(a) : rm == RDN;
        return round(sum, unitDenominator(), zeroIsNegative, rm);
    }

    Result sub(long a, long b, int rm) {
        return add(a, isNan(b) ? b : negate(b), rm);
    }

    Result mul(long a, long b, int rm) {
        if (isNan(a) || isNan(b)) {
            return nan(a, b);
        }
        boolean negative = isNegative(a) != isNegative(b);
        if (isInfinite(a) || isInfinite(b)) {
            return isZero(a) || isZero(b) ? invalid() : exact(infinity(negative));
        }
        BigInteger product = units(a).multiply(units(b));
        return round(product, unitDenominator().pow(2), negative, rm);
    }

    Result div(long a, long b, int rm) {
        if (isNan(a) || isNan(b)) {
            return nan(a, b);
        }
        boolean negative = isNegative(a) != isNegative(b);
        if (isInfinite(a) && isInfinite(b) || isZero(a) && isZero(b)) {
            return invalid();
        }
        if (isInfinite(a)) {
            return exact(infinity(negative));
        }
        if (isInfinite(b)) {
            return exact(zero(negative));
        }
        if (isZero(b)) {
            return new Result(infinity(negative), DZ);
        }
        BigInteger numerator = isNegative(b) ? units(a).negate() : units(a);
        return round(numerator, units(b).abs(), negative, rm);
    }

    Result sqrt(long a, int rm) {
        if (isNan(a)) {
            return nan(a, a);
        }
        if (isZero(a)) {
            return exact(a);
        }
        if (isNegative(a)) {
            return invalid();
        }
        if (isInfinite(a)) {
            return exact(a);
        }
        return round(new Real(units(a), unitDenominator(), true), false, rm);
    }

    Result fma(long a, long b, long c, int rm) {
        if (isInfinite(a) && isZero(b) || isZero(a) && isInfinite(b)) {
            return invalid();
        }
        if (isNan(a) || isNan(b) || isNan(c)) {
            return new Result(nan(), nan(a, b).flags | nan(c, c).flags);
        }
        boolean negative = isNegative(a) != isNegative(b);
        if (isInfinite(a) || isInfinite(b)) {
            boolean opposed = isInfinite(c) && isNegative(c) != negative;
            return opposed ? invalid() : exact(infinity(negative));
        }
        if (isInfinite(c)) {
            return exact(c);
        }
        BigInteger product = units(a).multiply(units(b));
        BigInteger sum = product.add(units(c).multiply(unitDenominator()));
        boolean zeroIsNegative = negative == isNegative(c) ? negative : rm == RDN;
        return round(sum, unitDenominator().pow(2), zeroIsNegative, rm);
    }

    Result min(long a, long b) {
        return select(a, b, isLess(a, b) || isZero(a) && isZero(b) && isNegative(a));
    }

    Result max(long a, long b) {
        return select(a, b, isLess(b, a) || isZero(a) && isZero(b) && !isNegative(a));
    }

    /** The Zfa variant of a result of min or max. */
    Result orNan(long a, long b, Result result) {
        return isNan(a) || isNan(b) ? new Result(nan(), result.flags) : result;
    }

    private Result select(long a, long b, boolean first) {
        if (!isNan(a) && !isNan(b)) {
            return exact(first ? a : b);
        }
        long number = isNan(a) ? b : a;
        return new Result(isNan(number) ? nan() : number, nan(a, b).flags);
    }

    Result eq(long a, long b) {
        boolean equal = !isNan(a) && !isNan(b) && !isLess(a, b) && !isLess(b, a);
        return new Result(equal ? 1 : 0, nan(a, b).flags);
    }

    Result lt(long a, long b, boolean quiet) {
        return new Result(isLess(a, b) ? 1 : 0, comparisonFlags(a, b, quiet));
    }

    Result le(long a, long b, boolean quiet) {
        boolean result = !isNan(a) && !isNan(b) && !isLess(b, a);
        return new Result(result ? 1 : 0, comparisonFlags(a, b, quiet));
    }

    private int comparisonFlags(long a, long b, boolean quiet) {
        return quiet ? nan(a, b).flags : isNan(a) || isNan(b) ? NV : 0;
    }

    private boolean isLess(long a, long b) {
        if (isNan(a) || isNan(b) || a == b) {
            return false;
        }
        if (isInfinite(a)) {
            return isNegative(a);
        }
        return isInfinite(b) ? !isNegative(b) : units(a).compareTo(units(b)) < 0;
    }

    /** Converts to an integer type; the result is sign-extended from {@code bits}. */
    Result toInteger(long a, int bits, boolean signed, int rm) {
        BigInteger limit = BigInteger.TWO.pow(signed ? bits - 1 : bits);
        BigInteger smallest = signed ? limit.negate() : BigInteger.ZERO;
        BigInteger largest = limit.subtract(BigInteger.ONE);
        if (isNan(a) || isInfinite(a)) {
            boolean low = isInfinite(a) && isNegative(a);
            return new Result(register(low ? smallest : largest, bits), NV);
        }
        Rounded rounded = toInteger(a, rm);
        if (rounded.units.compareTo(smallest) < 0) {
            return new Result(register(smallest, bits), NV);
        }
        if (rounded.units.compareTo(largest) > 0) {
            return new Result(register(largest, bits), NV);
        }
        return new Result(register(rounded.units, bits), rounded.inexact ? NX : 0);
    }

    public Result toInt32Modular(long a) {
        int flags = toInteger(a, 32, true, RoundingMode.RTZ).flags;
        boolean finite = !isNan(a) && !isInfinite(a);
        return new Result(finite ? toInteger(a, RoundingMode.RTZ).units.intValue() : 0, flags);
    }

    private static long register(BigInteger value, int bits) {
        return bits == 32 ? value.intValue() : value.longValue();
    }

    /** A finite number, rounded to an integer. */
    private Rounded toInteger(long a, int rm) {
        if (isZero(a)) {
            return new Rounded(BigInteger.ZERO, false);
        }
        Real magnitude = new Real(units(a).abs(), unitDenominator(), false);
        Rounded rounded = toMultiple(magnitude, isNegative(a), 0, rm);
        return isNegative(a) ? new Rounded(rounded.units.negate(), rounded.inexact) : rounded;
    }

    Result roundToIntegral(long a, int rm, boolean signalInexact) {
        if (isNan(a)) {
            return nan(a, a);
        }
        if (isInfinite(a) || isZero(a)) {
            return exact(a);
        }
        Rounded rounded = toInteger(a, rm);
        long bits = round(rounded.units, BigInteger.ONE, isNegative(a), rm).bits;
        return new Result(bits, signalInexact && rounded.inexact ? NX : 0);
    }

    Result fromInteger(BigInteger value, int rm) {
        return round(value, BigInteger.ONE, false, rm);
    }

    /** Converts a number of another format to this one. */
    public Result convert(Oracle source, long a, int rm) {
        if (source.isNan(a)) {
            return new Result(nan(), source.nan(a, a).flags);
        }
        if (source.isInfinite(a)) {
            return exact(infinity(source.isNegative(a)));
        }
        return round(source.units(a), source.unitDenominator(), source.isNegative(a), rm);
    }

    private Result round(
            BigInteger numerator, BigInteger denominator, boolean negativeZero, int rm) {
        if (numerator.signum() == 0) {
            return exact(zero(negativeZero));
        }
        Real magnitude = new Real(numerator.abs(), denominator, false);
        return round(magnitude, numerator.signum() < 0, rm);
    }

    private Result round(Real magnitude, boolean negative, int rm) {
        int exponent = magnitude.exponent();
        int unit = Math.max(exponent, minExponent()) - (precision - 1);
        Rounded rounded = toMultiple(magnitude, negative, unit, rm);
        if (rounded.units.bitLength() + unit - 1 > maxExponent()) {
            boolean up = rm == RNE || rm == RMM || rm == (negative ? RDN : RUP);
            long infinity = infinity(negative);
            return new Result(up ? infinity : infinity - 1, OF | NX);
        }
        int flags = 0;
        if (rounded.inexact) {
            int unbounded = exponent - (precision - 1);
            Rounded wide = toMultiple(magnitude, negative, unbounded, rm);
            boolean tiny = wide.units.bitLength() + unbounded - 1 < minExponent();
            flags = tiny ? UF | NX : NX;
        }
        return new Result(zero(negative) | encode(rounded.units, unit), flags);
    }

    /** Rounds to a multiple of {@code 2^unit}. */
    private static Rounded toMultiple(Real magnitude, boolean negative, int unit, int rm) {
        BigInteger quarters = magnitude.floorScaled(2 - unit);
        boolean more = !magnitude.isScaled(2 - unit, quarters);
        int rest = quarters.intValue() & 3;
        BigInteger floor = quarters.shiftRight(2);
        boolean inexact = more || rest != 0;
        boolean aboveHalf = rest == 3 || rest == 2 && more;
        boolean half = rest == 2 && !more;
        boolean up =
                switch (rm) {
                    case RNE -> aboveHalf || half && floor.testBit(0);
                    case RMM -> aboveHalf || half;
                    case RUP -> inexact && !negative;
                    case RDN -> inexact && negative;
                    default -> false;
                };
        return new Rounded(up ? floor.add(BigInteger.ONE) : floor, inexact);
    }

    private long encode(BigInteger units, int unit) {
        if (units.bitLength() < precision) {
            return units.longValueExact(); // subnormal: the unit is the smallest
        }
        int surplus = units.bitLength() - precision;
        long fraction = units.shiftRight(surplus).clearBit(precision - 1).longValueExact();
        long field = (long) unit + surplus + precision - 1 + maxExponent();
        return field << precision - 1 | fraction;
    }

    /** The number in units of the smallest subnormal number. */
    private BigInteger units(long a) {
        long field = (a & signBit() - 1) >>> precision - 1;
        BigInteger fraction = BigInteger.valueOf(a & (1L << precision - 1) - 1);
        BigInteger magnitude =
                field == 0 ? fraction : fraction.setBit(precision - 1).shiftLeft((int) field - 1);
        return isNegative(a) ? magnitude.negate() : magnitude;
    }

    private BigInteger unitDenominator() {
        return BigInteger.ONE.shiftLeft(precision - 1 - minExponent());
    }

    private int maxExponent() {
        return (1 << exponentBits - 1) - 1;
    }

    private int minExponent() {
        return 1 - maxExponent();
    }

    private long signBit() {
        return 1L << precision - 1 + exponentBits;
    }

    private long infinity(boolean negative) {
        return zero(negative) | (1L << exponentBits) - 1 << precision - 1;
    }

    private long zero(boolean negative) {
        return negative ? signBit() : 0;
    }

    private long nan() {
        return infinity(false) | 1L << precision - 2;
    }

    private Result nan(long a, long b) {
        return new Result(nan(), isSignalling(a) || isSignalling(b) ? NV : 0);
    }

    private Result invalid() {
        return new Result(nan(), NV);
    }

    private static Result exact(long bits) {
        return new Result(bits, 0);
    }

    public long negate(long a) {
        return a ^ signBit();
    }

    private boolean isNegative(long a) {
        return (a & signBit()) != 0;
    }

    private boolean isZero(long a) {
        return (a & signBit() - 1) == 0;
    }

    private boolean isInfinite(long a) {
        return (a & signBit() - 1) == infinity(false);
    }

    private boolean isNan(long a) {
        return (a & signBit() - 1) > infinity(false);
    }

    private boolean isSignalling(long a) {
        return isNan(a) && (a & 1L << precision - 2) == 0;
    }
}
