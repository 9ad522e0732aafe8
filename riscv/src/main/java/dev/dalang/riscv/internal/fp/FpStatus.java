package dev.dalang.riscv.internal.fp;

/**
 * Accrued exception flags, laid out as the CSR {@code fflags} (unprivileged spec §20.2). An
 * operation only ever sets bits. Owned by one hart.
 */
public final class FpStatus {
    /** Inexact. */
    public static final int NX = 1;

    /** Underflow: tiny after rounding, and inexact. */
    public static final int UF = 2;

    /** Overflow. */
    public static final int OF = 4;

    /** Divide by zero. */
    public static final int DZ = 8;

    /** Invalid operation. */
    public static final int NV = 16;

    /** The five flags; other bits are zero. */
    public int flags;

    /** No flag set. */
    public FpStatus() {}
}
