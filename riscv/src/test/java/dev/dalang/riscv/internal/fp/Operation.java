package dev.dalang.riscv.internal.fp;

import java.math.BigInteger;

/** The operations with their oracle, of one shape for both formats: three operands, one result. */
@SuppressWarnings("ImmutableEnumChecker") // the lambdas capture nothing
public enum Operation {
    ADD(
            2,
            (a, b, c, rm, s) -> Fp64.add(a, b, rm, s),
            (a, b, c, rm, s) -> Fp32.add((int) a, (int) b, rm, s),
            (o, a, b, c, rm) -> o.add(a, b, rm)),
    SUB(
            2,
            (a, b, c, rm, s) -> Fp64.sub(a, b, rm, s),
            (a, b, c, rm, s) -> Fp32.sub((int) a, (int) b, rm, s),
            (o, a, b, c, rm) -> o.sub(a, b, rm)),
    MUL(
            2,
            (a, b, c, rm, s) -> Fp64.mul(a, b, rm, s),
            (a, b, c, rm, s) -> Fp32.mul((int) a, (int) b, rm, s),
            (o, a, b, c, rm) -> o.mul(a, b, rm)),
    DIV(
            2,
            (a, b, c, rm, s) -> Fp64.div(a, b, rm, s),
            (a, b, c, rm, s) -> Fp32.div((int) a, (int) b, rm, s),
            (o, a, b, c, rm) -> o.div(a, b, rm)),
    SQRT(
            1,
            (a, b, c, rm, s) -> Fp64.sqrt(a, rm, s),
            (a, b, c, rm, s) -> Fp32.sqrt((int) a, rm, s),
            (o, a, b, c, rm) -> o.sqrt(a, rm)),
    FMA(
            3,
            (a, b, c, rm, s) -> Fp64.fma(a, b, c, rm, s),
            (a, b, c, rm, s) -> Fp32.fma((int) a, (int) b, (int) c, rm, s),
            (o, a, b, c, rm) -> o.fma(a, b, c, rm)),
    MIN(
            2,
            (a, b, c, rm, s) -> Fp64.min(a, b, s),
            (a, b, c, rm, s) -> Fp32.min((int) a, (int) b, s),
            (o, a, b, c, rm) -> o.min(a, b)),
    MAX(
            2,
            (a, b, c, rm, s) -> Fp64.max(a, b, s),
            (a, b, c, rm, s) -> Fp32.max((int) a, (int) b, s),
            (o, a, b, c, rm) -> o.max(a, b)),
    MINM(
            2,
            (a, b, c, rm, s) -> Fp64.minm(a, b, s),
            (a, b, c, rm, s) -> Fp32.minm((int) a, (int) b, s),
            (o, a, b, c, rm) -> o.orNan(a, b, o.min(a, b))),
    MAXM(
            2,
            (a, b, c, rm, s) -> Fp64.maxm(a, b, s),
            (a, b, c, rm, s) -> Fp32.maxm((int) a, (int) b, s),
            (o, a, b, c, rm) -> o.orNan(a, b, o.max(a, b))),
    EQ(
            2,
            (a, b, c, rm, s) -> bit(Fp64.eq(a, b, s)),
            (a, b, c, rm, s) -> bit(Fp32.eq((int) a, (int) b, s)),
            (o, a, b, c, rm) -> o.eq(a, b)),
    LT(
            2,
            (a, b, c, rm, s) -> bit(Fp64.lt(a, b, s)),
            (a, b, c, rm, s) -> bit(Fp32.lt((int) a, (int) b, s)),
            (o, a, b, c, rm) -> o.lt(a, b, false)),
    LE(
            2,
            (a, b, c, rm, s) -> bit(Fp64.le(a, b, s)),
            (a, b, c, rm, s) -> bit(Fp32.le((int) a, (int) b, s)),
            (o, a, b, c, rm) -> o.le(a, b, false)),
    LTQ(
            2,
            (a, b, c, rm, s) -> bit(Fp64.ltq(a, b, s)),
            (a, b, c, rm, s) -> bit(Fp32.ltq((int) a, (int) b, s)),
            (o, a, b, c, rm) -> o.lt(a, b, true)),
    LEQ(
            2,
            (a, b, c, rm, s) -> bit(Fp64.leq(a, b, s)),
            (a, b, c, rm, s) -> bit(Fp32.leq((int) a, (int) b, s)),
            (o, a, b, c, rm) -> o.le(a, b, true)),
    ROUND(
            1,
            (a, b, c, rm, s) -> Fp64.round(a, rm, s),
            (a, b, c, rm, s) -> Fp32.round((int) a, rm, s),
            (o, a, b, c, rm) -> o.roundToIntegral(a, rm, false)),
    ROUNDNX(
            1,
            (a, b, c, rm, s) -> Fp64.roundnx(a, rm, s),
            (a, b, c, rm, s) -> Fp32.roundnx((int) a, rm, s),
            (o, a, b, c, rm) -> o.roundToIntegral(a, rm, true)),
    TO_INT32(
            1,
            (a, b, c, rm, s) -> Fp64.toInt32(a, rm, s),
            (a, b, c, rm, s) -> Fp32.toInt32((int) a, rm, s),
            (o, a, b, c, rm) -> o.toInteger(a, 32, true, rm)),
    TO_UINT32(
            1,
            (a, b, c, rm, s) -> Fp64.toUInt32(a, rm, s),
            (a, b, c, rm, s) -> Fp32.toUInt32((int) a, rm, s),
            (o, a, b, c, rm) -> o.toInteger(a, 32, false, rm)),
    TO_INT64(
            1,
            (a, b, c, rm, s) -> Fp64.toInt64(a, rm, s),
            (a, b, c, rm, s) -> Fp32.toInt64((int) a, rm, s),
            (o, a, b, c, rm) -> o.toInteger(a, 64, true, rm)),
    TO_UINT64(
            1,
            (a, b, c, rm, s) -> Fp64.toUInt64(a, rm, s),
            (a, b, c, rm, s) -> Fp32.toUInt64((int) a, rm, s),
            (o, a, b, c, rm) -> o.toInteger(a, 64, false, rm)),
    FROM_INT32(
            0,
            (a, b, c, rm, s) -> Fp64.fromInt32(a, rm, s),
            (a, b, c, rm, s) -> Fp32.fromInt32(a, rm, s),
            (o, a, b, c, rm) -> o.fromInteger(BigInteger.valueOf(a << 32 >> 32), rm)),
    FROM_UINT32(
            0,
            (a, b, c, rm, s) -> Fp64.fromUInt32(a, rm, s),
            (a, b, c, rm, s) -> Fp32.fromUInt32(a, rm, s),
            (o, a, b, c, rm) -> o.fromInteger(BigInteger.valueOf(a & 0xffff_ffffL), rm)),
    FROM_INT64(
            0,
            (a, b, c, rm, s) -> Fp64.fromInt64(a, rm, s),
            (a, b, c, rm, s) -> Fp32.fromInt64(a, rm, s),
            (o, a, b, c, rm) -> o.fromInteger(BigInteger.valueOf(a), rm)),
    FROM_UINT64(
            0,
            (a, b, c, rm, s) -> Fp64.fromUInt64(a, rm, s),
            (a, b, c, rm, s) -> Fp32.fromUInt64(a, rm, s),
            (o, a, b, c, rm) -> o.fromInteger(new BigInteger(Long.toUnsignedString(a)), rm));

    /** An operation; operands beyond its arity are ignored, results are raw bits or registers. */
    public interface Implementation {
        long apply(long a, long b, long c, int rm, FpStatus s);
    }

    /** The same operation by the oracle. */
    public interface Expectation {
        Oracle.Result apply(Oracle oracle, long a, long b, long c, int rm);
    }

    /** How many floating-point operands there are; 0 for one integer. */
    public final int arity;

    private final Implementation binary64;
    private final Implementation binary32;
    private final Expectation expectation;

    Operation(
            int arity, Implementation binary64, Implementation binary32, Expectation expectation) {
        this.arity = arity;
        this.binary64 = binary64;
        this.binary32 = binary32;
        this.expectation = expectation;
    }

    Implementation implementation(Oracle format) {
        return format.equals(Oracle.BINARY64) ? binary64 : binary32;
    }

    public Oracle.Result expected(Oracle format, long a, long b, long c, int rm) {
        return expectation.apply(format, a, b, c, rm);
    }

    /** Whether a binary32 result stands in an {@code int}, rather than an integer register. */
    boolean givesNumber() {
        return arity == 0 || compareTo(ROUNDNX) <= 0;
    }

    private static long bit(boolean value) {
        return value ? 1 : 0;
    }
}
