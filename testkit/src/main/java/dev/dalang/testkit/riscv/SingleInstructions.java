package dev.dalang.testkit.riscv;

/** The F extension (unprivileged spec §21). Where no rounding mode is given it is dynamic. */
abstract class SingleInstructions extends AtomicInstructions {
    SingleInstructions(long origin) {
        super(origin);
    }

    /** {@code flw fd, offset(base)}: loads. */
    public void flw(int fd, int offset, int base) {
        emit(i(0x07, 2, fd, base, offset));
    }

    /** {@code fsw fs2, offset(base)}: stores. */
    public void fsw(int fs2, int offset, int base) {
        emit(s(0x27, 2, fs2, base, offset));
    }

    /** {@code fmadd.s fd, fs1, fs2, fs3}: fs1 × fs2 + fs3. */
    public void fmadd_s(int fd, int fs1, int fs2, int fs3) {
        emit(r4(0x43, 0, fd, fs1, fs2, fs3, Rounding.DYN));
    }

    /** {@code fmadd.s fd, fs1, fs2, fs3, rm}: fs1 × fs2 + fs3, rounded by {@code rm}. */
    public void fmadd_s(int fd, int fs1, int fs2, int fs3, Rounding rm) {
        emit(r4(0x43, 0, fd, fs1, fs2, fs3, rm));
    }

    /** {@code fmsub.s fd, fs1, fs2, fs3}: fs1 × fs2 − fs3. */
    public void fmsub_s(int fd, int fs1, int fs2, int fs3) {
        emit(r4(0x47, 0, fd, fs1, fs2, fs3, Rounding.DYN));
    }

    /** {@code fmsub.s fd, fs1, fs2, fs3, rm}: fs1 × fs2 − fs3, rounded by {@code rm}. */
    public void fmsub_s(int fd, int fs1, int fs2, int fs3, Rounding rm) {
        emit(r4(0x47, 0, fd, fs1, fs2, fs3, rm));
    }

    /** {@code fnmsub.s fd, fs1, fs2, fs3}: −(fs1 × fs2) + fs3. */
    public void fnmsub_s(int fd, int fs1, int fs2, int fs3) {
        emit(r4(0x4b, 0, fd, fs1, fs2, fs3, Rounding.DYN));
    }

    /** {@code fnmsub.s fd, fs1, fs2, fs3, rm}: −(fs1 × fs2) + fs3, rounded by {@code rm}. */
    public void fnmsub_s(int fd, int fs1, int fs2, int fs3, Rounding rm) {
        emit(r4(0x4b, 0, fd, fs1, fs2, fs3, rm));
    }

    /** {@code fnmadd.s fd, fs1, fs2, fs3}: −(fs1 × fs2) − fs3. */
    public void fnmadd_s(int fd, int fs1, int fs2, int fs3) {
        emit(r4(0x4f, 0, fd, fs1, fs2, fs3, Rounding.DYN));
    }

    /** {@code fnmadd.s fd, fs1, fs2, fs3, rm}: −(fs1 × fs2) − fs3, rounded by {@code rm}. */
    public void fnmadd_s(int fd, int fs1, int fs2, int fs3, Rounding rm) {
        emit(r4(0x4f, 0, fd, fs1, fs2, fs3, rm));
    }

    /** {@code fadd.s fd, fs1, fs2}: sum. */
    public void fadd_s(int fd, int fs1, int fs2) {
        emit(fp(0x00, fd, fs1, fs2, Rounding.DYN));
    }

    /** {@code fadd.s fd, fs1, fs2, rm}: sum, rounded by {@code rm}. */
    public void fadd_s(int fd, int fs1, int fs2, Rounding rm) {
        emit(fp(0x00, fd, fs1, fs2, rm));
    }

    /** {@code fsub.s fd, fs1, fs2}: difference. */
    public void fsub_s(int fd, int fs1, int fs2) {
        emit(fp(0x04, fd, fs1, fs2, Rounding.DYN));
    }

    /** {@code fsub.s fd, fs1, fs2, rm}: difference, rounded by {@code rm}. */
    public void fsub_s(int fd, int fs1, int fs2, Rounding rm) {
        emit(fp(0x04, fd, fs1, fs2, rm));
    }

    /** {@code fmul.s fd, fs1, fs2}: product. */
    public void fmul_s(int fd, int fs1, int fs2) {
        emit(fp(0x08, fd, fs1, fs2, Rounding.DYN));
    }

    /** {@code fmul.s fd, fs1, fs2, rm}: product, rounded by {@code rm}. */
    public void fmul_s(int fd, int fs1, int fs2, Rounding rm) {
        emit(fp(0x08, fd, fs1, fs2, rm));
    }

    /** {@code fdiv.s fd, fs1, fs2}: quotient. */
    public void fdiv_s(int fd, int fs1, int fs2) {
        emit(fp(0x0c, fd, fs1, fs2, Rounding.DYN));
    }

    /** {@code fdiv.s fd, fs1, fs2, rm}: quotient, rounded by {@code rm}. */
    public void fdiv_s(int fd, int fs1, int fs2, Rounding rm) {
        emit(fp(0x0c, fd, fs1, fs2, rm));
    }

    /** {@code fsqrt.s fd, fs1}: square root. */
    public void fsqrt_s(int fd, int fs1) {
        emit(fp(0x2c, fd, fs1, 0, Rounding.DYN));
    }

    /** {@code fsqrt.s fd, fs1, rm}: square root, rounded by {@code rm}. */
    public void fsqrt_s(int fd, int fs1, Rounding rm) {
        emit(fp(0x2c, fd, fs1, 0, rm));
    }

    /** {@code fsgnj.s fd, fs1, fs2}: fs1 with the sign of fs2. */
    public void fsgnj_s(int fd, int fs1, int fs2) {
        emit(r(0x53, 0, 0x10, fd, fs1, fs2));
    }

    /** {@code fsgnjn.s fd, fs1, fs2}: fs1 with the opposite sign of fs2. */
    public void fsgnjn_s(int fd, int fs1, int fs2) {
        emit(r(0x53, 1, 0x10, fd, fs1, fs2));
    }

    /** {@code fsgnjx.s fd, fs1, fs2}: fs1 with the signs multiplied. */
    public void fsgnjx_s(int fd, int fs1, int fs2) {
        emit(r(0x53, 2, 0x10, fd, fs1, fs2));
    }

    /** {@code fmin.s fd, fs1, fs2}: the smaller. */
    public void fmin_s(int fd, int fs1, int fs2) {
        emit(r(0x53, 0, 0x14, fd, fs1, fs2));
    }

    /** {@code fmax.s fd, fs1, fs2}: the larger. */
    public void fmax_s(int fd, int fs1, int fs2) {
        emit(r(0x53, 1, 0x14, fd, fs1, fs2));
    }

    /** {@code feq.s rd, fs1, fs2}: equal, quiet. */
    public void feq_s(int rd, int fs1, int fs2) {
        emit(r(0x53, 2, 0x50, rd, fs1, fs2));
    }

    /** {@code flt.s rd, fs1, fs2}: less, signalling. */
    public void flt_s(int rd, int fs1, int fs2) {
        emit(r(0x53, 1, 0x50, rd, fs1, fs2));
    }

    /** {@code fle.s rd, fs1, fs2}: less or equal, signalling. */
    public void fle_s(int rd, int fs1, int fs2) {
        emit(r(0x53, 0, 0x50, rd, fs1, fs2));
    }

    /** {@code fclass.s rd, fs1}: the class as one of ten bits. */
    public void fclass_s(int rd, int fs1) {
        emit(r(0x53, 1, 0x70, rd, fs1, 0));
    }

    /** {@code fcvt.w.s rd, fs1}: to a 32-bit signed integer. */
    public void fcvt_w_s(int rd, int fs1) {
        emit(fp(0x60, rd, fs1, 0, Rounding.DYN));
    }

    /** {@code fcvt.w.s rd, fs1, rm}: to a 32-bit signed integer, rounded by {@code rm}. */
    public void fcvt_w_s(int rd, int fs1, Rounding rm) {
        emit(fp(0x60, rd, fs1, 0, rm));
    }

    /** {@code fcvt.wu.s rd, fs1}: to a 32-bit unsigned integer. */
    public void fcvt_wu_s(int rd, int fs1) {
        emit(fp(0x60, rd, fs1, 1, Rounding.DYN));
    }

    /** {@code fcvt.wu.s rd, fs1, rm}: to a 32-bit unsigned integer, rounded by {@code rm}. */
    public void fcvt_wu_s(int rd, int fs1, Rounding rm) {
        emit(fp(0x60, rd, fs1, 1, rm));
    }

    /** {@code fcvt.l.s rd, fs1}: to a 64-bit signed integer. */
    public void fcvt_l_s(int rd, int fs1) {
        emit(fp(0x60, rd, fs1, 2, Rounding.DYN));
    }

    /** {@code fcvt.l.s rd, fs1, rm}: to a 64-bit signed integer, rounded by {@code rm}. */
    public void fcvt_l_s(int rd, int fs1, Rounding rm) {
        emit(fp(0x60, rd, fs1, 2, rm));
    }

    /** {@code fcvt.lu.s rd, fs1}: to a 64-bit unsigned integer. */
    public void fcvt_lu_s(int rd, int fs1) {
        emit(fp(0x60, rd, fs1, 3, Rounding.DYN));
    }

    /** {@code fcvt.lu.s rd, fs1, rm}: to a 64-bit unsigned integer, rounded by {@code rm}. */
    public void fcvt_lu_s(int rd, int fs1, Rounding rm) {
        emit(fp(0x60, rd, fs1, 3, rm));
    }

    /** {@code fcvt.s.w fd, rs1}: from a 32-bit signed integer. */
    public void fcvt_s_w(int fd, int rs1) {
        emit(fp(0x68, fd, rs1, 0, Rounding.DYN));
    }

    /** {@code fcvt.s.w fd, rs1, rm}: from a 32-bit signed integer, rounded by {@code rm}. */
    public void fcvt_s_w(int fd, int rs1, Rounding rm) {
        emit(fp(0x68, fd, rs1, 0, rm));
    }

    /** {@code fcvt.s.wu fd, rs1}: from a 32-bit unsigned integer. */
    public void fcvt_s_wu(int fd, int rs1) {
        emit(fp(0x68, fd, rs1, 1, Rounding.DYN));
    }

    /** {@code fcvt.s.wu fd, rs1, rm}: from a 32-bit unsigned integer, rounded by {@code rm}. */
    public void fcvt_s_wu(int fd, int rs1, Rounding rm) {
        emit(fp(0x68, fd, rs1, 1, rm));
    }

    /** {@code fcvt.s.l fd, rs1}: from a 64-bit signed integer. */
    public void fcvt_s_l(int fd, int rs1) {
        emit(fp(0x68, fd, rs1, 2, Rounding.DYN));
    }

    /** {@code fcvt.s.l fd, rs1, rm}: from a 64-bit signed integer, rounded by {@code rm}. */
    public void fcvt_s_l(int fd, int rs1, Rounding rm) {
        emit(fp(0x68, fd, rs1, 2, rm));
    }

    /** {@code fcvt.s.lu fd, rs1}: from a 64-bit unsigned integer. */
    public void fcvt_s_lu(int fd, int rs1) {
        emit(fp(0x68, fd, rs1, 3, Rounding.DYN));
    }

    /** {@code fcvt.s.lu fd, rs1, rm}: from a 64-bit unsigned integer, rounded by {@code rm}. */
    public void fcvt_s_lu(int fd, int rs1, Rounding rm) {
        emit(fp(0x68, fd, rs1, 3, rm));
    }

    /** {@code fmv.x.w rd, fs1}: the raw bits to an integer register. */
    public void fmv_x_w(int rd, int fs1) {
        emit(r(0x53, 0, 0x70, rd, fs1, 0));
    }

    /** {@code fmv.w.x fd, rs1}: the raw bits from an integer register. */
    public void fmv_w_x(int fd, int rs1) {
        emit(r(0x53, 0, 0x78, fd, rs1, 0));
    }

    /** {@code fmv.s fd, fs1}: copies. */
    public void fmv_s(int fd, int fs1) {
        fsgnj_s(fd, fs1, fs1);
    }

    /** {@code fneg.s fd, fs1}: negates. */
    public void fneg_s(int fd, int fs1) {
        fsgnjn_s(fd, fs1, fs1);
    }

    /** {@code fabs.s fd, fs1}: absolute value. */
    public void fabs_s(int fd, int fs1) {
        fsgnjx_s(fd, fs1, fs1);
    }
}
