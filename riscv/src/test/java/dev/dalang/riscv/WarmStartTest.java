package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Test;

import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** A run that begins with what an earlier one has found hot, or with something else. */
class WarmStartTest {
    private static final int LONG_CODE = 400;

    /** A loop with a call and a group of accesses. */
    private static void loop(Assembler a) {
        Label function = a.label();
        Label head = a.here();
        a.jal(1, function);
        a.addi(5, 5, 1);
        a.j(head);
        a.bind(function);
        a.ld(6, 0, 8);
        a.ld(7, 8, 8);
        a.add(6, 6, 7);
        a.xor(7, 6, 5);
        a.sd(7, 0, 8);
        a.sd(6, 8, 8);
        a.ret();
    }

    /** A loop whose body is longer than any region. */
    private static void longLoop(Assembler a) {
        Label head = a.here();
        for (int n = 0; n < LONG_CODE; n++) {
            a.addi(5, 5, n);
            a.xor(6, 6, 5);
        }
        a.j(head);
    }

    /** Turns of an inner loop, x10 each time, within a loop without an end. */
    private static void nested(Assembler a) {
        Label outer = a.here();
        a.addi(11, 10, 0);
        Label inner = a.here();
        a.addi(5, 5, 1);
        a.xor(6, 6, 5);
        a.addi(11, 11, -1);
        a.bne(11, 0, inner);
        a.j(outer);
    }

    /** A loop with two groups of accesses, one where control comes in, each always on two pages. */
    private static void crossing(Assembler a) {
        a.addi(9, 8, 2040);
        a.addi(9, 9, 2040);
        a.addi(12, 9, 2000);
        a.addi(12, 12, 2000);
        a.addi(12, 12, 96);
        Label head = a.here();
        a.ld(6, 0, 9);
        a.ld(7, 24, 9);
        a.add(6, 6, 7);
        a.addi(5, 5, 1);
        a.xor(6, 6, 5);
        a.sd(6, 8, 12);
        a.ld(7, 16, 12);
        a.add(7, 7, 6);
        a.sd(7, 0, 12);
        a.sd(7, 16, 9);
        a.j(head);
    }

    private static byte[] hotCode() {
        return hotCode(WarmStartTest::loop, 0);
    }

    private static byte[] hotCode(Consumer<Assembler> program, long x10) {
        try (EndlessMachine first =
                new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], program)) {
            first.hart.setRegister(10, x10);
            byte[] nothing = first.group.hotCode();
            // A region that is made anew has no weight for a moment: what was seen counts.
            AtomicReference<byte[]> kept = new AtomicReference<>(nothing);
            first.runUntil(
                    m -> {
                        kept.set(m.group.hotCode());
                        return kept.get().length > nothing.length;
                    });
            assertThat(first.statistics().remembered()).isZero();
            return kept.get();
        }
    }

    @Test
    void aLoopIsTranslatedThoughControlNeverComesBackToWhereItCameIn() {
        byte[] hotCode = hotCode(WarmStartTest::nested, 1);
        try (EndlessMachine second =
                new EndlessMachine(EngineKind.TRANSLATOR, hotCode, WarmStartTest::nested)) {
            second.hart.setRegister(10, Long.MAX_VALUE);
            second.runUntil(m -> m.statistics().remembered() > 0 && m.isTranslated());
        }
    }

    @Test
    void accessesOffOneBaseAreTranslatedThoughTheyLieOnTwoPages() {
        try (EndlessMachine machine =
                new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], WarmStartTest::crossing)) {
            machine.runUntil(EndlessMachine::isTranslated);

            assertThat(machine.statistics().failures()).isZero();
            machine.assertSameAsInterpreted(WarmStartTest::crossing);
        }
    }

    @Test
    void aSecondRunRemembersTheFirst() {
        try (EndlessMachine second =
                new EndlessMachine(EngineKind.TRANSLATOR, hotCode(), WarmStartTest::loop)) {
            second.runUntil(m -> m.statistics().remembered() > 0 && m.isTranslated());

            assertThat(second.statistics().failures()).isZero();
            second.assertSameAsInterpreted(WarmStartTest::loop);
        }
    }

    @Test
    void aRunThatDidNothingKeepsWhatItWasGiven() {
        byte[] hotCode = hotCode();
        try (EndlessMachine idle =
                new EndlessMachine(EngineKind.TRANSLATOR, hotCode, WarmStartTest::loop)) {
            assertThat(idle.group.hotCode()).hasSameSizeAs(hotCode);
        }
    }

    @Test
    void hotCodeOfOtherCodeChangesNothing() {
        try (EndlessMachine other =
                new EndlessMachine(EngineKind.TRANSLATOR, hotCode(), WarmStartTest::longLoop)) {
            other.runUntil(EndlessMachine::isTranslated);

            assertThat(other.statistics().remembered()).isZero();
            assertThat(other.statistics().failures()).isZero();
            other.assertSameAsInterpreted(WarmStartTest::longLoop);
        }
    }

    @Test
    void whatWasMadeOfCodeThatIsNoLongerRunIsDropped() {
        try (EndlessMachine machine =
                new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], WarmStartTest::loop)) {
            machine.runUntil(EndlessMachine::isTranslated);
            machine.group.begin();
            assertThat(machine.statistics().evicted()).as("the run that ended had it").isZero();
            machine.group.begin();
            assertThat(machine.statistics().evicted()).isEqualTo(machine.statistics().regions());

            machine.runUntil(EndlessMachine::isTranslated);
            machine.assertSameAsInterpreted(WarmStartTest::loop);
        }
    }

    @Test
    void damagedHotCodeChangesNothing() {
        byte[] damaged = hotCode();
        new Random(1).nextBytes(damaged);
        try (EndlessMachine machine =
                new EndlessMachine(EngineKind.TRANSLATOR, damaged, WarmStartTest::loop)) {
            machine.runUntil(EndlessMachine::isTranslated);

            assertThat(machine.statistics().remembered()).isZero();
            machine.assertSameAsInterpreted(WarmStartTest::loop);
        }
    }

    @Test
    void theInterpreterKeepsNothing() {
        try (EndlessMachine machine =
                new EndlessMachine(EngineKind.INTERPRETER, new byte[0], WarmStartTest::loop)) {
            assertThat(machine.group.hotCode()).isEmpty();
        }
    }

    @Test
    void straightCodeThatIsLongerThanARegionGetsSeveral() {
        try (EndlessMachine machine =
                new EndlessMachine(EngineKind.TRANSLATOR, new byte[0], WarmStartTest::longLoop)) {
            machine.runUntil(EndlessMachine::isTranslated);

            assertThat(machine.statistics().regions()).isGreaterThan(2);
            assertThat(machine.statistics().failures()).isZero();
            machine.assertSameAsInterpreted(WarmStartTest::longLoop);
        }
    }
}
