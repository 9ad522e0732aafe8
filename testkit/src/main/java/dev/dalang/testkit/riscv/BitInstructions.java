package dev.dalang.testkit.riscv;

/** Zba, Zbb, Zbc, Zbs (unprivileged spec §30) and Zicond (§12). */
abstract class BitInstructions extends AdditionalFloatInstructions {
    BitInstructions(long origin) {
        super(origin);
    }

    /** {@code add.uw rd, rs1, rs2}: rs2 + zero-extended rs1. */
    public void add_uw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 0, 0x04, rd, rs1, rs2));
    }

    /** {@code sh1add rd, rs1, rs2}: rs2 + 2 × rs1. */
    public void sh1add(int rd, int rs1, int rs2) {
        emit(r(0x33, 2, 0x10, rd, rs1, rs2));
    }

    /** {@code sh2add rd, rs1, rs2}: rs2 + 4 × rs1. */
    public void sh2add(int rd, int rs1, int rs2) {
        emit(r(0x33, 4, 0x10, rd, rs1, rs2));
    }

    /** {@code sh3add rd, rs1, rs2}: rs2 + 8 × rs1. */
    public void sh3add(int rd, int rs1, int rs2) {
        emit(r(0x33, 6, 0x10, rd, rs1, rs2));
    }

    /** {@code sh1add.uw rd, rs1, rs2}: rs2 + 2 × zero-extended rs1. */
    public void sh1add_uw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 2, 0x10, rd, rs1, rs2));
    }

    /** {@code sh2add.uw rd, rs1, rs2}: rs2 + 4 × zero-extended rs1. */
    public void sh2add_uw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 4, 0x10, rd, rs1, rs2));
    }

    /** {@code sh3add.uw rd, rs1, rs2}: rs2 + 8 × zero-extended rs1. */
    public void sh3add_uw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 6, 0x10, rd, rs1, rs2));
    }

    /** {@code slli.uw rd, rs1, shamt6}: shifts the zero-extended word left. */
    public void slli_uw(int rd, int rs1, int shamt6) {
        emit(shift64(0x1b, 1, 0x02, rd, rs1, shamt6));
    }

    /** {@code andn rd, rs1, rs2}: and with the complement. */
    public void andn(int rd, int rs1, int rs2) {
        emit(r(0x33, 7, 0x20, rd, rs1, rs2));
    }

    /** {@code orn rd, rs1, rs2}: or with the complement. */
    public void orn(int rd, int rs1, int rs2) {
        emit(r(0x33, 6, 0x20, rd, rs1, rs2));
    }

    /** {@code xnor rd, rs1, rs2}: complement of exclusive or. */
    public void xnor(int rd, int rs1, int rs2) {
        emit(r(0x33, 4, 0x20, rd, rs1, rs2));
    }

    /** {@code clz rd, rs1}: leading zeros. */
    public void clz(int rd, int rs1) {
        emit(r(0x13, 1, 0x30, rd, rs1, 0));
    }

    /** {@code ctz rd, rs1}: trailing zeros. */
    public void ctz(int rd, int rs1) {
        emit(r(0x13, 1, 0x30, rd, rs1, 1));
    }

    /** {@code cpop rd, rs1}: one bits. */
    public void cpop(int rd, int rs1) {
        emit(r(0x13, 1, 0x30, rd, rs1, 2));
    }

    /** {@code clzw rd, rs1}: leading zeros of the word. */
    public void clzw(int rd, int rs1) {
        emit(r(0x1b, 1, 0x30, rd, rs1, 0));
    }

    /** {@code ctzw rd, rs1}: trailing zeros of the word. */
    public void ctzw(int rd, int rs1) {
        emit(r(0x1b, 1, 0x30, rd, rs1, 1));
    }

    /** {@code cpopw rd, rs1}: one bits of the word. */
    public void cpopw(int rd, int rs1) {
        emit(r(0x1b, 1, 0x30, rd, rs1, 2));
    }

    /** {@code sext.b rd, rs1}: sign-extends the byte. */
    public void sext_b(int rd, int rs1) {
        emit(r(0x13, 1, 0x30, rd, rs1, 4));
    }

    /** {@code sext.h rd, rs1}: sign-extends the half-word. */
    public void sext_h(int rd, int rs1) {
        emit(r(0x13, 1, 0x30, rd, rs1, 5));
    }

    /** {@code zext.h rd, rs1}: zero-extends the half-word. */
    public void zext_h(int rd, int rs1) {
        emit(r(0x3b, 4, 0x04, rd, rs1, 0));
    }

    /** {@code max rd, rs1, rs2}: the larger, signed. */
    public void max(int rd, int rs1, int rs2) {
        emit(r(0x33, 6, 0x05, rd, rs1, rs2));
    }

    /** {@code maxu rd, rs1, rs2}: the larger, unsigned. */
    public void maxu(int rd, int rs1, int rs2) {
        emit(r(0x33, 7, 0x05, rd, rs1, rs2));
    }

    /** {@code min rd, rs1, rs2}: the smaller, signed. */
    public void min(int rd, int rs1, int rs2) {
        emit(r(0x33, 4, 0x05, rd, rs1, rs2));
    }

    /** {@code minu rd, rs1, rs2}: the smaller, unsigned. */
    public void minu(int rd, int rs1, int rs2) {
        emit(r(0x33, 5, 0x05, rd, rs1, rs2));
    }

    /** {@code rol rd, rs1, rs2}: rotates left. */
    public void rol(int rd, int rs1, int rs2) {
        emit(r(0x33, 1, 0x30, rd, rs1, rs2));
    }

    /** {@code ror rd, rs1, rs2}: rotates right. */
    public void ror(int rd, int rs1, int rs2) {
        emit(r(0x33, 5, 0x30, rd, rs1, rs2));
    }

    /** {@code rolw rd, rs1, rs2}: rotates the word left. */
    public void rolw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 1, 0x30, rd, rs1, rs2));
    }

    /** {@code rorw rd, rs1, rs2}: rotates the word right. */
    public void rorw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 5, 0x30, rd, rs1, rs2));
    }

    /** {@code rori rd, rs1, shamt6}: rotates right. */
    public void rori(int rd, int rs1, int shamt6) {
        emit(shift64(0x13, 5, 0x18, rd, rs1, shamt6));
    }

    /** {@code roriw rd, rs1, shamt5}: rotates the word right. */
    public void roriw(int rd, int rs1, int shamt5) {
        emit(shift32(0x1b, 5, 0x30, rd, rs1, shamt5));
    }

    /** {@code orc.b rd, rs1}: each byte that is not zero becomes 0xff. */
    public void orc_b(int rd, int rs1) {
        emit(i(0x13, 5, rd, rs1, 0x287));
    }

    /** {@code rev8 rd, rs1}: reverses the bytes. */
    public void rev8(int rd, int rs1) {
        emit(i(0x13, 5, rd, rs1, 0x6b8));
    }

    /** {@code clmul rd, rs1, rs2}: low half of the carry-less product. */
    public void clmul(int rd, int rs1, int rs2) {
        emit(r(0x33, 1, 0x05, rd, rs1, rs2));
    }

    /** {@code clmulh rd, rs1, rs2}: high half of the carry-less product. */
    public void clmulh(int rd, int rs1, int rs2) {
        emit(r(0x33, 3, 0x05, rd, rs1, rs2));
    }

    /** {@code clmulr rd, rs1, rs2}: bits 126..63 of the carry-less product. */
    public void clmulr(int rd, int rs1, int rs2) {
        emit(r(0x33, 2, 0x05, rd, rs1, rs2));
    }

    /** {@code bclr rd, rs1, rs2}: clears a bit. */
    public void bclr(int rd, int rs1, int rs2) {
        emit(r(0x33, 1, 0x24, rd, rs1, rs2));
    }

    /** {@code bclri rd, rs1, shamt6}: clears a bit. */
    public void bclri(int rd, int rs1, int shamt6) {
        emit(shift64(0x13, 1, 0x12, rd, rs1, shamt6));
    }

    /** {@code bext rd, rs1, rs2}: extracts a bit. */
    public void bext(int rd, int rs1, int rs2) {
        emit(r(0x33, 5, 0x24, rd, rs1, rs2));
    }

    /** {@code bexti rd, rs1, shamt6}: extracts a bit. */
    public void bexti(int rd, int rs1, int shamt6) {
        emit(shift64(0x13, 5, 0x12, rd, rs1, shamt6));
    }

    /** {@code binv rd, rs1, rs2}: inverts a bit. */
    public void binv(int rd, int rs1, int rs2) {
        emit(r(0x33, 1, 0x34, rd, rs1, rs2));
    }

    /** {@code binvi rd, rs1, shamt6}: inverts a bit. */
    public void binvi(int rd, int rs1, int shamt6) {
        emit(shift64(0x13, 1, 0x1a, rd, rs1, shamt6));
    }

    /** {@code bset rd, rs1, rs2}: sets a bit. */
    public void bset(int rd, int rs1, int rs2) {
        emit(r(0x33, 1, 0x14, rd, rs1, rs2));
    }

    /** {@code bseti rd, rs1, shamt6}: sets a bit. */
    public void bseti(int rd, int rs1, int shamt6) {
        emit(shift64(0x13, 1, 0x0a, rd, rs1, shamt6));
    }

    /** {@code czero.eqz rd, rs1, rs2}: 0 if rs2 is 0, else rs1. */
    public void czero_eqz(int rd, int rs1, int rs2) {
        emit(r(0x33, 5, 0x07, rd, rs1, rs2));
    }

    /** {@code czero.nez rd, rs1, rs2}: 0 if rs2 is not 0, else rs1. */
    public void czero_nez(int rd, int rs1, int rs2) {
        emit(r(0x33, 7, 0x07, rd, rs1, rs2));
    }
}
