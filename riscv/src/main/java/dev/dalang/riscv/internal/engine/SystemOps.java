package dev.dalang.riscv.internal.engine;

import static dev.dalang.riscv.internal.core.Csrs.*;

import dev.dalang.riscv.internal.core.CsrFile;
import dev.dalang.riscv.internal.core.HartCore;
import dev.dalang.riscv.internal.core.Mmu;
import dev.dalang.riscv.internal.decode.Decoder;
import dev.dalang.riscv.internal.decode.Op;

import org.jspecify.annotations.Nullable;

/**
 * The instructions that may change privilege, translation, interrupts or control flow. After each
 * of them an engine begins anew at {@code core.pc}.
 */
public final class SystemOps {
    private static final long PAUSE_NANOS = 1_000;
    private static final long WAIT_ON_RESERVATION_NANOS = 20_000;

    private final HartCore core;
    private final Mmu mmu;
    private final CsrFile csrs;
    private final @Nullable Runnable sbi;

    SystemOps(HartCore core, Mmu mmu, CsrFile csrs, @Nullable Runnable sbi) {
        this.core = core;
        this.mmu = mmu;
        this.csrs = csrs;
        this.sbi = sbi;
    }

    /**
     * Executes one decoded instruction at {@code core.pc}, retires it or takes its exception, and
     * leaves {@code core.pc} at the next.
     */
    public void execute(long i) {
        int raw = (int) (i >> 32);
        boolean done =
                switch ((int) i & Op.MASK) {
                    case Op.ECALL -> environmentCall();
                    case Op.EBREAK -> raise(BREAKPOINT, core.pc);
                    case Op.MRET -> machineReturn(raw);
                    case Op.SRET -> supervisorReturn(raw);
                    case Op.WFI -> waitForInterrupt(raw);
                    case Op.SFENCE_VMA -> fenceVma(raw);
                    case Op.SFENCE_W_INVAL, Op.SFENCE_INVAL_IR ->
                            core.privilege != HartCore.USER ? advance() : illegal(raw);
                    case Op.FENCE_I -> fenceInstructions();
                    case Op.CSR -> csr(i, raw);
                    case Op.WRS_NTO -> waitOnReservation(raw, true);
                    case Op.WRS_STO -> waitOnReservation(raw, false);
                    case Op.PAUSE -> pause();
                    default -> illegal(i, raw);
                };
        if (done) {
            core.instret++;
        } else {
            core.takeException();
        }
    }

    private boolean advance() {
        core.pc += 4;
        return true;
    }

    private boolean raise(int cause, long value) {
        core.raise(cause, value);
        return false;
    }

    private boolean illegal(int raw) {
        return raise(ILLEGAL_INSTRUCTION, raw & 0xFFFF_FFFFL);
    }

    private boolean illegal(long i, int raw) {
        return raise(
                ILLEGAL_INSTRUCTION,
                (i & Decoder.LONG_FORM) != 0 ? raw & 0xFFFF_FFFFL : raw & 0xFFFFL);
    }

    private boolean environmentCall() {
        if (core.privilege == HartCore.SUPERVISOR && sbi != null) {
            core.pc += 4;
            sbi.run();
            return true;
        }
        return raise(
                switch (core.privilege) {
                    case HartCore.USER -> ECALL_FROM_U;
                    case HartCore.SUPERVISOR -> ECALL_FROM_S;
                    default -> ECALL_FROM_M;
                },
                0);
    }

    private boolean machineReturn(int raw) {
        if (core.privilege != HartCore.MACHINE) {
            return illegal(raw);
        }
        core.mret();
        return true;
    }

    private boolean supervisorReturn(int raw) {
        if (core.privilege == HartCore.USER
                || core.privilege == HartCore.SUPERVISOR && (core.mstatus & MSTATUS_TSR) != 0) {
            return illegal(raw);
        }
        core.sret();
        return true;
    }

    private boolean waitForInterrupt(int raw) {
        if (core.privilege == HartCore.USER
                || core.privilege == HartCore.SUPERVISOR && (core.mstatus & MSTATUS_TW) != 0) {
            return illegal(raw);
        }
        core.waitForInterrupt();
        return advance();
    }

    private boolean waitOnReservation(int raw, boolean untilInterrupt) {
        if (untilInterrupt
                && core.privilege != HartCore.MACHINE
                && (core.mstatus & MSTATUS_TW) != 0) {
            return illegal(raw);
        }
        if (core.reservedSize != 0) {
            // Nobody tells a hart that its reservation is gone, so the wait is short; the program
            // looks again, as Zawrs lets it.
            if (untilInterrupt) {
                core.park(WAIT_ON_RESERVATION_NANOS);
            } else {
                Thread.onSpinWait();
            }
        }
        return advance();
    }

    private boolean pause() {
        // Harts may outnumber the host's cores, and the one that is waited for needs one.
        core.park(PAUSE_NANOS);
        return advance();
    }

    private boolean fenceVma(int raw) {
        if (core.privilege == HartCore.USER
                || core.privilege == HartCore.SUPERVISOR && (core.mstatus & MSTATUS_TVM) != 0) {
            return illegal(raw);
        }
        int rs1 = raw >>> 15 & 31;
        if (rs1 == 0) {
            mmu.flushAll();
        } else {
            mmu.flushPage(core.x[rs1]);
        }
        return advance();
    }

    private boolean fenceInstructions() {
        mmu.fenceI();
        return advance();
    }

    private boolean csr(long i, int raw) {
        int number = raw >>> 20;
        int funct3 = raw >>> 12 & 7;
        int rs1 = raw >>> 15 & 31;
        boolean replace = (funct3 & 3) == 1;
        boolean writes = replace || rs1 != 0;
        boolean reads = !replace || (raw >>> 7 & 31) != 0;
        if (!csrs.mayAccess(number, writes)) {
            return illegal(raw);
        }
        long operand = (funct3 & 4) != 0 ? rs1 : core.x[rs1];
        long value = replace || (funct3 & 3) == 2 ? operand : 0;
        long mask = replace ? -1 : writes ? operand : 0;
        csrs.illegal = false;
        long old = csrs.access(number, value, mask, reads, writes);
        if (csrs.illegal) {
            return illegal(raw);
        }
        core.x[(int) (i >>> 12) & 63] = old;
        return advance();
    }
}
