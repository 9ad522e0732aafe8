package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.Extension.A2;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_DENIED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_PARAM;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;

import dev.dalang.riscv.Hart;

/**
 * System suspend (SBI 2.0 §13): suspend to memory, which for this machine is the deepest sleep of
 * its last running hart.
 */
final class SuspExtension implements Extension {
    static final int ID = 0x53555350;

    private final Harts harts;
    private final HsmExtension hsm;

    SuspExtension(Harts harts, HsmExtension hsm) {
        this.harts = harts;
        this.hsm = hsm;
    }

    @Override
    public long call(Hart caller, int function) {
        if (function != 0) {
            return SBI_ERR_NOT_SUPPORTED;
        }
        int type = (int) caller.register(A0);
        if (type != 0) {
            return Integer.compareUnsigned(type, 0x8000_0000) >= 0
                    ? SBI_ERR_NOT_SUPPORTED
                    : SBI_ERR_INVALID_PARAM;
        }
        for (int id = 0; id < harts.count(); id++) {
            if (id != caller.id() && harts.state(id) != Harts.STOPPED) {
                return SBI_ERR_DENIED;
            }
        }
        return hsm.suspendNonRetentive(caller, caller.register(A1), caller.register(A2));
    }
}
