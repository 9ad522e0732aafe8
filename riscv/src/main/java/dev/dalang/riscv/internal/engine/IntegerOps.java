package dev.dalang.riscv.internal.engine;

import dev.dalang.riscv.internal.decode.Op;

/**
 * The integer operations that touch neither memory nor control state: M, Zba, Zbb, Zbc, Zbs,
 * Zicond.
 */
public final class IntegerOps {
    private IntegerOps() {}

    /** The result of a two-operand operation; {@code imm} is the decoded immediate. */
    public static long compute(int op, long a, long b, int imm) {
        return switch (op) {
            case Op.MULH -> Math.multiplyHigh(a, b);
            case Op.MULHSU -> mulhsu(a, b);
            case Op.MULHU -> Math.unsignedMultiplyHigh(a, b);
            case Op.DIV -> div(a, b);
            case Op.DIVU -> divu(a, b);
            case Op.REM -> rem(a, b);
            case Op.REMU -> remu(a, b);
            case Op.DIVW -> divw(a, b);
            case Op.DIVUW -> divuw(a, b);
            case Op.REMW -> remw(a, b);
            case Op.REMUW -> remuw(a, b);
            case Op.ADD_UW -> (a & 0xFFFF_FFFFL) + b;
            case Op.SH1ADD -> (a << 1) + b;
            case Op.SH2ADD -> (a << 2) + b;
            case Op.SH3ADD -> (a << 3) + b;
            case Op.SH1ADD_UW -> ((a & 0xFFFF_FFFFL) << 1) + b;
            case Op.SH2ADD_UW -> ((a & 0xFFFF_FFFFL) << 2) + b;
            case Op.SH3ADD_UW -> ((a & 0xFFFF_FFFFL) << 3) + b;
            case Op.SLLI_UW -> (a & 0xFFFF_FFFFL) << imm;
            case Op.ANDN -> a & ~b;
            case Op.ORN -> a | ~b;
            case Op.XNOR -> ~(a ^ b);
            case Op.CLZ -> Long.numberOfLeadingZeros(a);
            case Op.CLZW -> Integer.numberOfLeadingZeros((int) a);
            case Op.CTZ -> Long.numberOfTrailingZeros(a);
            case Op.CTZW -> Integer.numberOfTrailingZeros((int) a);
            case Op.CPOP -> Long.bitCount(a);
            case Op.CPOPW -> Integer.bitCount((int) a);
            case Op.MAX -> Math.max(a, b);
            case Op.MAXU -> Long.compareUnsigned(a, b) > 0 ? a : b;
            case Op.MIN -> Math.min(a, b);
            case Op.MINU -> Long.compareUnsigned(a, b) < 0 ? a : b;
            case Op.SEXT_B -> (byte) a;
            case Op.SEXT_H -> (short) a;
            case Op.ZEXT_H -> a & 0xFFFF;
            case Op.ROL -> Long.rotateLeft(a, (int) b);
            case Op.ROLW -> Integer.rotateLeft((int) a, (int) b);
            case Op.ROR -> Long.rotateRight(a, (int) b);
            case Op.RORW -> Integer.rotateRight((int) a, (int) b);
            case Op.RORI -> Long.rotateRight(a, imm);
            case Op.RORIW -> Integer.rotateRight((int) a, imm);
            case Op.ORC_B -> orCombine(a);
            case Op.REV8 -> Long.reverseBytes(a);
            case Op.BCLR -> a & ~(1L << b);
            case Op.BCLRI -> a & ~(1L << imm);
            case Op.BEXT -> a >>> b & 1;
            case Op.BEXTI -> a >>> imm & 1;
            case Op.BINV -> a ^ 1L << b;
            case Op.BINVI -> a ^ 1L << imm;
            case Op.BSET -> a | 1L << b;
            case Op.BSETI -> a | 1L << imm;
            case Op.CLMUL -> carrylessLow(a, b);
            case Op.CLMULH -> carrylessReversed(a, b) >>> 1;
            case Op.CLMULR -> carrylessReversed(a, b);
            case Op.CZERO_EQZ -> b == 0 ? 0 : a;
            case Op.CZERO_NEZ -> b != 0 ? 0 : a;
            default -> throw new IllegalArgumentException("not an integer operation: " + op);
        };
    }

    /** {@code mulhsu}. */
    public static long mulhsu(long a, long b) {
        return Math.multiplyHigh(a, b) + (b < 0 ? a : 0);
    }

    /** {@code div}. */
    public static long div(long a, long b) {
        return b == 0 ? -1 : b == -1 ? -a : a / b;
    }

    /** {@code divu}. */
    public static long divu(long a, long b) {
        return b == 0 ? -1 : Long.divideUnsigned(a, b);
    }

    /** {@code rem}. */
    public static long rem(long a, long b) {
        return b == 0 ? a : b == -1 ? 0 : a % b;
    }

    /** {@code remu}. */
    public static long remu(long a, long b) {
        return b == 0 ? a : Long.remainderUnsigned(a, b);
    }

    /** {@code divw}. */
    public static long divw(long a, long b) {
        return (int) b == 0 ? -1 : (int) b == -1 ? -(int) a : (int) a / (int) b;
    }

    /** {@code divuw}. */
    public static long divuw(long a, long b) {
        return (int) b == 0 ? -1 : Integer.divideUnsigned((int) a, (int) b);
    }

    /** {@code remw}. */
    public static long remw(long a, long b) {
        return (int) b == 0 ? (int) a : (int) b == -1 ? 0 : (int) a % (int) b;
    }

    /** {@code remuw}. */
    public static long remuw(long a, long b) {
        return (int) b == 0 ? (int) a : Integer.remainderUnsigned((int) a, (int) b);
    }

    /** Each byte becomes 0xFF if any of its bits is set (Zbb). */
    private static long orCombine(long a) {
        long any = a | a >>> 1;
        any |= any >>> 2;
        any |= any >>> 4;
        return (any & 0x0101_0101_0101_0101L) * 0xFF;
    }

    private static long carrylessLow(long a, long b) {
        long product = 0;
        for (long bits = b; bits != 0; bits &= bits - 1) {
            product ^= a << Long.numberOfTrailingZeros(bits);
        }
        return product;
    }

    /** Bits 126..63 of the carry-less product, which is the reversed product of the reversed. */
    private static long carrylessReversed(long a, long b) {
        return Long.reverse(carrylessLow(Long.reverse(a), Long.reverse(b)));
    }
}
