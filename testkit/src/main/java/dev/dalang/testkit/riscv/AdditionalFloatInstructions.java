package dev.dalang.testkit.riscv;

/** The Zfa extension: additional floating-point instructions (unprivileged spec §27). */
abstract class AdditionalFloatInstructions extends DoubleInstructions {
    AdditionalFloatInstructions(long origin) {
        super(origin);
    }

    /** {@code fli.s fd, constant}: loads constant number 0..31 of the table. */
    public void fli_s(int fd, int constant) {
        emit(r(0x53, 0, 0x78, fd, register(constant), 1));
    }

    /** {@code fminm.s fd, fs1, fs2}: the smaller; NaN if either is. */
    public void fminm_s(int fd, int fs1, int fs2) {
        emit(r(0x53, 2, 0x14, fd, fs1, fs2));
    }

    /** {@code fmaxm.s fd, fs1, fs2}: the larger; NaN if either is. */
    public void fmaxm_s(int fd, int fs1, int fs2) {
        emit(r(0x53, 3, 0x14, fd, fs1, fs2));
    }

    /** {@code fround.s fd, fs1}: to an integral value. */
    public void fround_s(int fd, int fs1) {
        emit(fp(0x20, fd, fs1, 4, Rounding.DYN));
    }

    /** {@code fround.s fd, fs1, rm}: to an integral value, rounded by {@code rm}. */
    public void fround_s(int fd, int fs1, Rounding rm) {
        emit(fp(0x20, fd, fs1, 4, rm));
    }

    /** {@code froundnx.s fd, fs1}: to an integral value, raising inexact. */
    public void froundnx_s(int fd, int fs1) {
        emit(fp(0x20, fd, fs1, 5, Rounding.DYN));
    }

    /**
     * {@code froundnx.s fd, fs1, rm}: to an integral value, raising inexact, rounded by {@code rm}.
     */
    public void froundnx_s(int fd, int fs1, Rounding rm) {
        emit(fp(0x20, fd, fs1, 5, rm));
    }

    /** {@code fleq.s rd, fs1, fs2}: less or equal, quiet. */
    public void fleq_s(int rd, int fs1, int fs2) {
        emit(r(0x53, 4, 0x50, rd, fs1, fs2));
    }

    /** {@code fltq.s rd, fs1, fs2}: less, quiet. */
    public void fltq_s(int rd, int fs1, int fs2) {
        emit(r(0x53, 5, 0x50, rd, fs1, fs2));
    }

    /** {@code fli.d fd, constant}: loads constant number 0..31 of the table. */
    public void fli_d(int fd, int constant) {
        emit(r(0x53, 0, 0x79, fd, register(constant), 1));
    }

    /** {@code fminm.d fd, fs1, fs2}: the smaller; NaN if either is. */
    public void fminm_d(int fd, int fs1, int fs2) {
        emit(r(0x53, 2, 0x15, fd, fs1, fs2));
    }

    /** {@code fmaxm.d fd, fs1, fs2}: the larger; NaN if either is. */
    public void fmaxm_d(int fd, int fs1, int fs2) {
        emit(r(0x53, 3, 0x15, fd, fs1, fs2));
    }

    /** {@code fround.d fd, fs1}: to an integral value. */
    public void fround_d(int fd, int fs1) {
        emit(fp(0x21, fd, fs1, 4, Rounding.DYN));
    }

    /** {@code fround.d fd, fs1, rm}: to an integral value, rounded by {@code rm}. */
    public void fround_d(int fd, int fs1, Rounding rm) {
        emit(fp(0x21, fd, fs1, 4, rm));
    }

    /** {@code froundnx.d fd, fs1}: to an integral value, raising inexact. */
    public void froundnx_d(int fd, int fs1) {
        emit(fp(0x21, fd, fs1, 5, Rounding.DYN));
    }

    /**
     * {@code froundnx.d fd, fs1, rm}: to an integral value, raising inexact, rounded by {@code rm}.
     */
    public void froundnx_d(int fd, int fs1, Rounding rm) {
        emit(fp(0x21, fd, fs1, 5, rm));
    }

    /** {@code fleq.d rd, fs1, fs2}: less or equal, quiet. */
    public void fleq_d(int rd, int fs1, int fs2) {
        emit(r(0x53, 4, 0x51, rd, fs1, fs2));
    }

    /** {@code fltq.d rd, fs1, fs2}: less, quiet. */
    public void fltq_d(int rd, int fs1, int fs2) {
        emit(r(0x53, 5, 0x51, rd, fs1, fs2));
    }

    /** {@code fcvtmod.w.d rd, fs1}: to a 32-bit integer, modulo 2³². */
    public void fcvtmod_w_d(int rd, int fs1) {
        emit(fp(0x61, rd, fs1, 8, Rounding.RTZ));
    }
}
