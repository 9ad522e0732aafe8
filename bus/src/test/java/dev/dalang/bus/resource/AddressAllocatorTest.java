package dev.dalang.bus.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.resource.AllocationException.Kind;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class AddressAllocatorTest {
    private final AddressAllocator space = AddressAllocator.of("window", 0x1000, 0x1000);

    private static void fails(Kind kind, ThrowingCallable call, String... parts) {
        assertThatExceptionOfType(AllocationException.class)
                .isThrownBy(call)
                .returns(kind, AllocationException::kind)
                .extracting(Throwable::getMessage)
                .satisfies(message -> assertThat(parts).allMatch(part -> message.contains(part)));
    }

    @Test
    void aSpaceIsNotEmptyAndDoesNotWrap() {
        fails(Kind.INVALID_RANGE, () -> AddressAllocator.of("w", 0, 0), "got 0 from 0x0");
        fails(Kind.INVALID_RANGE, () -> AddressAllocator.of("w", 2, -1));
        fails(Kind.INVALID_RANGE, () -> AddressAllocator.of("w", -1, 2));
        assertThat(AddressAllocator.of("w", 1, -1).last()).isEqualTo(-1);
        assertThat(AddressAllocator.of("w", -1, 1).base()).isEqualTo(-1);
        assertThat(AddressAllocator.of("w", 0, -1).totalFree()).isEqualTo(-1);
    }

    @Test
    void sizesAndAlignmentsAreChecked() {
        fails(Kind.INVALID_SIZE, () -> space.allocate(0, 1, Placement.LOWEST));
        fails(Kind.INVALID_SIZE, () -> space.allocateAt(0x1000, 0, 1));
        fails(Kind.INVALID_SIZE, () -> space.free(0x1000, 0));
        for (long alignment : new long[] {0, 3, 6, -1}) {
            fails(Kind.INVALID_ALIGNMENT, () -> space.allocate(1, alignment, Placement.LOWEST));
            fails(Kind.INVALID_ALIGNMENT, () -> space.allocateAt(0x1000, 1, alignment));
        }
        fails(
                Kind.INVALID_RANGE,
                () -> space.allocate(1, 1, Placement.LOWEST, 0x1801, 0x1800),
                "0x1801");
        fails(Kind.UNALIGNED_ADDRESS, () -> space.allocateAt(0x1010, 1, 0x20), "32", "0x1010");
        assertThat(space.totalFree()).isEqualTo(0x1000);
    }

    @Test
    void lowestComesFirstAndAlignmentIsKept() {
        assertThat(space.allocate(1, 1, Placement.LOWEST)).isEqualTo(0x1000);
        assertThat(space.allocate(0x10, 0x100, Placement.LOWEST)).isEqualTo(0x1100);
        assertThat(space.allocate(0xff, 1, Placement.LOWEST)).isEqualTo(0x1001);
        assertThat(space.allocate(1, 1, Placement.LOWEST)).isEqualTo(0x1110);
    }

    @Test
    void highestComesFirstAndAlignmentIsKept() {
        assertThat(space.allocate(1, 1, Placement.HIGHEST)).isEqualTo(0x1fff);
        assertThat(space.allocate(0x10, 0x100, Placement.HIGHEST)).isEqualTo(0x1f00);
        assertThat(space.allocate(0xef, 1, Placement.HIGHEST)).isEqualTo(0x1f10);
        assertThat(space.allocate(1, 1, Placement.HIGHEST)).isEqualTo(0x1eff);
    }

    @Test
    void boundsAreKept() {
        assertThat(space.allocate(0x10, 0x10, Placement.LOWEST, 0x1805, 0x18ff)).isEqualTo(0x1810);
        assertThat(space.allocate(0x10, 0x10, Placement.HIGHEST, 0x1805, 0x18fe)).isEqualTo(0x18e0);
        assertThat(space.allocate(0x800, 1, Placement.LOWEST, 0, 0x17ff)).isEqualTo(0x1000);
        fails(
                Kind.EXHAUSTED,
                () -> space.allocate(1, 1, Placement.LOWEST, 0x1000, 0x17ff),
                "no room for 1 aligned to 1 in 0x1000..0x17ff",
                "2016 free, at most 1808 in one piece");
        fails(Kind.EXHAUSTED, () -> space.allocate(1, 1, Placement.LOWEST, 0x5000, 0x6000));
    }

    @Test
    void oneCertainRangeIsGivenOnce() {
        space.allocateAt(0x1800, 0x100, 0x100);
        fails(Kind.EXHAUSTED, () -> space.allocateAt(0x1800, 0x100, 1), "256 at 0x1800");
        fails(Kind.EXHAUSTED, () -> space.allocateAt(0x17ff, 2, 1));
        fails(Kind.EXHAUSTED, () -> space.allocateAt(0x18ff, 2, 1));
        fails(Kind.EXHAUSTED, () -> space.allocateAt(0xfff, 2, 1));
        fails(Kind.EXHAUSTED, () -> space.allocateAt(0x1fff, 2, 1));
        fails(Kind.EXHAUSTED, () -> space.allocateAt(0x2000, 1, 1));
        fails(Kind.EXHAUSTED, () -> space.allocateAt(0x1900, -1, 1));
        space.allocateAt(0x1900, 0x700, 1);
        space.allocateAt(0x1000, 0x800, 1);
        assertThat(space.totalFree()).isZero();
        assertThat(space.largestFree()).isZero();
        fails(Kind.EXHAUSTED, () -> space.allocate(1, 1, Placement.HIGHEST), "0 free");
    }

    @Test
    void onlyWhatWasGivenComesBack() {
        space.allocateAt(0x1800, 0x100, 1);
        fails(Kind.NEVER_ALLOCATED, () -> space.free(0x1800, 0xff), "255 at 0x1800");
        fails(Kind.NEVER_ALLOCATED, () -> space.free(0x1801, 0xff));
        fails(Kind.NEVER_ALLOCATED, () -> space.free(0x1000, 1));
        space.free(0x1800, 0x100);
        fails(Kind.NEVER_ALLOCATED, () -> space.free(0x1800, 0x100));
        assertThat(space.largestFree()).isEqualTo(0x1000);
    }

    @Test
    void holesThatTouchBecomeOne() {
        long a = space.allocate(0x100, 1, Placement.LOWEST);
        long b = space.allocate(0x100, 1, Placement.LOWEST);
        long c = space.allocate(0x100, 1, Placement.LOWEST);
        space.free(a, 0x100);
        space.free(c, 0x100);
        assertThat(space.largestFree()).isEqualTo(0xe00);
        space.free(b, 0x100);
        assertThat(space.largestFree()).isEqualTo(0x1000);
    }

    @Test
    void theTopOfTheAddressSpaceIsUsable() {
        AddressAllocator top = AddressAllocator.of("top", -0x1000, 0x1000);
        assertThat(top.allocate(0x800, 0x800, Placement.HIGHEST)).isEqualTo(-0x800);
        assertThat(top.allocate(1, 1, Placement.HIGHEST)).isEqualTo(-0x801);
        fails(Kind.EXHAUSTED, () -> top.allocate(0x800, 0x800, Placement.LOWEST));
        fails(Kind.EXHAUSTED, () -> top.allocate(1, Long.MIN_VALUE, Placement.LOWEST));
        top.free(-0x800, 0x800);
        top.free(-0x801, 1);
        assertThat(top.largestFree()).isEqualTo(0x1000);
    }

    @Test
    void randomUseNeverOverlapsAndLosesNothing() {
        long seed = 7;
        Random random = new Random(seed);
        boolean[] mine = new boolean[0x1000];
        List<long[]> given = new ArrayList<>();
        for (int step = 0; step < 5_000; step++) {
            if (!given.isEmpty() && random.nextInt(5) < 2) {
                long[] back = given.remove(random.nextInt(given.size()));
                space.free(back[0], back[1]);
                for (long i = 0; i < back[1]; i++) {
                    mine[(int) (back[0] + i - 0x1000)] = false;
                }
                continue;
            }
            long size = 1L + random.nextInt(0x80);
            long alignment = 1L << random.nextInt(7);
            long base;
            try {
                base =
                        space.allocate(
                                size,
                                alignment,
                                random.nextBoolean() ? Placement.LOWEST : Placement.HIGHEST);
            } catch (AllocationException full) {
                assertThat(full.kind()).as("seed %d", seed).isEqualTo(Kind.EXHAUSTED);
                continue;
            }
            assertThat(base & (alignment - 1)).isZero();
            for (long i = 0; i < size; i++) {
                assertThat(mine[(int) (base + i - 0x1000)]).as("seed %d", seed).isFalse();
                mine[(int) (base + i - 0x1000)] = true;
            }
            given.add(new long[] {base, size});
        }
        given.forEach(range -> space.free(range[0], range[1]));
        assertThat(space.largestFree()).isEqualTo(0x1000);
    }
}
