package dev.dalang.vm;

import static dev.dalang.vm.BareMachine.FINISHER;
import static dev.dalang.vm.BareMachine.FROM_HOST;
import static dev.dalang.vm.BareMachine.TO_HOST;
import static dev.dalang.vm.BareMachine.UART;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.dalang.bus.BusException;
import dev.dalang.bus.DeviceMmio;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Registers;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

@Timeout(60)
class VmTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir private Path directory;
    private BareMachine machines;

    @BeforeEach
    void setUp() {
        machines = new BareMachine(directory);
    }

    private VmExit run(Consumer<Assembler> program) throws InterruptedException {
        return run(machines.program(program));
    }

    private static VmExit run(VmBuilder builder) throws InterruptedException {
        try (Vm vm = builder.build()) {
            vm.start();
            return vm.awaitExit();
        }
    }

    private static void store(Assembler a, long address, long value) {
        a.li(Registers.T0, address);
        a.li(Registers.T1, value);
        a.sw(Registers.T1, 0, Registers.T0);
    }

    private static void print(Assembler a, String text) {
        a.li(Registers.T0, UART);
        for (int i = 0; i < text.length(); i++) {
            a.li(Registers.T1, text.charAt(i));
            a.sb(Registers.T1, 0, Registers.T0);
        }
    }

    private static void call(Assembler a, int extension, int function, long... arguments) {
        for (int i = 0; i < arguments.length; i++) {
            a.li(Registers.A0 + i, arguments[i]);
        }
        a.li(Registers.A7, extension);
        a.li(Registers.A6, function);
        a.ecall();
    }

    // ---- ends of a run ----------------------------------------------------------------------

    @Test
    void finisherEndsTheRun() throws Exception {
        assertThat(run(a -> store(a, FINISHER, 0x5555))).isEqualTo(new VmExit.PoweredOff());
        assertThat(run(a -> store(a, FINISHER, 7 << 16 | 0x3333))).isEqualTo(new VmExit.Failed(7));
    }

    @Test
    void toHostEndsTheRun() throws Exception {
        Consumer<Assembler> pass =
                a -> {
                    store(a, TO_HOST, 1);
                    BareMachine.spin(a);
                };
        assertThat(run(pass)).isEqualTo(new VmExit.PoweredOff());
        Consumer<Assembler> fail =
                a -> {
                    store(a, TO_HOST, 5 << 1 | 1);
                    BareMachine.spin(a);
                };
        assertThat(run(fail)).isEqualTo(new VmExit.Failed(5));
    }

    @Test
    void timeLimitEndsTheRun() throws Exception {
        Duration limit = Duration.ofMillis(50);
        assertThat(run(machines.program(BareMachine::spin).timeout(limit)))
                .isEqualTo(new VmExit.TimedOut(limit));
    }

    @Test
    void endlessTimesAreNoLimits() throws Exception {
        Duration endless = Duration.ofSeconds(Long.MAX_VALUE);
        try (Vm vm = machines.program(a -> store(a, FINISHER, 0x5555)).timeout(endless).build()) {
            vm.start();
            assertThat(vm.awaitExit(endless)).contains(new VmExit.PoweredOff());
        }
    }

    @Test
    void instructionLimitEndsTheRunExactly() throws Exception {
        try (Vm vm = machines.program(BareMachine::spin).maxInstructions(123_456).build()) {
            vm.start();
            assertThat(vm.awaitExit()).isEqualTo(new VmExit.InstructionLimitReached(123_456));
            assertThat(vm.statistics().instructions()).isEqualTo(123_456);
        }
    }

    @Test
    void hartThatOnlyTrapsEndsTheRunAndSaysWhy() throws Exception {
        // mtvec is 0 after reset, where nothing is: the handler itself cannot be fetched.
        VmExit exit = run(Assembler::unimp);

        assertThat(exit).isInstanceOf(VmExit.Stuck.class);
        assertThat(exit.describe())
                .startsWith("hart 0 is stuck: it can only trap: instruction access fault at 0x0")
                .endsWith("M-mode trap handler at 0x0");
        assertThat(exit.isSuccess()).isFalse();
    }

    @Test
    void kernelOfGarbageEndsTheRun() throws Exception {
        VmExit exit =
                run(
                        Vm.builder()
                                .memory(MemorySize.MiB(64))
                                .kernel(machines.kernel(Assembler::unimp)));

        assertThat(exit.describe())
                .startsWith("hart 0 is stuck: it can only trap: ")
                .endsWith("S-mode trap handler at 0x0");
    }

    @Test
    void kernelThatStopsItsLastHartEndsTheRun() throws Exception {
        Path kernel = machines.kernel(a -> call(a, 0x48534D, 1));
        VmExit exit = run(Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel).cpus(2));

        assertThat(exit.describe()).startsWith("hart 0 is stuck: every hart has stopped itself");
    }

    @Test
    void panicOnTheConsoleEndsTheRun() throws Exception {
        VmExit exit =
                run(
                        a -> {
                            print(a, "---[ end Kernel panic - not syncing: no init ]---\n");
                            BareMachine.spin(a);
                        });

        assertThat(exit).isEqualTo(new VmExit.Panicked("no init"));
    }

    @Test
    void stopEndsTheRun() throws Exception {
        try (Vm vm = machines.program(BareMachine::spin).build()) {
            vm.start();
            assertThat(vm.awaitExit(Duration.ofMillis(1))).isEmpty();
            assertThat(vm.exit()).isEmpty();

            vm.stop();

            assertThat(vm.exit()).contains(new VmExit.Stopped());
            vm.stop();
            assertThat(vm.awaitExit()).isEqualTo(new VmExit.Stopped());
        }
    }

    @Test
    void everyHartOfABareProgramStartsAtItsEntry() throws Exception {
        VmExit exit =
                run(
                        machines.program(
                                        a -> {
                                            a.li(Registers.T0, TO_HOST + 0x800);
                                            a.li(Registers.T1, 1);
                                            a.sll(Registers.T1, Registers.T1, Registers.A0);
                                            a.amoadd_d(Registers.T2, Registers.T1, Registers.T0);
                                            var wait = a.label();
                                            a.bind(wait);
                                            a.ld(Registers.T2, 0, Registers.T0);
                                            a.li(Registers.T3, 0b1111);
                                            a.bne(Registers.T2, Registers.T3, wait);
                                            store(a, FINISHER, 0x5555);
                                        })
                                .cpus(4));

        assertThat(exit).isEqualTo(new VmExit.PoweredOff());
    }

    // ---- the built-in SBI on the board --------------------------------------------------------

    @Test
    void kernelPowersOffThroughTheFirmware() throws Exception {
        Path kernel = machines.kernel(a -> call(a, 0x53525354, 0, 0, 0));
        assertThat(run(Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel)))
                .isEqualTo(new VmExit.PoweredOff());
    }

    @Test
    void failureAsReasonOfAResetIsAFailure() throws Exception {
        Path kernel = machines.kernel(a -> call(a, 0x53525354, 0, 0, 1));
        assertThat(run(Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel)))
                .isEqualTo(new VmExit.Failed(1));
    }

    @Test
    void debugConsoleWritesToTheConsole() throws Exception {
        Path kernel =
                machines.kernel(
                        a -> {
                            call(a, 0x4442434E, 2, 'k');
                            call(a, 0x4442434E, 2, '\n');
                            call(a, 0x53525354, 0, 0, 0);
                        });
        try (Vm vm = Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel).build()) {
            vm.start();
            vm.awaitExit();
            assertThat(vm.console().transcript()).isEqualTo("k\n");
            assertThat(vm.statistics().firstOutput()).isPresent();
        }
    }

    @Test
    void rebootStartsTheMachineAgainInPlace() throws Exception {
        // Memory is loaded again and the board's devices are reset; the user's own device is not.
        var starts = new AtomicLong();
        var counter = new CountingDevice(starts);
        Path kernel =
                machines.kernel(
                        a -> {
                            a.li(Registers.S0, 0x1100_0000);
                            a.sw(Registers.ZERO, 0, Registers.S0);
                            a.lw(Registers.S1, 0, Registers.S0);
                            a.li(Registers.S2, 3);
                            var reboot = a.label();
                            a.bltu(Registers.S1, Registers.S2, reboot);
                            call(a, 0x53525354, 0, 0, 0);
                            a.bind(reboot);
                            call(a, 0x53525354, 0, 1, 0);
                        });
        try (Vm vm = Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel).cpus(2).build()) {
            vm.addDevice(0x1100_0000, 0x1000, counter);
            vm.start();

            assertThat(vm.awaitExit()).isEqualTo(new VmExit.PoweredOff());
            assertThat(starts).hasValue(3);
            assertThat(vm.statistics().resets()).isEqualTo(2);
            assertThat(vm.statistics().instructions()).isGreaterThan(30);
        }
    }

    @Test
    void rebootEndsTheRunWhereItIsNotWanted() throws Exception {
        Path kernel = machines.kernel(a -> call(a, 0x53525354, 0, 1, 0));
        assertThat(run(Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel).reboot(false)))
                .isEqualTo(new VmExit.ResetRequested());
    }

    @Test
    void rebootWithoutItsFileFailsWithTheFilesName() throws Exception {
        Path kernel =
                machines.kernel(
                        a -> {
                            a.li(Registers.S0, 0x1100_0000);
                            a.sw(Registers.ZERO, 0, Registers.S0);
                            call(a, 0x53525354, 0, 1, 0);
                        });
        try (Vm vm = Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel).build()) {
            vm.addDevice(0x1100_0000, 0x1000, new CountingDevice(new AtomicLong()));
            Files.delete(kernel);
            vm.start();
            assertThat(vm.awaitExit().describe())
                    .isEqualTo("reboot failed: --kernel " + kernel + ": no such file");
        }
    }

    @Test
    void guestThatRebootsForEverCanBeStopped() throws Exception {
        Path kernel = machines.kernel(a -> call(a, 0x53525354, 0, 1, 0));
        for (int round = 0; round < 20; round++) {
            try (Vm vm = Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel).build()) {
                vm.start();
                assertThat(vm.awaitExit(Duration.ofMillis(round))).isEmpty();
                vm.stop();
                assertThat(vm.exit()).contains(new VmExit.Stopped());
            }
        }
    }

    @Test
    void fileThatShrinksBeforeTheRebootIsNoticed() throws Exception {
        Path kernel = machines.kernel(a -> call(a, 0x53525354, 0, 1, 0));
        try (Vm vm = Vm.builder().memory(MemorySize.MiB(64)).kernel(kernel).build()) {
            Files.write(kernel, new byte[10]);
            vm.start();
            assertThat(vm.awaitExit().describe())
                    .contains("expected a kernel of at least 64 bytes");
        }
    }

    // ---- firmware ---------------------------------------------------------------------------

    @Test
    void firmwareStartsInMachineModeWithWhatOpenSbiExpects() throws Exception {
        Path kernel = machines.kernel(BareMachine::spin);
        Path firmware =
                machines.write(
                        "firmware.bin",
                        Assembler.assemble(
                                BareMachine.RAM,
                                a -> {
                                    a.csrr(Registers.S0, 0xF14);
                                    a.sub(Registers.S0, Registers.S0, Registers.A0);
                                    a.lw(Registers.S1, 0, Registers.A1);
                                    a.ld(Registers.S2, 0, Registers.A2);
                                    a.ld(Registers.S3, 16, Registers.A2);
                                    a.li(Registers.T0, FROM_HOST);
                                    a.sd(Registers.S0, 0, Registers.T0);
                                    a.sd(Registers.S1, 8, Registers.T0);
                                    a.sd(Registers.S2, 16, Registers.T0);
                                    a.sd(Registers.S3, 24, Registers.T0);
                                    store(a, FINISHER, 0x5555);
                                }));
        try (Vm vm =
                Vm.builder().memory(MemorySize.MiB(64)).bios(firmware).kernel(kernel).build()) {
            vm.start();
            assertThat(vm.awaitExit()).isEqualTo(new VmExit.PoweredOff());
            assertThat(vm.memory().readLong(FROM_HOST)).as("a0 - mhartid").isZero();
            assertThat(vm.memory().readInt(FROM_HOST + 8)).as("tree").isEqualTo(0xEDFE0DD0);
            assertThat(vm.memory().readLong(FROM_HOST + 16)).as("magic").isEqualTo(0x4942534F);
            assertThat(vm.memory().readLong(FROM_HOST + 24)).as("next").isEqualTo(0x8020_0000L);
        }
    }

    @Test
    void firmwareInFlashStartsInSupervisorModeAndFindsTheKernel() throws Exception {
        byte[] code =
                Assembler.assemble(
                        0x2000_0000,
                        a -> {
                            // The kernel's size, through fw_cfg: selector 8, big-endian.
                            a.li(Registers.T0, 0x1010_0000);
                            a.li(Registers.T1, 0x0800);
                            a.sh(Registers.T1, 8, Registers.T0);
                            a.lw(Registers.S0, 0, Registers.T0);
                            a.li(Registers.T0, FROM_HOST);
                            a.sd(Registers.S0, 0, Registers.T0);
                            a.csrr(Registers.S1, 0x100);
                            call(a, 0x53525354, 0, 0, 0);
                        });
        Path flash = machines.write("code.fd", Arrays.copyOf(code, 32 << 20));
        Path kernel = machines.kernel(BareMachine::spin);
        try (Vm vm =
                Vm.builder()
                        .memory(MemorySize.MiB(64))
                        .flash(new FlashFile(flash, true))
                        .kernel(kernel)
                        .build()) {
            vm.start();
            assertThat(vm.awaitExit()).isEqualTo(new VmExit.PoweredOff());
            assertThat(vm.memory().readLong(FROM_HOST)).isEqualTo(Files.size(kernel));
        }
    }

    @Test
    void firmwareOfAnySizeStartsFromFlashWithTheTables() throws Exception {
        byte[] code =
                Assembler.assemble(
                        0x2000_0000,
                        a -> {
                            // How many files fw_cfg has, big-endian: selector 0x19.
                            a.li(Registers.T0, 0x1010_0000);
                            a.li(Registers.T1, 0x1900);
                            a.sh(Registers.T1, 8, Registers.T0);
                            a.lw(Registers.S0, 0, Registers.T0);
                            a.li(Registers.T0, FROM_HOST);
                            a.sd(Registers.S0, 0, Registers.T0);
                            call(a, 0x53525354, 0, 0, 0);
                        });
        Path firmware = machines.write("firmware", code);
        byte[] before = Files.readAllBytes(firmware);
        try (Vm vm = Vm.builder().memory(MemorySize.MiB(64)).firmware(firmware).build()) {
            vm.start();
            assertThat(vm.awaitExit()).isEqualTo(new VmExit.PoweredOff());
            assertThat(Integer.reverseBytes((int) vm.memory().readLong(FROM_HOST))).isEqualTo(3);
        }
        assertThat(firmware).hasBinaryContent(before);
    }

    @Test
    void firmwareThatIsNoneIsNamed() throws Exception {
        Path empty = machines.write("empty", new byte[0]);
        Path tooLong = machines.write("long", new byte[(32 << 20) + 1]);
        Path missing = empty.resolveSibling("missing");
        Path directory = empty.getParent();

        firmwareRefused(
                empty, "expected 1 to 33554432 bytes, which a bank of flash holds, found 0");
        firmwareRefused(
                tooLong,
                "expected 1 to 33554432 bytes, which a bank of flash holds, found 33554433");
        firmwareRefused(missing, "expected a file, found nothing");
        firmwareRefused(directory, "expected a file, found none");
    }

    private static void firmwareRefused(Path file, String message) {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> Vm.builder().firmware(file).build())
                .withMessage("firmware file " + file + ": " + message);
    }

    @Test
    void flashFilesAreReleasedWhenTheMachineIsNotBuilt() throws Exception {
        Path flash = machines.write("vars.fd", new byte[32 << 20]);
        Path missing = flash.resolveSibling("missing");
        for (int round = 0; round < 2; round++) {
            assertThatExceptionOfType(ConfigurationException.class)
                    .isThrownBy(
                            () ->
                                    Vm.builder()
                                            .flash(new FlashFile(flash, false))
                                            .bios(missing)
                                            .build())
                    .withMessage("--bios " + missing + ": no such file");
        }
    }

    // ---- devices, console, memory --------------------------------------------------------------

    @Test
    void usersDeviceIsReachedAndCounted() throws Exception {
        var stores = new AtomicLong();
        try (Vm vm =
                machines.program(
                                a -> {
                                    store(a, 0x1100_0000, 1);
                                    store(a, 0x1100_0000, 1);
                                    store(a, FINISHER, 0x5555);
                                })
                        .build()) {
            vm.addDevice(0x1100_0000, 0x1000, new CountingDevice(stores));
            vm.start();
            vm.awaitExit();

            assertThat(stores).hasValue(2);
            assertThat(vm.statistics().devices())
                    .contains(new DeviceStatistics("counter", "counter", 0, 2, 0));
        }
    }

    @Test
    void deviceMustNotLieUnderMemoryOrOnAnotherDevice() {
        try (Vm vm = machines.program(BareMachine::spin).build()) {
            var device = new CountingDevice(new AtomicLong());
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> vm.addDevice(0x8000_0000L, 0x1000, device))
                    .withMessageContaining("counter: 0x80000000..0x80000fff overlaps memory");
            assertThatExceptionOfType(BusException.class)
                    .isThrownBy(() -> vm.addDevice(UART, 0x1000, device));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> vm.interruptLine(device, 10))
                    .withMessageContaining("belongs to a device of the board");
            assertThatIllegalArgumentException().isThrownBy(() -> vm.interruptLine(device, 0));
            assertThatIllegalArgumentException().isThrownBy(() -> vm.interruptLine(device, 96));
        }
    }

    @Test
    void consoleIsReadAndWritten() throws Exception {
        try (Vm vm =
                machines.program(
                                a -> {
                                    print(a, "ready\n");
                                    a.li(Registers.T0, UART);
                                    var wait = a.label();
                                    a.bind(wait);
                                    a.lb(Registers.T1, 5, Registers.T0);
                                    a.andi(Registers.T1, Registers.T1, 1);
                                    a.beqz(Registers.T1, wait);
                                    a.lb(Registers.T1, 0, Registers.T0);
                                    a.addi(Registers.T1, Registers.T1, 1);
                                    a.sb(Registers.T1, 0, Registers.T0);
                                    store(a, FINISHER, 0x5555);
                                })
                        .build()) {
            vm.console().inputMode(Console.InputMode.IMMEDIATE);
            vm.start();
            vm.console().await("ready", LONG);
            vm.console().write("a");
            assertThat(vm.console().await("b", LONG)).isEqualTo("\nb");
        }
    }

    @Test
    void textThatCannotComeAnyMoreIsNotAwaited() throws Exception {
        try (Vm vm =
                machines.program(
                                a -> {
                                    print(a, "last words\n");
                                    store(a, FINISHER, 0x5555);
                                })
                        .build()) {
            vm.start();
            vm.console().await("last", LONG);
            assertThatExceptionOfType(ConsoleTimeoutException.class)
                    .isThrownBy(() -> vm.console().await("never", Duration.ofDays(1)))
                    .withMessageContaining("before the machine ended: the guest powered off")
                    .withMessageContaining("last words");
        }
    }

    @Test
    void memoryIsSharedWithTheHost() throws Exception {
        try (Vm vm =
                machines.program(
                                a -> {
                                    store(a, FROM_HOST, 42);
                                    store(a, FINISHER, 0x5555);
                                })
                        .build()) {
            vm.start();
            vm.awaitExit();
            assertThat(vm.memory().readInt(FROM_HOST)).isEqualTo(42);
        }
    }

    @Test
    void accessesToNowhereAreCounted() throws Exception {
        try (Vm vm =
                machines.program(
                                a -> {
                                    store(a, 0x1200_0000, 1);
                                    a.lw(Registers.T1, 0, Registers.T0);
                                    store(a, FINISHER, 0x5555);
                                })
                        .build()) {
            vm.start();
            vm.awaitExit();
            assertThat(vm.statistics().unmappedReads()).isEqualTo(1);
            assertThat(vm.statistics().unmappedWrites()).isEqualTo(1);
        }
    }

    // ---- lifecycle ----------------------------------------------------------------------------

    @Test
    void lifecycleErrorsSayWhatIsWrong() throws Exception {
        Vm vm = machines.program(a -> store(a, FINISHER, 0x5555)).build();
        assertThatIllegalStateException()
                .isThrownBy(vm::awaitExit)
                .withMessage("the machine was not started");
        vm.stop();
        assertThat(vm.exit()).isEmpty();
        vm.start();
        assertThatIllegalStateException()
                .isThrownBy(vm::start)
                .withMessageContaining("started before");
        vm.awaitExit();
        vm.close();
        vm.close();
        assertThatIllegalStateException()
                .isThrownBy(vm::start)
                .withMessage("the machine is closed");
        assertThat(vm.exit()).contains(new VmExit.PoweredOff());
    }

    @Test
    void deviceThatThrowsDoesNotEndTheMachine() throws Exception {
        try (Vm vm =
                machines.program(
                                a -> {
                                    store(a, 0x1100_0000, 1);
                                    store(a, FINISHER, 0x5555);
                                })
                        .build()) {
            vm.addDevice(
                    0x1100_0000,
                    0x1000,
                    new CountingDevice(new AtomicLong()) {
                        @Override
                        public void mmioWrite(long base, long offset, int size, long value) {
                            throw new IllegalStateException("a defect of the device");
                        }
                    });
            vm.start();
            assertThat(vm.awaitExit()).isEqualTo(new VmExit.PoweredOff());
        }
    }

    @Test
    void runningMachineIsClosedWhole() throws Exception {
        Vm vm = machines.program(BareMachine::spin).cpus(3).build();
        vm.start();

        vm.close();

        assertThat(vm.exit()).contains(new VmExit.Stopped());
        assertThatIllegalStateException().isThrownBy(() -> vm.memory().readInt(FROM_HOST));
    }

    @Test
    void opensAndClosesWithoutGrowing() throws Exception {
        long threads = dalangThreads();
        openTouchAndClose();
        long resident = residentBytes();
        for (int round = 0; round < 20; round++) {
            openTouchAndClose();
        }
        awaitThreads(threads);
        assertThat(residentBytes() - resident)
                .as("of 20 x 32 MiB that were touched")
                .isLessThan(320L << 20);
    }

    private void openTouchAndClose() {
        try (Vm vm = machines.program(BareMachine::spin).cpus(2).build()) {
            vm.start();
            vm.memory().fill(BareMachine.RAM + 0x10_0000, 32 << 20, (byte) 1);
        }
    }

    private static void awaitThreads(long expected) {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (dalangThreads() > expected && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(dalangThreads()).isLessThanOrEqualTo(expected);
    }

    private static long dalangThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("dalang-"))
                .count();
    }

    private static long residentBytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("RssAnon:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
            }
        }
        throw new IOException("no RssAnon in /proc/self/status");
    }

    /** Counts stores, and answers loads with their number. */
    private static class CountingDevice implements DeviceMmio {
        private final AtomicLong stores;

        CountingDevice(AtomicLong stores) {
            this.stores = stores;
        }

        @Override
        public String label() {
            return "counter";
        }

        @Override
        public String typeId() {
            return "counter";
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            return stores.get();
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {
            stores.incrementAndGet();
        }
    }
}
