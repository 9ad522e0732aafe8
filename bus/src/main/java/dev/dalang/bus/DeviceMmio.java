package dev.dalang.bus;

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
}
