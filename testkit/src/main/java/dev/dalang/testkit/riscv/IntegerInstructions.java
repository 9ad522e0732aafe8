package dev.dalang.testkit.riscv;

/** RV64I and the M extension (unprivileged spec §2, §4, §13). */
abstract class IntegerInstructions extends Encoder {
    IntegerInstructions(long origin) {
        super(origin);
    }

    /** {@code lui rd, imm20}: rd = imm20 shifted left by 12, sign-extended. */
    public void lui(int rd, int imm20) {
        emit(u(0x37, rd, imm20));
    }

    /** {@code auipc rd, imm20}: rd = pc + imm20 shifted left by 12. */
    public void auipc(int rd, int imm20) {
        emit(u(0x17, rd, imm20));
    }

    /**
     * {@code jal rd, target}: jump by {@code target} bytes; rd = address of the next instruction.
     */
    public void jal(int rd, int target) {
        emit(j(rd, target));
    }

    /** {@code jal rd, target}: jump; rd = address of the next instruction. */
    public void jal(int rd, Label target) {
        emitJump(rd, target);
    }

    /** {@code jalr rd, offset(base)}: indirect jump; rd = address of the next instruction. */
    public void jalr(int rd, int offset, int base) {
        emit(i(0x67, 0, rd, base, offset));
    }

    /** {@code beq rs1, rs2, target}: branch by {@code target} bytes if equal. */
    public void beq(int rs1, int rs2, int target) {
        emit(b(0, rs1, rs2, target));
    }

    /** {@code beq rs1, rs2, target}: branch if equal. */
    public void beq(int rs1, int rs2, Label target) {
        emitBranch(0, rs1, rs2, target);
    }

    /** {@code bne rs1, rs2, target}: branch by {@code target} bytes if not equal. */
    public void bne(int rs1, int rs2, int target) {
        emit(b(1, rs1, rs2, target));
    }

    /** {@code bne rs1, rs2, target}: branch if not equal. */
    public void bne(int rs1, int rs2, Label target) {
        emitBranch(1, rs1, rs2, target);
    }

    /** {@code blt rs1, rs2, target}: branch by {@code target} bytes if less, signed. */
    public void blt(int rs1, int rs2, int target) {
        emit(b(4, rs1, rs2, target));
    }

    /** {@code blt rs1, rs2, target}: branch if less, signed. */
    public void blt(int rs1, int rs2, Label target) {
        emitBranch(4, rs1, rs2, target);
    }

    /** {@code bge rs1, rs2, target}: branch by {@code target} bytes if greater or equal, signed. */
    public void bge(int rs1, int rs2, int target) {
        emit(b(5, rs1, rs2, target));
    }

    /** {@code bge rs1, rs2, target}: branch if greater or equal, signed. */
    public void bge(int rs1, int rs2, Label target) {
        emitBranch(5, rs1, rs2, target);
    }

    /** {@code bltu rs1, rs2, target}: branch by {@code target} bytes if less, unsigned. */
    public void bltu(int rs1, int rs2, int target) {
        emit(b(6, rs1, rs2, target));
    }

    /** {@code bltu rs1, rs2, target}: branch if less, unsigned. */
    public void bltu(int rs1, int rs2, Label target) {
        emitBranch(6, rs1, rs2, target);
    }

    /**
     * {@code bgeu rs1, rs2, target}: branch by {@code target} bytes if greater or equal, unsigned.
     */
    public void bgeu(int rs1, int rs2, int target) {
        emit(b(7, rs1, rs2, target));
    }

    /** {@code bgeu rs1, rs2, target}: branch if greater or equal, unsigned. */
    public void bgeu(int rs1, int rs2, Label target) {
        emitBranch(7, rs1, rs2, target);
    }

    /** {@code lb rd, offset(base)}: loads a signed byte. */
    public void lb(int rd, int offset, int base) {
        emit(i(0x03, 0, rd, base, offset));
    }

    /** {@code lh rd, offset(base)}: loads a signed half-word. */
    public void lh(int rd, int offset, int base) {
        emit(i(0x03, 1, rd, base, offset));
    }

    /** {@code lw rd, offset(base)}: loads a signed word. */
    public void lw(int rd, int offset, int base) {
        emit(i(0x03, 2, rd, base, offset));
    }

    /** {@code ld rd, offset(base)}: loads a double-word. */
    public void ld(int rd, int offset, int base) {
        emit(i(0x03, 3, rd, base, offset));
    }

    /** {@code lbu rd, offset(base)}: loads a unsigned byte. */
    public void lbu(int rd, int offset, int base) {
        emit(i(0x03, 4, rd, base, offset));
    }

    /** {@code lhu rd, offset(base)}: loads a unsigned half-word. */
    public void lhu(int rd, int offset, int base) {
        emit(i(0x03, 5, rd, base, offset));
    }

    /** {@code lwu rd, offset(base)}: loads a unsigned word. */
    public void lwu(int rd, int offset, int base) {
        emit(i(0x03, 6, rd, base, offset));
    }

    /** {@code sb rs2, offset(base)}: stores a byte. */
    public void sb(int rs2, int offset, int base) {
        emit(s(0x23, 0, rs2, base, offset));
    }

    /** {@code sh rs2, offset(base)}: stores a half-word. */
    public void sh(int rs2, int offset, int base) {
        emit(s(0x23, 1, rs2, base, offset));
    }

    /** {@code sw rs2, offset(base)}: stores a word. */
    public void sw(int rs2, int offset, int base) {
        emit(s(0x23, 2, rs2, base, offset));
    }

    /** {@code sd rs2, offset(base)}: stores a double-word. */
    public void sd(int rs2, int offset, int base) {
        emit(s(0x23, 3, rs2, base, offset));
    }

    /** {@code addi rd, rs1, imm12}: rd = rs1 + imm12. */
    public void addi(int rd, int rs1, int imm12) {
        emit(i(0x13, 0, rd, rs1, imm12));
    }

    /** {@code slti rd, rs1, imm12}: rd = rs1 < imm12, signed. */
    public void slti(int rd, int rs1, int imm12) {
        emit(i(0x13, 2, rd, rs1, imm12));
    }

    /** {@code sltiu rd, rs1, imm12}: rd = rs1 < imm12, unsigned. */
    public void sltiu(int rd, int rs1, int imm12) {
        emit(i(0x13, 3, rd, rs1, imm12));
    }

    /** {@code xori rd, rs1, imm12}: exclusive or. */
    public void xori(int rd, int rs1, int imm12) {
        emit(i(0x13, 4, rd, rs1, imm12));
    }

    /** {@code ori rd, rs1, imm12}: inclusive or. */
    public void ori(int rd, int rs1, int imm12) {
        emit(i(0x13, 6, rd, rs1, imm12));
    }

    /** {@code andi rd, rs1, imm12}: and. */
    public void andi(int rd, int rs1, int imm12) {
        emit(i(0x13, 7, rd, rs1, imm12));
    }

    /** {@code slli rd, rs1, shamt6}: shift left. */
    public void slli(int rd, int rs1, int shamt6) {
        emit(shift64(0x13, 1, 0x00, rd, rs1, shamt6));
    }

    /** {@code srli rd, rs1, shamt6}: logical shift right. */
    public void srli(int rd, int rs1, int shamt6) {
        emit(shift64(0x13, 5, 0x00, rd, rs1, shamt6));
    }

    /** {@code srai rd, rs1, shamt6}: arithmetic shift right. */
    public void srai(int rd, int rs1, int shamt6) {
        emit(shift64(0x13, 5, 0x10, rd, rs1, shamt6));
    }

    /** {@code addiw rd, rs1, imm12}: 32-bit sum, sign-extended. */
    public void addiw(int rd, int rs1, int imm12) {
        emit(i(0x1b, 0, rd, rs1, imm12));
    }

    /** {@code slliw rd, rs1, shamt5}: 32-bit shift left. */
    public void slliw(int rd, int rs1, int shamt5) {
        emit(shift32(0x1b, 1, 0x00, rd, rs1, shamt5));
    }

    /** {@code srliw rd, rs1, shamt5}: 32-bit logical shift right. */
    public void srliw(int rd, int rs1, int shamt5) {
        emit(shift32(0x1b, 5, 0x00, rd, rs1, shamt5));
    }

    /** {@code sraiw rd, rs1, shamt5}: 32-bit arithmetic shift right. */
    public void sraiw(int rd, int rs1, int shamt5) {
        emit(shift32(0x1b, 5, 0x20, rd, rs1, shamt5));
    }

    /** {@code add rd, rs1, rs2}: sum. */
    public void add(int rd, int rs1, int rs2) {
        emit(r(0x33, 0, 0x00, rd, rs1, rs2));
    }

    /** {@code sub rd, rs1, rs2}: difference. */
    public void sub(int rd, int rs1, int rs2) {
        emit(r(0x33, 0, 0x20, rd, rs1, rs2));
    }

    /** {@code sll rd, rs1, rs2}: shift left. */
    public void sll(int rd, int rs1, int rs2) {
        emit(r(0x33, 1, 0x00, rd, rs1, rs2));
    }

    /** {@code slt rd, rs1, rs2}: rd = rs1 < rs2, signed. */
    public void slt(int rd, int rs1, int rs2) {
        emit(r(0x33, 2, 0x00, rd, rs1, rs2));
    }

    /** {@code sltu rd, rs1, rs2}: rd = rs1 < rs2, unsigned. */
    public void sltu(int rd, int rs1, int rs2) {
        emit(r(0x33, 3, 0x00, rd, rs1, rs2));
    }

    /** {@code xor rd, rs1, rs2}: exclusive or. */
    public void xor(int rd, int rs1, int rs2) {
        emit(r(0x33, 4, 0x00, rd, rs1, rs2));
    }

    /** {@code srl rd, rs1, rs2}: logical shift right. */
    public void srl(int rd, int rs1, int rs2) {
        emit(r(0x33, 5, 0x00, rd, rs1, rs2));
    }

    /** {@code sra rd, rs1, rs2}: arithmetic shift right. */
    public void sra(int rd, int rs1, int rs2) {
        emit(r(0x33, 5, 0x20, rd, rs1, rs2));
    }

    /** {@code or rd, rs1, rs2}: inclusive or. */
    public void or(int rd, int rs1, int rs2) {
        emit(r(0x33, 6, 0x00, rd, rs1, rs2));
    }

    /** {@code and rd, rs1, rs2}: and. */
    public void and(int rd, int rs1, int rs2) {
        emit(r(0x33, 7, 0x00, rd, rs1, rs2));
    }

    /** {@code addw rd, rs1, rs2}: 32-bit sum. */
    public void addw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 0, 0x00, rd, rs1, rs2));
    }

    /** {@code subw rd, rs1, rs2}: 32-bit difference. */
    public void subw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 0, 0x20, rd, rs1, rs2));
    }

    /** {@code sllw rd, rs1, rs2}: 32-bit shift left. */
    public void sllw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 1, 0x00, rd, rs1, rs2));
    }

    /** {@code srlw rd, rs1, rs2}: 32-bit logical shift right. */
    public void srlw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 5, 0x00, rd, rs1, rs2));
    }

    /** {@code sraw rd, rs1, rs2}: 32-bit arithmetic shift right. */
    public void sraw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 5, 0x20, rd, rs1, rs2));
    }

    /** {@code fence predecessor, successor}: orders memory; masks of I 8, O 4, R 2, W 1. */
    public void fence(int predecessor, int successor) {
        emit(fenceWord(predecessor, successor));
    }

    /** {@code fence}: orders everything. */
    public void fence() {
        fence(15, 15);
    }

    /** {@code fence.tso}: orders all but a store before a load. */
    public void fence_tso() {
        emit(0x8330000f);
    }

    /** {@code pause}: a hint that the hart spins (Zihintpause). */
    public void pause() {
        emit(0x0100000f);
    }

    /** {@code ecall}: environment call. */
    public void ecall() {
        emit(0x00000073);
    }

    /** {@code ebreak}: breakpoint. */
    public void ebreak() {
        emit(0x00100073);
    }

    /** {@code mul rd, rs1, rs2}: low half of the product. */
    public void mul(int rd, int rs1, int rs2) {
        emit(r(0x33, 0, 0x01, rd, rs1, rs2));
    }

    /** {@code mulh rd, rs1, rs2}: high half, signed. */
    public void mulh(int rd, int rs1, int rs2) {
        emit(r(0x33, 1, 0x01, rd, rs1, rs2));
    }

    /** {@code mulhsu rd, rs1, rs2}: high half, signed by unsigned. */
    public void mulhsu(int rd, int rs1, int rs2) {
        emit(r(0x33, 2, 0x01, rd, rs1, rs2));
    }

    /** {@code mulhu rd, rs1, rs2}: high half, unsigned. */
    public void mulhu(int rd, int rs1, int rs2) {
        emit(r(0x33, 3, 0x01, rd, rs1, rs2));
    }

    /** {@code div rd, rs1, rs2}: quotient, signed. */
    public void div(int rd, int rs1, int rs2) {
        emit(r(0x33, 4, 0x01, rd, rs1, rs2));
    }

    /** {@code divu rd, rs1, rs2}: quotient, unsigned. */
    public void divu(int rd, int rs1, int rs2) {
        emit(r(0x33, 5, 0x01, rd, rs1, rs2));
    }

    /** {@code rem rd, rs1, rs2}: remainder, signed. */
    public void rem(int rd, int rs1, int rs2) {
        emit(r(0x33, 6, 0x01, rd, rs1, rs2));
    }

    /** {@code remu rd, rs1, rs2}: remainder, unsigned. */
    public void remu(int rd, int rs1, int rs2) {
        emit(r(0x33, 7, 0x01, rd, rs1, rs2));
    }

    /** {@code mulw rd, rs1, rs2}: 32-bit product. */
    public void mulw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 0, 0x01, rd, rs1, rs2));
    }

    /** {@code divw rd, rs1, rs2}: 32-bit quotient, signed. */
    public void divw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 4, 0x01, rd, rs1, rs2));
    }

    /** {@code divuw rd, rs1, rs2}: 32-bit quotient, unsigned. */
    public void divuw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 5, 0x01, rd, rs1, rs2));
    }

    /** {@code remw rd, rs1, rs2}: 32-bit remainder, signed. */
    public void remw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 6, 0x01, rd, rs1, rs2));
    }

    /** {@code remuw rd, rs1, rs2}: 32-bit remainder, unsigned. */
    public void remuw(int rd, int rs1, int rs2) {
        emit(r(0x3b, 7, 0x01, rd, rs1, rs2));
    }
}
