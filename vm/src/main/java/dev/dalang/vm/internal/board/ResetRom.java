package dev.dalang.vm.internal.board;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a hart executes first: code that jumps to firmware with {@code a0} = hart id, {@code a1} =
 * the device tree, {@code a2} = OpenSBI's description of what firmware starts next ({@code struct
 * fw_dynamic_info}, version 2).
 */
public final class ResetRom {
    private static final int AUIPC_T0_0 = 0x0000_0297;
    private static final int CSRR_A0_MHARTID = 0xf140_2573;
    private static final int LD_A1_32_T0 = 0x0202_b583;
    private static final int ADDI_A2_T0_40 = 0x0282_8613;
    private static final int LD_T0_24_T0 = 0x0182_b283;
    private static final int JR_T0 = 0x0002_8067;

    private static final long FW_DYNAMIC_INFO_MAGIC = 0x4942_534f;
    private static final long FW_DYNAMIC_INFO_VERSION = 2;
    private static final long FW_DYNAMIC_NEXT_MODE_S = 1;

    /** Code, two words for it, and the six words of the description. */
    private static final int BYTES = 24 + 16 + 48;

    private ResetRom() {}

    /**
     * The bytes that stand at the reset vector.
     *
     * @param start where firmware begins, unsigned
     * @param deviceTree where the device tree is, unsigned
     * @param next where firmware jumps to in S-mode, unsigned; 0 if firmware finds that itself
     * @param bootHart the hart that firmware boots on
     * @return position-independent code and its data
     */
    public static byte[] bytes(long start, long deviceTree, long next, int bootHart) {
        return ByteBuffer.allocate(BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(AUIPC_T0_0)
                .putInt(CSRR_A0_MHARTID)
                .putInt(LD_A1_32_T0)
                .putInt(ADDI_A2_T0_40)
                .putInt(LD_T0_24_T0)
                .putInt(JR_T0)
                .putLong(start)
                .putLong(deviceTree)
                .putLong(FW_DYNAMIC_INFO_MAGIC)
                .putLong(FW_DYNAMIC_INFO_VERSION)
                .putLong(next)
                .putLong(FW_DYNAMIC_NEXT_MODE_S)
                .putLong(0)
                .putLong(bootHart)
                .array();
    }
}
