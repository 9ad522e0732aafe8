package dev.dalang.riscv;

/** Values of {@code mcause} and {@code scause} (privileged spec §3.1.15). */
final class Cause {
    static final long INSTRUCTION_MISALIGNED = 0;
    static final long INSTRUCTION_ACCESS_FAULT = 1;
    static final long ILLEGAL_INSTRUCTION = 2;
    static final long BREAKPOINT = 3;
    static final long LOAD_MISALIGNED = 4;
    static final long LOAD_ACCESS_FAULT = 5;
    static final long STORE_MISALIGNED = 6;
    static final long STORE_ACCESS_FAULT = 7;
    static final long ECALL_FROM_U = 8;
    static final long ECALL_FROM_S = 9;
    static final long ECALL_FROM_M = 11;
    static final long INSTRUCTION_PAGE_FAULT = 12;
    static final long LOAD_PAGE_FAULT = 13;
    static final long STORE_PAGE_FAULT = 15;

    static final long SUPERVISOR_SOFTWARE = Long.MIN_VALUE | 1;
    static final long MACHINE_SOFTWARE = Long.MIN_VALUE | 3;
    static final long SUPERVISOR_TIMER = Long.MIN_VALUE | 5;
    static final long MACHINE_TIMER = Long.MIN_VALUE | 7;
    static final long SUPERVISOR_EXTERNAL = Long.MIN_VALUE | 9;
    static final long MACHINE_EXTERNAL = Long.MIN_VALUE | 11;

    private Cause() {}
}
