package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.SbiError.NO_RETURN;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_PARAM;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;

import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartState;

/** System reset (SBI 2.0 §10). Type and reason are 32-bit numbers. */
final class SrstExtension implements Extension {
    static final int ID = 0x53525354;

    private static final int REASON_NONE = 0;
    private static final int REASON_SYSTEM_FAILURE = 1;

    private final SbiPlatform platform;

    SrstExtension(SbiPlatform platform) {
        this.platform = platform;
    }

    @Override
    public long call(Hart caller, int function) {
        if (function != 0) {
            return SBI_ERR_NOT_SUPPORTED;
        }
        int reason = (int) caller.register(A1);
        // 0xE0000000 and above are the platform's and the vendor's own; we define none, but what a
        // guest gives there says why, not what.
        boolean reasonKnown =
                reason == REASON_NONE
                        || reason == REASON_SYSTEM_FAILURE
                        || Integer.compareUnsigned(reason, 0xE000_0000) >= 0;
        if (!reasonKnown) {
            return SBI_ERR_INVALID_PARAM;
        }
        boolean failure = reason == REASON_SYSTEM_FAILURE;
        int type = (int) caller.register(A0);
        return switch (type) {
            case 0 -> reset(caller, SystemReset.SHUTDOWN, failure);
            case 1 -> reset(caller, SystemReset.COLD_REBOOT, failure);
            case 2 -> reset(caller, SystemReset.WARM_REBOOT, failure);
            default ->
                    Integer.compareUnsigned(type, 0xF000_0000) >= 0
                            ? SBI_ERR_NOT_SUPPORTED
                            : SBI_ERR_INVALID_PARAM;
        };
    }

    long reset(Hart caller, SystemReset kind, boolean failure) {
        caller.setState(HartState.STOPPED);
        platform.systemReset(kind, failure);
        return NO_RETURN;
    }
}
