package dev.dalang.riscv.internal.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

final class CodePageTest {
    private static final short LEFT = 77;

    private final CodePage page = CodePages.of(0x8000_0000L, new byte[0]);

    private static Region region() {
        return new Region(1) {
            @Override
            public long run(
                    @Nullable HartCore core,
                    @Nullable Mmu mmu,
                    @Nullable OtherOps others,
                    long base,
                    long limit) {
                return LOOK;
            }
        };
    }

    @Test
    void aSlotHasNoRegionHoweverFarItsCountdownIs() {
        for (short left : new short[] {1, 2, 2_000, Short.MAX_VALUE}) {
            page.countdown[5] = left;

            assertThat(page.region(5)).isNull();
        }
    }

    @Test
    void aRegionIsEnteredAtItsSlotsAndNowhereElse() {
        Region region = region();

        page.setRegion(0, region, LEFT);
        page.setRegion(CodePage.SLOTS - 1, region, LEFT);

        assertThat(page.region(0)).isSameAs(region);
        assertThat(page.region(CodePage.SLOTS - 1)).isSameAs(region);
        assertThat(page.region(1)).isNull();
        // The interpreter hands over wherever the countdown is not above 1.
        assertThat(page.countdown[0]).isNegative();
    }

    @Test
    void whatTakesThePlaceOfARegionLeavesItsOtherSlots() {
        Region first = region();
        Region second = region();
        page.setRegion(3, first, LEFT);
        page.setRegion(4, first, LEFT);

        page.setRegion(3, second, LEFT);
        assertThat(page.region(3)).isSameAs(second);
        assertThat(page.region(4)).isSameAs(first);

        page.setRegion(4, null, LEFT);
        assertThat(page.region(3)).isSameAs(second);
        assertThat(page.region(4)).isNull();
        assertThat(page.countdown[4]).isEqualTo(LEFT);
    }

    @Test
    void aCountThatUndoesARegionLeavesTheOthers() {
        Region first = region();
        Region second = region();
        page.setRegion(3, first, LEFT);
        page.setRegion(4, second, LEFT);

        page.countdown[3] = 9;

        assertThat(page.region(3)).isNull();
        assertThat(page.region(4)).isSameAs(second);
        page.setRegion(3, first, LEFT);
        assertThat(page.region(3)).isSameAs(first);
    }

    @Test
    void eachSlotHasTheLastOfManyRegions() {
        var random = new Random(1);
        List<@Nullable Region> expected = new ArrayList<>();
        for (int slot = 0; slot < CodePage.SLOTS; slot++) {
            expected.add(null);
        }
        List<Region> regions = new ArrayList<>();
        for (int n = 0; n < 300; n++) {
            regions.add(region());
        }
        for (int n = 0; n < 20_000; n++) {
            int slot = random.nextInt(CodePage.SLOTS);
            Region next = n % 3 == 0 ? null : regions.get(random.nextInt(regions.size()));
            page.setRegion(slot, next, LEFT);
            expected.set(slot, next);
        }

        for (int slot = 0; slot < CodePage.SLOTS; slot++) {
            assertThat(page.region(slot)).isSameAs(expected.get(slot));
        }
    }
}
