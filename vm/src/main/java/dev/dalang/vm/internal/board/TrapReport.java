package dev.dalang.vm.internal.board;

import dev.dalang.riscv.Hart;
import dev.dalang.riscv.PrivilegeMode;

/** Says in words where and why a hart traps. */
final class TrapReport {
    private static final int CSR_STVEC = 0x105;
    private static final int CSR_SEPC = 0x141;
    private static final int CSR_SCAUSE = 0x142;
    private static final int CSR_STVAL = 0x143;
    private static final int CSR_MTVEC = 0x305;
    private static final int CSR_MEPC = 0x341;
    private static final int CSR_MCAUSE = 0x342;
    private static final int CSR_MTVAL = 0x343;

    private TrapReport() {}

    /** One line about the last trap. On the hart's thread. */
    static String of(Hart hart) {
        boolean machine = hart.privilege() == PrivilegeMode.M;
        long cause = hart.csr(machine ? CSR_MCAUSE : CSR_SCAUSE);
        return "it can only trap: %s at 0x%x (value 0x%x), with its %s-mode trap handler at 0x%x"
                .formatted(
                        describe(cause),
                        hart.csr(machine ? CSR_MEPC : CSR_SEPC),
                        hart.csr(machine ? CSR_MTVAL : CSR_STVAL),
                        machine ? "M" : "S",
                        hart.csr(machine ? CSR_MTVEC : CSR_STVEC) & ~3L);
    }

    /** The names of privileged spec table 14. */
    private static String describe(long cause) {
        if (cause < 0) {
            return "interrupt " + (cause & Long.MAX_VALUE);
        }
        return switch ((int) cause) {
            case 0 -> "instruction address misaligned";
            case 1 -> "instruction access fault";
            case 2 -> "illegal instruction";
            case 3 -> "breakpoint";
            case 4 -> "load address misaligned";
            case 5 -> "load access fault";
            case 6 -> "store address misaligned";
            case 7 -> "store access fault";
            case 8 -> "environment call from U-mode";
            case 9 -> "environment call from S-mode";
            case 11 -> "environment call from M-mode";
            case 12 -> "instruction page fault";
            case 13 -> "load page fault";
            case 15 -> "store page fault";
            default -> "exception " + cause;
        };
    }
}
