package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.BusException.Kind;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import java.util.List;

/** The bus table of the seed. Devices are texts; range [10, 19] is there from the start. */
abstract class BusContract<R extends BusRange> {
    private final Bus<R, String> bus = newBus();

    BusContract() {
        bus.register(range(10, 10), "ten");
    }

    abstract Bus<R, String> newBus();

    abstract R range(long base, long size);

    abstract long highest();

    private void fails(Kind kind, ThrowingCallable call) {
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(call)
                .returns(kind, BusException::kind);
    }

    private void noAccess(long address, long length, Kind kind) {
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> bus.checkAccess(address, length))
                .returns(kind, BusException::kind)
                .returns(address, BusException::address)
                .returns(length, BusException::length);
    }

    @Test
    void anEmptyBusHasNoDevice() {
        Bus<R, String> empty = newBus();
        assertThat(empty.device(0)).isEmpty();
        assertThat(empty.device(highest())).isEmpty();
        assertThat(empty.deregister(5)).isEmpty();
        assertThat(empty.mappings()).isEmpty();
        fails(Kind.NO_DEVICE, () -> empty.checkAccess(0, 1));
    }

    /** Rows B1 to B8, miss. */
    @Test
    void row1AddressesBesideTheRangeHaveNoDevice() {
        assertThat(bus.device(9)).isEmpty();
        assertThat(bus.device(20)).isEmpty();
    }

    /** Rows B1 to B8, hit. */
    @Test
    void row2EveryAddressOfTheRangeFindsIt() {
        for (long address = 10; address <= 19; address++) {
            assertThat(bus.device(address)).contains(new BusMapping<>(range(10, 10), "ten"));
        }
    }

    /** Rows B1 to B8, hit: the whole access must fit. */
    @Test
    void row3EveryAccessWithinTheRangeIsTaken() {
        for (long offset = 0; offset < 10; offset++) {
            for (long length = 1; offset + length <= 10; length++) {
                assertThat(bus.checkAccess(10 + offset, length).device()).isEqualTo("ten");
            }
        }
    }

    /** Rows B1 to B8, an insert that fails. */
    @Test
    void row4TheSameRangeTwiceOverlaps() {
        fails(Kind.OVERLAP, () -> bus.register(range(10, 10), "other"));
        fails(Kind.OVERLAP, () -> bus.register(range(10, 10), "ten"));
        assertThat(bus.device(10).orElseThrow().device()).isEqualTo("ten");
    }

    /** Rows B1 to B8, an insert that fails. */
    @Test
    void row5ARangeThatEndsOnTheFirstAddressOverlaps() {
        fails(Kind.OVERLAP, () -> bus.register(range(1, 10), "other"));
        noAccess(1, 10, Kind.NO_DEVICE);
    }

    /** Rows B1 to B8, an insert that fails. */
    @Test
    void row6ARangeThatBeginsOnTheLastAddressOverlaps() {
        fails(Kind.OVERLAP, () -> bus.register(range(19, 10), "other"));
        noAccess(19, 10, Kind.CROSSES_BOUNDARY);
    }

    /** Rows B1 to B8, an insert that fails. */
    @Test
    void row7ARangeAroundOverlaps() {
        fails(Kind.OVERLAP, () -> bus.register(range(1, 119), "other"));
        noAccess(1, 119, Kind.NO_DEVICE);
    }

    /** Rows B1 to B8, an insert that succeeds. */
    @Test
    void row8AnAdjacentRangeIsFree() {
        noAccess(20, 5, Kind.NO_DEVICE);
        bus.register(range(20, 5), "twenty");
        bus.register(range(5, 5), "five");
        assertThat(bus.checkAccess(20, 5).device()).isEqualTo("twenty");
        assertThat(bus.mappings())
                .extracting(BusMapping::device)
                .containsExactly("five", "ten", "twenty");
    }

    @Test
    void row9AnyAddressOfARangeRemovesAllOfIt() {
        for (long address = 20; address <= 24; address++) {
            bus.register(range(20, 5), "twenty");
            assertThat(bus.deregister(address)).contains(new BusMapping<>(range(20, 5), "twenty"));
            assertThat(bus.device(20)).isEmpty();
        }
        assertThat(bus.device(19)).isPresent();
    }

    @Test
    void row10WhatIsGoneCannotBeRemovedAgain() {
        assertThat(bus.deregister(15)).isPresent();
        assertThat(bus.deregister(15)).isEmpty();
    }

    @Test
    void row11AnAccessThatRunsIntoTheNeighbourCrossesABoundary() {
        bus.register(range(20, 5), "ten");
        noAccess(10, 11, Kind.CROSSES_BOUNDARY);
        noAccess(19, 2, Kind.CROSSES_BOUNDARY);
        noAccess(9, 2, Kind.NO_DEVICE);
    }

    @Test
    void noBytesAndAnEndPastTheTopAreInvalidEvenWhereNothingIs() {
        noAccess(10, 0, Kind.INVALID_RANGE);
        noAccess(500, 0, Kind.INVALID_RANGE);
        noAccess(highest(), 2, Kind.INVALID_RANGE);
        noAccess(highest() - 3, 5, Kind.INVALID_RANGE);
        noAccess(highest() - 3, 4, Kind.NO_DEVICE);
    }

    /** Rows B1 to B8, an insert at the full address. */
    @Test
    void theTopOfTheBusIsUsable() {
        bus.register(range(highest() - 7, 8), "top");
        assertThat(bus.device(highest()).orElseThrow().device()).isEqualTo("top");
        assertThat(bus.checkAccess(highest() - 7, 8).device()).isEqualTo("top");
        assertThat(bus.device(0)).isEmpty();
        noAccess(highest() - 8, 8, Kind.NO_DEVICE);
    }

    @Test
    void severalRangesAreRegisteredTogetherOrNotAtAll() {
        fails(
                Kind.OVERLAP,
                () ->
                        bus.registerAll(
                                List.of(
                                        new BusMapping<>(range(30, 5), "a"),
                                        new BusMapping<>(range(40, 5), "a"),
                                        new BusMapping<>(range(15, 1), "a"))));
        assertThat(bus.mappings()).hasSize(1);
        fails(
                Kind.OVERLAP,
                () ->
                        bus.registerAll(
                                List.of(
                                        new BusMapping<>(range(30, 5), "a"),
                                        new BusMapping<>(range(34, 1), "a"))));
        assertThat(bus.mappings()).hasSize(1);
        bus.registerAll(
                List.of(new BusMapping<>(range(40, 5), "a"), new BusMapping<>(range(30, 5), "a")));
        assertThat(bus.mappings()).extracting(m -> m.range().base()).containsExactly(10L, 30L, 40L);
    }

    @Test
    void removalByOwnerAsksForTheExactRangeAndTheOwner() {
        bus.register(range(30, 5), "thirty");
        fails(Kind.NOT_REGISTERED, () -> bus.deregister(List.of(range(10, 9)), "ten"));
        fails(Kind.NOT_REGISTERED, () -> bus.deregister(List.of(range(11, 1)), "ten"));
        fails(Kind.NOT_REGISTERED, () -> bus.deregister(List.of(range(50, 1)), "ten"));
        fails(
                Kind.FOREIGN_OWNER,
                () -> bus.deregister(List.of(range(10, 10), range(30, 5)), "ten"));
        assertThat(bus.mappings()).hasSize(2);
        bus.deregister(List.of(range(10, 10)), "ten");
        assertThat(bus.mappings()).extracting(BusMapping::device).containsExactly("thirty");
    }

    @Test
    void aMoveTakesTheRangeElsewhereAndFreesItsPlace() {
        assertThat(bus.move(range(10, 10), "ten", 100)).isEqualTo(range(100, 10));
        assertThat(bus.device(10)).isEmpty();
        assertThat(bus.device(109)).contains(new BusMapping<>(range(100, 10), "ten"));
        assertThat(bus.move(range(100, 10), "ten", 105)).isEqualTo(range(105, 10));
        assertThat(bus.device(104)).isEmpty();
        assertThat(bus.move(range(105, 10), "ten", 105)).isEqualTo(range(105, 10));
    }

    @Test
    void aMoveThatFailsChangesNothing() {
        bus.register(range(30, 5), "thirty");
        List<BusMapping<R, String>> before = bus.mappings();
        fails(Kind.OVERLAP, () -> bus.move(range(10, 10), "ten", 25));
        fails(Kind.INVALID_RANGE, () -> bus.move(range(10, 10), "ten", highest() - 8));
        fails(Kind.NOT_REGISTERED, () -> bus.move(range(10, 9), "ten", 100));
        fails(Kind.NOT_REGISTERED, () -> bus.move(range(12, 3), "ten", 100));
        fails(Kind.FOREIGN_OWNER, () -> bus.move(range(10, 10), "thirty", 100));
        assertThat(bus.mappings()).isEqualTo(before);
    }

    @Test
    void lookUpAgreesWithASearchOfEveryRange() {
        Bus<R, String> many = newBus();
        for (int i = 0; i < 100; i++) {
            many.register(range(7L * i + (i % 3), 1 + i % 4), "d" + i);
            for (long address = 0; address < 720; address++) {
                long wanted = address;
                var expected =
                        many.mappings().stream()
                                .filter(mapping -> mapping.range().contains(wanted))
                                .findFirst();
                if (i % 9 == 0 || i == 99) {
                    assertThat(many.device(address)).isEqualTo(expected);
                }
            }
        }
    }

    @Test
    void messagesCarryTheNumbers() {
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> bus.register(range(19, 10), "other"))
                .withMessageContaining("0x13..0x1c overlaps with")
                .withMessageContaining("0xa..0x13");
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> bus.checkAccess(18, 4))
                .withMessageStartingWith("an access of 4 bytes at 0x12 runs past the end of ");
        assertThatExceptionOfType(BusException.class)
                .isThrownBy(() -> bus.checkAccess(0x50, 1))
                .withMessage("no device at 0x50 for an access of 1 byte");
    }
}
