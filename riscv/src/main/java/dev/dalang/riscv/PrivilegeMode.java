package dev.dalang.riscv;

/** The privilege modes of a hart (privileged spec §1.2). */
public enum PrivilegeMode {
    /** User. */
    U(0),
    /** Supervisor. */
    S(1),
    /** Machine. */
    M(3);

    private final int encoding;

    PrivilegeMode(int encoding) {
        this.encoding = encoding;
    }

    /** {@return the mode's two-bit encoding} */
    public int encoding() {
        return encoding;
    }

    /**
     * Gives the mode of an encoding.
     *
     * @param encoding 0, 1 or 3
     * @return the mode
     * @throws IllegalArgumentException if the encoding is reserved
     */
    public static PrivilegeMode of(int encoding) {
        return switch (encoding) {
            case 0 -> U;
            case 1 -> S;
            case 3 -> M;
            default -> throw new IllegalArgumentException("reserved privilege mode " + encoding);
        };
    }
}
