package dev.dalang.bus;

/**
 * How a hart reaches what is not memory: the machine's policy above the buses. A load that finds no
 * device gives all ones, a store that finds none is dropped, and both are counted. Nothing is ever
 * thrown to the hart. Any thread.
 */
public interface GuestIo {
    /**
     * A guest's load from a device.
     *
     * @param address guest physical address, unsigned
     * @param size 1, 2, 4 or 8
     * @return the value, zero-extended; all ones (of {@code size} bytes) where nothing answers
     */
    long load(long address, int size);

    /**
     * A guest's store to a device.
     *
     * @param address guest physical address, unsigned
     * @param size 1, 2, 4 or 8
     * @param value the value, zero-extended
     */
    void store(long address, int size, long value);
}
