package dev.dalang.riscv.internal.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class TlbTest {
    private static final long PAGE = 4096;
    private static final long FIRST = 0xFFFF_FFC0_0000_0000L;

    private final long[] tlb = Tlb.empty();
    private final int entries = tlb.length / 2;

    @Test
    void anEntryGivesTheOffsetOfEachAddressInItsPage() {
        Tlb.fill(tlb, FIRST + 8, 0x7008);

        assertThat(Tlb.hits(tlb, FIRST + 4088, 8)).isTrue();
        assertThat(Tlb.offset(tlb, FIRST)).isEqualTo(0x7000);
        assertThat(Tlb.offset(tlb, FIRST + 4095)).isEqualTo(0x7FFF);
    }

    @Test
    void otherPagesMissAndAccessesThatEndInOne() {
        Tlb.fill(tlb, FIRST, 0x7000);

        assertThat(Tlb.hits(tlb, FIRST + PAGE, 1)).isFalse();
        assertThat(Tlb.hits(tlb, FIRST + entries * PAGE, 1)).isFalse();
        assertThat(Tlb.hits(tlb, FIRST + 4089, 8)).isFalse();
        assertThat(Tlb.hits(tlb, FIRST + 4095, 2)).isFalse();
        assertThat(Tlb.hits(tlb, FIRST - 1, 2)).isFalse();
    }

    @Test
    void anAccessThatEndsInAPageThatIsThereMissesToo() {
        Tlb.fill(tlb, FIRST, 0x7000);
        Tlb.fill(tlb, FIRST + PAGE, 0x9000);

        assertThat(Tlb.hits(tlb, FIRST + 4095, 2)).isFalse();
        assertThat(Tlb.hits(tlb, FIRST + 4089, 8)).isFalse();
    }

    @Test
    void misalignedAccessesInAPageHit() {
        Tlb.fill(tlb, FIRST, 0x7000);

        assertThat(Tlb.hits(tlb, FIRST + 4, 8)).isTrue();
        assertThat(Tlb.hits(tlb, FIRST + 4091, 4)).isTrue();
        assertThat(Tlb.hits(tlb, FIRST + 1, 2)).isTrue();
    }

    @Test
    void anEmptyOneHasNoPage() {
        assertThat(Tlb.hits(tlb, 0, 1)).isFalse();
        assertThat(Tlb.hits(tlb, -PAGE, 1)).isFalse();
    }

    @Test
    void flushingAPageLeavesTheOthers() {
        Tlb.fill(tlb, FIRST, 0x7000);
        Tlb.fill(tlb, FIRST + PAGE, 0x9000);

        Tlb.flushPage(tlb, FIRST + 123);
        // At the place of the second, but another page.
        Tlb.flushPage(tlb, FIRST + (entries + 1) * PAGE);

        assertThat(Tlb.hits(tlb, FIRST, 1)).isFalse();
        assertThat(Tlb.hits(tlb, FIRST + PAGE, 1)).isTrue();
    }

    @Test
    void growsWhenPagesDisplaceEachOtherAndOnlyThen() {
        assertThat(Tlb.grown(tlb, 4 * entries)).isSameAs(tlb);

        long[] larger = Tlb.grown(tlb, 4 * entries + 1);

        assertThat(larger).hasSize(2 * tlb.length);
        assertThat(Tlb.hits(larger, FIRST, 1)).isFalse();
    }

    @Test
    void growsToALimit() {
        long[] last = tlb;
        for (int times = 0; times < 20; times++) {
            last = Tlb.grown(last, Integer.MAX_VALUE);
        }

        assertThat(last).hasSize(2 * 8192);
    }

    @Test
    void aFlushDropsAllEntries() {
        Tlb.fill(tlb, FIRST, 0x7000);

        long[] flushed = Tlb.flushed(tlb, 1);

        assertThat(flushed).isSameAs(tlb);
        assertThat(Tlb.hits(flushed, FIRST, 1)).isFalse();
    }

    @Test
    void aFlushMakesOneSmallerThatWasHardlyUsedButNotTheSmallest() {
        long[] large = Tlb.grown(tlb, Integer.MAX_VALUE);

        assertThat(Tlb.flushed(large, large.length / 8)).isSameAs(large);
        assertThat(Tlb.flushed(large, 0)).isSameAs(large);
        assertThat(Tlb.flushed(large, 1)).hasSize(tlb.length);
        assertThat(Tlb.flushed(tlb, 1)).isSameAs(tlb);
    }
}
