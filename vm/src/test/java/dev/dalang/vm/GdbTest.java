package dev.dalang.vm;

import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.A2;
import static dev.dalang.testkit.riscv.Registers.S0;
import static dev.dalang.testkit.riscv.Registers.S1;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** A machine of two harts that count, with the distribution's GDB at its port. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GdbTest {
    private static final long DATA = BareMachine.RAM + 0x4000;

    @TempDir private Path directory;
    private VmBuilder builder;
    private long loop;

    @BeforeEach
    void write() {
        builder = new BareMachine(directory).program(this::count).cpus(2);
    }

    /** Counts in S0 and at DATA + 8 * hart; reads the word 0x100 behind it. */
    private void count(Assembler a) {
        a.li(A1, DATA);
        a.slli(A2, A0, 3);
        a.add(A1, A1, A2);
        a.li(S0, 0);
        Label start = a.here();
        loop = start.address();
        a.addi(S0, S0, 1);
        a.sd(S0, 0, A1);
        a.ld(S1, 0x100, A1);
        a.j(start);
    }

    private Vm started(String port) {
        Vm vm = builder.gdb(GdbPort.parse(port)).build();
        vm.start();
        return vm;
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    /** Until each hart is in its loop, with its registers set. */
    private static void awaitCounts(Vm vm) {
        await(() -> vm.memory().readLong(DATA) > 0 && vm.memory().readLong(DATA + 8) > 0);
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    @Test
    void machineThatWaitsStandsAtItsFirstInstruction() throws Exception {
        try (Vm vm = started("0,wait");
                Gdb gdb = Gdb.connect(vm.gdbPort().orElseThrow())) {
            assertThat(gdb.value("$pc")).isEqualTo(BareMachine.RAM);
            assertThat(vm.statistics().instructions()).isZero();
            long time = vm.clock().nanos();
            assertThat(gdb.ask("info threads")).contains("hart 0", "hart 1", "mode M");
            assertThat(vm.clock().nanos()).isEqualTo(time);
        }
    }

    @Test
    void breakpointsRegistersStepsAndMemory() throws Exception {
        try (Vm vm = started("0,wait");
                Gdb gdb = Gdb.connect(vm.gdbPort().orElseThrow())) {
            gdb.ask("break *" + hex(loop + 4));
            gdb.ask("ignore 1 20");
            assertThat(gdb.ask("continue")).contains("Breakpoint 1, " + hexAddress(loop + 4));
            assertThat(gdb.value("$s0")).isBetween(1L, 21L);
            gdb.ask("stepi");
            assertThat(gdb.value("$pc")).isEqualTo(loop + 8);
            assertThat(gdb.value("*(long *) $a1")).isEqualTo(gdb.value("$s0"));
            assertThat(gdb.ask("x/i $pc")).contains("ld\ts1,256(a1)");
            gdb.ask("delete");
            gdb.ask("hbreak *" + hex(loop));
            assertThat(gdb.ask("continue")).contains("Breakpoint 2, " + hexAddress(loop));

            gdb.ask("set var $s0 = 0x1234500");
            gdb.ask("delete");
            gdb.ask("tbreak *" + hex(loop + 4));
            gdb.ask("set scheduler-locking on");
            gdb.ask("continue");
            assertThat(gdb.value("$s0")).isEqualTo(0x1234501);
            gdb.ask("set var *(long *) ($a1 + 0x100) = 77");
            gdb.ask("stepi");
            gdb.ask("stepi");
            assertThat(gdb.value("$s1")).isEqualTo(77);
        }
    }

    private static String hexAddress(long address) {
        return "0x%016x".formatted(address);
    }

    @Test
    void hartsAreThreadsWithTheirOwnRegisters() throws Exception {
        try (Vm vm = started("0")) {
            awaitCounts(vm);
            try (Gdb gdb = Gdb.connect(vm.gdbPort().orElseThrow())) {
                for (int hart = 0; hart < 2; hart++) {
                    gdb.ask("thread " + (hart + 1));
                    assertThat(gdb.value("$mhartid")).isEqualTo(hart);
                    assertThat(gdb.value("$a0")).isEqualTo(hart);
                    assertThat(gdb.value("$a1")).isEqualTo(DATA + 8L * hart);
                    assertThat(gdb.value("$priv")).isEqualTo(3);
                }
                gdb.ask("set var $mscratch = 0x55");
                assertThat(gdb.value("$mscratch")).isEqualTo(0x55);
                gdb.ask("set var $ft0 = 1.5");
                gdb.ask("flushregs");
                assertThat(gdb.ask("output $ft0")).contains("double = 1.5");
                assertThat(gdb.ask("info registers")).contains("sp", "t6", "pc");
                assertThat(gdb.ask("info all-registers")).contains("satp", "mcause", "fcsr");
            }
        }
    }

    @Test
    void watchpointsNameTheOldAndTheNewValue() throws Exception {
        try (Vm vm = started("0,wait");
                Gdb gdb = Gdb.connect(vm.gdbPort().orElseThrow())) {
            gdb.ask("watch *(long *) " + hex(DATA + 8));
            assertThat(gdb.ask("continue"))
                    .contains("Hardware watchpoint 1", "Old value = 0", "New value = 1");
            assertThat(gdb.value("$mhartid")).isEqualTo(1);
            assertThat(gdb.value("$pc")).isEqualTo(loop + 8);
            assertThat(gdb.ask("continue")).contains("Old value = 1", "New value = 2");
            gdb.ask("delete");
            gdb.ask("rwatch *(long *) " + hex(DATA + 0x100));
            assertThat(gdb.ask("continue")).contains("Hardware read watchpoint 2", "Value = 0");
            assertThat(gdb.value("$mhartid")).isZero();
            gdb.ask("delete");
            gdb.ask("awatch *(long *) " + hex(DATA));
            assertThat(gdb.ask("continue")).contains("Hardware access (read/write) watchpoint 3");
        }
    }

    @Test
    void controlCStopsAMachineThatRunsAndDetachFreesIt() throws Exception {
        try (Vm vm = started("0");
                Gdb gdb = Gdb.connect(vm.gdbPort().orElseThrow())) {
            gdb.ask("break *" + hex(loop));
            assertThat(gdb.ask("continue")).contains("Breakpoint 1");
            gdb.ask("delete");
            long before = vm.memory().readLong(DATA);
            gdb.send("continue");
            await(() -> vm.memory().readLong(DATA) > before + 1_000_000);
            gdb.interrupt();
            assertThat(gdb.receive()).contains("received signal SIGINT");
            long counted = vm.memory().readLong(DATA);
            assertThat(gdb.value("*(long *) " + hex(DATA))).isEqualTo(counted);
            gdb.ask("break *" + hex(loop));
            gdb.ask("detach");
            await(() -> vm.memory().readLong(DATA) > counted + 1_000_000);
        }
    }

    @Test
    void killEndsTheMachine() throws Exception {
        try (Vm vm = started("0");
                Gdb gdb = Gdb.connect(vm.gdbPort().orElseThrow())) {
            gdb.ask("kill");
            assertThat(vm.awaitExit(Duration.ofSeconds(30))).contains(new VmExit.Stopped());
        }
    }

    @Test
    void endOfTheMachineIsTheEndOfTheProgram() throws Exception {
        builder =
                new BareMachine(directory)
                        .program(
                                a -> {
                                    a.li(A0, BareMachine.FINISHER);
                                    a.li(A1, 0x5555);
                                    a.sw(A1, 0, A0);
                                    BareMachine.spin(a);
                                });
        try (Vm vm = started("0,wait");
                Gdb gdb = Gdb.connect(vm.gdbPort().orElseThrow())) {
            assertThat(gdb.ask("continue")).contains("exited normally");
            assertThat(vm.awaitExit()).isEqualTo(new VmExit.PoweredOff());
        }
    }

    @Test
    void machineCanBeStoppedWhileTheDebuggerHoldsIt() throws Exception {
        try (Vm vm = started("0,wait")) {
            vm.stop();
            assertThat(vm.exit()).contains(new VmExit.Stopped());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "wait", ",wait", "65536", "-1", "1x", "1,", "1,waits", "999999"})
    void portIsANumber(String text) {
        assertThatExceptionOfType(ConfigurationException.class)
                .isThrownBy(() -> GdbPort.parse(text))
                .withMessageContaining("--gdb: expected a port")
                .withMessageContaining("found " + text);
    }

    @Test
    void portThatIsTakenIsTold() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            builder.gdb(new GdbPort(taken.getLocalPort(), false));
            assertThatExceptionOfType(ConfigurationException.class)
                    .isThrownBy(() -> builder.build())
                    .withMessageContaining("--gdb: port " + taken.getLocalPort());
        }
    }
}
