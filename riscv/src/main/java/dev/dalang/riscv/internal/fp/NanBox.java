package dev.dalang.riscv.internal.fp;

/** Binary32 values in 64-bit registers (unprivileged spec §21.2, NaN boxing). */
public final class NanBox {
    private static final long UPPER = 0xffff_ffff_0000_0000L;

    private NanBox() {}

    /** The binary32 value in a register; the canonical NaN if it is not properly boxed. */
    public static int unbox(long register) {
        return (register & UPPER) == UPPER ? (int) register : Fp32.CANONICAL_NAN;
    }

    /** The register that holds a binary32 value: all ones above it. */
    public static long box(int bits) {
        return bits | UPPER;
    }
}
