package dev.dalang.testkit.riscv;

/** The D extension (unprivileged spec §22). Where no rounding mode is given it is dynamic. */
abstract class DoubleInstructions extends SingleInstructions {
    DoubleInstructions(long origin) {
        super(origin);
    }

    /** {@code fld fd, offset(base)}: loads. */
    public void fld(int fd, int offset, int base) {
        emit(i(0x07, 3, fd, base, offset));
    }

    /** {@code fsd fs2, offset(base)}: stores. */
    public void fsd(int fs2, int offset, int base) {
        emit(s(0x27, 3, fs2, base, offset));
    }

    /** {@code fmadd.d fd, fs1, fs2, fs3}: fs1 × fs2 + fs3. */
    public void fmadd_d(int fd, int fs1, int fs2, int fs3) {
        emit(r4(0x43, 1, fd, fs1, fs2, fs3, Rounding.DYN));
    }

    /** {@code fmadd.d fd, fs1, fs2, fs3, rm}: fs1 × fs2 + fs3, rounded by {@code rm}. */
    public void fmadd_d(int fd, int fs1, int fs2, int fs3, Rounding rm) {
        emit(r4(0x43, 1, fd, fs1, fs2, fs3, rm));
    }

    /** {@code fmsub.d fd, fs1, fs2, fs3}: fs1 × fs2 − fs3. */
    public void fmsub_d(int fd, int fs1, int fs2, int fs3) {
        emit(r4(0x47, 1, fd, fs1, fs2, fs3, Rounding.DYN));
    }

    /** {@code fmsub.d fd, fs1, fs2, fs3, rm}: fs1 × fs2 − fs3, rounded by {@code rm}. */
    public void fmsub_d(int fd, int fs1, int fs2, int fs3, Rounding rm) {
        emit(r4(0x47, 1, fd, fs1, fs2, fs3, rm));
    }

    /** {@code fnmsub.d fd, fs1, fs2, fs3}: −(fs1 × fs2) + fs3. */
    public void fnmsub_d(int fd, int fs1, int fs2, int fs3) {
        emit(r4(0x4b, 1, fd, fs1, fs2, fs3, Rounding.DYN));
    }

    /** {@code fnmsub.d fd, fs1, fs2, fs3, rm}: −(fs1 × fs2) + fs3, rounded by {@code rm}. */
    public void fnmsub_d(int fd, int fs1, int fs2, int fs3, Rounding rm) {
        emit(r4(0x4b, 1, fd, fs1, fs2, fs3, rm));
    }

    /** {@code fnmadd.d fd, fs1, fs2, fs3}: −(fs1 × fs2) − fs3. */
    public void fnmadd_d(int fd, int fs1, int fs2, int fs3) {
        emit(r4(0x4f, 1, fd, fs1, fs2, fs3, Rounding.DYN));
    }

    /** {@code fnmadd.d fd, fs1, fs2, fs3, rm}: −(fs1 × fs2) − fs3, rounded by {@code rm}. */
    public void fnmadd_d(int fd, int fs1, int fs2, int fs3, Rounding rm) {
        emit(r4(0x4f, 1, fd, fs1, fs2, fs3, rm));
    }

    /** {@code fadd.d fd, fs1, fs2}: sum. */
    public void fadd_d(int fd, int fs1, int fs2) {
        emit(fp(0x01, fd, fs1, fs2, Rounding.DYN));
    }

    /** {@code fadd.d fd, fs1, fs2, rm}: sum, rounded by {@code rm}. */
    public void fadd_d(int fd, int fs1, int fs2, Rounding rm) {
        emit(fp(0x01, fd, fs1, fs2, rm));
    }

    /** {@code fsub.d fd, fs1, fs2}: difference. */
    public void fsub_d(int fd, int fs1, int fs2) {
        emit(fp(0x05, fd, fs1, fs2, Rounding.DYN));
    }

    /** {@code fsub.d fd, fs1, fs2, rm}: difference, rounded by {@code rm}. */
    public void fsub_d(int fd, int fs1, int fs2, Rounding rm) {
        emit(fp(0x05, fd, fs1, fs2, rm));
    }

    /** {@code fmul.d fd, fs1, fs2}: product. */
    public void fmul_d(int fd, int fs1, int fs2) {
        emit(fp(0x09, fd, fs1, fs2, Rounding.DYN));
    }

    /** {@code fmul.d fd, fs1, fs2, rm}: product, rounded by {@code rm}. */
    public void fmul_d(int fd, int fs1, int fs2, Rounding rm) {
        emit(fp(0x09, fd, fs1, fs2, rm));
    }

    /** {@code fdiv.d fd, fs1, fs2}: quotient. */
    public void fdiv_d(int fd, int fs1, int fs2) {
        emit(fp(0x0d, fd, fs1, fs2, Rounding.DYN));
    }

    /** {@code fdiv.d fd, fs1, fs2, rm}: quotient, rounded by {@code rm}. */
    public void fdiv_d(int fd, int fs1, int fs2, Rounding rm) {
        emit(fp(0x0d, fd, fs1, fs2, rm));
    }

    /** {@code fsqrt.d fd, fs1}: square root. */
    public void fsqrt_d(int fd, int fs1) {
        emit(fp(0x2d, fd, fs1, 0, Rounding.DYN));
    }

    /** {@code fsqrt.d fd, fs1, rm}: square root, rounded by {@code rm}. */
    public void fsqrt_d(int fd, int fs1, Rounding rm) {
        emit(fp(0x2d, fd, fs1, 0, rm));
    }

    /** {@code fsgnj.d fd, fs1, fs2}: fs1 with the sign of fs2. */
    public void fsgnj_d(int fd, int fs1, int fs2) {
        emit(r(0x53, 0, 0x11, fd, fs1, fs2));
    }

    /** {@code fsgnjn.d fd, fs1, fs2}: fs1 with the opposite sign of fs2. */
    public void fsgnjn_d(int fd, int fs1, int fs2) {
        emit(r(0x53, 1, 0x11, fd, fs1, fs2));
    }

    /** {@code fsgnjx.d fd, fs1, fs2}: fs1 with the signs multiplied. */
    public void fsgnjx_d(int fd, int fs1, int fs2) {
        emit(r(0x53, 2, 0x11, fd, fs1, fs2));
    }

    /** {@code fmin.d fd, fs1, fs2}: the smaller. */
    public void fmin_d(int fd, int fs1, int fs2) {
        emit(r(0x53, 0, 0x15, fd, fs1, fs2));
    }

    /** {@code fmax.d fd, fs1, fs2}: the larger. */
    public void fmax_d(int fd, int fs1, int fs2) {
        emit(r(0x53, 1, 0x15, fd, fs1, fs2));
    }

    /** {@code feq.d rd, fs1, fs2}: equal, quiet. */
    public void feq_d(int rd, int fs1, int fs2) {
        emit(r(0x53, 2, 0x51, rd, fs1, fs2));
    }

    /** {@code flt.d rd, fs1, fs2}: less, signalling. */
    public void flt_d(int rd, int fs1, int fs2) {
        emit(r(0x53, 1, 0x51, rd, fs1, fs2));
    }

    /** {@code fle.d rd, fs1, fs2}: less or equal, signalling. */
    public void fle_d(int rd, int fs1, int fs2) {
        emit(r(0x53, 0, 0x51, rd, fs1, fs2));
    }

    /** {@code fclass.d rd, fs1}: the class as one of ten bits. */
    public void fclass_d(int rd, int fs1) {
        emit(r(0x53, 1, 0x71, rd, fs1, 0));
    }

    /** {@code fcvt.w.d rd, fs1}: to a 32-bit signed integer. */
    public void fcvt_w_d(int rd, int fs1) {
        emit(fp(0x61, rd, fs1, 0, Rounding.DYN));
    }

    /** {@code fcvt.w.d rd, fs1, rm}: to a 32-bit signed integer, rounded by {@code rm}. */
    public void fcvt_w_d(int rd, int fs1, Rounding rm) {
        emit(fp(0x61, rd, fs1, 0, rm));
    }

    /** {@code fcvt.wu.d rd, fs1}: to a 32-bit unsigned integer. */
    public void fcvt_wu_d(int rd, int fs1) {
        emit(fp(0x61, rd, fs1, 1, Rounding.DYN));
    }

    /** {@code fcvt.wu.d rd, fs1, rm}: to a 32-bit unsigned integer, rounded by {@code rm}. */
    public void fcvt_wu_d(int rd, int fs1, Rounding rm) {
        emit(fp(0x61, rd, fs1, 1, rm));
    }

    /** {@code fcvt.l.d rd, fs1}: to a 64-bit signed integer. */
    public void fcvt_l_d(int rd, int fs1) {
        emit(fp(0x61, rd, fs1, 2, Rounding.DYN));
    }

    /** {@code fcvt.l.d rd, fs1, rm}: to a 64-bit signed integer, rounded by {@code rm}. */
    public void fcvt_l_d(int rd, int fs1, Rounding rm) {
        emit(fp(0x61, rd, fs1, 2, rm));
    }

    /** {@code fcvt.lu.d rd, fs1}: to a 64-bit unsigned integer. */
    public void fcvt_lu_d(int rd, int fs1) {
        emit(fp(0x61, rd, fs1, 3, Rounding.DYN));
    }

    /** {@code fcvt.lu.d rd, fs1, rm}: to a 64-bit unsigned integer, rounded by {@code rm}. */
    public void fcvt_lu_d(int rd, int fs1, Rounding rm) {
        emit(fp(0x61, rd, fs1, 3, rm));
    }

    /** {@code fcvt.d.w fd, rs1}: from a 32-bit signed integer, exact. */
    public void fcvt_d_w(int fd, int rs1) {
        emit(fp(0x69, fd, rs1, 0, Rounding.RNE));
    }

    /** {@code fcvt.d.wu fd, rs1}: from a 32-bit unsigned integer, exact. */
    public void fcvt_d_wu(int fd, int rs1) {
        emit(fp(0x69, fd, rs1, 1, Rounding.RNE));
    }

    /** {@code fcvt.d.l fd, rs1}: from a 64-bit signed integer. */
    public void fcvt_d_l(int fd, int rs1) {
        emit(fp(0x69, fd, rs1, 2, Rounding.DYN));
    }

    /** {@code fcvt.d.l fd, rs1, rm}: from a 64-bit signed integer, rounded by {@code rm}. */
    public void fcvt_d_l(int fd, int rs1, Rounding rm) {
        emit(fp(0x69, fd, rs1, 2, rm));
    }

    /** {@code fcvt.d.lu fd, rs1}: from a 64-bit unsigned integer. */
    public void fcvt_d_lu(int fd, int rs1) {
        emit(fp(0x69, fd, rs1, 3, Rounding.DYN));
    }

    /** {@code fcvt.d.lu fd, rs1, rm}: from a 64-bit unsigned integer, rounded by {@code rm}. */
    public void fcvt_d_lu(int fd, int rs1, Rounding rm) {
        emit(fp(0x69, fd, rs1, 3, rm));
    }

    /** {@code fcvt.s.d fd, fs1}: from double to single. */
    public void fcvt_s_d(int fd, int fs1) {
        emit(fp(0x20, fd, fs1, 1, Rounding.DYN));
    }

    /** {@code fcvt.s.d fd, fs1, rm}: from double to single, rounded by {@code rm}. */
    public void fcvt_s_d(int fd, int fs1, Rounding rm) {
        emit(fp(0x20, fd, fs1, 1, rm));
    }

    /** {@code fcvt.d.s fd, fs1}: from single to double, exact. */
    public void fcvt_d_s(int fd, int fs1) {
        emit(fp(0x21, fd, fs1, 0, Rounding.RNE));
    }

    /** {@code fmv.x.d rd, fs1}: the raw bits to an integer register. */
    public void fmv_x_d(int rd, int fs1) {
        emit(r(0x53, 0, 0x71, rd, fs1, 0));
    }

    /** {@code fmv.d.x fd, rs1}: the raw bits from an integer register. */
    public void fmv_d_x(int fd, int rs1) {
        emit(r(0x53, 0, 0x79, fd, rs1, 0));
    }

    /** {@code fmv.d fd, fs1}: copies. */
    public void fmv_d(int fd, int fs1) {
        fsgnj_d(fd, fs1, fs1);
    }

    /** {@code fneg.d fd, fs1}: negates. */
    public void fneg_d(int fd, int fs1) {
        fsgnjn_d(fd, fs1, fs1);
    }

    /** {@code fabs.d fd, fs1}: absolute value. */
    public void fabs_d(int fd, int fs1) {
        fsgnjx_d(fd, fs1, fs1);
    }
}
