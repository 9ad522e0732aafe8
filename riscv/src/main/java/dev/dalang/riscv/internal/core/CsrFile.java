package dev.dalang.riscv.internal.core;

import static dev.dalang.riscv.internal.core.Csrs.*;

import dev.dalang.riscv.ImsicFile;

import org.jspecify.annotations.Nullable;

/**
 * The CSRs of one hart: what exists, who may touch it, and what a write makes of a value (WARL).
 * Belongs to the hart's thread. An access that is refused leaves {@link #illegal} set.
 */
public final class CsrFile {
    /** RV64 with A, C, D, F, I, M, S and U. */
    static final long MISA_VALUE =
            2L << 62 | bit('A') | bit('C') | bit('D') | bit('F') | bit('I') | bit('M') | bit('S')
                    | bit('U');

    private static final long SSTATUS_WRITABLE =
            MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR;
    private static final long MSTATUS_WRITABLE =
            SSTATUS_WRITABLE
                    | MSTATUS_MIE
                    | MSTATUS_MPIE
                    | MSTATUS_MPP
                    | MSTATUS_MPRV
                    | MSTATUS_TVM
                    | MSTATUS_TW
                    | MSTATUS_TSR;
    private static final long CONTEXT_BITS = MSTATUS_MPRV | MSTATUS_MPP | MSTATUS_SUM | MSTATUS_MXR;
    private static final long S_INTERRUPTS = 1L << SSI | 1L << STI | 1L << SEI;
    private static final long M_INTERRUPTS = 1L << MSI | 1L << MTI | 1L << MEI;

    /** All exceptions but the reserved ones and an environment call from M-mode. */
    private static final long DELEGABLE =
            1L << INSTRUCTION_ADDRESS_MISALIGNED
                    | 1L << INSTRUCTION_ACCESS_FAULT
                    | 1L << ILLEGAL_INSTRUCTION
                    | 1L << BREAKPOINT
                    | 1L << LOAD_ADDRESS_MISALIGNED
                    | 1L << LOAD_ACCESS_FAULT
                    | 1L << STORE_ADDRESS_MISALIGNED
                    | 1L << STORE_ACCESS_FAULT
                    | 1L << ECALL_FROM_U
                    | 1L << ECALL_FROM_S
                    | 1L << INSTRUCTION_PAGE_FAULT
                    | 1L << LOAD_PAGE_FAULT
                    | 1L << STORE_PAGE_FAULT;

    private static final long MVIEN_WRITABLE = 1L << SSI | 1L << SEI;
    private static final long STATEEN0_WRITABLE = STATEEN_SE | STATEEN0_ENVCFG;
    private static final long STATEEN0_WRITABLE_WITH_AIA =
            STATEEN0_WRITABLE | STATEEN0_CSRIND | STATEEN0_AIA | STATEEN0_IMSIC;

    private static final long MENVCFG_OWN = MENVCFG_ADUE | MENVCFG_PBMTE | MENVCFG_STCE;

    private static final int ISELECT_IPRIO_FIRST = 0x30;
    private static final int ISELECT_IPRIO_LAST = 0x3F;

    private final HartCore core;
    private final Mmu mmu;
    private final Pmp pmp;
    private final SstcTimer sstc;
    private final @Nullable ImsicFile machineFile;
    private final @Nullable ImsicFile supervisorFile;

    /** Set by an access that must trap as an illegal instruction. */
    public boolean illegal;

    public CsrFile(
            HartCore core,
            Mmu mmu,
            Pmp pmp,
            SstcTimer sstc,
            @Nullable ImsicFile machineFile,
            @Nullable ImsicFile supervisorFile) {
        this.core = core;
        this.mmu = mmu;
        this.pmp = pmp;
        this.sstc = sstc;
        this.machineFile = machineFile;
        this.supervisorFile = supervisorFile;
    }

    private static long bit(char extension) {
        return 1L << extension - 'A';
    }

    private boolean hasAia() {
        return supervisorFile != null;
    }

    /** Checks the rights that the number itself encodes, and those that other CSRs give. */
    public boolean mayAccess(int csr, boolean write) {
        int lowest = csr >>> 8 & 3;
        if (core.privilege < lowest || write && csr >>> 10 == 3) {
            return false;
        }
        if (core.privilege == HartCore.MACHINE) {
            return true;
        }
        return switch (csr) {
            case SATP -> (core.mstatus & MSTATUS_TVM) == 0;
            case STIMECMP -> (core.menvcfg & MENVCFG_STCE) != 0 && (core.mcounteren & 2) != 0;
            case SENVCFG -> stateen(STATEEN0_ENVCFG);
            case SSTATEEN0 -> stateen(STATEEN_SE);
            case SSTATEEN0 + 1, SSTATEEN0 + 2, SSTATEEN3 ->
                    (core.mstateen[csr - SSTATEEN0] & STATEEN_SE) != 0;
            case SISELECT -> stateen(STATEEN0_CSRIND);
            case SIREG -> stateen(STATEEN0_CSRIND) && mayReach(core.siselect);
            case STOPEI -> mayReachImsic();
            case STOPI -> stateen(STATEEN0_AIA);
            default -> csr < CYCLE || csr > HPMCOUNTER31 || counterEnabled(csr - CYCLE);
        };
    }

    /** Whether S-mode may reach the register behind {@code sireg} (AIA 1.0 §2.5, §5.3). */
    private boolean mayReach(long select) {
        if (isImsicRegister(select)) {
            return mayReachImsic();
        }
        return !isPriorityRegister(select) || stateen(STATEEN0_AIA);
    }

    private boolean mayReachImsic() {
        return stateen(STATEEN0_IMSIC) && (core.mvien & 1L << SEI) == 0;
    }

    private static boolean isPriorityRegister(long select) {
        return select >= ISELECT_IPRIO_FIRST && select <= ISELECT_IPRIO_LAST;
    }

    private boolean stateen(long bit) {
        return (core.mstateen[0] & bit) != 0;
    }

    private boolean counterEnabled(int counter) {
        return (core.mcounteren >>> counter & 1) != 0
                && (core.privilege != HartCore.USER || (core.scounteren >>> counter & 1) != 0);
    }

    private static boolean isImsicRegister(long select) {
        return select >= 0x70 && select <= 0xFF;
    }

    private long refuse() {
        illegal = true;
        return 0;
    }

    // ---- reading --------------------------------------------------------------------------------

    /** The value of a CSR; sets {@link #illegal} if there is none of that number. */
    public long read(int csr) {
        return switch (csr) {
            case FFLAGS -> fpRead(core.fp.flags);
            case FRM -> fpRead(core.frm);
            case FCSR -> fpRead(core.frm << 5 | core.fp.flags);
            case CYCLE, MCYCLE -> core.mcycle.value(core.instret);
            case INSTRET, MINSTRET -> core.minstret.value(core.instret);
            case TIME -> sstc.time();

            case SSTATUS -> status() & (SSTATUS_WRITABLE | MSTATUS_UXL_64 | MSTATUS_SD);
            case SIE -> core.mie & core.mideleg | core.sieVirtual;
            case SIP -> core.mip() & core.mideleg | core.virtualPending();
            case STVEC -> core.stvec;
            case SCOUNTEREN -> core.scounteren;
            case SENVCFG -> core.senvcfg;
            case SSCRATCH -> core.sscratch;
            case SEPC -> core.sepc;
            case SCAUSE -> core.scause;
            case STVAL -> core.stval;
            case STIMECMP -> sstc.stimecmp();
            case SATP -> core.satp;

            case MSTATUS -> status();
            case MISA -> MISA_VALUE;
            case MEDELEG -> core.medeleg;
            case MIDELEG -> core.mideleg;
            case MIE -> core.mie;
            case MIP -> core.mip();
            case MTVEC -> core.mtvec;
            case MCOUNTEREN -> core.mcounteren;
            case MENVCFG -> core.menvcfg;
            case MCOUNTINHIBIT ->
                    (core.mcycle.isInhibited() ? 1 : 0) | (core.minstret.isInhibited() ? 4 : 0);
            case MSCRATCH -> core.mscratch;
            case MEPC -> core.mepc;
            case MCAUSE -> core.mcause;
            case MTVAL -> core.mtval;
            case MVENDORID, MARCHID, MIMPID, MCONFIGPTR -> 0;
            case MHARTID -> core.id;
            // No triggers: tselect reads 0 whatever was written, and tdata1 says "none".
            case TSELECT, 0x7A1, 0x7A2, TDATA3 -> 0;
            case TINFO -> 1;
            default -> readOther(csr);
        };
    }

    private long readOther(int csr) {
        if (csr >= PMPCFG0 && csr <= PMPCFG15) {
            return (csr & 1) == 0 ? pmp.readConfig(csr - PMPCFG0) : refuse();
        }
        if (csr >= PMPADDR0 && csr <= PMPADDR63) {
            return pmp.readAddress(csr - PMPADDR0);
        }
        if (csr >= HPMCOUNTER3 && csr <= HPMCOUNTER31
                || csr >= MHPMCOUNTER3 && csr <= MHPMCOUNTER31
                || csr >= MHPMEVENT3 && csr <= MHPMEVENT31) {
            return 0;
        }
        if (csr >= MSTATEEN0 && csr <= MSTATEEN3) {
            return core.mstateen[csr - MSTATEEN0];
        }
        if (csr >= SSTATEEN0 && csr <= SSTATEEN3) {
            return core.sstateen[csr - SSTATEEN0];
        }
        return hasAia() ? readAia(csr) : refuse();
    }

    private long readAia(int csr) {
        return switch (csr) {
            case MVIEN -> core.mvien;
            case MVIP -> mvip();
            case MISELECT -> core.miselect;
            case SISELECT -> core.siselect;
            case MIREG -> readIndirect(core.miselect, machineFile);
            case SIREG -> readIndirect(core.siselect, supervisorFile);
            case MTOPEI -> machineFile == null ? refuse() : machineFile.topei();
            case STOPEI -> supervisorFile == null ? refuse() : supervisorFile.topei();
            case MTOPI -> topi(core.mip() & core.mie & ~core.mideleg);
            case STOPI -> topi(core.supervisorPendingEnabled());
            default -> refuse();
        };
    }

    /** Interrupt number in bits 27..16 and priority 1, as priorities are all default (AIA §5.4). */
    private static long topi(long pending) {
        return pending == 0 ? 0 : (long) HartCore.highestPriority(pending) << 16 | 1;
    }

    private long readIndirect(long select, @Nullable ImsicFile file) {
        if (isPriorityRegister(select)) {
            return (select & 1) == 0 ? 0 : refuse();
        }
        if (file != null && isImsicRegister(select) && file.hasRegister((int) select)) {
            return file.readRegister((int) select);
        }
        return refuse();
    }

    private long mvip() {
        long value = core.mipSoftware & 1L << SEI;
        if ((core.menvcfg & MENVCFG_STCE) == 0) {
            value |= core.mipSoftware & 1L << STI;
        }
        long ssip = (core.mvien & 1L << SSI) != 0 ? core.mvip : core.mip();
        return value | ssip & 1L << SSI;
    }

    private long status() {
        long value = core.mstatus;
        return (value & MSTATUS_FS) == MSTATUS_FS ? value | MSTATUS_SD : value;
    }

    private long fpRead(int value) {
        return core.fpOff() ? refuse() : value;
    }

    // ---- one instruction
    // --------------------------------------------------------------------------

    /**
     * A CSR instruction: replaces the bits of {@code mask} by those of {@code value}.
     *
     * @param reads false if the old value is not wanted, so that a read has no effect
     * @param writes false if nothing is written, so that a write has no effect
     * @return the old value
     */
    public long access(int csr, long value, long mask, boolean reads, boolean writes) {
        if (writes && hasAia()) {
            // What others may set in between is changed in one step.
            switch (csr) {
                case MIREG -> {
                    return updateIndirect(core.miselect, machineFile, value, mask);
                }
                case SIREG -> {
                    return updateIndirect(core.siselect, supervisorFile, value, mask);
                }
                case MTOPEI -> {
                    return machineFile == null ? refuse() : machineFile.claimTopei();
                }
                case STOPEI -> {
                    return supervisorFile == null ? refuse() : supervisorFile.claimTopei();
                }
                default -> {}
            }
        }
        long old = reads || mask != -1 ? read(csr) : 0;
        if (writes && !illegal) {
            write(csr, modifyBase(csr, old) & ~mask | value & mask);
        }
        return old;
    }

    /**
     * What a read-modify-write works on: {@code mip.SEIP} reads as the OR with the pin, but only
     * the software bit takes part (privileged spec §3.1.9).
     */
    private long modifyBase(int csr, long old) {
        return csr == MIP || csr == SIP ? old & ~(1L << SEI) | core.mipSoftware & 1L << SEI : old;
    }

    private long updateIndirect(long select, @Nullable ImsicFile file, long value, long mask) {
        if (isPriorityRegister(select)) {
            return (select & 1) == 0 ? 0 : refuse();
        }
        if (file != null && isImsicRegister(select) && file.hasRegister((int) select)) {
            return file.updateRegister((int) select, value, mask);
        }
        return refuse();
    }

    // ---- writing --------------------------------------------------------------------------------

    private void write(int csr, long value) {
        switch (csr) {
            case FFLAGS -> writeFcsr(core.frm, (int) value & 31);
            case FRM -> writeFcsr((int) value & 7, core.fp.flags);
            case FCSR -> writeFcsr((int) value >>> 5 & 7, (int) value & 31);

            case SSTATUS -> writeStatus(value, SSTATUS_WRITABLE);
            case SIE -> writeSie(value);
            case SIP -> writeSip(value);
            case STVEC -> core.stvec = tvec(value);
            case SCOUNTEREN -> core.scounteren = value & 0xFFFF_FFFFL;
            case SENVCFG -> core.senvcfg = envcfg(value, core.senvcfg);
            case SSCRATCH -> core.sscratch = value;
            case SEPC -> core.sepc = value & ~1L;
            case SCAUSE -> core.scause = value;
            case STVAL -> core.stval = value;
            case STIMECMP -> sstc.setStimecmp(value);
            case SATP -> writeSatp(value);

            case MSTATUS -> writeStatus(value, MSTATUS_WRITABLE);
            case MISA, TSELECT, 0x7A1, 0x7A2, TDATA3 -> {}
            case MEDELEG -> core.medeleg = legalMedeleg(value);
            case MIDELEG -> {
                core.mideleg = legalMideleg(value);
                core.sieVirtual &= core.mvien & ~core.mideleg;
                core.interruptsMayHaveChanged();
            }
            case MIE -> {
                core.mie = legalMie(value);
                core.interruptsMayHaveChanged();
            }
            case MIP -> writeMip(value);
            case MTVEC -> core.mtvec = tvec(value);
            case MCOUNTEREN -> core.mcounteren = value & 0xFFFF_FFFFL;
            case MENVCFG -> {
                long before = core.menvcfg;
                core.menvcfg = envcfg(value, before) | value & MENVCFG_OWN;
                if (((before ^ core.menvcfg) & (MENVCFG_ADUE | MENVCFG_PBMTE)) != 0) {
                    mmu.flushAll();
                }
                sstc.update();
                core.interruptsMayHaveChanged();
            }
            case MCOUNTINHIBIT -> {
                core.mcycle.inhibit((value & 1) != 0, core.instret);
                core.minstret.inhibit((value & 4) != 0, core.instret);
            }
            case MSCRATCH -> core.mscratch = value;
            case MEPC -> core.mepc = value & ~1L;
            case MCAUSE -> core.mcause = value;
            case MTVAL -> core.mtval = value;
            case MCYCLE -> core.mcycle.write(value, core.instret);
            case MINSTRET -> core.minstret.write(value, core.instret);
            default -> writeOther(csr, value);
        }
    }

    private void writeOther(int csr, long value) {
        if (csr >= PMPCFG0 && csr <= PMPCFG15) {
            if ((csr & 1) != 0) {
                refuse();
                return;
            }
            pmp.writeConfig(csr - PMPCFG0, value);
            mmu.flushAll();
        } else if (csr >= PMPADDR0 && csr <= PMPADDR63) {
            pmp.writeAddress(csr - PMPADDR0, value);
            mmu.flushAll();
        } else if (csr >= MHPMCOUNTER3 && csr <= MHPMCOUNTER31
                || csr >= MHPMEVENT3 && csr <= MHPMEVENT31) {
            return;
        } else if (csr == MSTATEEN0) {
            core.mstateen[0] = value & (hasAia() ? STATEEN0_WRITABLE_WITH_AIA : STATEEN0_WRITABLE);
        } else if (csr > MSTATEEN0 && csr <= MSTATEEN3) {
            core.mstateen[csr - MSTATEEN0] = value & STATEEN_SE;
        } else if (csr >= SSTATEEN0 && csr <= SSTATEEN3) {
            // None of the state that sstateen guards exists here.
            core.sstateen[csr - SSTATEEN0] = 0;
        } else if (hasAia()) {
            writeAia(csr, value);
        } else {
            refuse();
        }
    }

    private void writeAia(int csr, long value) {
        switch (csr) {
            case MVIEN -> {
                core.mvien = legalMvien(value);
                core.sieVirtual &= core.mvien & ~core.mideleg;
                core.interruptsMayHaveChanged();
            }
            case MVIP -> writeMvip(value);
            case MISELECT -> core.miselect = value & 0xFFF;
            case SISELECT -> core.siselect = value & 0xFFF;
            default -> refuse();
        }
    }

    private void writeMvip(long value) {
        core.mvip = value & core.mvien & 1L << SSI;
        long aliased = 1L << SEI | 1L << SSI & ~core.mvien;
        if ((core.menvcfg & MENVCFG_STCE) == 0) {
            aliased |= 1L << STI;
        }
        writePending(value, aliased);
    }

    /** Sets the pending bits that software owns. */
    private void writePending(long value, long mask) {
        if ((mask & 1L << SSI) != 0) {
            core.clearSoftwareInterruptPin();
        }
        core.mipSoftware = core.mipSoftware & ~mask | value & mask;
        core.interruptsMayHaveChanged();
    }

    private void writeSie(long value) {
        core.mie = core.mie & ~core.mideleg | value & core.mideleg;
        core.sieVirtual = value & core.mvien & ~core.mideleg;
        core.interruptsMayHaveChanged();
    }

    private void writeMip(long value) {
        long mask = S_INTERRUPTS & ~(core.mvien & 1L << SEI);
        if ((core.menvcfg & MENVCFG_STCE) != 0) {
            mask &= ~(1L << STI);
        }
        writePending(value, mask);
    }

    private void writeSip(long value) {
        long virtual = core.mvien & ~core.mideleg & 1L << SSI;
        core.mvip = core.mvip & ~virtual | value & virtual;
        writePending(value, core.mideleg & 1L << SSI);
    }

    private static long tvec(long value) {
        // Modes 2 and 3 are reserved: WARL keeps bit 0 only.
        return value & ~2L;
    }

    private static long envcfg(long value, long before) {
        long cbie = value & ENVCFG_CBIE;
        if (cbie == 2L << 4) {
            cbie = before & ENVCFG_CBIE;
        }
        return value & (ENVCFG_FIOM | ENVCFG_CBCFE | ENVCFG_CBZE) | cbie;
    }

    private void writeFcsr(int frm, int flags) {
        if (core.fpOff()) {
            refuse();
            return;
        }
        core.frm = frm;
        core.fp.flags = flags;
        core.fpDirty();
    }

    private void writeStatus(long value, long writable) {
        long before = core.mstatus;
        long after = before & ~writable | value & writable;
        if ((after & MSTATUS_MPP) == 2L << MSTATUS_MPP_SHIFT) {
            after = after & ~MSTATUS_MPP | before & MSTATUS_MPP;
        }
        core.mstatus = after;
        long changed = before ^ after;
        if ((changed & CONTEXT_BITS) != 0) {
            if ((changed & MSTATUS_MXR) != 0) {
                mmu.flushAll();
            }
            core.contextChanged();
        }
        core.interruptsMayHaveChanged();
    }

    private void writeSatp(long value) {
        // A write with a mode that is not there has no effect (privileged spec §12.1.11).
        if (isLegalSatp(value) && core.satp != value) {
            core.satp = value;
            mmu.flushAll();
        }
    }

    // ---- what a register can hold, for writes and for snapshots
    // -----------------------------------

    static long legalStatus(long value) {
        long status = value & MSTATUS_WRITABLE | MSTATUS_UXL_64 | MSTATUS_SXL_64;
        return (status & MSTATUS_MPP) == 2L << MSTATUS_MPP_SHIFT ? status & ~MSTATUS_MPP : status;
    }

    static long legalMedeleg(long value) {
        return value & DELEGABLE;
    }

    static long legalMideleg(long value) {
        return value & S_INTERRUPTS;
    }

    static long legalMie(long value) {
        return value & (S_INTERRUPTS | M_INTERRUPTS);
    }

    static long legalMvien(long value) {
        return value & MVIEN_WRITABLE;
    }

    static long legalMenvcfg(long value) {
        return envcfg(value, 0) | value & MENVCFG_OWN;
    }

    static long legalSenvcfg(long value) {
        return envcfg(value, 0);
    }

    static boolean isLegalSatp(long value) {
        int mode = (int) (value >>> 60);
        return mode == 0 || mode >= 8 && mode <= 10;
    }
}
