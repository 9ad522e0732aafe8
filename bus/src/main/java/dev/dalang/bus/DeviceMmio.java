package dev.dalang.bus;

import java.lang.foreign.MemorySegment;

/**
 * A device that answers memory-mapped accesses.
 *
 * <p>Calls come on the accessing hart's thread, from several harts at once: an implementation is
 * thread-safe, or is wrapped by {@code Synchronized}. Sizes are 1, 2, 4 or 8 bytes, values are
 * little-endian and zero-extended into a {@code long}. {@code base} is the first address of the
 * registered range that matched, so that one device can own several ranges; the access lies whole
 * inside that range.
 */
public interface DeviceMmio extends BusDevice {
    /**
     * Answers a guest's load.
     *
     * @param base first address of the matched range, unsigned
     * @param offset byte offset from {@code base}
     * @param size 1, 2, 4 or 8
     * @return the value; bits above {@code size} bytes are ignored by the caller
     */
    long mmioRead(long base, long offset, int size);

    /**
     * Takes a guest's store.
     *
     * @param base first address of the matched range, unsigned
     * @param offset byte offset from {@code base}
     * @param size 1, 2, 4 or 8
     * @param value the value, zero-extended
     */
    void mmioWrite(long base, long offset, int size, long value);

    /**
     * Answers an access of a length other than 1, 2, 4 or 8, of at most 4,096 bytes. The default
     * splits it into the largest naturally aligned accesses, in ascending order.
     *
     * @param base first address of the matched range, unsigned
     * @param offset byte offset from {@code base}
     * @param target where the bytes go; holds all ones before the call
     */
    default void mmioRead(long base, long offset, MemorySegment target) {
        for (long done = 0; done < target.byteSize(); ) {
            int size = BulkAccess.step(base + offset + done, target.byteSize() - done);
            BulkAccess.put(target, done, size, mmioRead(base, offset + done, size));
            done += size;
        }
    }

    /**
     * Takes an access of a length other than 1, 2, 4 or 8, of at most 4,096 bytes. The default
     * splits it into the largest naturally aligned accesses, in ascending order.
     *
     * @param base first address of the matched range, unsigned
     * @param offset byte offset from {@code base}
     * @param source where the bytes come from; read-only
     */
    default void mmioWrite(long base, long offset, MemorySegment source) {
        for (long done = 0; done < source.byteSize(); ) {
            int size = BulkAccess.step(base + offset + done, source.byteSize() - done);
            mmioWrite(base, offset + done, size, BulkAccess.get(source, done, size));
            done += size;
        }
    }
}
