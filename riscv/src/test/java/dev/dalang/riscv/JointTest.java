package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Regions between which control goes all the time become one. */
class JointTest {
    private static final int BLOCKS = 6;
    private static final int LONG_BLOCK = 40;

    /** Blocks too long to be repeated in other regions, each of which jumps to the next. */
    private static void ring(Assembler a) {
        List<Label> blocks = new ArrayList<>();
        for (int n = 0; n < BLOCKS; n++) {
            blocks.add(a.label());
        }
        for (int n = 0; n < BLOCKS; n++) {
            a.bind(blocks.get(n));
            a.ld(7, 8 * n, 8);
            for (int i = 0; i < LONG_BLOCK; i++) {
                a.addi(5, 5, n + i);
                a.xor(6, 6, 5);
            }
            a.add(7, 7, 6);
            a.sd(7, 8 * n, 8);
            a.j(blocks.get((n + 1) % BLOCKS));
        }
    }

    /** The same, but the next block is known at run time alone, as in a switch. */
    private static void ringOfComputedJumps(Assembler a) {
        for (int n = 0; n < BLOCKS; n++) {
            Label next = a.label();
            a.auipc(9, 0);
            for (int i = 0; i < LONG_BLOCK; i++) {
                a.addi(5, 5, n + i);
                a.xor(6, 6, 5);
            }
            a.sd(6, 8 * n, 8);
            // AUIPC, the block, SD, and this.
            a.addi(9, 9, n < BLOCKS - 1 ? blockBytes() : -(BLOCKS - 1) * blockBytes());
            a.jr(9);
            a.bind(next);
        }
    }

    private static int blockBytes() {
        return 4 * (1 + 2 * LONG_BLOCK + 3);
    }

    @Test
    void regionsThatAreLeftForEachOtherAreJoined() {
        assertJoined(JointTest::ring);
    }

    @Test
    void regionsBehindComputedJumpsAreJoined() {
        assertJoined(JointTest::ringOfComputedJumps);
    }

    private static void assertJoined(Consumer<Assembler> program) {
        try (var machine = new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], program)) {
            machine.runUntil(m -> m.statistics().joined() > 0 && m.isTranslated());

            assertThat(machine.statistics().failures()).isZero();
            machine.assertSameAsInterpreted(program);
        }
    }

    @Test
    void aLoopThatOneRegionHoldsIsLeftAsItIs() {
        try (var machine =
                new EndlessMachine(
                        EngineKind.TRANSLATOR,
                        new byte[0],
                        a -> {
                            Label head = a.here();
                            a.addi(5, 5, 1);
                            a.xor(6, 6, 5);
                            a.j(head);
                        })) {
            machine.runUntil(EndlessMachine::isTranslated);
            long translated = machine.hart.instructionsRetired();
            machine.runUntil(m -> m.hart.instructionsRetired() > translated + 200_000_000);

            assertThat(machine.statistics().joined()).isZero();
        }
    }
}
