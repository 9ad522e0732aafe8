package dev.dalang.passthrough;

import java.util.Locale;

/**
 * A part of a device's memory, and where the guest has it.
 *
 * @param region index of the backend's region
 * @param offset its first byte in the region
 * @param guestPhys its first guest physical address, unsigned
 * @param size bytes
 * @param isMapped true while the guest reaches the device through it
 */
public record MmioRegion(int region, long offset, long guestPhys, long size, boolean isMapped) {
    /** What offset, address and size of a region that is added by hand are multiples of. */
    public static final int PAGE_BYTES = 4096;

    /**
     * A part that is not mapped yet.
     *
     * @param region index of the backend's region
     * @param offset its first byte in the region
     * @param guestPhys its first guest physical address, unsigned
     * @param size bytes
     */
    public MmioRegion(int region, long offset, long guestPhys, long size) {
        this(region, offset, guestPhys, size, false);
    }

    MmioRegion mapped(boolean mapped) {
        return new MmioRegion(region, offset, guestPhys, size, mapped);
    }

    /** True if it has bytes, and wraps neither in the region nor in guest memory. */
    boolean isSound() {
        return size > 0
                && offset >= 0
                && offset + size >= 0
                && Long.compareUnsigned(guestPhys + (size - 1), guestPhys) >= 0;
    }

    boolean isAligned() {
        return ((offset | guestPhys | size) & PAGE_BYTES - 1) == 0;
    }

    /** True if both are at one guest physical address. */
    boolean overlaps(MmioRegion other) {
        return Long.compareUnsigned(guestPhys, other.guestPhys + (other.size - 1)) <= 0
                && Long.compareUnsigned(other.guestPhys, guestPhys + (size - 1)) <= 0;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "0x%x bytes of region %d at 0x%x, guest address 0x%x%s",
                size,
                region,
                offset,
                guestPhys,
                isMapped ? "" : ", not mapped");
    }
}
