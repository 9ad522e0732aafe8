package dev.dalang.riscv;

/**
 * One interrupt file of an IMSIC (AIA 1.0 §3): the identities pending and enabled at one privilege
 * level of one hart. {@link #setPending} comes from any thread; the other calls from the hart.
 */
public interface ImsicFile {
    /** Makes an identity pending; 0 and identities that are not implemented are ignored. */
    void setPending(int identity);

    /** Reads an indirect register: {@code select} is the value of {@code siselect}, 0x70..0xFF. */
    long readRegister(int select);

    /** Writes an indirect register. */
    void writeRegister(int select, long value);

    /** True if {@code select} names a register that exists in a 64-bit hart. */
    boolean hasRegister(int select);

    /** The value of {@code stopei}: identity in bits 26..16 and priority in 10..0, or 0. */
    long topei();

    /** A write to {@code stopei}: clears the pending bit of the identity that is on top. */
    void claimTopei();
}
