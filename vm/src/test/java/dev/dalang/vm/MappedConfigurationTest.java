package dev.dalang.vm;

import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.S0;
import static dev.dalang.testkit.riscv.Registers.S1;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.riscv.EngineKind;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Path;
import java.time.Duration;

/** Configuration space that is mapped for reading: a hart's reads of it reach no device. */
@Timeout(60)
class MappedConfigurationTest {
    private static final int READS = 1000;
    private static final int LINE_REGISTER = 0x3c;
    private static final long MAPPED = 0x3000_8000L;
    private static final long TRAPPED = 0x3001_0000L;
    private static final long DATA = BareMachine.RAM + 0x4000;

    /** A device that has its page mapped, or declines. */
    private record Plain(boolean mapped) implements PciDevice {
        @Override
        public PciDeviceSpec spec() {
            var spec = PciDeviceSpec.builder("plain", 0x1234, mapped ? 1 : 2).intx();
            return (mapped ? spec : spec.withoutConfigurationMapping()).build();
        }

        @Override
        public long readBar(int bar, long offset, int size) {
            return -1;
        }

        @Override
        public void writeBar(int bar, long offset, int size, long value) {}

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("plain", 1).build();
        }

        @Override
        public void restore(Snapshot snapshot) {}
    }

    /**
     * Writes a register and reads the function's ids, and the register, again and again; what was
     * read last is in memory at the end.
     */
    private static void use(Assembler a, long function, long data) {
        a.li(A0, function);
        a.li(S0, 0x5a);
        a.sb(S0, LINE_REGISTER, A0);
        a.li(A1, READS);
        Label loop = a.here();
        a.lwu(S0, 0, A0);
        a.lbu(S1, LINE_REGISTER, A0);
        a.addi(A1, A1, -1);
        a.bne(A1, ZERO, loop);
        a.li(A0, data);
        a.sd(S0, 0, A0);
        a.sd(S1, 8, A0);
    }

    private static void program(Assembler a, long function) {
        use(a, function, DATA);
        a.li(A0, BareMachine.FINISHER);
        a.li(A1, 0x5555);
        a.sw(A1, 0, A0);
        BareMachine.spin(a);
    }

    private static DeviceStatistics window(Path directory, EngineKind engine, long function)
            throws InterruptedException {
        try (Vm vm =
                new BareMachine(directory)
                        .program(a -> program(a, function))
                        .engine(engine)
                        .device(new Plain(true))
                        .device(new Plain(false))
                        .build()) {
            vm.start();
            assertThat(vm.awaitExit(Duration.ofSeconds(30))).contains(new VmExit.PoweredOff());
            assertThat(vm.memory().readLong(DATA))
                    .isEqualTo(function == MAPPED ? 0x1_1234 : 0x2_1234);
            assertThat(vm.memory().readLong(DATA + 8)).as("what was written").isEqualTo(0x5a);
            return vm.statistics().devices().stream()
                    .filter(device -> device.label().equals("pci config mmio"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @ParameterizedTest
    @EnumSource(EngineKind.class)
    void readOfAMappedPageCausesNoExitAndAWriteOne(EngineKind engine, @TempDir Path directory)
            throws InterruptedException {
        DeviceStatistics window = window(directory, engine, MAPPED);

        assertThat(window.reads()).isZero();
        assertThat(window.writes()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(EngineKind.class)
    void readOfADeviceThatDeclinesIsAnExit(EngineKind engine, @TempDir Path directory)
            throws InterruptedException {
        DeviceStatistics window = window(directory, engine, TRAPPED);

        assertThat(window.reads()).isEqualTo(2 * READS);
        assertThat(window.writes()).isEqualTo(1);
    }
}
