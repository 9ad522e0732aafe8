package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.SbiError.SBI_SUCCESS;

import dev.dalang.riscv.Hart;

/** One extension of the interface: the functions behind one extension id. */
@FunctionalInterface
interface Extension {
    /** General registers of the calling convention (SBI 2.0 §3). */
    int A0 = 10;

    int A1 = 11;
    int A2 = 12;
    int A3 = 13;
    int A6 = 16;
    int A7 = 17;

    /**
     * Serves one call; the arguments are in {@code a0} to {@code a5}. A call that succeeds ends
     * with {@link #value}.
     *
     * @param function the function id, as a signed 32-bit number
     * @return an error code of {@link SbiError}
     */
    long call(Hart caller, int function);

    /** Ends a call with success and a value. */
    static long value(Hart caller, long value) {
        caller.setRegister(A1, value);
        return SBI_SUCCESS;
    }

    /** Ends a call with success and nothing to say. */
    static long success(Hart caller) {
        return value(caller, 0);
    }
}
