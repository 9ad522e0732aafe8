package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.RAM;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.riscv.internal.engine.Engine;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The translator beside the interpreter, in lock step: the same random program, interrupted,
 * rewritten and moved between address spaces at random, comes to the same registers, CSRs and
 * memory. Registers and the CSRs that matter are compared after each few instructions, everything
 * else more rarely. {@code -Ddalang.lockstep=N} executes N million instructions, {@code
 * -Ddalang.seed=S} other ones, and {@code -Ddalang.part=P} one part alone.
 */
class LockStepTest {
    private static final long INSTRUCTIONS = Long.getLong("dalang.lockstep", 6) * 1_000_000;

    /** Instructions of a part at the least. */
    private static final long LEAST = 100_000;

    /** Traps in a loop of traps, after which it is the same each time. */
    private static final int TRAPS_TO_SETTLE = 8;

    private static final int QUANTA_BETWEEN_LOOKS_AT_MEMORY = 128;
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

    /** A part of the campaign. */
    private enum Part {
        /** Each instruction is translated when it is first executed; most traps. */
        WILD_AT_ONCE(RandomProgram.WILD, EngineKind.TRANSLATE_AT_ONCE, 1, 2, 100_000, 9),
        /** The profile, and regions that come and go while the program is rewritten. */
        WILD(RandomProgram.WILD, EngineKind.TRANSLATOR, 1, 68, 5_000_000, 9),
        /** Regions that stand long enough for all compilers of the JVM. */
        LOOPS_AT_ONCE(RandomProgram.LOOPS, EngineKind.TRANSLATE_AT_ONCE, 1, 350, 20_000_000, 16),
        /** Large regions, made in the background. */
        LOOPS(RandomProgram.LOOPS, EngineKind.TRANSLATOR, 1, 400, 60_000_000, 15),
        /** Harts that share translations, in turns. */
        HARTS_AT_ONCE(RandomProgram.LOOPS, EngineKind.TRANSLATE_AT_ONCE, 3, 50, 10_000_000, 15),
        /** As before, with what is hot for one hart found by another. */
        HARTS(RandomProgram.LOOPS, EngineKind.TRANSLATOR, 2, 130, 40_000_000, 15);

        final RandomProgram shape;
        final EngineKind engine;
        final int harts;
        final int perMille;
        final long most;
        final int quantumLog;

        /**
         * @param perMille of all instructions of a campaign
         * @param most instructions of one seed
         * @param quantumLog logarithm of the instructions between two comparisons at the most
         */
        Part(
                RandomProgram shape,
                EngineKind engine,
                int harts,
                int perMille,
                long most,
                int quantumLog) {
            this.shape = shape;
            this.engine = engine;
            this.harts = harts;
            this.perMille = perMille;
            this.most = most;
            this.quantumLog = quantumLog;
        }

        Stream<Run> runs() {
            long instructions = Math.max(LEAST, INSTRUCTIONS * perMille / 1000);
            long count = Math.ceilDiv(instructions, most);
            long first = Long.getLong("dalang.seed", 1);
            return LongStream.range(first, first + count)
                    .mapToObj(seed -> new Run(this, seed, instructions / count));
        }
    }

    /** One program. */
    private record Run(Part part, long seed, long instructions) {}

    /** What a part came to: instructions, and of these interpreted, quanta, seconds. */
    private static final Map<Part, double[]> SUMS = new EnumMap<>(Part.class);

    static Stream<Run> runs() {
        String only = System.getProperty("dalang.part", "");
        return Arrays.stream(Part.values())
                .filter(part -> only.isEmpty() || part.name().equals(only))
                .flatMap(Part::runs);
    }

    @ParameterizedTest
    @MethodSource("runs")
    void whatIsTranslatedIsAsInterpreted(Run run) {
        Pair pair = new Pair(run);
        long start = System.nanoTime();
        pair.run();

        pair.addTo(SUMS.computeIfAbsent(run.part, part -> new double[4]), start);
        if (run.part.engine == EngineKind.TRANSLATE_AT_ONCE) {
            assertThat(pair.interpretedShare()).isLessThan(0.9);
        }
    }

    @AfterAll
    static void report(TestReporter reporter) {
        SUMS.forEach(
                (part, sums) ->
                        reporter.publishEntry(
                                part.name(),
                                "%.2f million instructions, %.0f %% in regions, %.0f %% outside of"
                                                .formatted(
                                                        sums[0] / 1e6,
                                                        100 - 100 * sums[1] / sums[0],
                                                        100 * sums[2])
                                        + " the trap handler, %.1f s".formatted(sums[3])));
    }

    /** Two machines that must not differ. */
    private static final class Pair {
        private final Run run;
        private final Random random;
        private final RandomMachine translated;
        private final RandomMachine interpreted;
        private long quanta;
        private long quantaInProgram;

        Pair(Run run) {
            this.run = run;
            this.random = new Random(~run.seed);
            this.translated = machine(run, run.part.engine);
            this.interpreted = machine(run, EngineKind.INTERPRETER);
        }

        private static RandomMachine machine(Run run, EngineKind engine) {
            return new RandomMachine(
                    run.seed,
                    run.part.shape,
                    run.part.harts,
                    memory -> HartGroup.of(memory, List.of(), engine, new byte[0]),
                    Long.MAX_VALUE);
        }

        void run() {
            for (; retired() < run.instructions; quanta++) {
                int n = random.nextInt(run.part.harts);
                Hart hart = translated.harts.get(n);
                Hart other = interpreted.harts.get(n);
                // Mostly short, sometimes long: what is hot is left alone for a while.
                int most = 1 << 3 + random.nextInt(run.part.quantumLog - 2);
                long limit = hart.instructionsRetired() + 1 + random.nextInt(most);
                hart.runPast(limit);
                follow(hart, other);
                boolean stuck = hart.instructionsRetired() < limit;
                if (stuck) {
                    other.step(TRAPS_TO_SETTLE);
                }
                quantaInProgram += RandomMachine.isInProgram(hart) ? 1 : 0;
                if (differ(hart, other)
                        || quanta % QUANTA_BETWEEN_LOOKS_AT_MEMORY == 0 && differAnywhere()) {
                    fail();
                }
                if (stuck) {
                    translated.leaveTrapLoop(hart);
                    interpreted.leaveTrapLoop(other);
                }
                disturb(n);
            }
            fail();
            translated.group.close();
        }

        private long retired() {
            return translated.harts.stream().mapToLong(Hart::instructionsRetired).sum();
        }

        /** Instructions that the translator left to the interpreter, of all. */
        double interpretedShare() {
            return interpretedInstructions() / (double) retired();
        }

        private long interpretedInstructions() {
            return translated.group.statistics().orElseThrow().interpreted();
        }

        void addTo(double[] sums, long start) {
            double before = sums[0];
            sums[0] += retired();
            sums[1] += interpretedInstructions();
            double share = quantaInProgram / (double) quanta;
            sums[2] = (sums[2] * before + share * retired()) / sums[0];
            sums[3] += (System.nanoTime() - start) / 1e9;
        }

        /** Brings the interpreter to where the translator stands. */
        private void follow(Hart translated, Hart hart) {
            long retired = translated.instructionsRetired();
            long before = retired - 2 * Engine.OVERRUN;
            if (hart.instructionsRetired() < before) {
                hart.runPast(before);
            }
            for (int steps = 0; hart.instructionsRetired() < retired; steps++) {
                assertThat(steps).as("steps of %s", run).isLessThan(1_000_000);
                hart.step(retired - hart.instructionsRetired());
            }
            // The last thing that the translator did may have been to take a trap, or several. If
            // a user had come to the handler's first instruction, pc stays the same.
            for (int traps = 0; traps < 3 && isElsewhere(translated, hart); traps++) {
                hart.step(1);
            }
        }

        private static boolean isElsewhere(Hart one, Hart other) {
            return one.pc() != other.pc() || one.privilege() != other.privilege();
        }

        private static boolean differ(Hart one, Hart other) {
            boolean same =
                    !isElsewhere(one, other)
                            && one.instructionsRetired() == other.instructionsRetired();
            for (int n = 0; n < 32; n++) {
                same &= one.register(n) == other.register(n);
                same &= one.fpRegister(n) == other.fpRegister(n);
            }
            for (int csr : CSRS) {
                same &= one.csr(csr) == other.csr(csr);
            }
            return !same;
        }

        private boolean differAnywhere() {
            boolean same = translated.hasMemoryOf(interpreted);
            for (int n = 0; n < run.part.harts; n++) {
                Hart one = translated.harts.get(n);
                Hart other = interpreted.harts.get(n);
                same &= !differ(one, other);
                for (int csr = 0; csr < 0x1000; csr++) {
                    same &= one.csr(csr) == other.csr(csr);
                }
            }
            return !same;
        }

        /** Fails if there is a difference, and says which. */
        private void fail() {
            assertThat(translated.state())
                    .as("%s after %d", run, retired())
                    .isEqualTo(interpreted.state());
        }

        // What happens to a hart from outside, between two instructions. ----------------------

        private void disturb(int n) {
            int what = random.nextInt(32);
            long value = random.nextLong();
            // Loops last until all compilers have seen them, and do something else than trap.
            boolean rarely = run.part.shape == RandomProgram.WILD || (value & 31 << 20) == 0;
            if (what >= 4 && what <= 9 && what != 6 && !rarely && (value & 3 << 25) != 0) {
                what = 15;
            }
            int chosen = what;
            for (RandomMachine machine : List.of(translated, interpreted)) {
                Hart hart = machine.harts.get(n);
                switch (chosen) {
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
                    case 4, 5 -> machine.enterAddressSpace(hart, (int) (value & 3));
                    case 6 -> {
                        if (rarely) {
                            machine.rewrite(value);
                            machine.harts.forEach(Hart::fenceInstructions);
                        }
                    }
                    case 7 -> hart.setPrivilege(PrivilegeMode.U);
                    case 8 -> hart.setPrivilege(PrivilegeMode.S);
                    case 9 -> hart.setPrivilege(PrivilegeMode.M);
                    case 10 -> hart.setPc(RAM + (value & 0x1ffe));
                    case 11 -> {
                        if (rarely) {
                            // A pointer to code: what is stored there is executed after FENCE.I.
                            hart.setRegister(8 + (int) (value & 3), RAM + (value >>> 8 & 0x1fff));
                        }
                    }
                    case 12 -> hart.setRegister((int) (value & 31), value >> 5);
                    case 13, 14 -> machine.pointAtPageEnd(hart, value);
                    case 15, 16, 17 -> machine.settle(hart, (int) (value & 3));
                    default -> {}
                }
            }
        }
    }
}
