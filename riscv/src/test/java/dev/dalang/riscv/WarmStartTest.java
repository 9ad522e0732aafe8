package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.riscv.internal.engine.Engine;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** A run that begins with what an earlier one has found hot, or with something else. */
class WarmStartTest {
    private static final long SLICE = 200_000;
    private static final long MOST_INSTRUCTIONS = 20_000_000_000L;
    private static final int LONG_CODE = 400;

    /** A machine that executes a program without an end. */
    private static final class Machine implements AutoCloseable {
        final GuestMemory memory =
                GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(2 << 20, 4096)));
        final HartGroup group;
        final Hart hart;

        Machine(EngineKind engine, byte[] hotCode, Consumer<Assembler> program) {
            group = HartGroup.of(memory, List.of(), engine, hotCode);
            hart =
                    Hart.builder(0)
                            .group(group)
                            .io(new HartFixture.RecordingIo())
                            .clock(new ManualVirtualClock())
                            .build();
            memory.copyIn(RAM, Assembler.assemble(RAM, program));
            hart.reset(RAM);
            hart.setRegister(8, DATA);
        }

        EngineStatistics statistics() {
            return group.statistics().orElseThrow();
        }

        /** Runs until something is so. */
        void runUntil(Predicate<Machine> reached) {
            while (!reached.test(this)) {
                assertThat(hart.instructionsRetired())
                        .as("instructions, and still not so: %s", statistics())
                        .isLessThan(MOST_INSTRUCTIONS);
                hart.runPast(hart.instructionsRetired() + SLICE);
            }
        }

        /** Whether almost nothing of a slice is interpreted. */
        boolean isTranslated() {
            // The hart adds what it has interpreted when its engine returns.
            long before = statistics().interpreted();
            hart.runPast(hart.instructionsRetired() + SLICE);
            return statistics().interpreted() - before < SLICE / 50;
        }

        void assertSameAsInterpreted(Consumer<Assembler> program) {
            try (Machine other = new Machine(EngineKind.INTERPRETER, new byte[0], program)) {
                long retired = hart.instructionsRetired();
                other.hart.runPast(retired - 2 * Engine.OVERRUN);
                other.hart.step(retired - other.hart.instructionsRetired());
                assertThat(other.hart.pc()).isEqualTo(hart.pc());
                for (int n = 1; n < 32; n++) {
                    assertThat(other.hart.register(n)).as("x%d", n).isEqualTo(hart.register(n));
                }
                for (long at = DATA; at < DATA + 256; at += 8) {
                    assertThat(other.memory.readLong(at)).isEqualTo(memory.readLong(at));
                }
            }
        }

        @Override
        public void close() {
            group.close();
        }
    }

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
        try (Machine first = new Machine(EngineKind.TRANSLATOR, new byte[0], program)) {
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
        try (Machine second = new Machine(EngineKind.TRANSLATOR, hotCode, WarmStartTest::nested)) {
            second.hart.setRegister(10, Long.MAX_VALUE);
            second.runUntil(m -> m.statistics().remembered() > 0 && m.isTranslated());
        }
    }

    @Test
    void accessesOffOneBaseAreTranslatedThoughTheyLieOnTwoPages() {
        try (Machine machine =
                new Machine(EngineKind.TRANSLATOR, new byte[0], WarmStartTest::crossing)) {
            machine.runUntil(Machine::isTranslated);

            assertThat(machine.statistics().failures()).isZero();
            machine.assertSameAsInterpreted(WarmStartTest::crossing);
        }
    }

    @Test
    void aSecondRunRemembersTheFirst() {
        try (Machine second = new Machine(EngineKind.TRANSLATOR, hotCode(), WarmStartTest::loop)) {
            second.runUntil(m -> m.statistics().remembered() > 0 && m.isTranslated());

            assertThat(second.statistics().failures()).isZero();
            second.assertSameAsInterpreted(WarmStartTest::loop);
        }
    }

    @Test
    void aRunThatDidNothingKeepsWhatItWasGiven() {
        byte[] hotCode = hotCode();
        try (Machine idle = new Machine(EngineKind.TRANSLATOR, hotCode, WarmStartTest::loop)) {
            assertThat(idle.group.hotCode()).hasSameSizeAs(hotCode);
        }
    }

    @Test
    void hotCodeOfOtherCodeChangesNothing() {
        try (Machine other =
                new Machine(EngineKind.TRANSLATOR, hotCode(), WarmStartTest::longLoop)) {
            other.runUntil(Machine::isTranslated);

            assertThat(other.statistics().remembered()).isZero();
            assertThat(other.statistics().failures()).isZero();
            other.assertSameAsInterpreted(WarmStartTest::longLoop);
        }
    }

    @Test
    void whatWasMadeOfCodeThatIsNoLongerRunIsDropped() {
        try (Machine machine =
                new Machine(EngineKind.TRANSLATOR, new byte[0], WarmStartTest::loop)) {
            machine.runUntil(Machine::isTranslated);
            machine.group.begin();
            assertThat(machine.statistics().evicted()).as("the run that ended had it").isZero();
            machine.group.begin();
            assertThat(machine.statistics().evicted()).isEqualTo(machine.statistics().regions());

            machine.runUntil(Machine::isTranslated);
            machine.assertSameAsInterpreted(WarmStartTest::loop);
        }
    }

    @Test
    void damagedHotCodeChangesNothing() {
        byte[] damaged = hotCode();
        new Random(1).nextBytes(damaged);
        try (Machine machine = new Machine(EngineKind.TRANSLATOR, damaged, WarmStartTest::loop)) {
            machine.runUntil(Machine::isTranslated);

            assertThat(machine.statistics().remembered()).isZero();
            machine.assertSameAsInterpreted(WarmStartTest::loop);
        }
    }

    @Test
    void theInterpreterKeepsNothing() {
        try (Machine machine =
                new Machine(EngineKind.INTERPRETER, new byte[0], WarmStartTest::loop)) {
            assertThat(machine.group.hotCode()).isEmpty();
        }
    }

    @Test
    void straightCodeThatIsLongerThanARegionGetsSeveral() {
        try (Machine machine =
                new Machine(EngineKind.TRANSLATOR, new byte[0], WarmStartTest::longLoop)) {
            machine.runUntil(Machine::isTranslated);

            assertThat(machine.statistics().regions()).isGreaterThan(2);
            assertThat(machine.statistics().failures()).isZero();
            machine.assertSameAsInterpreted(WarmStartTest::longLoop);
        }
    }
}
