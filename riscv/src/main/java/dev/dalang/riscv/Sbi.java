package dev.dalang.riscv;

/**
 * What answers an environment call from S-mode in place of M-mode firmware. Called on the hart's
 * thread, between two instructions, with all registers visible; {@code pc} already points behind
 * the {@code ecall}.
 */
@FunctionalInterface
public interface Sbi {
    /**
     * Serves one call.
     *
     * @param hart the caller; number, arguments and results are in its registers
     */
    void ecall(Hart hart);
}
