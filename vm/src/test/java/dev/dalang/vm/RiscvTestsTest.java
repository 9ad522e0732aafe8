package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs every program of a directory, given as {@code -Ddalang.riscv-tests=DIR}, that speaks the
 * {@code tohost} convention, as the public riscv-tests do in their {@code p} and {@code v}
 * environments.
 */
@Tag("riscv-tests")
class RiscvTestsTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);

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

    private static void assertPasses(Path program) throws InterruptedException {
        try (Vm vm = Vm.builder().bare(program).timeout(LIMIT).build()) {
            vm.start();
            assertThat(vm.awaitExit())
                    .as(program.getFileName().toString())
                    .isEqualTo(new VmExit.PoweredOff());
        }
    }
}
