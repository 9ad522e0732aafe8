package dev.dalang.devices.nvme;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** An entry of a submission queue, as a driver makes it. */
final class NvmeEntry {
    private final ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);

    static NvmeEntry of(int opcode) {
        NvmeEntry entry = new NvmeEntry();
        entry.bytes.put(0, (byte) opcode);
        return entry;
    }

    NvmeEntry flags(int flags) {
        bytes.put(1, (byte) flags);
        return this;
    }

    NvmeEntry id(int id) {
        bytes.putShort(2, (short) id);
        return this;
    }

    NvmeEntry namespace(int namespace) {
        bytes.putInt(4, namespace);
        return this;
    }

    NvmeEntry prps(long first, long second) {
        bytes.putLong(24, first).putLong(32, second);
        return this;
    }

    /** One SGL descriptor, of a type in the high half of its last byte. */
    NvmeEntry sgl(long address, long length, int type) {
        bytes.putLong(24, address).putLong(32, length & 0xffff_ffffL | (long) type << 56);
        return flags(0x40);
    }

    NvmeEntry word(int index, int value) {
        bytes.putInt(4 * index, value);
        return this;
    }

    NvmeEntry block(long block) {
        bytes.putLong(40, block);
        return this;
    }

    byte[] bytes() {
        return bytes.array();
    }
}
