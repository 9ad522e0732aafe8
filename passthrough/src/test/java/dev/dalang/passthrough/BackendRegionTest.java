package dev.dalang.passthrough;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.passthrough.BackendRegion.Area;

import org.junit.jupiter.api.Test;

import java.util.List;

final class BackendRegionTest {
    @Test
    void areasLieInOrderInsideTheRegion() {
        List<Area> areas = List.of(new Area(0, 0x1000), new Area(0x2000, 0x2000));
        assertThat(region(0x4000, areas).areas()).isEqualTo(areas);
    }

    @Test
    void areasThatOverlapOrLeaveTheRegionAreRefused() {
        assertRefused(List.of(new Area(0, 0x1001), new Area(0x1000, 0x1000)));
        assertRefused(List.of(new Area(0x1000, 0x1000), new Area(0, 0x1000)));
        assertRefused(List.of(new Area(0x3000, 0x1001)));
    }

    @Test
    void anAreaThatWrapsIsRefused() {
        assertThatThrownBy(() -> new Area(Long.MAX_VALUE, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Area(-1, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Area(0, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private static void assertRefused(List<Area> areas) {
        assertThatThrownBy(() -> region(0x4000, areas))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("region 0 of 0x4000 bytes");
    }

    private static BackendRegion region(long size, List<Area> areas) {
        return new BackendRegion(0, size, true, true, false, areas);
    }
}
