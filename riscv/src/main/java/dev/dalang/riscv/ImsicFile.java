package dev.dalang.riscv;

/**
 * One interrupt file of an IMSIC (AIA 1.0 §3): the identities pending and enabled at one privilege
 * level of one hart. {@link #setPending} comes from any thread, also while the hart is in any of
 * the other calls; the other calls come from the hart.
 *
 * <p>A CSR instruction on {@code sireg} or {@code stopei} is one call, never a read followed by a
 * write: an identity that becomes pending between the two would be lost. {@code CSRRW} is {@code
 * updateRegister(select, rs1, -1)}, {@code CSRRS} is {@code updateRegister(select, rs1, rs1)},
 * {@code CSRRC} is {@code updateRegister(select, 0, rs1)}, and any of them that writes {@code
 * stopei} is {@link #claimTopei}.
 */
public interface ImsicFile {
    /**
     * Makes an identity pending; 0 and identities that are not implemented are ignored.
     *
     * @param identity the identity
     */
    void setPending(int identity);

    /**
     * Reads an indirect register. Reserved registers, and those that {@link #hasRegister} denies,
     * read 0.
     *
     * @param select the value of {@code siselect}, 0x70..0xFF
     * @return its value
     */
    long readRegister(int select);

    /**
     * Replaces the bits of {@code mask} by those of {@code value}, in one atomic step per pending
     * or enable register. Reserved and missing registers ignore it.
     *
     * @param select the value of {@code siselect}, 0x70..0xFF
     * @param value the new bits
     * @param mask which bits to replace
     * @return the register's value just before
     */
    long updateRegister(int select, long value, long mask);

    /**
     * Writes a whole indirect register.
     *
     * @param select the value of {@code siselect}, 0x70..0xFF
     * @param value the new value
     */
    default void writeRegister(int select, long value) {
        updateRegister(select, value, -1);
    }

    /**
     * False if an access to {@code select} from a 64-bit hart is an illegal instruction: {@code
     * eip} and {@code eie} with an odd number, and everything outside 0x70..0xFF (AIA 1.0 §3.8).
     * The reserved numbers 0x71 and 0x73..0x7F are legal and read 0.
     *
     * @param select the value of {@code siselect}
     * @return true if the access is legal
     */
    boolean hasRegister(int select);

    /** {@return the value of {@code stopei}: identity in bits 26..16, priority in 10..0, or 0} */
    long topei();

    /**
     * A write to {@code stopei}: clears the pending bit of the identity that is on top (AIA 1.0
     * §3.9).
     *
     * @return the value of {@code stopei} just before, which names what was claimed; 0 for nothing
     */
    long claimTopei();
}
