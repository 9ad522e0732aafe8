package dev.dalang.riscv;

/** Whether a hart executes instructions, in the terms of SBI's HSM extension (SBI 2.0 §9). */
public enum HartState {
    /** Executing. */
    STARTED,
    /** Not executing; waits to be started. */
    STOPPED,
    /** Waits for an interrupt, then goes on. */
    SUSPENDED
}
