package dev.dalang.bus;

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
}
