package dev.dalang.testkit.virtio;

/**
 * One buffer of a chain. Nothing is checked, so that tests can send what no driver may.
 *
 * @param address guest physical address, unsigned
 * @param length bytes, an unsigned 32-bit value
 * @param isWritable whether the device writes it; otherwise it reads it
 */
public record DriverBuffer(long address, int length, boolean isWritable) {
    /**
     * A buffer that the device reads.
     *
     * @param address guest physical address, unsigned
     * @param length bytes, an unsigned 32-bit value
     * @return the buffer
     */
    public static DriverBuffer readable(long address, int length) {
        return new DriverBuffer(address, length, false);
    }

    /**
     * A buffer that the device writes.
     *
     * @param address guest physical address, unsigned
     * @param length bytes, an unsigned 32-bit value
     * @return the buffer
     */
    public static DriverBuffer writable(long address, int length) {
        return new DriverBuffer(address, length, true);
    }
}
