package dev.dalang.testkit.riscv;

/**
 * Zicsr, Zifencei, the cache-block extensions (unprivileged spec §6, §7, §8.4) and the privileged
 * instructions with Svinval (privileged spec §3.3, §10.2, §13).
 */
abstract class SystemInstructions extends CompressedInstructions {
    SystemInstructions(long origin) {
        super(origin);
    }

    /** {@code csrrw rd, csr, rs1}: swaps. */
    public void csrrw(int rd, int csr, int rs1) {
        emit(csr(1, rd, csr, register(rs1)));
    }

    /** {@code csrrs rd, csr, rs1}: reads and sets bits. */
    public void csrrs(int rd, int csr, int rs1) {
        emit(csr(2, rd, csr, register(rs1)));
    }

    /** {@code csrrc rd, csr, rs1}: reads and clears bits. */
    public void csrrc(int rd, int csr, int rs1) {
        emit(csr(3, rd, csr, register(rs1)));
    }

    /** {@code csrrwi rd, csr, uimm5}: swaps with an immediate. */
    public void csrrwi(int rd, int csr, int uimm5) {
        emit(csr(5, rd, csr, unsigned(uimm5, 5)));
    }

    /** {@code csrrsi rd, csr, uimm5}: reads and sets bits. */
    public void csrrsi(int rd, int csr, int uimm5) {
        emit(csr(6, rd, csr, unsigned(uimm5, 5)));
    }

    /** {@code csrrci rd, csr, uimm5}: reads and clears bits. */
    public void csrrci(int rd, int csr, int uimm5) {
        emit(csr(7, rd, csr, unsigned(uimm5, 5)));
    }

    /** {@code fence.i}: makes stores visible to instruction fetches. */
    public void fence_i() {
        emit(0x0000100f);
    }

    /** {@code mret}: returns from a trap in M-mode. */
    public void mret() {
        emit(0x30200073);
    }

    /** {@code sret}: returns from a trap in S-mode. */
    public void sret() {
        emit(0x10200073);
    }

    /** {@code wfi}: waits for an interrupt. */
    public void wfi() {
        emit(0x10500073);
    }

    /** {@code sfence.vma rs1, rs2}: orders page-table stores before translations. */
    public void sfence_vma(int rs1, int rs2) {
        emit(r(0x73, 0, 0x09, 0, rs1, rs2));
    }

    /** {@code sinval.vma rs1, rs2}: drops translations between the two fences of Svinval. */
    public void sinval_vma(int rs1, int rs2) {
        emit(r(0x73, 0, 0x0b, 0, rs1, rs2));
    }

    /** {@code sfence.w.inval}: orders stores before {@code sinval.vma}. */
    public void sfence_w_inval() {
        emit(0x18000073);
    }

    /** {@code sfence.inval.ir}: orders {@code sinval.vma} before translations. */
    public void sfence_inval_ir() {
        emit(0x18100073);
    }

    /** {@code cbo.inval (base)}: invalidates a cache block. */
    public void cbo_inval(int base) {
        emit(i(0x0f, 2, 0, base, 0));
    }

    /** {@code cbo.clean (base)}: writes back a cache block. */
    public void cbo_clean(int base) {
        emit(i(0x0f, 2, 0, base, 1));
    }

    /** {@code cbo.flush (base)}: writes back and invalidates a cache block. */
    public void cbo_flush(int base) {
        emit(i(0x0f, 2, 0, base, 2));
    }

    /** {@code cbo.zero (base)}: zeroes a cache block. */
    public void cbo_zero(int base) {
        emit(i(0x0f, 2, 0, base, 4));
    }

    /**
     * {@code prefetch.i offset32(base)}: a hint that an instruction fetch will come; a multiple of
     * 32.
     */
    public void prefetch_i(int offset32, int base) {
        emit(prefetch(0, offset32, base));
    }

    /** {@code prefetch.r offset32(base)}: a hint that a load will come; a multiple of 32. */
    public void prefetch_r(int offset32, int base) {
        emit(prefetch(1, offset32, base));
    }

    /** {@code prefetch.w offset32(base)}: a hint that a store will come; a multiple of 32. */
    public void prefetch_w(int offset32, int base) {
        emit(prefetch(3, offset32, base));
    }
}
