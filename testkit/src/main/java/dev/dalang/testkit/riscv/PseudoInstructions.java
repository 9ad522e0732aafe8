package dev.dalang.testkit.riscv;

/** The pseudo-instructions of the assembly language: short sequences of instructions. */
abstract class PseudoInstructions extends SystemInstructions {
    PseudoInstructions(long origin) {
        super(origin);
    }

    /** {@code li rd, value}: up to eight instructions, none of them a load. */
    public void li(int rd, long value) {
        if (value == (int) value) {
            int low = ((int) value << 20) >> 20;
            int high = ((int) value - low) >>> 12;
            if (high == 0) {
                addi(rd, Registers.ZERO, low);
                return;
            }
            lui(rd, high);
            if (low != 0) {
                addiw(rd, rd, low);
            }
            return;
        }
        long low = (value << 52) >> 52;
        long rest = value - low;
        int shift = Long.numberOfTrailingZeros(rest);
        li(rd, rest >> shift);
        slli(rd, rd, shift);
        if (low != 0) {
            addi(rd, rd, (int) low);
        }
    }

    /** {@code la rd, label}: the address of a label within 2 GiB, in two instructions. */
    public void la(int rd, Label label) {
        emitPair(rd, i(0x13, 0, rd, rd, 0), label);
    }

    /** {@code call label}: a call within 2 GiB, in two instructions. */
    public void call(Label label) {
        emitPair(Registers.RA, i(0x67, 0, Registers.RA, Registers.RA, 0), label);
    }

    /** {@code tail label}: a jump within 2 GiB that uses {@code t1}, in two instructions. */
    public void tail(Label label) {
        emitPair(Registers.T1, i(0x67, 0, Registers.ZERO, Registers.T1, 0), label);
    }

    /** {@code nop}. */
    public void nop() {
        addi(0, 0, 0);
    }

    /** {@code unimp}: an instruction that is illegal for ever. */
    public void unimp() {
        emit(0xc0001073);
    }

    /** {@code mv rd, rs1}. */
    public void mv(int rd, int rs1) {
        addi(rd, rs1, 0);
    }

    /** {@code not rd, rs1}. */
    public void not(int rd, int rs1) {
        xori(rd, rs1, -1);
    }

    /** {@code neg rd, rs2}. */
    public void neg(int rd, int rs2) {
        sub(rd, 0, rs2);
    }

    /** {@code negw rd, rs2}. */
    public void negw(int rd, int rs2) {
        subw(rd, 0, rs2);
    }

    /** {@code sext.w rd, rs1}. */
    public void sext_w(int rd, int rs1) {
        addiw(rd, rs1, 0);
    }

    /** {@code zext.b rd, rs1}. */
    public void zext_b(int rd, int rs1) {
        andi(rd, rs1, 0xff);
    }

    /** {@code zext.w rd, rs1}. */
    public void zext_w(int rd, int rs1) {
        add_uw(rd, rs1, 0);
    }

    /** {@code seqz rd, rs1}. */
    public void seqz(int rd, int rs1) {
        sltiu(rd, rs1, 1);
    }

    /** {@code snez rd, rs2}. */
    public void snez(int rd, int rs2) {
        sltu(rd, 0, rs2);
    }

    /** {@code sltz rd, rs1}. */
    public void sltz(int rd, int rs1) {
        slt(rd, rs1, 0);
    }

    /** {@code sgtz rd, rs2}. */
    public void sgtz(int rd, int rs2) {
        slt(rd, 0, rs2);
    }

    /** {@code beqz rs, target}. */
    public void beqz(int rs, Label target) {
        beq(rs, 0, target);
    }

    /** {@code bnez rs, target}. */
    public void bnez(int rs, Label target) {
        bne(rs, 0, target);
    }

    /** {@code blez rs, target}. */
    public void blez(int rs, Label target) {
        bge(0, rs, target);
    }

    /** {@code bgez rs, target}. */
    public void bgez(int rs, Label target) {
        bge(rs, 0, target);
    }

    /** {@code bltz rs, target}. */
    public void bltz(int rs, Label target) {
        blt(rs, 0, target);
    }

    /** {@code bgtz rs, target}. */
    public void bgtz(int rs, Label target) {
        blt(0, rs, target);
    }

    /** {@code bgt rs, rt, target}. */
    public void bgt(int rs, int rt, Label target) {
        blt(rt, rs, target);
    }

    /** {@code ble rs, rt, target}. */
    public void ble(int rs, int rt, Label target) {
        bge(rt, rs, target);
    }

    /** {@code bgtu rs, rt, target}. */
    public void bgtu(int rs, int rt, Label target) {
        bltu(rt, rs, target);
    }

    /** {@code bleu rs, rt, target}. */
    public void bleu(int rs, int rt, Label target) {
        bgeu(rt, rs, target);
    }

    /** {@code j target}. */
    public void j(Label target) {
        jal(0, target);
    }

    /** {@code j target}: jump by {@code target} bytes. */
    public void j(int target) {
        jal(0, target);
    }

    /** {@code jr rs1}. */
    public void jr(int rs1) {
        jalr(0, 0, rs1);
    }

    /** {@code ret}. */
    public void ret() {
        jalr(0, 0, Registers.RA);
    }

    /** {@code csrr rd, csr}. */
    public void csrr(int rd, int csr) {
        csrrs(rd, csr, 0);
    }

    /** {@code csrw csr, rs1}. */
    public void csrw(int csr, int rs1) {
        csrrw(0, csr, rs1);
    }

    /** {@code csrs csr, rs1}. */
    public void csrs(int csr, int rs1) {
        csrrs(0, csr, rs1);
    }

    /** {@code csrc csr, rs1}. */
    public void csrc(int csr, int rs1) {
        csrrc(0, csr, rs1);
    }

    /** {@code csrwi csr, uimm5}. */
    public void csrwi(int csr, int uimm5) {
        csrrwi(0, csr, uimm5);
    }

    /** {@code csrsi csr, uimm5}. */
    public void csrsi(int csr, int uimm5) {
        csrrsi(0, csr, uimm5);
    }

    /** {@code csrci csr, uimm5}. */
    public void csrci(int csr, int uimm5) {
        csrrci(0, csr, uimm5);
    }

    /** {@code rdcycle rd}. */
    public void rdcycle(int rd) {
        csrr(rd, 0xc00);
    }

    /** {@code rdtime rd}. */
    public void rdtime(int rd) {
        csrr(rd, 0xc01);
    }

    /** {@code rdinstret rd}. */
    public void rdinstret(int rd) {
        csrr(rd, 0xc02);
    }

    /** {@code frflags rd}. */
    public void frflags(int rd) {
        csrr(rd, 1);
    }

    /** {@code frrm rd}. */
    public void frrm(int rd) {
        csrr(rd, 2);
    }

    /** {@code frcsr rd}. */
    public void frcsr(int rd) {
        csrr(rd, 3);
    }

    /** {@code fsflags rs1}. */
    public void fsflags(int rs1) {
        csrw(1, rs1);
    }

    /** {@code fsrm rs1}. */
    public void fsrm(int rs1) {
        csrw(2, rs1);
    }

    /** {@code fscsr rs1}. */
    public void fscsr(int rs1) {
        csrw(3, rs1);
    }

    /** {@code sfence.vma}: all address spaces, all addresses. */
    public void sfence_vma() {
        sfence_vma(0, 0);
    }
}
