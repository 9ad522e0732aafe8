package dev.dalang.pci;

import static dev.dalang.pci.BarRange.Space.IO;
import static dev.dalang.pci.BarRange.Space.MEMORY;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

final class PciBarTest {
    private final PciConfiguration config =
            PciConfiguration.endpoint(0x1234, 0x11e8).label("edu").build();

    private static PciBar bar(int index, PciBar.Type type, long size, long address) {
        return new PciBar(index, type, size, false, OptionalLong.of(address));
    }

    private int size(int register) {
        config.write(register, 0, 4, -1);
        return config.readRegister(register);
    }

    /** Row C2 and the rest of B3's checks, in its order. */
    static Stream<Arguments> refused() {
        return Stream.of(
                Arguments.of(
                        bar(0, PciBar.Type.IO, 2, 0x10),
                        PciException.Kind.BAR_SIZE,
                        "BAR 0 (I/O, 0x2 bytes at 0x10): expected at least 4 bytes"),
                Arguments.of(
                        bar(0, PciBar.Type.IO, 3, 0x10),
                        PciException.Kind.BAR_SIZE,
                        "BAR 0 (I/O, 0x3 bytes at 0x10): expected a power of two"),
                Arguments.of(
                        bar(0, PciBar.Type.MEMORY32, 8, 0x1000),
                        PciException.Kind.BAR_SIZE,
                        "BAR 0 (32-bit memory, 0x8 bytes at 0x1000): expected at least 16 bytes"),
                Arguments.of(
                        bar(0, PciBar.Type.MEMORY64, 8, 0x1000),
                        PciException.Kind.BAR_SIZE,
                        "BAR 0 (64-bit memory, 0x8 bytes at 0x1000): expected at least 16 bytes"),
                Arguments.of(
                        bar(0, PciBar.Type.MEMORY32, 0, 0),
                        PciException.Kind.BAR_SIZE,
                        "BAR 0 (32-bit memory, 0x0 bytes at 0x0): expected a power of two"),
                Arguments.of(
                        bar(PciBar.ROM, PciBar.Type.MEMORY64, 0x1000, 0x1000),
                        PciException.Kind.ROM_TYPE,
                        "expansion ROM (64-bit memory, 0x1000 bytes at 0x1000): expected 32-bit"
                                + " memory"),
                Arguments.of(
                        bar(PciBar.ROM, PciBar.Type.IO, 0x1000, 0x1000),
                        PciException.Kind.ROM_TYPE,
                        "expansion ROM (I/O, 0x1000 bytes at 0x1000): expected 32-bit memory"),
                Arguments.of(
                        bar(PciBar.ROM, PciBar.Type.MEMORY32, 1024, 0x1000),
                        PciException.Kind.BAR_SIZE,
                        "expansion ROM (32-bit memory, 0x400 bytes at 0x1000): expected at least"
                                + " 2048 bytes"),
                Arguments.of(
                        bar(1, PciBar.Type.MEMORY32, 0x1000, 0x1800),
                        PciException.Kind.BAR_ALIGNMENT,
                        "BAR 1 (32-bit memory, 0x1000 bytes at 0x1800): expected an address that"
                                + " is a multiple of the size"),
                Arguments.of(
                        bar(1, PciBar.Type.MEMORY32, 0x1000, 0x1_0000_0000L),
                        PciException.Kind.BAR_RANGE,
                        "BAR 1 (32-bit memory, 0x1000 bytes at 0x100000000): expected an end at or"
                                + " below 0xffffffff"),
                Arguments.of(
                        bar(1, PciBar.Type.IO, 0x100, 0x1_0000_0000L),
                        PciException.Kind.BAR_RANGE,
                        "BAR 1 (I/O, 0x100 bytes at 0x100000000): expected an end at or below"
                                + " 0xffffffff"),
                Arguments.of(
                        bar(1, PciBar.Type.MEMORY32, 1L << 32, 0),
                        PciException.Kind.BAR_SIZE,
                        "BAR 1 (32-bit memory, 0x100000000 bytes at 0x0): expected at most"
                                + " 0x80000000 bytes"),
                Arguments.of(
                        bar(1, PciBar.Type.IO, 0x2_0000, 0),
                        PciException.Kind.BAR_SIZE,
                        "BAR 1 (I/O, 0x20000 bytes at 0x0): expected at most 0x10000 bytes"),
                Arguments.of(
                        bar(5, PciBar.Type.MEMORY64, 0x1000, 0),
                        PciException.Kind.BAR_INDEX,
                        "BAR 5 (64-bit memory, 0x1000 bytes at 0x0): the next register, for the"
                                + " upper half, is not a BAR's"),
                Arguments.of(
                        bar(7, PciBar.Type.MEMORY32, 0x1000, 0),
                        PciException.Kind.BAR_INDEX,
                        "expected BAR 0..5 or the ROM, got 7"),
                Arguments.of(
                        bar(-1, PciBar.Type.MEMORY32, 0x1000, 0),
                        PciException.Kind.BAR_INDEX,
                        "expected BAR 0..5 or the ROM, got -1"),
                Arguments.of(
                        PciBar.io(0, 0x10).prefetch(),
                        PciException.Kind.INVALID_VALUE,
                        "BAR 0 (prefetchable I/O, 0x10 bytes): only a BAR of memory can be"
                                + " prefetchable"));
    }

    @ParameterizedTest
    @MethodSource("refused")
    void aBarThatCannotBeIsRefusedWithItsNumbers(
            PciBar bar, PciException.Kind kind, String message) {
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.addBar(bar))
                .withMessage("edu: " + message)
                .extracting(PciException::kind)
                .isEqualTo(kind);
        assertThat(config.bars()).isEmpty();
        for (int register = 0; register < config.registers(); register++) {
            assertThat(config.readRegister(register)).isIn(0, 0x11e8_1234, 0xff00_0000);
        }
    }

    @Test
    void aRegisterBelongsToOneBar() {
        config.addBar(PciBar.memory64(2, 0x1000));
        config.addBar(PciBar.rom(0x800));
        for (PciBar second :
                List.of(PciBar.memory32(2, 16), PciBar.io(3, 4), PciBar.memory64(1, 16))) {
            assertThatExceptionOfType(PciException.class)
                    .isThrownBy(() -> config.addBar(second))
                    .withMessageStartingWith("edu: BAR " + second.index())
                    .withMessageEndingWith("is that of BAR 2 (64-bit memory, 0x1000 bytes)")
                    .extracting(PciException::kind)
                    .isEqualTo(PciException.Kind.BAR_IN_USE);
        }
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.addBar(PciBar.rom(0x1000)))
                .extracting(PciException::kind)
                .isEqualTo(PciException.Kind.BAR_IN_USE);
        assertThat(config.bars()).hasSize(2);
    }

    @Test
    void aBridgeHasTwoBarsAndItsRomElsewhere() {
        PciConfiguration bridge = PciConfiguration.bridge(1, 2).label("port").build();
        bridge.addBar(PciBar.memory64(0, 0x1000));
        bridge.addBar(PciBar.rom(0x800));
        bridge.write(14, 0, 4, -1);
        assertThat(bridge.readRegister(14)).isEqualTo(0xffff_f801);
        assertThat(bridge.readRegister(12)).isZero();
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> bridge.addBar(PciBar.memory32(2, 16)))
                .withMessage("port: expected BAR 0..1 or the ROM, got 2");
        PciConfiguration other = PciConfiguration.bridge(1, 2).label("port").build();
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> other.addBar(PciBar.memory64(1, 16)))
                .withMessageContaining("the next register, for the upper half, is not a BAR's");
    }

    @Test
    void placedBarsMustNotOverlap() {
        config.addBar(PciBar.memory32(0, 0x1000).at(0x4000_0000));
        config.addBar(PciBar.memory32(1, 0x1000).at(0x4000_1000));
        config.addBar(PciBar.io(2, 0x100).at(0x1000));
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.addBar(PciBar.memory64(3, 0x4000).at(0x4000_0000)))
                .withMessage(
                        "edu: BAR 3 (64-bit memory, 0x4000 bytes at 0x40000000) overlaps with"
                                + " BAR 0 (32-bit memory, 0x1000 bytes at 0x40000000)")
                .extracting(PciException::kind)
                .isEqualTo(PciException.Kind.OVERLAP);
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.placeBar(1, 0x4000_0000))
                .extracting(PciException::kind)
                .isEqualTo(PciException.Kind.OVERLAP);
        // Ports are another space.
        config.addBar(PciBar.memory32(3, 0x100).at(0x1000));
        assertThat(config.barRanges()).hasSize(4);
    }

    @Test
    void aBarMustLieInItsWindow() {
        var window = new MmioRange(0x4000_0000, 0x4000_0000);
        PciBar.memory32(0, 0x1000).at(0x7fff_f000).requireInside("edu", window);
        PciBar.io(0, 0x100).at(0xff00).requireInside("edu", new PioRange(0, 0x1_0000));
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(
                        () ->
                                PciBar.memory32(0, 0x2000_0000)
                                        .at(0x8000_0000L)
                                        .requireInside("edu", window))
                .withMessage(
                        "edu: BAR 0 (32-bit memory, 0x20000000 bytes at 0x80000000) does not lie in"
                                + " mmio 0x40000000..0x7fffffff");
        for (PciBar outside :
                List.of(
                        PciBar.memory64(0, 1L << 31).at(0),
                        PciBar.memory32(0, 0x1000).at(0x3fff_f000),
                        PciBar.io(0, 0x100).at(0x4000_0000),
                        PciBar.memory32(0, 0x1000))) {
            assertThatExceptionOfType(PciException.class)
                    .isThrownBy(() -> outside.requireInside("edu", window))
                    .extracting(PciException::kind)
                    .isEqualTo(PciException.Kind.BAR_RANGE);
        }
    }

    @Test
    void sizingTellsTypeAndSize() {
        config.addBar(PciBar.memory32(0, 0x8000));
        config.addBar(PciBar.memory64(1, 1L << 33).prefetch());
        config.addBar(PciBar.io(3, 0x20));
        config.addBar(PciBar.memory32(4, 16).prefetch());
        config.addBar(PciBar.rom(0x1_0000));
        assertThat(size(4)).isEqualTo(0xffff_8000);
        assertThat(size(5)).isEqualTo(0x0000_000c);
        assertThat(size(6)).isEqualTo(0xffff_fffe);
        assertThat(size(7)).isEqualTo(0xffff_ffe1);
        assertThat(size(8)).isEqualTo(0xffff_fff8);
        assertThat(size(9)).isZero();
        assertThat(size(12)).isEqualTo(0xffff_0001);
    }

    @Test
    void theGreatestBarIsHalfTheAddressSpace() {
        config.addBar(PciBar.memory64(0, 1L << 63).at(1L << 63));
        assertThat(size(4)).isEqualTo(4);
        assertThat(size(5)).isEqualTo(0x8000_0000);
        config.write(5, 0, 4, 0x8000_0000);
        config.write(4, 0, 4, 0);
        assertThat(config.barRange(0)).contains(new BarRange(0, MEMORY, 1L << 63, 1L << 63));
        assertThat(config.barRange(0).orElseThrow().last()).isEqualTo(-1);
    }

    /** B3 refuses it for crosvm, whose check is of the exclusive end. */
    @Test
    void aBarMayEndWithTheLastByteBelow4GiB() {
        config.addBar(PciBar.memory32(0, 0x1000).at(0xffff_f000L));
        assertThat(config.barRange(0)).contains(new BarRange(0, MEMORY, 0xffff_f000L, 0x1000));
    }

    /** Row C3. */
    @Test
    void a64BitBarIsRewrittenInHalves() {
        config.addBar(PciBar.memory64(0, 0x1_0000).at(0x1_2345_0000L));
        config.write(4, 0, 4, 0xdead_0000);
        config.write(5, 0, 4, 0x0000_00fe);
        assertThat(config.barAddress(0)).isEqualTo(0xfe_dead_0000L);
        assertThat(config.barRange(0)).contains(new BarRange(0, MEMORY, 0xfe_dead_0000L, 0x1_0000));
        assertThat(config.barRange(1)).isEmpty();
    }

    @Test
    void aBarWithoutAnAddressAnswersNothing() {
        config.addBar(PciBar.memory32(0, 0x1000));
        config.addBar(PciBar.io(1, 0x10));
        assertThat(config.readRegister(1)).isZero();
        assertThat(config.barRanges()).isEmpty();
        assertThat(config.barRange(-1)).isEmpty();
        assertThat(config.barRange(7)).isEmpty();
        assertThat(config.barAddress(5)).isZero();
    }

    @Test
    void aPlacedBarAnswersFromTheStart() {
        config.addBar(PciBar.memory32(0, 0x1000).at(0x4000_0000));
        assertThat(config.readRegister(1)).isEqualTo(2);
        config.addBar(PciBar.io(1, 0x10).at(0x1000));
        assertThat(config.readRegister(1)).isEqualTo(3);
        assertThat(config.barRanges())
                .containsExactly(
                        new BarRange(0, MEMORY, 0x4000_0000, 0x1000),
                        new BarRange(1, IO, 0x1000, 0x10));
    }

    @Test
    void aBarCanBePlacedLater() {
        config.addBar(PciBar.memory64(0, 0x1000));
        config.placeBar(0, 0x4_0000_0000L);
        assertThat(config.barRange(0)).contains(new BarRange(0, MEMORY, 0x4_0000_0000L, 0x1000));
        assertThat(config.bars().getFirst().address()).hasValue(0x4_0000_0000L);
        config.write(1, 0, 2, 0);
        config.write(5, 0, 4, 8);
        assertThat(config.reset().added())
                .containsExactly(new BarRange(0, MEMORY, 0x4_0000_0000L, 0x1000));
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.placeBar(0, 0x10))
                .withMessageContaining("edu: BAR 0 (64-bit memory, 0x1000 bytes at 0x10)");
        assertThatExceptionOfType(PciException.class)
                .isThrownBy(() -> config.placeBar(3, 0))
                .withMessage("edu: there is no BAR 3");
    }

    /** Both enables are needed (PCI Local Bus 3.0 §6.2.5.2). */
    @Test
    void theRomAnswersWhenItAndMemoryAreEnabled() {
        config.addBar(PciBar.rom(0x800).at(0x4000_0800));
        assertThat(config.barRange(PciBar.ROM)).isEmpty();
        ConfigWriteResult on = config.write(12, 0, 1, 1);
        assertThat(on.added())
                .containsExactly(new BarRange(PciBar.ROM, MEMORY, 0x4000_0800, 0x800));
        assertThat(config.write(1, 0, 2, 0).removed()).hasSize(1);
    }

    /** Row C6: what each value of the command register adds and removes. */
    @Test
    void decodingFollowsTheCommandRegister() {
        config.addBar(PciBar.memory32(0, 0x1000).at(0x4000_0000));
        config.addBar(PciBar.io(2, 0x20).at(0x1000));
        config.write(1, 0, 2, 0);
        BarRange memory = new BarRange(0, MEMORY, 0x4000_0000, 0x1000);
        BarRange ports = new BarRange(2, IO, 0x1000, 0x20);

        assertThat(config.write(1, 0, 2, 1)).isEqualTo(result(List.of(), List.of(ports)));
        assertThat(config.write(1, 0, 2, 3)).isEqualTo(result(List.of(), List.of(memory)));
        assertThat(config.write(1, 0, 2, 3)).isSameAs(ConfigWriteResult.NONE);
        assertThat(config.write(1, 0, 2, 2)).isEqualTo(result(List.of(ports), List.of()));
        assertThat(config.write(1, 0, 2, 0)).isEqualTo(result(List.of(memory), List.of()));
        assertThat(config.write(1, 0, 2, 3)).isEqualTo(result(List.of(), List.of(memory, ports)));
    }

    private static ConfigWriteResult result(List<BarRange> removed, List<BarRange> added) {
        return new ConfigWriteResult(PciCapStatus.NONE, removed, added, List.of());
    }

    @Test
    void aBarThatIsRewrittenWhileItAnswersMoves() {
        config.addBar(PciBar.memory32(0, 0x1000).at(0x4000_0000));
        ConfigWriteResult moved = config.write(4, 0, 4, 0x5000_0000);
        assertThat(moved.moved())
                .containsExactly(
                        new ConfigWriteResult.Move(
                                new BarRange(0, MEMORY, 0x4000_0000, 0x1000),
                                new BarRange(0, MEMORY, 0x5000_0000, 0x1000)));
        assertThat(moved.removed()).isEmpty();
        assertThat(moved.added()).isEmpty();
        assertThat(moved.isDecodingUnchanged()).isFalse();
        // A byte is enough, and the low bits are not an address.
        assertThat(config.write(4, 3, 1, 0x51).moved()).hasSize(1);
        assertThat(config.write(4, 0, 2, 0x0fff)).isSameAs(ConfigWriteResult.NONE);
    }

    /** Row T33, its first alternative. */
    @Test
    void aBarAnswersNothingWhileItIsSized() {
        config.addBar(PciBar.memory64(0, 0x8000).at(0x4_ffff_8000L));
        BarRange range = new BarRange(0, MEMORY, 0x4_ffff_8000L, 0x8000);
        assertThat(config.write(4, 0, 4, -1).removed()).containsExactly(range);
        assertThat(config.write(5, 0, 4, -1)).isSameAs(ConfigWriteResult.NONE);
        assertThat(config.write(4, 0, 4, 0xffff_8004)).isSameAs(ConfigWriteResult.NONE);
        assertThat(config.write(5, 0, 4, 4).added()).containsExactly(range);
        // The same bits as a sizing leaves are an address all the same.
        assertThat(config.barAddress(0)).isEqualTo(0x4_ffff_8000L);
    }

    @Test
    void portsBeyondTheBusAreNoRangeOnIt() {
        config.addBar(PciBar.io(0, 0x100).at(0xff00));
        assertThat(config.barRange(0).orElseThrow().busRange())
                .contains(new PioRange(0xff00, 0x100));
        config.write(4, 0, 4, 0x1_0000);
        assertThat(config.barRange(0)).contains(new BarRange(0, IO, 0x1_0000, 0x100));
        assertThat(config.barRange(0).orElseThrow().busRange()).isEmpty();
    }

    @Test
    void aRangeKnowsWhatItContains() {
        BarRange range = new BarRange(0, MEMORY, 0x1000, 0x1000);
        assertThat(range.contains(0x1000, 8)).isTrue();
        assertThat(range.contains(0x1ffc, 4)).isTrue();
        assertThat(range.contains(0x1ffd, 4)).isFalse();
        assertThat(range.contains(0xfff, 1)).isFalse();
        assertThat(range.contains(-1, 1)).isFalse();
        assertThat(range.busRange()).contains(new MmioRange(0x1000, 0x1000));
        assertThat(range).hasToString("BAR 0 at 0x1000..0x1fff");
    }
}
