package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.stream.LongStream;

/**
 * Programs of random instructions, legal and not, in all modes: nothing escapes from the hart, and
 * it comes to the same state whether it runs freely or is stepped instruction by instruction.
 */
class RandomProgramTest {
    private static final int PROGRAMS = 24;
    private static final int INSTRUCTIONS = 20_000;

    static LongStream seeds() {
        long first = Long.getLong("dalang.seed", 1);
        return LongStream.range(first, first + PROGRAMS);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void runningAndSteppingComeToTheSameState(long seed) {
        RandomMachine running = new RandomMachine(seed, HartGroup.defaultEngine(), INSTRUCTIONS);
        running.hart.run();
        long retired = running.hart.instructionsRetired();
        assertThat(retired).isBetween((long) INSTRUCTIONS, INSTRUCTIONS + 4096L);

        RandomMachine stepped = new RandomMachine(seed, EngineKind.INTERPRETER, INSTRUCTIONS);
        for (int n = 0; stepped.hart.instructionsRetired() < retired; n++) {
            assertThat(n).as("steps").isLessThan(10 * INSTRUCTIONS);
            stepped.hart.step(1);
        }
        assertThat(stepped.state()).as("seed %d", seed).isEqualTo(running.state());
        assertThat(running.hart.register(0)).isZero();
    }
}
