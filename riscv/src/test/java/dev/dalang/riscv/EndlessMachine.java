package dev.dalang.riscv;

import static dev.dalang.riscv.HartFixture.DATA;
import static dev.dalang.riscv.HartFixture.RAM;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.riscv.internal.engine.Engine;
import dev.dalang.testkit.riscv.Assembler;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** A machine that executes a program without an end, with an engine that is free to choose. */
final class EndlessMachine implements AutoCloseable {
    private static final long SLICE = 200_000;
    private static final long MOST_INSTRUCTIONS = 20_000_000_000L;

    final GuestMemory memory =
            GuestMemory.of(
                    MemoryRegion.padded(
                            RAM,
                            Arena.ofAuto().allocate((2 << 20) + MemoryRegion.PADDING, 4096),
                            Optional.empty()));
    final HartGroup group;
    final Hart hart;

    EndlessMachine(EngineKind engine, byte[] hotCode, Consumer<Assembler> program) {
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
    void runUntil(Predicate<EndlessMachine> reached) {
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
        try (EndlessMachine other =
                new EndlessMachine(EngineKind.INTERPRETER, new byte[0], program)) {
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
