package dev.dalang.testkit.riscv;

/** The ordering bits of an atomic instruction (unprivileged spec §14.1). */
public enum Ordering {
    /** Neither bit. */
    RELAXED(0),
    /** {@code .rl}. */
    RELEASE(1),
    /** {@code .aq}. */
    ACQUIRE(2),
    /** {@code .aqrl}. */
    ACQUIRE_RELEASE(3);

    private final int bits;

    Ordering(int bits) {
        this.bits = bits;
    }

    /** The value of bits 26..25. */
    int bits() {
        return bits;
    }
}
