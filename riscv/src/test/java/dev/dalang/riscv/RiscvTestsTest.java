package dev.dalang.riscv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs every program of a directory, given as {@code -Ddalang.riscv-tests=DIR}, that speaks the
 * {@code tohost} convention of the public riscv-tests: 1 is success, an odd number is twice the
 * number of the test that failed, plus one.
 */
@Tag("riscv-tests")
class RiscvTestsTest {
    private static final long RAM_BASE = 0x8000_0000L;
    private static final long RAM_BYTES = 32 << 20;
    private static final int STEPS_AT_ONCE = 1000;
    private static final long MAX_INSTRUCTIONS = 20_000_000;

    @TestFactory
    Stream<DynamicTest> everyProgramPasses() throws IOException {
        String directory = System.getProperty("dalang.riscv-tests", "");
        assumeTrue(!directory.isEmpty(), "-Ddalang.riscv-tests=DIR names no directory of programs");
        List<Path> programs;
        try (Stream<Path> files = Files.list(Path.of(directory))) {
            programs = files.filter(Files::isRegularFile).sorted().toList();
        }
        assertThat(programs).isNotEmpty();
        return programs.stream()
                .map(p -> dynamicTest(p.getFileName().toString(), () -> assertPasses(p)));
    }

    private static void assertPasses(Path program) throws IOException {
        BareElf elf = BareElf.read(program);
        try (Arena arena = Arena.ofShared()) {
            MemoryRegion region = MemoryRegion.reserve(RAM_BASE, RAM_BYTES, arena);
            GuestMemory memory = GuestMemory.of(region);
            HartFixture.RecordingIo io = new HartFixture.RecordingIo();
            ManualVirtualClock clock = new ManualVirtualClock();
            Hart hart = Hart.builder(0).memory(memory).io(io).clock(clock).build();
            elf.forEachSegment(memory::copyIn);
            hart.reset(elf.entry());

            long tohost = elf.symbol("tohost").orElseThrow();
            while (hart.instructionsRetired() < MAX_INSTRUCTIONS) {
                hart.step(STEPS_AT_ONCE);
                clock.advance(100L * STEPS_AT_ONCE);
                long message = memory.readLong(tohost);
                if ((message & 1) != 0) {
                    assertThat(message >>> 1).as("number of the failing test").isZero();
                    return;
                }
                if (message != 0) {
                    // Console output: taken, not shown.
                    memory.writeLong(tohost, 0);
                }
            }
            throw new AssertionError(
                    "no result after %,d instructions; pc 0x%x, mcause %x, mepc 0x%x, mtval 0x%x"
                            .formatted(
                                    MAX_INSTRUCTIONS,
                                    hart.pc(),
                                    hart.csr(Csr.MCAUSE),
                                    hart.csr(Csr.MEPC),
                                    hart.csr(Csr.MTVAL)));
        }
    }
}
