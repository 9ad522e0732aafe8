package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.GuestIo;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Several harts, and several windows, on one tree. */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class PciStressTest {
    private static final int MOVES = 1_000_000;
    private static final long A = 0x5000_0000L;
    private static final long B = 0x6000_0000L;

    private final PciMachine machine = new PciMachine();
    private final PciRoot root = machine.root;

    private static void all(List<Callable<Void>> harts) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(harts.size())) {
            List<Future<Void>> running = new ArrayList<>();
            for (Callable<Void> hart : harts) {
                running.add(threads.submit(hart));
            }
            for (Future<Void> each : running) {
                each.get();
            }
        }
    }

    /**
     * Each hart moves the device of the other and reads its own. A read finds the device where it
     * is, or nothing; never the other device.
     */
    @Test
    void twoHartsMoveEachOthersBars() throws Exception {
        TestPciDevice first = TestPciDevice.withMemory().forgetful();
        TestPciDevice second = TestPciDevice.withMemory().forgetful();
        root.bus().add(first);
        root.bus().add(second);
        first.value = 0x1111_0000L;
        second.value = 0x2222_0000L;

        all(
                List.of(
                        () -> moveAndRead(2, B, A, 0x1111_0000L),
                        () -> moveAndRead(1, A, B, 0x2222_0000L)));

        assertThat(machine.io.mmioMappings())
                .filteredOn(mapping -> mapping.device() instanceof BarWindow)
                .hasSize(2);
        assertThat(root.failedMoves()).isZero();
        for (int device = 1; device <= 2; device++) {
            long address = machine.function(0, device, 0).bar(0).address();
            assertThat(machine.peek(address, 4))
                    .isEqualTo(device == 1 ? 0x1111_0000L : 0x2222_0000L);
        }
    }

    private Void moveAndRead(int moved, long base, long watched, long expected) {
        GuestIo hart = machine.io.hartIo();
        long register = PciMachine.ECAM + ((long) moved << 15) + 0x10;
        hart.attach();
        for (int round = 0; round < MOVES; round++) {
            hart.store(register, 4, base + (round & 1) * 0x1_0000L);
            long seen = hart.load(watched, 4);
            if (seen != expected && seen != 0xffff_ffffL) {
                throw new AssertionError(
                        "read %x at %x in round %d".formatted(seen, watched, round));
            }
            hart.poll();
        }
        hart.detach();
        return null;
    }

    @Test
    void aDeviceMovesItselfInsideItsOwnWrite() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096)) {
                    private long writes;

                    @Override
                    public void writeBar(int bar, long offset, int size, long written) {
                        value = ++writes;
                        root.writeConfig(1 << 3, PciRegisters.REG_BAR0, 0, 4, (int) written);
                    }
                };
        root.bus().add(device.forgetful());
        GuestIo hart = machine.io.hartIo();
        hart.attach();
        hart.store(PciMachine.MEMORY32.base(), 4, A);
        for (int round = 0; round < 100_000; round++) {
            hart.store((round & 1) == 0 ? A : B, 4, (round & 1) == 0 ? B : A);
            hart.poll();
        }
        hart.detach();

        assertThat(device.value).isEqualTo(100_001);
        assertThat(root.failedMoves()).isZero();
        assertThat(machine.peek(A, 4)).isEqualTo(100_001);
    }

    /** Readers through three windows, a writer, and a device that comes and goes. */
    @Test
    void severalWindowsAndHartsShareOneTree() throws Exception {
        root.bus()
                .add(
                        new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(4).intx())
                                .forgetful(),
                        1,
                        0);
        PciFunction bridge = root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT), 2, 0);
        bridge.behind().orElseThrow().add(TestPciDevice.withMemory().forgetful());
        PciConfigMmio cam = PciConfigMmio.of(root, 8);
        PciConfigIo ports = PciConfigIo.of(root, () -> {});
        AtomicBoolean done = new AtomicBoolean();
        Callable<Void> ecamReader =
                () -> {
                    while (!done.get()) {
                        int id = machine.function(0, 1, 0).read(0, 4);
                        assertThat(id).isEqualTo(0x0001_1234);
                        machine.function(1, 0, 0).read(0, 4);
                        machine.peek(A, 4);
                    }
                    return null;
                };
        Callable<Void> otherReader =
                () -> {
                    int offset = PciAddress.of(0, 1, 0).toConfigAddress(0, 8);
                    while (!done.get()) {
                        assertThat((int) cam.mmioRead(0, offset, 4)).isEqualTo(0x0001_1234);
                        ports.pioWrite(0, 0, 4, 0x8000_0800L);
                        assertThat((int) ports.pioRead(0, 4, 4)).isEqualTo(0x0001_1234);
                        machine.io.mmioRead(PciMachine.VIRTUAL_CONFIG + (1 << 16), 4);
                    }
                    return null;
                };
        Callable<Void> writer =
                () -> {
                    PciFunctionDriver driver = machine.function(0, 1, 0);
                    PciFunctionDriver above = machine.function(0, 2, 0);
                    for (int round = 0; round < 20_000; round++) {
                        driver.write(0x10, 4, (int) A + (round & 7) * 0x1000);
                        driver.setCommand(round & 7);
                        above.setBusNumbers(0, 1 + (round & 3), 4);
                        above.setMemoryWindow(A, (round & 1) == 0 ? A : A + 0x1f_ffff);
                    }
                    return null;
                };
        Callable<Void> plugger =
                () -> {
                    for (int round = 0; round < 2_000; round++) {
                        TestPciDevice guest =
                                new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(2).intx());
                        PciFunction added = root.bus().add(guest, 9, round & 7);
                        guest.host.interrupts().raise();
                        root.remove(added);
                    }
                    return null;
                };
        all(
                List.of(
                        ecamReader,
                        otherReader,
                        () -> {
                            try {
                                all(List.of(writer, plugger));
                            } finally {
                                done.set(true);
                            }
                            return null;
                        }));

        assertThat(root.functions()).hasSize(4);
        assertThat(machine.wires).noneMatch(wire -> wire.isRaised());
        assertThat(machine.io.counters().devices())
                .allSatisfy(counts -> assertThat(counts.errors()).isZero());
    }
}
