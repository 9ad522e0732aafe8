package dev.dalang.testkit.riscv;

/** The A extension, Zacas and Zawrs (unprivileged spec §14 to §16). */
abstract class AtomicInstructions extends IntegerInstructions {
    AtomicInstructions(long origin) {
        super(origin);
    }

    /** {@code lr.w rd, (base)}: loads a word and reserves it. */
    public void lr_w(int rd, int base) {
        emit(amo(2, 0x02, rd, base, 0, Ordering.RELAXED));
    }

    /** {@code lr.w rd, (base)}: loads a word and reserves it, ordered. */
    public void lr_w(int rd, int base, Ordering ordering) {
        emit(amo(2, 0x02, rd, base, 0, ordering));
    }

    /** {@code sc.w rd, rs2, (base)}: stores a word if the reservation holds; rd = 0 then. */
    public void sc_w(int rd, int rs2, int base) {
        emit(amo(2, 0x03, rd, base, rs2, Ordering.RELAXED));
    }

    /**
     * {@code sc.w rd, rs2, (base)}: stores a word if the reservation holds; rd = 0 then, ordered.
     */
    public void sc_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x03, rd, base, rs2, ordering));
    }

    /** {@code amoswap.w rd, rs2, (base)}: atomic swap on a word. */
    public void amoswap_w(int rd, int rs2, int base) {
        emit(amo(2, 0x01, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoswap.w rd, rs2, (base)}: atomic swap on a word, ordered. */
    public void amoswap_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x01, rd, base, rs2, ordering));
    }

    /** {@code amoadd.w rd, rs2, (base)}: atomic add on a word. */
    public void amoadd_w(int rd, int rs2, int base) {
        emit(amo(2, 0x00, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoadd.w rd, rs2, (base)}: atomic add on a word, ordered. */
    public void amoadd_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x00, rd, base, rs2, ordering));
    }

    /** {@code amoxor.w rd, rs2, (base)}: atomic xor on a word. */
    public void amoxor_w(int rd, int rs2, int base) {
        emit(amo(2, 0x04, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoxor.w rd, rs2, (base)}: atomic xor on a word, ordered. */
    public void amoxor_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x04, rd, base, rs2, ordering));
    }

    /** {@code amoand.w rd, rs2, (base)}: atomic and on a word. */
    public void amoand_w(int rd, int rs2, int base) {
        emit(amo(2, 0x0c, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoand.w rd, rs2, (base)}: atomic and on a word, ordered. */
    public void amoand_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x0c, rd, base, rs2, ordering));
    }

    /** {@code amoor.w rd, rs2, (base)}: atomic or on a word. */
    public void amoor_w(int rd, int rs2, int base) {
        emit(amo(2, 0x08, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoor.w rd, rs2, (base)}: atomic or on a word, ordered. */
    public void amoor_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x08, rd, base, rs2, ordering));
    }

    /** {@code amomin.w rd, rs2, (base)}: atomic min on a word. */
    public void amomin_w(int rd, int rs2, int base) {
        emit(amo(2, 0x10, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amomin.w rd, rs2, (base)}: atomic min on a word, ordered. */
    public void amomin_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x10, rd, base, rs2, ordering));
    }

    /** {@code amomax.w rd, rs2, (base)}: atomic max on a word. */
    public void amomax_w(int rd, int rs2, int base) {
        emit(amo(2, 0x14, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amomax.w rd, rs2, (base)}: atomic max on a word, ordered. */
    public void amomax_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x14, rd, base, rs2, ordering));
    }

    /** {@code amominu.w rd, rs2, (base)}: atomic minu on a word. */
    public void amominu_w(int rd, int rs2, int base) {
        emit(amo(2, 0x18, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amominu.w rd, rs2, (base)}: atomic minu on a word, ordered. */
    public void amominu_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x18, rd, base, rs2, ordering));
    }

    /** {@code amomaxu.w rd, rs2, (base)}: atomic maxu on a word. */
    public void amomaxu_w(int rd, int rs2, int base) {
        emit(amo(2, 0x1c, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amomaxu.w rd, rs2, (base)}: atomic maxu on a word, ordered. */
    public void amomaxu_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x1c, rd, base, rs2, ordering));
    }

    /** {@code amocas.w rd, rs2, (base)}: compares a word with rd and stores rs2 if equal. */
    public void amocas_w(int rd, int rs2, int base) {
        emit(amo(2, 0x05, rd, base, rs2, Ordering.RELAXED));
    }

    /**
     * {@code amocas.w rd, rs2, (base)}: compares a word with rd and stores rs2 if equal, ordered.
     */
    public void amocas_w(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(2, 0x05, rd, base, rs2, ordering));
    }

    /** {@code lr.d rd, (base)}: loads a double-word and reserves it. */
    public void lr_d(int rd, int base) {
        emit(amo(3, 0x02, rd, base, 0, Ordering.RELAXED));
    }

    /** {@code lr.d rd, (base)}: loads a double-word and reserves it, ordered. */
    public void lr_d(int rd, int base, Ordering ordering) {
        emit(amo(3, 0x02, rd, base, 0, ordering));
    }

    /** {@code sc.d rd, rs2, (base)}: stores a double-word if the reservation holds; rd = 0 then. */
    public void sc_d(int rd, int rs2, int base) {
        emit(amo(3, 0x03, rd, base, rs2, Ordering.RELAXED));
    }

    /**
     * {@code sc.d rd, rs2, (base)}: stores a double-word if the reservation holds; rd = 0 then,
     * ordered.
     */
    public void sc_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x03, rd, base, rs2, ordering));
    }

    /** {@code amoswap.d rd, rs2, (base)}: atomic swap on a double-word. */
    public void amoswap_d(int rd, int rs2, int base) {
        emit(amo(3, 0x01, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoswap.d rd, rs2, (base)}: atomic swap on a double-word, ordered. */
    public void amoswap_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x01, rd, base, rs2, ordering));
    }

    /** {@code amoadd.d rd, rs2, (base)}: atomic add on a double-word. */
    public void amoadd_d(int rd, int rs2, int base) {
        emit(amo(3, 0x00, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoadd.d rd, rs2, (base)}: atomic add on a double-word, ordered. */
    public void amoadd_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x00, rd, base, rs2, ordering));
    }

    /** {@code amoxor.d rd, rs2, (base)}: atomic xor on a double-word. */
    public void amoxor_d(int rd, int rs2, int base) {
        emit(amo(3, 0x04, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoxor.d rd, rs2, (base)}: atomic xor on a double-word, ordered. */
    public void amoxor_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x04, rd, base, rs2, ordering));
    }

    /** {@code amoand.d rd, rs2, (base)}: atomic and on a double-word. */
    public void amoand_d(int rd, int rs2, int base) {
        emit(amo(3, 0x0c, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoand.d rd, rs2, (base)}: atomic and on a double-word, ordered. */
    public void amoand_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x0c, rd, base, rs2, ordering));
    }

    /** {@code amoor.d rd, rs2, (base)}: atomic or on a double-word. */
    public void amoor_d(int rd, int rs2, int base) {
        emit(amo(3, 0x08, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amoor.d rd, rs2, (base)}: atomic or on a double-word, ordered. */
    public void amoor_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x08, rd, base, rs2, ordering));
    }

    /** {@code amomin.d rd, rs2, (base)}: atomic min on a double-word. */
    public void amomin_d(int rd, int rs2, int base) {
        emit(amo(3, 0x10, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amomin.d rd, rs2, (base)}: atomic min on a double-word, ordered. */
    public void amomin_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x10, rd, base, rs2, ordering));
    }

    /** {@code amomax.d rd, rs2, (base)}: atomic max on a double-word. */
    public void amomax_d(int rd, int rs2, int base) {
        emit(amo(3, 0x14, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amomax.d rd, rs2, (base)}: atomic max on a double-word, ordered. */
    public void amomax_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x14, rd, base, rs2, ordering));
    }

    /** {@code amominu.d rd, rs2, (base)}: atomic minu on a double-word. */
    public void amominu_d(int rd, int rs2, int base) {
        emit(amo(3, 0x18, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amominu.d rd, rs2, (base)}: atomic minu on a double-word, ordered. */
    public void amominu_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x18, rd, base, rs2, ordering));
    }

    /** {@code amomaxu.d rd, rs2, (base)}: atomic maxu on a double-word. */
    public void amomaxu_d(int rd, int rs2, int base) {
        emit(amo(3, 0x1c, rd, base, rs2, Ordering.RELAXED));
    }

    /** {@code amomaxu.d rd, rs2, (base)}: atomic maxu on a double-word, ordered. */
    public void amomaxu_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x1c, rd, base, rs2, ordering));
    }

    /** {@code amocas.d rd, rs2, (base)}: compares a double-word with rd and stores rs2 if equal. */
    public void amocas_d(int rd, int rs2, int base) {
        emit(amo(3, 0x05, rd, base, rs2, Ordering.RELAXED));
    }

    /**
     * {@code amocas.d rd, rs2, (base)}: compares a double-word with rd and stores rs2 if equal,
     * ordered.
     */
    public void amocas_d(int rd, int rs2, int base, Ordering ordering) {
        emit(amo(3, 0x05, rd, base, rs2, ordering));
    }

    /**
     * {@code amocas.q rdEven, rs2Even, (base)}: compare and swap of the register pairs rdEven and
     * rs2Even.
     */
    public void amocas_q(int rdEven, int rs2Even, int base) {
        emit(amo(4, 0x05, even(rdEven), base, even(rs2Even), Ordering.RELAXED));
    }

    /**
     * {@code amocas.q rdEven, rs2Even, (base)}: compare and swap of the register pairs rdEven and
     * rs2Even, ordered.
     */
    public void amocas_q(int rdEven, int rs2Even, int base, Ordering ordering) {
        emit(amo(4, 0x05, even(rdEven), base, even(rs2Even), ordering));
    }

    /** {@code wrs.nto}: waits while the reservation holds. */
    public void wrs_nto() {
        emit(0x00d00073);
    }

    /** {@code wrs.sto}: waits a short time while the reservation holds. */
    public void wrs_sto() {
        emit(0x01d00073);
    }
}
