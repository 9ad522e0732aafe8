package dev.dalang.riscv.sbi;

import static dev.dalang.riscv.sbi.Extension.A0;
import static dev.dalang.riscv.sbi.Extension.A1;
import static dev.dalang.riscv.sbi.Extension.A2;
import static dev.dalang.riscv.sbi.Extension.success;
import static dev.dalang.riscv.sbi.Extension.value;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_FAILED;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_INVALID_PARAM;
import static dev.dalang.riscv.sbi.SbiError.SBI_ERR_NOT_SUPPORTED;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.riscv.Hart;

/**
 * The debug console (SBI 2.0 §12). Buffers are named by guest physical addresses and must lie whole
 * in memory.
 */
final class DbcnExtension implements Extension {
    static final int ID = 0x4442434E;

    /**
     * The most that one call moves. Callers repeat the call for the rest; without the bound a guest
     * could hold its hart here, and a buffer of ours as large as its memory, with one instruction.
     */
    static final int MAX_BYTES = 4096;

    private final GuestMemory memory;
    private final SbiPlatform platform;

    DbcnExtension(GuestMemory memory, SbiPlatform platform) {
        this.memory = memory;
        this.platform = platform;
    }

    @Override
    public long call(Hart caller, int function) {
        long bytes = caller.register(A0);
        long address = caller.register(A1);
        boolean reachable = caller.register(A2) == 0;
        return switch (function) {
            case 0 -> reachable ? write(caller, bytes, address) : SBI_ERR_INVALID_PARAM;
            case 1 -> reachable ? read(caller, bytes, address) : SBI_ERR_INVALID_PARAM;
            case 2 -> writeByte(caller, (byte) bytes);
            default -> SBI_ERR_NOT_SUPPORTED;
        };
    }

    private long write(Hart caller, long bytes, long address) {
        if (bytes == 0) {
            return success(caller);
        }
        if (!memory.contains(address, bytes)) {
            return SBI_ERR_INVALID_PARAM;
        }
        byte[] buffer = new byte[(int) Math.min(bytes, MAX_BYTES)];
        memory.copyOut(address, buffer);
        return value(caller, platform.consoleWrite(buffer, buffer.length));
    }

    private long read(Hart caller, long bytes, long address) {
        if (bytes == 0) {
            return success(caller);
        }
        if (!memory.contains(address, bytes) || !memory.isWritable(address, bytes)) {
            return SBI_ERR_INVALID_PARAM;
        }
        byte[] buffer = new byte[(int) Math.min(bytes, MAX_BYTES)];
        int length = platform.consoleRead(buffer, buffer.length);
        memory.copyIn(address, buffer, 0, length);
        return value(caller, length);
    }

    private long writeByte(Hart caller, byte value) {
        int taken = platform.consoleWrite(new byte[] {value}, 1);
        return taken == 1 ? success(caller) : SBI_ERR_FAILED;
    }
}
