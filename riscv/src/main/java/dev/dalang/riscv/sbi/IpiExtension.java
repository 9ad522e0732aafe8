package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.Extension.success;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;
import static dev.dalang.riscv.sbi.SbiError.SBI_SUCCESS;

import dev.dalang.riscv.Hart;

/** The extension for interrupts between harts (SBI 2.0 §7). */
final class IpiExtension implements Extension {
    static final int ID = 0x735049;

    private static final int CAUSE_SUPERVISOR_SOFTWARE = 1;

    private final Harts harts;

    IpiExtension(Harts harts) {
        this.harts = harts;
    }

    @Override
    public long call(Hart caller, int function) {
        if (function != 0) {
            return SBI_ERR_NOT_SUPPORTED;
        }
        long error = send(caller.register(A0), caller.register(A1));
        return error == SBI_SUCCESS ? success(caller) : error;
    }

    /** Makes the supervisor software interrupt of each hart of the mask pending. */
    long send(long mask, long base) {
        long error = harts.check(mask, base);
        if (error == SBI_SUCCESS) {
            harts.forEachStarted(
                    mask, base, hart -> hart.interruptLine(CAUSE_SUPERVISOR_SOFTWARE).raise());
        }
        return error;
    }
}
