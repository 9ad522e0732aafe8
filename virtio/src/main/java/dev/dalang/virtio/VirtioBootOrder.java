package dev.dalang.virtio;

/** The ability to be booted from. */
public interface VirtioBootOrder {
    /**
     * Names what can be booted from, as Open Firmware does.
     *
     * @param unit the function's device number and, if it is not 0, a comma and the function
     *     number, in hexadecimal
     * @return a path below the host bridge, such as {@code scsi@4/disk@0,0}
     */
    String bootorderNode(String unit);
}
