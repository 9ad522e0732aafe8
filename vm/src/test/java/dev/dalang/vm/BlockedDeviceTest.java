package dev.dalang.vm;

import static dev.dalang.testkit.riscv.Registers.A0;
import static dev.dalang.testkit.riscv.Registers.A1;
import static dev.dalang.testkit.riscv.Registers.S0;
import static dev.dalang.testkit.riscv.Registers.ZERO;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.testkit.riscv.Label;
import dev.dalang.vm.internal.machine.AccessWatchdog;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A device whose read does not return, and the other hart of the machine. */
@Timeout(60)
class BlockedDeviceTest {
    private static final long DEVICE = 0x1100_0000;
    private static final long BAR = 0x4000_0000;
    private static final long DATA = BareMachine.RAM + 0x4000;

    private final CountDownLatch release = new CountDownLatch(1);
    private final BlockingQueue<Thread> inside = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> log = new LinkedBlockingQueue<>();

    private final class Blocked implements DeviceMmio {
        @Override
        public String label() {
            return "blocked0";
        }

        @Override
        public String typeId() {
            return "blocked";
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return 7;
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {}
    }

    /** Hart 0 reads the device twice; hart 1 counts. */
    private static void program(Assembler a) {
        Label counts = a.label();
        a.li(A1, DATA);
        a.bne(A0, ZERO, counts);
        a.li(S0, DEVICE);
        a.lw(S0, 0, S0);
        a.sd(S0, 8, A1);
        BareMachine.spin(a);
        a.bind(counts);
        Label loop = a.here();
        a.addi(S0, S0, 1);
        a.sd(S0, 0, A1);
        a.j(loop);
    }

    @Test
    void deviceIsNamedWithItsStackAndTheOtherHartGoesOn(@TempDir Path directory)
            throws InterruptedException {
        try (Vm vm =
                        new BareMachine(directory)
                                .program(BlockedDeviceTest::program)
                                .cpus(2)
                                .build();
                // The machine has one of its own, whose words go to the log.
                var _ = AccessWatchdog.start("test", vm.io(), log::add)) {
            vm.addDevice(DEVICE, 4096, new Blocked());
            vm.start();
            assertThat(log.poll(30, TimeUnit.SECONDS))
                    .contains(
                            "device blocked0 (blocked) holds up",
                            "-hart-0",
                            "BlockedDeviceTest$Blocked.mmioRead");
            long counted = vm.memory().readLong(DATA);
            while (vm.memory().readLong(DATA) < counted + 1_000_000) {
                Thread.onSpinWait();
            }
            // Another look later it is not told again.
            assertThat(log.poll(3, TimeUnit.SECONDS)).isNull();
            assertThat(vm.memory().readLong(DATA + 8)).isZero();

            release.countDown();
            while (vm.memory().readLong(DATA + 8) != 7) {
                Thread.onSpinWait();
            }
        } finally {
            release.countDown();
        }
    }

    /** Places BAR 0 of 00:01.0, and reads it. */
    private static void readBar(Assembler a) {
        a.li(A0, 0x3000_8000);
        a.li(A1, BAR);
        a.sw(A1, 0x10, A0);
        a.li(S0, 2);
        a.sw(S0, 4, A0);
        a.lw(S0, 0, A1);
        BareMachine.spin(a);
    }

    private final class BlockedPci implements PciDevice {
        @Override
        public PciDeviceSpec spec() {
            return PciDeviceSpec.builder("blocked", 0x1234, 0xb10c).memoryBar(0, 4096).build();
        }

        @Override
        public long readBar(int bar, long offset, int size) {
            inside.add(Thread.currentThread());
            return new Blocked().mmioRead(BAR, offset, size);
        }

        @Override
        public void writeBar(int bar, long offset, int size, long value) {}

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("blocked", 1).build();
        }

        @Override
        public void restore(Snapshot snapshot) {}
    }

    @Test
    void machineWhosePciDeviceBlocksInABarStopsAndKeepsItsMemory(@TempDir Path directory)
            throws InterruptedException {
        try {
            Thread hart;
            MemorySegment memory;
            try (Vm vm =
                    new BareMachine(directory)
                            .program(BlockedDeviceTest::readBar)
                            .device(new BlockedPci())
                            .build()) {
                memory = vm.memory().regions().getFirst().segment();
                vm.start();
                hart = inside.take();

                vm.stop();

                assertThat(vm.exit()).contains(new VmExit.Blocked(0, "00:01.0"));
                assertThat(vm.awaitExit()).isEqualTo(new VmExit.Blocked(0, "00:01.0"));
                assertThat(vm.awaitExit().isSuccess()).isFalse();
            }
            assertThat(hart.isAlive()).isTrue();
            assertThat(hart.isDaemon()).isTrue();
            assertThat(memory.scope().isAlive()).as("memory under the hart").isTrue();

            release.countDown();
            hart.join();
            while (memory.scope().isAlive()) {
                Thread.onSpinWait();
            }
        } finally {
            release.countDown();
        }
    }
}
