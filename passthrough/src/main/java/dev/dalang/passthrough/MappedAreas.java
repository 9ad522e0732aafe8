package dev.dalang.passthrough;

import dev.dalang.passthrough.BackendRegion.Area;

import java.util.ArrayList;
import java.util.List;

/**
 * Which parts of a region are mapped, where tables lie in it that the guest must not reach: the
 * parts that the device offers, without the pages that hold a byte of a table.
 */
final class MappedAreas {
    private MappedAreas() {}

    /**
     * Carves the tables out.
     *
     * @param region the region
     * @param tables what is never mapped; what lies beyond the region is ignored
     * @param pageBytes what a hole is rounded to, a power of two
     * @return the parts, in order
     */
    static List<Area> of(BackendRegion region, List<Area> tables, long pageBytes) {
        List<Area> kept = new ArrayList<>(region.areas());
        for (Area table : tables) {
            long from = table.offset() & -pageBytes;
            long to = table.end() + (pageBytes - 1) & -pageBytes;
            List<Area> next = new ArrayList<>();
            for (Area area : kept) {
                if (to <= area.offset() || from >= area.end()) {
                    next.add(area);
                    continue;
                }
                if (from > area.offset()) {
                    next.add(new Area(area.offset(), from - area.offset()));
                }
                if (to < area.end()) {
                    next.add(new Area(to, area.end() - to));
                }
            }
            kept = next;
        }
        return kept;
    }
}
