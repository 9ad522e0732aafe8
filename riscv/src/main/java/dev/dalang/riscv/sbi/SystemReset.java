package dev.dalang.riscv.sbi;

/** What a guest asks for with the system reset extension (SBI 2.0 §10). */
public enum SystemReset {
    /** The power goes off. */
    SHUTDOWN,
    /** Everything starts again as after power-on. */
    COLD_REBOOT,
    /** The harts start again; what else starts again is the machine's choice. */
    WARM_REBOOT
}
