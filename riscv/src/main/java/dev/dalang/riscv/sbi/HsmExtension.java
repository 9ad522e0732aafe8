package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.Extension.A2;
import static dev.dalang.riscv.sbi.Extension.success;
import static dev.dalang.riscv.sbi.Extension.value;
import static dev.dalang.riscv.sbi.SbiError.NO_RETURN;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_ALREADY_AVAILABLE;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_ADDRESS;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_PARAM;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartState;

/** Hart state management (SBI 2.0 §9). */
final class HsmExtension implements Extension {
    static final int ID = 0x48534D;

    private static final long STATE_SUSPENDED = 4;

    private static final int SUSPEND_RETENTIVE = 0;
    private static final int SUSPEND_NON_RETENTIVE = 0x8000_0000;

    private final Harts harts;
    private final GuestMemory memory;
    private final SbiPlatform platform;

    HsmExtension(Harts harts, GuestMemory memory, SbiPlatform platform) {
        this.harts = harts;
        this.memory = memory;
        this.platform = platform;
    }

    @Override
    public long call(Hart caller, int function) {
        return switch (function) {
            case 0 -> start(caller, caller.register(A0), caller.register(A1), caller.register(A2));
            case 1 -> stop(caller);
            case 2 -> status(caller, caller.register(A0));
            case 3 ->
                    // The type is a 32-bit number (SBI 2.0 §9.4); how a caller extends it is its
                    // own
                    // affair.
                    suspend(
                            caller,
                            (int) caller.register(A0),
                            caller.register(A1),
                            caller.register(A2));
            default -> SBI_ERR_NOT_SUPPORTED;
        };
    }

    private long start(Hart caller, long hartId, long address, long opaque) {
        if (!harts.isValid(hartId)) {
            return SBI_ERR_INVALID_PARAM;
        }
        if (!isEntry(address)) {
            return SBI_ERR_INVALID_ADDRESS;
        }
        int id = (int) hartId;
        if (!harts.moveState(id, Harts.STOPPED, Harts.START_PENDING)) {
            return SBI_ERR_ALREADY_AVAILABLE;
        }
        harts.get(id)
                .post(
                        hart -> {
                            SupervisorEntry.enter(hart, address, opaque);
                            harts.setState(id, Harts.STARTED);
                            hart.setState(HartState.STARTED);
                        });
        return success(caller);
    }

    private long stop(Hart caller) {
        caller.setState(HartState.STOPPED);
        harts.setState(caller.id(), Harts.STOPPED);
        if (harts.areAllStopped()) {
            platform.allHartsStopped();
        }
        return NO_RETURN;
    }

    private long status(Hart caller, long hartId) {
        if (!harts.isValid(hartId)) {
            return SBI_ERR_INVALID_PARAM;
        }
        int id = (int) hartId;
        int state = harts.state(id);
        boolean suspended = state == Harts.STARTED && harts.get(id).state() == HartState.SUSPENDED;
        return value(caller, suspended ? STATE_SUSPENDED : state);
    }

    private long suspend(Hart caller, int type, long resumeAddress, long opaque) {
        return switch (type) {
            case SUSPEND_RETENTIVE -> {
                caller.setState(HartState.SUSPENDED);
                yield success(caller);
            }
            case SUSPEND_NON_RETENTIVE -> suspendNonRetentive(caller, resumeAddress, opaque);
            // The rest of both ranges is reserved or a platform's own.
            default -> isReserved(type) ? SBI_ERR_INVALID_PARAM : SBI_ERR_NOT_SUPPORTED;
        };
    }

    /** Waits for an interrupt, then goes on at {@code resumeAddress} as a hart that was started. */
    long suspendNonRetentive(Hart caller, long resumeAddress, long opaque) {
        if (!isEntry(resumeAddress)) {
            return SBI_ERR_INVALID_ADDRESS;
        }
        // What may wake the hart is what the caller enabled, so that survives the entry.
        SupervisorEntry.resume(caller, resumeAddress, opaque);
        caller.setState(HartState.SUSPENDED);
        return NO_RETURN;
    }

    /** 0x1..0x0FFF_FFFF and 0x8000_0001..0x8FFF_FFFF (SBI 2.0 table 17). */
    private static boolean isReserved(int type) {
        return (type & 0x7000_0000) == 0;
    }

    private boolean isEntry(long address) {
        return (address & 1) == 0 && memory.contains(address, 2);
    }
}
