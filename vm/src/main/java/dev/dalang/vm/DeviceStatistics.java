package dev.dalang.vm;

/**
 * What one device had to do.
 *
 * @param label the device's name
 * @param typeId its type
 * @param reads loads that it answered
 * @param writes stores that it took
 * @param interrupts interrupts that it raised: rising edges of its wires, or messages
 */
public record DeviceStatistics(
        String label, String typeId, long reads, long writes, long interrupts) {
    /**
     * Exits.
     *
     * @return loads and stores together
     */
    public long exits() {
        return reads + writes;
    }
}
