package dev.dalang.vm.internal.board;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.DeviceTask;
import dev.dalang.bus.sandbox.Sandboxed;
import dev.dalang.pci.PciFunction;
import dev.dalang.riscv.HartGroup;
import dev.dalang.tables.acpi.AcpiTable;
import dev.dalang.tables.acpi.AcpiTables;
import dev.dalang.virtio.VirtioAcpi;
import dev.dalang.virtio.VirtioActivation;
import dev.dalang.virtio.VirtioDevice;
import dev.dalang.virtio.VirtioDeviceType;
import dev.dalang.virtio.VirtioHost;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.VirtioPlacement;
import dev.dalang.virtio.VirtioTransportType;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.Console;
import dev.dalang.vm.InterruptArchitecture;
import dev.dalang.vm.PciPlacement;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Virtio devices on a board, from its building to its end. */
@Timeout(60)
final class BoardDevicesTest {
    private final Console console = Console.create();
    private final List<String> events = new ArrayList<>();

    @AfterEach
    void tearDown() {
        console.close();
    }

    /** A device that notes what it goes through. */
    private class Noting implements VirtioDevice, VirtioPlacement, Sandboxed {
        final String name;
        final VirtioTransportType type;
        boolean refusesToAttach;
        boolean refusesToSleep;
        Runnable whileFallingAsleep = () -> {};

        Noting(String name, VirtioTransportType type) {
            this.name = name;
            this.type = type;
        }

        @Override
        public VirtioDeviceType type() {
            return VirtioDeviceType.RNG;
        }

        @Override
        public List<Integer> queueMaxSizes() {
            return List.of(8);
        }

        @Override
        public VirtioTransportType transportType() {
            return type;
        }

        @Override
        public void attach(VirtioHost host) {
            events.add("attach " + name);
            if (refusesToAttach) {
                throw new IllegalStateException(name + " will not");
            }
        }

        @Override
        public void activate(VirtioActivation active) {}

        @Override
        public void reset() {}

        @Override
        public void sleep() {
            if (refusesToSleep) {
                throw new IllegalStateException(name + " will not");
            }
            whileFallingAsleep.run();
            events.add("sleep " + name);
        }

        @Override
        public void wake(Optional<VirtioActivation> active) {
            events.add("wake " + name);
        }

        @Override
        public void detach() {
            events.add("detach " + name);
        }

        @Override
        public List<Integer> keepDescriptors() {
            events.add("keep " + name);
            return List.of(name.charAt(0) - 'a' + 10);
        }

        @Override
        public void onSandboxed() {
            events.add("sandboxed " + name);
        }
    }

    private VirtBoard board(VirtioDevice... devices) {
        return VirtBoard.of(
                new BoardConfiguration(
                        64 << 20,
                        1,
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        Optional.empty(),
                        InterruptArchitecture.APLIC_IMSIC,
                        HartGroup.defaultEngine(),
                        Stream.of(devices).map(BoardDevicesTest::placed).toList(),
                        VirtioChoice.DEFAULT,
                        Long.MAX_VALUE,
                        Optional.empty(),
                        Optional.empty()),
                console.backend(),
                new Nobody());
    }

    private static PciPlacement placed(VirtioDevice device) {
        return new PciPlacement(VirtioPciDevice.of(device), Optional.empty(), Optional.empty());
    }

    private static final class Nobody implements BoardListener {
        @Override
        public void poweredOff() {}

        @Override
        public void resetRequested() {}

        @Override
        public void failed(long code) {}

        @Override
        public void stuck(int hart, String reason) {}
    }

    private static Set<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .collect(Collectors.toSet());
    }

    /** A board that cannot be built gives up all devices, each once, and leaves no thread. */
    @Test
    void aHalfBuiltBoardLeavesNothingBehind() throws InterruptedException {
        Set<Thread> before = threads();
        Noting last = new Noting("d", VirtioTransportType.MMIO);
        last.refusesToAttach = true;
        Noting[] devices = {
            new Noting("a", VirtioTransportType.PCI),
            new Noting("b", VirtioTransportType.MMIO),
            new Noting("c", VirtioTransportType.PCI),
            last,
            new Noting("e", VirtioTransportType.MMIO)
        };
        assertThatThrownBy(() -> board(devices)).hasMessageContaining("d will not");
        assertThat(events)
                .startsWith("attach a", "attach c", "attach b", "attach d")
                .containsOnlyOnce("detach a", "detach b", "detach c", "detach d", "detach e")
                .hasSize(9);
        for (Thread left : threads()) {
            if (!before.contains(left) && left.getName().startsWith("dalang")) {
                left.join(10_000);
                assertThat(left.isAlive()).as(left.getName()).isFalse();
            }
        }
    }

    @Test
    void aPciDeviceThatWillNotBeAttachedEndsThoseBeforeIt() {
        Noting second = new Noting("b", VirtioTransportType.PCI);
        second.refusesToAttach = true;
        assertThatThrownBy(() -> board(new Noting("a", VirtioTransportType.PCI), second))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("b will not");
        assertThat(events).containsOnlyOnce("detach a", "detach b").hasSize(4);
    }

    /** Handlers stand first, then devices, then time; and the other way round. */
    @Test
    void handlersSleepBeforeTheDevicesThatTheyUse() throws InterruptedException {
        Noting a = new Noting("a", VirtioTransportType.PCI);
        Noting b = new Noting("b", VirtioTransportType.MMIO);
        try (VirtBoard board = board(a, b)) {
            CountDownLatch ran = new CountDownLatch(1);
            DeviceTask task =
                    board.executor()
                            .task(
                                    "test",
                                    () -> {
                                        events.add("handler");
                                        ran.countDown();
                                    });
            a.whileFallingAsleep = task::signal;
            events.clear();
            board.sleepDevices();
            board.sleepDevices();
            assertThat(events).containsExactly("sleep a", "sleep b");
            assertThat(board.pci().snapshot()).isEqualTo(board.pci().snapshot());
            board.wakeDevices();
            ran.await();
            assertThat(events).containsExactly("sleep a", "sleep b", "wake b", "wake a", "handler");
        }
        assertThat(events).endsWith("sleep a", "sleep b", "detach b", "detach a");
    }

    /** Row L14. */
    @Test
    void aDeviceThatWillNotSleepKeepsTheOthersAwake() throws InterruptedException {
        Noting a = new Noting("a", VirtioTransportType.PCI);
        Noting b = new Noting("b", VirtioTransportType.MMIO);
        Noting c = new Noting("c", VirtioTransportType.MMIO);
        try (VirtBoard board = board(a, b, c)) {
            c.refusesToSleep = true;
            events.clear();
            assertThatThrownBy(board::sleepDevices).hasMessageContaining("c will not");
            assertThat(events).containsExactly("sleep a", "sleep b", "wake b", "wake a");
            CountDownLatch ran = new CountDownLatch(1);
            board.executor().task("test", ran::countDown).signal();
            ran.await();
        }
        assertThat(events).contains("detach a", "detach b", "detach c");
    }

    /** What is on the bus and what is in slots goes through one jail. */
    @Test
    void allDevicesAreAskedBeforeTheJailIsClosed() {
        try (VirtBoard board =
                board(
                        new Noting("a", VirtioTransportType.MMIO),
                        new Noting("b", VirtioTransportType.PCI))) {
            events.clear();
            board.enterSandbox(keep -> events.add("jail " + new TreeSet<>(keep)));
            assertThat(events)
                    .containsExactly(
                            "keep b", "keep a", "jail [10, 11]", "sandboxed b", "sandboxed a");
        }
    }

    /** A device with a table of its own. */
    private final class Described extends Noting implements VirtioAcpi {
        Described(String name) {
            super(name, VirtioTransportType.PCI);
        }

        @Override
        public void generateAcpi(PciFunction function, AcpiTables tables) {
            tables.add(AcpiTable.of("VIOT", 0, tables.identity(), new byte[4]));
        }
    }

    /** Row A4: a second table of which there can be one stops the machine from being built. */
    @Test
    void aDeviceIsAskedForItsTables() {
        BoardDescription description =
                new BoardDescription(
                        512L << 20,
                        1,
                        BoardDescription.ISA_EXTENSIONS,
                        "riscv,sv57",
                        true,
                        false,
                        Optional.empty(),
                        Optional.empty());
        try (VirtBoard board = board(new Described("a"))) {
            assertThat(VirtAcpi.tables(description, board.pci().bus()).tables())
                    .extracting(AcpiTable::signature)
                    .contains("VIOT");
        }
        try (VirtBoard board = board(new Described("a"), new Described("b"))) {
            assertThatThrownBy(() -> VirtAcpi.tables(description, board.pci().bus()))
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageContaining("00:02.0")
                    .hasMessageContaining("VIOT");
        }
    }
}
