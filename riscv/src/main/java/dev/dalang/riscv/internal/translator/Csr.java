package dev.dalang.riscv.internal.translator;

import static dev.dalang.riscv.internal.core.Csrs.CYCLE;
import static dev.dalang.riscv.internal.core.Csrs.FCSR;
import static dev.dalang.riscv.internal.core.Csrs.FFLAGS;
import static dev.dalang.riscv.internal.core.Csrs.INSTRET;
import static dev.dalang.riscv.internal.core.Csrs.SCAUSE;
import static dev.dalang.riscv.internal.core.Csrs.SEPC;
import static dev.dalang.riscv.internal.core.Csrs.SIE;
import static dev.dalang.riscv.internal.core.Csrs.SIP;
import static dev.dalang.riscv.internal.core.Csrs.SSCRATCH;
import static dev.dalang.riscv.internal.core.Csrs.SSTATUS;
import static dev.dalang.riscv.internal.core.Csrs.STIMECMP;
import static dev.dalang.riscv.internal.core.Csrs.STVAL;
import static dev.dalang.riscv.internal.core.Csrs.TIME;

/** Which control and status registers a region may touch without being left. */
final class Csr {

    private Csr() {}

    /**
     * Whether an access neither changes how addresses are translated nor is so rare that it is not
     * worth the code. What it may change (the data context through SUM, floating point, pending
     * interrupts) the region looks at afterwards.
     */
    static boolean staysInside(int number) {
        return switch (number) {
            case FFLAGS, FCSR -> true;
            case SSTATUS, SIE, SSCRATCH, SEPC, SCAUSE, STVAL, SIP, STIMECMP -> true;
            case CYCLE, TIME, INSTRET -> true;
            default -> false;
        };
    }
}
