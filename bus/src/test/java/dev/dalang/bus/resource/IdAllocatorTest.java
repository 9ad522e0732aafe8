package dev.dalang.bus.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.resource.AllocationException.Kind;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class IdAllocatorTest {
    private final IdAllocator ids = IdAllocator.of("lines", 5, 9);

    private static void fails(Kind kind, ThrowingCallable call, String... parts) {
        assertThatExceptionOfType(AllocationException.class)
                .isThrownBy(call)
                .returns(kind, AllocationException::kind)
                .extracting(Throwable::getMessage)
                .satisfies(message -> assertThat(parts).allMatch(part -> message.contains(part)));
    }

    @Test
    void boundsAreChecked() {
        fails(Kind.INVALID_RANGE, () -> IdAllocator.of("x", 5, 4), "5..4");
        fails(Kind.INVALID_RANGE, () -> IdAllocator.of("x", -1, 4));
        fails(Kind.INVALID_RANGE, () -> IdAllocator.of("x", 0, 0x1_0000_0000L));
        assertThat(IdAllocator.of("x", 3, 3).allocate()).isEqualTo(3);
    }

    @Test
    void idsAscendUntilAllAreGivenOut() {
        for (long expected = 5; expected <= 9; expected++) {
            assertThat(ids.allocate()).isEqualTo(expected);
        }
        fails(Kind.EXHAUSTED, ids::allocate, "5..9");
        IdAllocator top = IdAllocator.of("top", 0xffff_ffffL, 0xffff_ffffL);
        assertThat(top.allocate()).isEqualTo(0xffff_ffffL);
        fails(Kind.EXHAUSTED, top::allocate);
    }

    @Test
    void theLowestReleasedIdComesFirst() {
        for (int i = 0; i < 4; i++) {
            ids.allocate();
        }
        ids.free(7);
        ids.free(5);
        assertThat(ids.allocate()).isEqualTo(5);
        assertThat(ids.allocate()).isEqualTo(7);
        assertThat(ids.allocate()).isEqualTo(9);
    }

    @Test
    void whatComesBackIsChecked() {
        ids.allocate();
        fails(Kind.OUT_OF_RANGE, () -> ids.free(4), "5..9", "4");
        fails(Kind.OUT_OF_RANGE, () -> ids.free(10));
        fails(Kind.NEVER_ALLOCATED, () -> ids.free(6), "6");
        ids.free(5);
        fails(Kind.ALREADY_RELEASED, () -> ids.free(5), "5");
    }

    @Test
    void certainIdsAreGivenOnceAndPassedOver() {
        ids.allocate(6);
        ids.allocate(5);
        fails(Kind.EXHAUSTED, () -> ids.allocate(6), "6");
        fails(Kind.OUT_OF_RANGE, () -> ids.allocate(10));
        assertThat(ids.allocate()).isEqualTo(7);
        fails(Kind.EXHAUSTED, () -> ids.allocate(7));
        ids.allocate(9);
        ids.free(9);
        assertThat(ids.allocate()).isEqualTo(9);
        assertThat(ids.allocate()).isEqualTo(8);
        fails(Kind.EXHAUSTED, ids::allocate);
        ids.free(9);
        ids.allocate(9);
        fails(Kind.EXHAUSTED, () -> ids.allocate(9));
        ids.free(6);
        ids.allocate(6);
        fails(Kind.EXHAUSTED, ids::allocate);
    }
}
