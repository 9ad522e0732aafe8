package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.success;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;

import dev.dalang.riscv.Hart;

/**
 * The timer extension (SBI 2.0 §6). The harts have Sstc, so the deadline goes to {@code stimecmp},
 * which also withdraws an interrupt that is pending.
 */
final class TimeExtension implements Extension {
    static final int ID = 0x54494D45;

    private static final int CSR_STIMECMP = 0x14D;

    @Override
    public long call(Hart caller, int function) {
        if (function != 0) {
            return SBI_ERR_NOT_SUPPORTED;
        }
        setTimer(caller, caller.register(A0));
        return success(caller);
    }

    static void setTimer(Hart hart, long deadline) {
        hart.setCsr(CSR_STIMECMP, deadline);
    }
}
