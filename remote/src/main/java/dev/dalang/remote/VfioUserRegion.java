package dev.dalang.remote;

import java.util.List;

/**
 * A region of a device, numbered as VFIO does: 0 to 5 are BARs, 6 the expansion ROM, 7
 * configuration space.
 *
 * @param index its number
 * @param size bytes, at least 1
 * @param isReadable true if it may be read
 * @param isWritable true if it may be written
 * @param areas parts that can be mapped, inside the region, in order, disjoint; mostly none
 */
public record VfioUserRegion(
        int index, long size, boolean isReadable, boolean isWritable, List<Area> areas) {
    /** Configuration space. */
    public static final int CONFIGURATION = 7;

    /**
     * A part of a region.
     *
     * @param offset its first byte in the region, a multiple of the page size
     * @param size bytes, a multiple of the page size
     */
    public record Area(long offset, long size) {}

    /** Copies the list. */
    public VfioUserRegion {
        areas = List.copyOf(areas);
    }
}
