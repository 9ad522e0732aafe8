package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.Extension.A2;
import static dev.dalang.riscv.sbi.SbiError.NO_RETURN;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_FAILED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_ADDRESS;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;
import static dev.dalang.riscv.sbi.SbiError.SBI_SUCCESS;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.riscv.Hart;

import java.util.Optional;

/**
 * The legacy extensions (SBI 2.0 §5), ids 0 to 8. They return one value, in {@code a0}, and change
 * no other register. Hart masks lie in the caller's virtual memory.
 */
final class LegacyExtensions {
    static final int LAST_ID = 8;

    private static final int CSR_SIP = 0x144;

    private final GuestMemory memory;
    private final SbiPlatform platform;
    private final IpiExtension ipi;
    private final RfenceExtension rfence;
    private final SrstExtension srst;

    LegacyExtensions(
            GuestMemory memory,
            SbiPlatform platform,
            IpiExtension ipi,
            RfenceExtension rfence,
            SrstExtension srst) {
        this.memory = memory;
        this.platform = platform;
        this.ipi = ipi;
        this.rfence = rfence;
        this.srst = srst;
    }

    /** Serves one call and returns what goes to {@code a0}. */
    long call(Hart caller, int extension) {
        return switch (extension) {
            case 0 -> {
                TimeExtension.setTimer(caller, caller.register(A0));
                yield SBI_SUCCESS;
            }
            case 1 -> {
                byte[] character = {(byte) caller.register(A0)};
                yield platform.consoleWrite(character, 1) == 1 ? SBI_SUCCESS : SBI_ERR_FAILED;
            }
            case 2 -> {
                byte[] character = new byte[1];
                yield platform.consoleRead(character, 1) == 1
                        ? Byte.toUnsignedLong(character[0])
                        : SBI_ERR_FAILED;
            }
            case 3 -> {
                // SSIP is the only bit of sip that can be written.
                caller.setCsr(CSR_SIP, 0);
                yield SBI_SUCCESS;
            }
            case 4, 5, 6, 7 -> masked(caller, extension);
            case 8 -> {
                long result = srst.reset(caller, SystemReset.SHUTDOWN, false);
                yield result == NO_RETURN ? SBI_SUCCESS : result;
            }
            default -> SBI_ERR_NOT_SUPPORTED;
        };
    }

    private long masked(Hart caller, int extension) {
        long mask = 0;
        long base = 0;
        long pointer = caller.register(A0);
        if (pointer == 0) {
            base = -1;
        } else {
            Optional<Long> physical = caller.translate(pointer);
            if (physical.isEmpty()
                    || (pointer & 7) != 0
                    || !memory.contains(physical.get(), Long.BYTES)) {
                return SBI_ERR_INVALID_ADDRESS;
            }
            mask = memory.readLong(physical.get());
        }
        return switch (extension) {
            case 4 -> ipi.send(mask, base);
            case 5 -> rfence.fenceInstructions(caller, mask, base);
            default ->
                    rfence.fenceAddresses(
                            caller, mask, base, caller.register(A1), caller.register(A2));
        };
    }
}
