package dev.dalang.bus;

/**
 * What one device has been asked and has done, at one moment.
 *
 * @param id the device's label, which is the key
 * @param typeId the device's type
 * @param reads accesses that read
 * @param writes accesses that wrote
 * @param errors accesses that failed within the device
 * @param interrupts interrupts that it raised: edges of wires, and messages
 */
public record DeviceCounts(
        String id, String typeId, long reads, long writes, long errors, long interrupts) {
    boolean isZero() {
        return (reads | writes | errors | interrupts) == 0;
    }
}
