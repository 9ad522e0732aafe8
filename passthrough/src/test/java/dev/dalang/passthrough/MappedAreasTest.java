package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.passthrough.BackendRegion.Area;

import org.junit.jupiter.api.Test;

import java.util.List;

class MappedAreasTest {
    private static final long PAGE = 4096;

    private static List<Area> carve(long size, List<Area> areas, Area... tables) {
        return MappedAreas.of(
                new BackendRegion(0, size, true, true, true, areas), List.of(tables), PAGE);
    }

    private static List<Area> whole(long size, Area... tables) {
        return carve(size, List.of(new Area(0, size)), tables);
    }

    @Test
    void withoutATableAllIsMapped() {
        assertThat(whole(0x4000)).containsExactly(new Area(0, 0x4000));
    }

    @Test
    void theTablesPagesAreLeftOut() {
        assertThat(whole(0x8000, new Area(0x2000, 0x80), new Area(0x3000, 8)))
                .containsExactly(new Area(0, 0x2000), new Area(0x4000, 0x4000));
        assertThat(whole(0x8000, new Area(0x2800, 0x1000)))
                .containsExactly(new Area(0, 0x2000), new Area(0x4000, 0x4000));
    }

    @Test
    void tablesAtTheEndsLeaveOnePiece() {
        assertThat(whole(0x4000, new Area(0, 16))).containsExactly(new Area(0x1000, 0x3000));
        assertThat(whole(0x4000, new Area(0x3ff0, 16))).containsExactly(new Area(0, 0x3000));
    }

    @Test
    void aTableThatFillsTheBarLeavesNothing() {
        assertThat(whole(0x1000, new Area(0x800, 16))).isEmpty();
    }

    /** The physical BAR may be shorter than the page that a hole is rounded up to. */
    @Test
    void aHoleBeyondTheBarIsNone() {
        assertThat(whole(0x1000, new Area(0x1000, 0x1000))).containsExactly(new Area(0, 0x1000));
        assertThat(whole(0x1800, new Area(0x1000, 0x10))).containsExactly(new Area(0, 0x1000));
    }

    @Test
    void theDevicesOwnHolesStay() {
        List<Area> sparse = List.of(new Area(0, 0x1000), new Area(0x3000, 0x2000));
        assertThat(carve(0x8000, sparse, new Area(0x2000, 16))).isEqualTo(sparse);
        assertThat(carve(0x8000, sparse, new Area(0x3000, 16)))
                .containsExactly(new Area(0, 0x1000), new Area(0x4000, 0x1000));
    }
}
