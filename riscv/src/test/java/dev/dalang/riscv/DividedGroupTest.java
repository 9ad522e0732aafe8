package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Test;

/** Accesses off one base that lie on two pages all the time, as those of a stack may. */
class DividedGroupTest {
    private static final int PAGE_END = 4096;

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
}
