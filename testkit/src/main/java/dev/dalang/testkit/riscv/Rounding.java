package dev.dalang.testkit.riscv;

/** The rounding mode in a floating-point instruction (unprivileged spec §21.2, table 26). */
public enum Rounding {
    /** To nearest, ties to even. */
    RNE(0),
    /** Towards zero. */
    RTZ(1),
    /** Down. */
    RDN(2),
    /** Up. */
    RUP(3),
    /** To nearest, ties away from zero. */
    RMM(4),
    /** As {@code fcsr} says. */
    DYN(7);

    private final int bits;

    Rounding(int bits) {
        this.bits = bits;
    }

    /**
     * The encoding.
     *
     * @return 0..4 or 7
     */
    public int bits() {
        return bits;
    }
}
