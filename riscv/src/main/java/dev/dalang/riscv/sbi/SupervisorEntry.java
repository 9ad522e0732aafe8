package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;

import dev.dalang.riscv.Hart;
import dev.dalang.riscv.PrivilegeMode;

/**
 * Puts a hart where M-mode firmware leaves it: in S-mode, with everything that S-mode can handle
 * delegated to it. There is no M-mode code, so nothing may be left that traps to M-mode: all
 * exceptions but the environment calls from S and M are delegated, and no M-mode interrupt is
 * enabled.
 */
final class SupervisorEntry {
    private static final int CSR_STVEC = 0x105;
    private static final int CSR_SCOUNTEREN = 0x106;
    private static final int CSR_SSCRATCH = 0x140;
    private static final int CSR_STIMECMP = 0x14D;
    private static final int CSR_SATP = 0x180;
    private static final int CSR_MSTATUS = 0x300;
    private static final int CSR_MEDELEG = 0x302;
    private static final int CSR_MIDELEG = 0x303;
    private static final int CSR_MIE = 0x304;
    private static final int CSR_MTVEC = 0x305;
    private static final int CSR_MCOUNTEREN = 0x306;
    private static final int CSR_MENVCFG = 0x30A;
    private static final int CSR_MSTATEEN0 = 0x30C;
    private static final int CSR_MCOUNTINHIBIT = 0x320;
    private static final int CSR_MIP = 0x344;
    private static final int CSR_PMPCFG0 = 0x3A0;
    private static final int CSR_PMPADDR0 = 0x3B0;

    private static final long MSTATUS_FS_INITIAL = 1 << 13;

    /** Exceptions 0 to 8, 12, 13 and 15 (privileged spec table 14). */
    private static final long DELEGATED_EXCEPTIONS = 0xB1FF;

    /** Supervisor software, timer and external interrupts. */
    private static final long DELEGATED_INTERRUPTS = 1 << 1 | 1 << 5 | 1 << 9;

    /** cycle, time and instret; the other counters do not count. */
    private static final long COUNTERS = 0b111;

    /**
     * Sstc on, page-based memory types on, accessed and dirty bits set by hardware, and all cache
     * block operations allowed, with invalidation as itself (privileged spec §3.1.18).
     */
    private static final long MENVCFG =
            1L << 63 // STCE
                    | 1L << 62 // PBMTE
                    | 1L << 61 // ADUE
                    | 1L << 7 // CBZE
                    | 1L << 6 // CBCFE
                    | 0b11 << 4; // CBIE: invalidate

    /** SE0, ENVCFG, CSRIND, AIA, IMSIC: everything of Smstateen that this hart has. */
    private static final long MSTATEEN0 = 1L << 63 | 1L << 62 | 1L << 60 | 1L << 59 | 1L << 58;

    /** One entry over all addresses, naturally aligned, readable, writable, executable. */
    private static final long PMP_ALL_ADDRESSES = (1L << 54) - 1;

    private static final long PMP_NAPOT_RWX = 0b11 << 3 | 0b111;

    private SupervisorEntry() {}

    /** A hart that starts: nothing of what S-mode did before is left. */
    static void enter(Hart hart, long address, long opaque) {
        hart.setCsr(CSR_MIE, 0);
        hart.setCsr(CSR_MIDELEG, DELEGATED_INTERRUPTS);
        hart.setCsr(CSR_MIP, 0);
        hart.setCsr(CSR_MENVCFG, MENVCFG);
        hart.setCsr(CSR_STIMECMP, -1);
        resume(hart, address, opaque);
    }

    /** A hart that goes on after a suspension: as one that starts, but for its interrupts. */
    static void resume(Hart hart, long address, long opaque) {
        hart.setCsr(CSR_MSTATUS, MSTATUS_FS_INITIAL);
        hart.setCsr(CSR_MTVEC, 0);
        hart.setCsr(CSR_MEDELEG, DELEGATED_EXCEPTIONS);
        hart.setCsr(CSR_MIDELEG, DELEGATED_INTERRUPTS);
        hart.setCsr(CSR_MCOUNTEREN, COUNTERS);
        hart.setCsr(CSR_SCOUNTEREN, COUNTERS);
        hart.setCsr(CSR_MCOUNTINHIBIT, 0);
        hart.setCsr(CSR_MENVCFG, MENVCFG);
        hart.setCsr(CSR_MSTATEEN0, MSTATEEN0);
        hart.setCsr(CSR_PMPADDR0, PMP_ALL_ADDRESSES);
        hart.setCsr(CSR_PMPCFG0, PMP_NAPOT_RWX);
        hart.setCsr(CSR_SATP, 0);
        // Nowhere: a payload that traps before it has a handler shall stand, not run in circles.
        hart.setCsr(CSR_STVEC, 0);
        hart.setCsr(CSR_SSCRATCH, 0);
        hart.flushTlb();
        hart.fenceInstructions();
        hart.setPrivilege(PrivilegeMode.S);
        hart.setPc(address);
        hart.setRegister(A0, hart.id());
        hart.setRegister(A1, opaque);
    }
}
