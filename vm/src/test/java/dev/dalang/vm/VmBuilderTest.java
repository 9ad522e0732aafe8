package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.testkit.riscv.Assembler;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;

class VmBuilderTest {
    @TempDir private Path directory;
    private Path program;
    private Path kernel;

    @BeforeEach
    void setUp() {
        var machines = new BareMachine(directory);
        program = machines.file(BareMachine::spin);
        kernel = machines.kernel(Assembler::nop);
    }

    private static void refused(VmBuilder builder, String message) {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(builder::build)
                .withMessage(message);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, (64L << 20) - 4096, (16L << 30) + 4096, Long.MIN_VALUE})
    void memorySizesOutOfRangeAreRefused(long bytes) {
        refused(
                Vm.builder().bare(program).memory(bytes),
                "--memory: expected 67108864 to 17179869184 bytes (64M to 16G), found " + bytes);
    }

    @Test
    void memoryIsWholePages() {
        refused(
                Vm.builder().bare(program).memory((64L << 20) + 1),
                "--memory: expected a multiple of 4096 bytes, found 67108865");
    }

    @ParameterizedTest
    @ValueSource(longs = {64L << 20, (64L << 20) + 4096, 3L << 30, 16L << 30})
    void memorySizesInRangeAreReserved(long bytes) {
        try (Vm vm = Vm.builder().bare(program).memory(bytes).build()) {
            assertThat(vm.memory().contains(0x8000_0000L, bytes)).isTrue();
            assertThat(vm.memory().contains(0x8000_0000L + bytes, 1)).isFalse();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 129, Integer.MAX_VALUE})
    void cpuCountsOutOfRangeAreRefused(int cpus) {
        refused(Vm.builder().bare(program).cpus(cpus), "--cpus: expected 1 to 128, found " + cpus);
    }

    @Test
    void greatestMachineIsBuilt() {
        try (Vm vm = Vm.builder().kernel(kernel).cpus(128).build()) {
            assertThat(vm.exit()).isEmpty();
        }
    }

    @Test
    void machineNeedsSomethingToBoot() {
        refused(
                Vm.builder(),
                "nothing to boot: expected --kernel, --bios, --firmware, --flash or --bare,"
                        + " found none of them");
    }

    @Test
    void limitsArePositive() {
        refused(
                Vm.builder().bare(program).maxInstructions(0),
                "--max-instructions: expected 1 or more, found 0");
        refused(
                Vm.builder().bare(program).timeout(Duration.ZERO),
                "--timeout: expected more than 0 seconds, found PT0S");
        refused(
                Vm.builder().bare(program).timeout(Duration.ofSeconds(-1)),
                "--timeout: expected more than 0 seconds, found PT-1S");
    }

    @Test
    void optionsThatContradictEachOtherAreRefused() {
        refused(
                Vm.builder().bare(program).kernel(kernel),
                "--bare: expected no --kernel, --initrd, --bios or guest beside it, found one");
        refused(
                Vm.builder().bare(program).firmware(kernel),
                "--bare: expected no --firmware beside it, found one");
        refused(
                Vm.builder()
                        .firmware(kernel)
                        .flash(new FlashFile(kernel, true))
                        .flash(new FlashFile(kernel, true)),
                "--flash: expected at most 1 bank beside --firmware, found 2");
        refused(
                Vm.builder().bios(program).initrd(kernel),
                "--initrd: expected --kernel beside it, found none");
    }

    @Test
    void commandLinesAreCheckedBeforeTheyReachTheGuest() {
        refused(
                Vm.builder().kernel(kernel).append("x".repeat(4096)),
                "--append: expected at most 4095 bytes, found 4096");
        refused(
                Vm.builder().kernel(kernel).append("ab\0c"),
                "--append: expected no control characters, found 0x00 at position 2");
        try (Vm vm = Vm.builder().kernel(kernel).append("x".repeat(4095)).build()) {
            assertThat(vm.exit()).isEmpty();
        }
    }

    @Test
    void kernelThatDoesNotFitIsNamed() {
        refused(
                Vm.builder().kernel(program.resolveSibling("missing")),
                "--kernel " + program.resolveSibling("missing") + ": no such file");
    }

    @ParameterizedTest
    @CsvSource({
        "64M, 67108864",
        "64m, 67108864",
        "2G, 2147483648",
        "2GiB, 2147483648",
        "2gb, 2147483648",
        "65536K, 67108864",
        "67108864, 67108864"
    })
    void sizesAreReadAsPeopleWriteThem(String text, long bytes) {
        assertThat(MemorySize.parse("--memory", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "M", "-1M", "1.5G", "1T", "9999999999G", "64 M", "0x40"})
    void textsThatAreNoSizesAreRefused(String text) {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> MemorySize.parse("--memory", text))
                .withMessage("--memory: expected a size such as 512M or 2G, found " + text);
    }

    @Test
    void flashFilesSayWhetherTheGuestMayChangeThem() {
        assertThat(FlashFile.parse("code.fd,ro"))
                .isEqualTo(new FlashFile(Path.of("code.fd"), true));
        assertThat(FlashFile.parse("vars.fd")).isEqualTo(new FlashFile(Path.of("vars.fd"), false));
        VmBuilder builder = Vm.builder().bare(program);
        for (int bank = 0; bank < 3; bank++) {
            builder.flash(new FlashFile(program, true));
        }
        refused(builder, "--flash: expected at most 2 banks, found 3");
        refused(
                Vm.builder().flash(new FlashFile(program, true)),
                "flash file %s: expected 33554432 bytes, found %d"
                        .formatted(program, program.toFile().length()));
    }

    @Test
    void interruptArchitecturesHaveNames() {
        assertThat(InterruptArchitecture.of("aplic-imsic"))
                .isEqualTo(InterruptArchitecture.APLIC_IMSIC);
        assertThat(InterruptArchitecture.of("none")).isEqualTo(InterruptArchitecture.NONE);
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> InterruptArchitecture.of("aplic"))
                .withMessage("--aia: expected one of aplic-imsic, none, found aplic");
    }
}
