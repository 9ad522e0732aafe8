package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

/** The range table of the seed, for both widths. Rows B1 to B8, contains and overlaps. */
class BusRangeTest {
    @FunctionalInterface
    private interface Maker {
        BusRange make(long base, long size);
    }

    private static void invalid(Maker maker, long base, long size) {
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> maker.make(base, size))
                .returns(BusException.Kind.INVALID_RANGE, BusException::kind)
                .returns(base, BusException::address)
                .returns(size, BusException::length);
    }

    private static void checkAll(Maker maker, long max) {
        invalid(maker, 0, 0);
        assertThat(maker.make(0, max).last()).isEqualTo(max - 1);
        assertThat(maker.make(1, max).last()).isEqualTo(max);
        invalid(maker, 2, max);
        invalid(maker, max, 2);
        assertThat(maker.make(max, 1).last()).isEqualTo(max);

        BusRange range = maker.make(10, 10);
        assertThat(range.base()).isEqualTo(10);
        assertThat(range.size()).isEqualTo(10);
        assertThat(range.last()).isEqualTo(19);
        long[][] apart = {{0, 5}, {0, 10}, {5, 5}, {20, 1}, {30, 10}};
        for (long[] other : apart) {
            assertThat(range.overlaps(maker.make(other[0], other[1]))).isFalse();
            assertThat(maker.make(other[0], other[1]).overlaps(range)).isFalse();
        }
        long[][] overlapping = {
            {0, 11}, {5, 6}, {5, 10}, {11, 15}, {5, 35}, {19, 1}, {19, 10}, {10, 10}, {12, 3}
        };
        for (long[] other : overlapping) {
            assertThat(range.overlaps(maker.make(other[0], other[1]))).isTrue();
            assertThat(maker.make(other[0], other[1]).overlaps(range)).isTrue();
        }
        BusRange top = maker.make(max - 9, 10);
        assertThat(top.overlaps(maker.make(max, 1))).isTrue();
        assertThat(top.overlaps(maker.make(0, max - 9))).isFalse();

        assertThat(range.contains(9)).isFalse();
        assertThat(range.contains(10)).isTrue();
        assertThat(range.contains(19)).isTrue();
        assertThat(range.contains(20)).isFalse();
        assertThat(top.contains(max)).isTrue();
        assertThat(top.contains(0)).isFalse();

        // Unlike the seed's, ranges of one base and different sizes are different ranges.
        assertThat(maker.make(1, 2)).isNotEqualTo(maker.make(1, 3)).isEqualTo(maker.make(1, 2));
        assertThat(maker.make(1, 2).compareTo(maker.make(1, 3))).isNegative();
        assertThat(maker.make(1, 9).compareTo(maker.make(2, 1))).isNegative();
        assertThat(maker.make(1, 2).compareTo(maker.make(1, 2))).isZero();
        assertThat(top.compareTo(range)).isPositive();

        assertThat(range.at(30)).isEqualTo(maker.make(30, 10));
        assertThatExceptionOfType(BusException.class).isThrownBy(() -> range.at(max - 8));
    }

    @Test
    void memoryRangesFollowTheTable() {
        checkAll(MmioRange::new, -1L);
        assertThat(MmioRange.unit(new MmioAddress(-1L))).isEqualTo(new MmioRange(-1L, 1));
        assertThat(new MmioRange(0x1000, 0x100)).hasToString("mmio 0x1000..0x10ff");
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> new MmioRange(-1L, 2))
                .withMessage(
                        "a range of 2 bytes at 0xffffffffffffffff does not end at or below"
                                + " 0xffffffffffffffff");
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> new MmioRange(5, 0))
                .withMessageContaining("is empty");
    }

    @Test
    void portRangesFollowTheTable() {
        checkAll(PioRange::new, 0xffff);
        assertThat(PioRange.unit(new PioAddress(0xffff))).isEqualTo(new PioRange(0xffff, 1));
        assertThat(new PioRange(0x3f8, 8)).hasToString("ports 0x3f8..0x3ff");
        invalid(PioRange::new, 0x1_0000, 1);
        invalid(PioRange::new, -1, 1);
        invalid(PioRange::new, 0, -1);
        invalid(PioRange::new, 0, Long.MAX_VALUE);
    }

    @Test
    void oneRangeMayHoldAllPorts() {
        assertThat(new PioRange(0, 0x1_0000).last()).isEqualTo(0xffff);
        invalid(PioRange::new, 0, 0x1_0001);
    }
}
