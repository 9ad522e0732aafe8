package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Test;

/** Accesses off one base that lie on two pages all the time, as those of a stack may. */
class DividedGroupTest {
    private static final int PAGE_END = 4096;

    /** As many instructions as a bridge takes in. */
    private static final int LONG_BLOCK = 370;

    /** With it more than a region takes in. */
    private static final int SHORT_BLOCK = 60;

    /** Where something is in the data. */
    private static final int POINTER = 64;

    private static final int TURN = 72;

    /** Off x9, which points 16 bytes before the end of a page. */
    private static void loopOnTwoPages(Assembler a) {
        a.li(9, PAGE_END - 16);
        a.add(9, 9, 8);
        Label head = a.here();
        a.ld(5, 0, 9);
        a.ld(6, 8, 9);
        a.ld(7, 16, 9);
        a.addi(5, 5, 1);
        a.add(6, 6, 5);
        a.xor(7, 7, 6);
        a.sd(5, 0, 9);
        a.sd(6, 8, 9);
        a.sd(7, 24, 9);
        a.sd(7, 0, 8);
        a.j(head);
    }

    @Test
    void aRegionIsMadeAnewWithGroupsThatEndWithThePage() {
        try (var machine =
                new EndlessMachine(
                        EngineKind.TRANSLATOR, new byte[0], DividedGroupTest::loopOnTwoPages)) {
            machine.runUntil(m -> m.statistics().divided() > 0 && m.isTranslated());

            assertThat(machine.statistics().failures()).isZero();
            machine.assertSameAsInterpreted(DividedGroupTest::loopOnTwoPages);
        }
    }

    @Test
    void aRegionIsDividedOnceForOnePageEnd() {
        try (var machine =
                new EndlessMachine(
                        EngineKind.TRANSLATOR, new byte[0], DividedGroupTest::loopOnTwoPages)) {
            machine.runUntil(m -> m.statistics().divided() > 0 && m.isTranslated());
            long retired = machine.hart.instructionsRetired();
            machine.runUntil(m -> m.hart.instructionsRetired() > retired + 100_000_000);

            assertThat(machine.statistics().divided()).isEqualTo(1);
        }
    }

    /**
     * The same in a block that is longer than a region, so that the region ends inside. Where x9
     * points is in memory, and whether to go on with another loop.
     */
    private static void longLoop(Assembler a) {
        Label other = a.label();
        Label head = a.here();
        for (int n = 0; n < SHORT_BLOCK; n++) {
            a.addi(13, 13, n & 7);
        }
        a.bne(0, 0, other);
        a.ld(9, POINTER, 8);
        a.ld(5, 0, 9);
        a.ld(6, 8, 9);
        a.ld(7, 16, 9);
        for (int n = 0; n < LONG_BLOCK; n++) {
            a.addi(10, 10, n & 15);
        }
        a.ld(5, TURN, 8);
        a.bne(5, 0, other);
        a.j(head);
        a.bind(other);
        Label second = a.here();
        a.addi(11, 11, 1);
        a.xor(12, 12, 11);
        a.j(second);
    }

    @Test
    void whatIsHotLaterIsTranslatedToo() {
        try (var machine =
                new EndlessMachine(
                        EngineKind.TRANSLATOR, new byte[0], DividedGroupTest::longLoop)) {
            machine.memory.writeLong(DATA + POINTER, DATA);
            machine.runUntil(EndlessMachine::isTranslated);
            machine.memory.writeLong(DATA + POINTER, DATA + PAGE_END - 16);
            machine.runUntil(m -> m.statistics().divided() > 0 && m.isTranslated());
            machine.memory.writeLong(DATA + TURN, 1);

            machine.runUntil(m -> m.hart.register(11) > 0 && m.isTranslated());
        }
    }
}
