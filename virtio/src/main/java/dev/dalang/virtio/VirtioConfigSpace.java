package dev.dalang.virtio;

/**
 * The ability to have a configuration space of the device's own (virtio 1.3 §2.5). Little-endian.
 * Calls come on the threads of harts, several at a time.
 */
public interface VirtioConfigSpace {
    /**
     * Says how long the configuration space is. Constant.
     *
     * @return bytes, 1 to 4096; what lies beyond reads as 0
     */
    int configBytes();

    /**
     * Reads. An access that lies across the end comes in single bytes.
     *
     * @param offset first byte
     * @param size 1, 2, 4 or 8; the access lies whole inside the space, aligned or not
     * @return the value; bits above {@code size} bytes are ignored
     */
    long readConfig(int offset, int size);

    /**
     * Takes a write; none changes anything unless the device says otherwise.
     *
     * @param offset first byte
     * @param size 1, 2, 4 or 8; the access lies whole inside the space, aligned or not
     * @param value the value, zero-extended
     */
    default void writeConfig(int offset, int size, long value) {}
}
