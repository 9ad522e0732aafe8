package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.RAM;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;

/**
 * The translator beside the interpreter, in lock step: the same random program, interrupted,
 * rewritten and moved between address spaces at random, comes to the same registers, CSRs and
 * memory after each few instructions. {@code -Ddalang.lockstep=N} executes N million instructions,
 * {@code -Ddalang.seed=S} other ones.
 */
class LockStepTest {
    private static final long INSTRUCTIONS = Long.getLong("dalang.lockstep", 2) * 1_000_000;
    private static final long AT_ONCE_INSTRUCTIONS = 50_000;
    private static final long IN_BACKGROUND_INSTRUCTIONS = 1_000_000;
    private static final int MAX_QUANTUM = 400;
    private static final int QUANTA_BETWEEN_LOOKS_AT_MEMORY = 64;
    private static final int[] INTERRUPTS = {1, 3, 5, 7, 9, 11};

    /** What is compared each time; all others are when memory is. */
    private static final int[] CSRS = {
        Csr.FCSR,
        Csr.SATP,
        Csr.MSTATUS,
        Csr.MEPC,
        Csr.MCAUSE,
        Csr.MTVAL,
        Csr.MINSTRET,
        Csr.MCYCLE,
        Csr.MIP,
        Csr.MIE,
        Csr.MSCRATCH,
        Csr.SEPC,
        Csr.SCAUSE,
        Csr.STVAL
    };

    static LongStream atOnce() {
        return seeds(INSTRUCTIONS / 2 / AT_ONCE_INSTRUCTIONS);
    }

    static LongStream inBackground() {
        return seeds(INSTRUCTIONS / 2 / IN_BACKGROUND_INSTRUCTIONS);
    }

    private static LongStream seeds(long count) {
        long first = Long.getLong("dalang.seed", 1);
        return LongStream.range(first, first + count);
    }

    @ParameterizedTest
    @MethodSource("atOnce")
    void allCodeTranslatedIsAsInterpreted(long seed) {
        Pair pair = new Pair(seed, EngineKind.TRANSLATE_AT_ONCE);
        pair.run(AT_ONCE_INSTRUCTIONS);

        assertThat(pair.interpretedShare()).isLessThan(0.9);
    }

    @ParameterizedTest
    @MethodSource("inBackground")
    void hotCodeTranslatedIsAsInterpreted(long seed) {
        new Pair(seed, EngineKind.TRANSLATOR).run(IN_BACKGROUND_INSTRUCTIONS);
    }

    /** Two machines that must not differ. */
    private static final class Pair {
        private final long seed;
        private final Random random;
        private final RandomMachine translated;
        private final RandomMachine interpreted;

        Pair(long seed, EngineKind engine) {
            this.seed = seed;
            this.random = new Random(~seed);
            this.translated = new RandomMachine(seed, engine, Long.MAX_VALUE);
            this.interpreted = new RandomMachine(seed, EngineKind.INTERPRETER, Long.MAX_VALUE);
        }

        void run(long instructions) {
            Hart hart = translated.hart;
            for (int n = 1; hart.instructionsRetired() < instructions; n++) {
                hart.runPast(hart.instructionsRetired() + 1 + random.nextInt(MAX_QUANTUM));
                follow();
                compare();
                if (n % QUANTA_BETWEEN_LOOKS_AT_MEMORY == 0) {
                    compareAll();
                }
                disturb();
            }
            compareAll();
            translated.group.close();
        }

        /** Instructions that the translator left to the interpreter, of all. */
        double interpretedShare() {
            EngineStatistics statistics = translated.group.statistics().orElseThrow();
            return (double) statistics.interpreted() / translated.hart.instructionsRetired();
        }

        /** Brings the interpreter to where the translator stands. */
        private void follow() {
            long retired = translated.hart.instructionsRetired();
            Hart hart = interpreted.hart;
            for (int steps = 0; hart.instructionsRetired() < retired; steps++) {
                assertThat(steps).as("steps, seed %d", seed).isLessThan(1_000_000);
                hart.step(retired - hart.instructionsRetired());
            }
            // The last thing that the translator did may have been to take a trap, or several.
            for (int traps = 0; traps < 3 && hart.pc() != translated.hart.pc(); traps++) {
                hart.step(1);
            }
        }

        private void compare() {
            Hart one = translated.hart;
            Hart other = interpreted.hart;
            boolean same =
                    one.pc() == other.pc()
                            && one.privilege() == other.privilege()
                            && one.instructionsRetired() == other.instructionsRetired();
            for (int n = 0; n < 32; n++) {
                same &= one.register(n) == other.register(n);
                same &= one.fpRegister(n) == other.fpRegister(n);
            }
            for (int csr : CSRS) {
                same &= one.csr(csr) == other.csr(csr);
            }
            if (!same) {
                compareAll();
            }
        }

        private void compareAll() {
            assertThat(translated.state())
                    .as("seed %d after %d", seed, translated.hart.instructionsRetired())
                    .isEqualTo(interpreted.state());
        }

        // What happens to a hart from outside, between two instructions. ----------------------

        private void disturb() {
            int what = random.nextInt(32);
            long value = random.nextLong();
            for (RandomMachine machine : List.of(translated, interpreted)) {
                Hart hart = machine.hart;
                switch (what) {
                    case 0, 1 -> {
                        int cause = INTERRUPTS[(int) (value & 7) % INTERRUPTS.length];
                        if (value < 0) {
                            hart.interruptLine(cause).raise();
                        } else {
                            hart.interruptLine(cause).lower();
                        }
                    }
                    case 2 -> hart.setCsr(Csr.MIE, value);
                    case 3 -> hart.setCsr(Csr.MSTATUS, hart.csr(Csr.MSTATUS) ^ 1L << (value & 31));
                    case 4, 5 -> machine.enterAddressSpace((int) (value & 3));
                    case 6 -> {
                        machine.rewrite(value);
                        hart.fenceInstructions();
                    }
                    case 7 -> hart.setPrivilege(PrivilegeMode.U);
                    case 8 -> hart.setPrivilege(PrivilegeMode.S);
                    case 9 -> hart.setPrivilege(PrivilegeMode.M);
                    case 10 -> hart.setPc(RAM + (value & 0x1ffe));
                    // A pointer to code: what is stored there is executed after the next FENCE.I.
                    case 11 ->
                            hart.setRegister(8 + (int) (value & 3), RAM + (value >>> 8 & 0x1fff));
                    case 12 -> hart.setRegister((int) (value & 31), value >> 5);
                    case 13 -> machine.pointAtPageEnd(value);
                    default -> {}
                }
            }
        }
    }
}
