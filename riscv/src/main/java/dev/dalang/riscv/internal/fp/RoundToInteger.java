package dev.dalang.riscv.internal.fp;

import static dev.dalang.riscv.internal.fp.FpStatus.NV;
import static dev.dalang.riscv.internal.fp.FpStatus.NX;
import static dev.dalang.riscv.internal.fp.RoundingMode.RDN;
import static dev.dalang.riscv.internal.fp.RoundingMode.RMM;
import static dev.dalang.riscv.internal.fp.RoundingMode.RNE;
import static dev.dalang.riscv.internal.fp.RoundingMode.RUP;

/**
 * Conversions to integers, for both formats: a binary32 value is a binary64 value. The host's
 * arithmetic is exact here in every rounding mode.
 *
 * <p>Out of range and NaN give the nearest limit, and NaN the largest number, with NV alone
 * (unprivileged spec §20.7). The range is that of the <em>rounded</em> value.
 */
final class RoundToInteger {
    private RoundToInteger() {}

    /** The nearest integer in the rounding mode, with the sign of {@code x} if it is zero. */
    static double round(double x, int rm) {
        return switch (rm) {
            case RNE -> Math.rint(x);
            case RDN -> Math.floor(x);
            case RUP -> Math.ceil(x);
            case RMM -> roundTiesAway(x);
            default -> truncate(x);
        };
    }

    static long toInt32(double x, int rm, FpStatus s) {
        double rounded = round(x, rm);
        if (rounded >= -0x1p31 && rounded < 0x1p31) {
            raiseInexact(x, rounded, s);
            return (int) rounded;
        }
        s.flags |= NV;
        return x < 0 ? Integer.MIN_VALUE : Integer.MAX_VALUE;
    }

    static long toUInt32(double x, int rm, FpStatus s) {
        double rounded = round(x, rm);
        if (rounded >= 0 && rounded < 0x1p32) {
            raiseInexact(x, rounded, s);
            return (int) (long) rounded;
        }
        s.flags |= NV;
        return x < 0 ? 0 : -1;
    }

    static long toInt64(double x, int rm, FpStatus s) {
        double rounded = round(x, rm);
        if (rounded >= -0x1p63 && rounded < 0x1p63) {
            raiseInexact(x, rounded, s);
            return (long) rounded;
        }
        s.flags |= NV;
        return x < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
    }

    static long toUInt64(double x, int rm, FpStatus s) {
        double rounded = round(x, rm);
        if (rounded >= 0 && rounded < 0x1p64) {
            raiseInexact(x, rounded, s);
            return rounded < 0x1p63 ? (long) rounded : (long) (rounded - 0x1p63) ^ Long.MIN_VALUE;
        }
        s.flags |= NV;
        return x < 0 ? 0 : -1;
    }

    private static void raiseInexact(double x, double rounded, FpStatus s) {
        if (rounded != x) {
            s.flags |= NX;
        }
    }

    static double truncate(double x) {
        return x < 0 ? Math.ceil(x) : Math.floor(x);
    }

    private static double roundTiesAway(double x) {
        double magnitude = Math.abs(x);
        double floor = Math.floor(magnitude);
        // The difference is exact; beyond 2^52 it is zero, so the sum is exact too.
        return Math.copySign(magnitude - floor >= 0.5 ? floor + 1 : floor, x);
    }
}
