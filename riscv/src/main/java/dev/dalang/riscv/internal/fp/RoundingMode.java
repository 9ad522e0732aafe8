package dev.dalang.riscv.internal.fp;

/** Rounding modes as {@code frm} and the {@code rm} field encode them (unprivileged spec §20.2). */
public final class RoundingMode {
    /** To nearest, ties to even. */
    public static final int RNE = 0;

    /** Towards zero. */
    public static final int RTZ = 1;

    /** Down, towards negative infinity. */
    public static final int RDN = 2;

    /** Up, towards positive infinity. */
    public static final int RUP = 3;

    /** To nearest, ties to the larger magnitude. */
    public static final int RMM = 4;

    private RoundingMode() {}
}
