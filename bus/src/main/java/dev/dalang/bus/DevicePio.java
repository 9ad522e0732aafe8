package dev.dalang.bus;

import java.lang.foreign.MemorySegment;

/**
 * A device that answers port accesses. The contract is that of {@link DeviceMmio}, with 16-bit
 * addresses; a device that sits on both buses implements both interfaces.
 */
public interface DevicePio extends BusDevice {
    /**
     * Answers a guest's port input.
     *
     * @param base first port of the matched range
     * @param offset offset from {@code base}
     * @param size 1, 2, 4 or 8
     * @return the value; bits above {@code size} bytes are ignored by the caller
     */
    long pioRead(int base, int offset, int size);

    /**
     * Takes a guest's port output.
     *
     * @param base first port of the matched range
     * @param offset offset from {@code base}
     * @param size 1, 2, 4 or 8
     * @param value the value, zero-extended
     */
    void pioWrite(int base, int offset, int size, long value);

    /**
     * Answers an access of a length other than 1, 2, 4 or 8, of at most 4,096 bytes. The default
     * splits it into the largest naturally aligned accesses, in ascending order.
     *
     * @param base first port of the matched range
     * @param offset offset from {@code base}
     * @param target where the bytes go; holds all ones before the call
     */
    default void pioRead(int base, int offset, MemorySegment target) {
        for (int done = 0; done < target.byteSize(); ) {
            int size = BulkAccess.step(base + offset + done, target.byteSize() - done);
            BulkAccess.put(target, done, size, pioRead(base, offset + done, size));
            done += size;
        }
    }

    /**
     * Takes an access of a length other than 1, 2, 4 or 8, of at most 4,096 bytes. The default
     * splits it into the largest naturally aligned accesses, in ascending order.
     *
     * @param base first port of the matched range
     * @param offset offset from {@code base}
     * @param source where the bytes come from; read-only
     */
    default void pioWrite(int base, int offset, MemorySegment source) {
        for (int done = 0; done < source.byteSize(); ) {
            int size = BulkAccess.step(base + offset + done, source.byteSize() - done);
            pioWrite(base, offset + done, size, BulkAccess.get(source, done, size));
            done += size;
        }
    }
}
