package dev.dalang.testkit.riscv;

/**
 * The C extension with doubles (unprivileged spec §26). Parameters that end in {@code c} name one
 * of the eight registers 8..15. Reserved forms and hints are refused; emit those as data.
 */
abstract class CompressedInstructions extends BitInstructions {
    CompressedInstructions(long origin) {
        super(origin);
    }

    /** {@code c.addi4spn rdc, uimm10}: rdc = sp + uimm10, a multiple of 4 that is not 0. */
    public void c_addi4spn(int rdc, int uimm10) {
        emit16(cAddi4spn(rdc, uimm10));
    }

    /** {@code c.fld fdc, offset(basec)}: loads a double. */
    public void c_fld(int fdc, int offset, int basec) {
        emit16(cMemory(1, 8, fdc, basec, offset));
    }

    /** {@code c.lw rdc, offset(basec)}: loads a word. */
    public void c_lw(int rdc, int offset, int basec) {
        emit16(cMemory(2, 4, rdc, basec, offset));
    }

    /** {@code c.ld rdc, offset(basec)}: loads a double-word. */
    public void c_ld(int rdc, int offset, int basec) {
        emit16(cMemory(3, 8, rdc, basec, offset));
    }

    /** {@code c.fsd fs2c, offset(basec)}: stores a double. */
    public void c_fsd(int fs2c, int offset, int basec) {
        emit16(cMemory(5, 8, fs2c, basec, offset));
    }

    /** {@code c.sw rs2c, offset(basec)}: stores a word. */
    public void c_sw(int rs2c, int offset, int basec) {
        emit16(cMemory(6, 4, rs2c, basec, offset));
    }

    /** {@code c.sd rs2c, offset(basec)}: stores a double-word. */
    public void c_sd(int rs2c, int offset, int basec) {
        emit16(cMemory(7, 8, rs2c, basec, offset));
    }

    /** {@code c.nop}: nothing. */
    public void c_nop() {
        emit16(0x0001);
    }

    /** {@code c.addi rdnz, imm6nz}: rd += imm6, neither of them 0. */
    public void c_addi(int rdnz, int imm6nz) {
        emit16(cImmediate(0, notZero(rdnz), notZero(imm6nz)));
    }

    /** {@code c.addiw rdnz, imm6}: 32-bit rd += imm6. */
    public void c_addiw(int rdnz, int imm6) {
        emit16(cImmediate(1, notZero(rdnz), imm6));
    }

    /** {@code c.li rdnz, imm6}: rd = imm6. */
    public void c_li(int rdnz, int imm6) {
        emit16(cImmediate(2, notZero(rdnz), imm6));
    }

    /** {@code c.addi16sp imm10}: sp += imm10, a multiple of 16 that is not 0. */
    public void c_addi16sp(int imm10) {
        emit16(cAddi16sp(imm10));
    }

    /** {@code c.lui rdlui, imm6nz}: rd = imm6 shifted left by 12; rd is neither 0 nor 2. */
    public void c_lui(int rdlui, int imm6nz) {
        emit16(cImmediate(3, luiTarget(rdlui), notZero(imm6nz)));
    }

    /** {@code c.srli rdc, shamt6nz}: logical shift right. */
    public void c_srli(int rdc, int shamt6nz) {
        emit16(cShift(0, rdc, notZero(shamt6nz)));
    }

    /** {@code c.srai rdc, shamt6nz}: arithmetic shift right. */
    public void c_srai(int rdc, int shamt6nz) {
        emit16(cShift(1, rdc, notZero(shamt6nz)));
    }

    /** {@code c.andi rdc, imm6}: and. */
    public void c_andi(int rdc, int imm6) {
        emit16(cAndi(rdc, imm6));
    }

    /** {@code c.sub rdc, rs2c}: difference. */
    public void c_sub(int rdc, int rs2c) {
        emit16(cArithmetic(0, 0, rdc, rs2c));
    }

    /** {@code c.xor rdc, rs2c}: exclusive or. */
    public void c_xor(int rdc, int rs2c) {
        emit16(cArithmetic(0, 1, rdc, rs2c));
    }

    /** {@code c.or rdc, rs2c}: inclusive or. */
    public void c_or(int rdc, int rs2c) {
        emit16(cArithmetic(0, 2, rdc, rs2c));
    }

    /** {@code c.and rdc, rs2c}: and. */
    public void c_and(int rdc, int rs2c) {
        emit16(cArithmetic(0, 3, rdc, rs2c));
    }

    /** {@code c.subw rdc, rs2c}: 32-bit difference. */
    public void c_subw(int rdc, int rs2c) {
        emit16(cArithmetic(1, 0, rdc, rs2c));
    }

    /** {@code c.addw rdc, rs2c}: 32-bit sum. */
    public void c_addw(int rdc, int rs2c) {
        emit16(cArithmetic(1, 1, rdc, rs2c));
    }

    /** {@code c.j target}: jump by {@code target} bytes. */
    public void c_j(int target) {
        emit16(cJump(target));
    }

    /** {@code c.j target}: jump. */
    public void c_j(Label target) {
        emitCompressedJump(target);
    }

    /** {@code c.beqz rs1c, target}: branch by {@code target} bytes if zero. */
    public void c_beqz(int rs1c, int target) {
        emit16(cBranch(6, rs1c, target));
    }

    /** {@code c.beqz rs1c, target}: branch if zero. */
    public void c_beqz(int rs1c, Label target) {
        emitCompressedBranch(6, rs1c, target);
    }

    /** {@code c.bnez rs1c, target}: branch by {@code target} bytes if not zero. */
    public void c_bnez(int rs1c, int target) {
        emit16(cBranch(7, rs1c, target));
    }

    /** {@code c.bnez rs1c, target}: branch if not zero. */
    public void c_bnez(int rs1c, Label target) {
        emitCompressedBranch(7, rs1c, target);
    }

    /** {@code c.slli rdnz, shamt6nz}: shift left. */
    public void c_slli(int rdnz, int shamt6nz) {
        emit16(cSlli(notZero(rdnz), notZero(shamt6nz)));
    }

    /** {@code c.fldsp fd, spOffset(sp)}: loads a double from the stack. */
    public void c_fldsp(int fd, int spOffset) {
        emit16(cStackLoad(1, 8, fd, spOffset));
    }

    /** {@code c.lwsp rdnz, spOffset(sp)}: loads a word from the stack. */
    public void c_lwsp(int rdnz, int spOffset) {
        emit16(cStackLoad(2, 4, notZero(rdnz), spOffset));
    }

    /** {@code c.ldsp rdnz, spOffset(sp)}: loads a double-word from the stack. */
    public void c_ldsp(int rdnz, int spOffset) {
        emit16(cStackLoad(3, 8, notZero(rdnz), spOffset));
    }

    /** {@code c.fsdsp fs2, spOffset(sp)}: stores a double on the stack. */
    public void c_fsdsp(int fs2, int spOffset) {
        emit16(cStackStore(5, 8, fs2, spOffset));
    }

    /** {@code c.swsp rs2, spOffset(sp)}: stores a word on the stack. */
    public void c_swsp(int rs2, int spOffset) {
        emit16(cStackStore(6, 4, rs2, spOffset));
    }

    /** {@code c.sdsp rs2, spOffset(sp)}: stores a double-word on the stack. */
    public void c_sdsp(int rs2, int spOffset) {
        emit16(cStackStore(7, 8, rs2, spOffset));
    }

    /** {@code c.jr rs1nz}: indirect jump. */
    public void c_jr(int rs1nz) {
        emit16(cRegister(0, notZero(rs1nz), 0));
    }

    /** {@code c.mv rdnz, rs2nz}: copies. */
    public void c_mv(int rdnz, int rs2nz) {
        emit16(cRegister(0, notZero(rdnz), notZero(rs2nz)));
    }

    /** {@code c.ebreak}: breakpoint. */
    public void c_ebreak() {
        emit16(0x9002);
    }

    /** {@code c.jalr rs1nz}: indirect call. */
    public void c_jalr(int rs1nz) {
        emit16(cRegister(1, notZero(rs1nz), 0));
    }

    /** {@code c.add rdnz, rs2nz}: sum. */
    public void c_add(int rdnz, int rs2nz) {
        emit16(cRegister(1, notZero(rdnz), notZero(rs2nz)));
    }
}
