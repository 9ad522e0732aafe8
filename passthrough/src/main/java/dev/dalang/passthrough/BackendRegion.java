package dev.dalang.passthrough;

import java.util.List;

/**
 * A region of a device: a BAR, its ROM, configuration space. Areas lie inside the region, in order,
 * and do not overlap.
 *
 * @param index {@link #BAR0} to {@link #VGA}, or what the device has beyond
 * @param size bytes, at least 1
 * @param isReadable true if it may be read
 * @param isWritable true if it may be written
 * @param isMsixMappable true if an area may be mapped although the table of MSI-X lies in it
 * @param areas the parts that may be mapped; none if it cannot be mapped
 */
public record BackendRegion(
        int index,
        long size,
        boolean isReadable,
        boolean isWritable,
        boolean isMsixMappable,
        List<Area> areas) {
    /** The first BAR; the others follow. */
    public static final int BAR0 = 0;

    /** The expansion ROM. */
    public static final int ROM = 6;

    /** Configuration space. */
    public static final int CONFIG = 7;

    /** The ranges of a VGA. */
    public static final int VGA = 8;

    /** How many areas a region may have. */
    public static final int MAX_AREAS = 4096;

    /**
     * A part of a region.
     *
     * @param offset its first byte in the region
     * @param size bytes, at least 1
     */
    public record Area(long offset, long size) {
        /** Checks that there is such a part at all. */
        public Area {
            if (offset < 0 || size < 1 || offset + size < offset) {
                throw new IllegalArgumentException(
                        "expected an area of at least a byte, got 0x%x bytes at 0x%x"
                                .formatted(size, offset));
            }
        }

        /** {@return the offset behind its last byte} */
        public long end() {
            return offset + size;
        }
    }

    /** Checks what the class comment says. */
    public BackendRegion {
        areas = List.copyOf(areas);
        if (index < 0 || size < 1) {
            throw new IllegalArgumentException(
                    "expected a region of at least a byte, got region %d of 0x%x bytes"
                            .formatted(index, size));
        }
        if (areas.size() > MAX_AREAS) {
            throw new IllegalArgumentException(
                    "expected at most %d areas in region %d, got %d"
                            .formatted(MAX_AREAS, index, areas.size()));
        }
        long end = 0;
        for (Area area : areas) {
            if (area.offset < end || area.end() > size) {
                throw new IllegalArgumentException(
                        "expected areas in order inside region %d of 0x%x bytes, got %s"
                                .formatted(index, size, areas));
            }
            end = area.end();
        }
    }

    /**
     * A region that may be read and written, and cannot be mapped.
     *
     * @param index its index
     * @param size bytes
     * @return the region
     */
    public static BackendRegion of(int index, long size) {
        return new BackendRegion(index, size, true, true, false, List.of());
    }
}
