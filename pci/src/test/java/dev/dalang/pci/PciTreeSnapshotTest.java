package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SuspendableLifeCycle;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** What of a tree outlives a suspend: everything, whatever is on the bus (Q17, Q23, Q24, L16). */
class PciTreeSnapshotTest implements SuspendableLifeCycle<PciRoot> {
    private static PciMachine machine() {
        PciMachine machine = new PciMachine();
        TestPciDevice device =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(2).msi(2).intx());
        device.page = Arena.ofAuto().allocate(4096, 4096);
        machine.root.bus().add(device);
        PciFunction bridge = machine.root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT));
        bridge.behind().orElseThrow().add(TestPciDevice.withMemory());
        machine.root.bus().add(PciRootPort.of(1));
        return machine;
    }

    @Override
    public PciRoot create() {
        return machine().root;
    }

    @Override
    public void mutate(PciRoot root) {
        root.writeConfig(1 << 3, PciRegisters.REG_COMMAND, 0, 2, 0);
        root.writeConfig(1 << 3, PciRegisters.REG_BAR0, 0, 4, 0x5000_0000);
        root.writeConfig(2 << 3, PciRegisters.REG_BUS_NUMBERS, 0, 4, 0x0009_0900);
        ((TestPciDevice) root.function("00:02.0/00.0").orElseThrow().device()).value = 77;
    }

    @Test
    void functionsWithDecodingOffAndMovedBarsAreRestored() {
        PciMachine from = machine();
        PciFunctionDriver device = from.function(0, 1, 0);
        device.bar(0).assign(0x5000_0000L);
        MsixDriver msix = device.msix();
        msix.enable();
        msix.route(0, 0x2800_0000L, 3);
        msix.mask(0, true);
        PciFunction function = from.root.function("00:01.0").orElseThrow();
        function.interrupts().trigger(0);
        PciFunctionDriver off = from.function(1, 0, 0);
        int power = off.capability(1).orElseThrow();
        off.setCommand(0);
        off.write(power + 4, 2, 3);
        from.function(0, 2, 0).setBusNumbers(0, 0x20, 0x20);
        from.root.sleep();
        Snapshot taken = from.root.snapshot();

        PciMachine to = machine();
        to.root.sleep();
        to.root.restore(taken);
        to.root.wake();

        assertThat(to.root.snapshot()).isEqualTo(taken);
        assertThat(to.peek(0x5000_0004L, 4)).as("the bus follows").isEqualTo(4);
        assertThat(to.peek(PciMachine.MEMORY32.base() + 4, 4)).isEqualTo(0xffff_ffffL);
        assertThat(to.function(0x20, 0, 0).vendor()).isEqualTo(TestPciDevice.VENDOR);
        assertThat(to.function(0x20, 0, 0).command()).isZero();
        assertThat(to.function(0x20, 0, 0).read(power + 4, 2) & 3).as("D3hot").isEqualTo(3);
        assertThat(to.function(0, 1, 0).msix().isPending(0)).isTrue();
        to.function(0, 1, 0).msix().mask(0, false);
        assertThat(to.messages.accepted()).hasSize(1);
    }

    @Test
    void theSharedPageIsRestored() {
        PciMachine from = machine();
        from.root.writeVirtualConfig(1 << 3, 1030, 0x1234_5678);
        PciMachine to = machine();
        to.root.restore(from.root.snapshot());
        assertThat(to.root.readVirtualConfig(1 << 3, 1030)).isEqualTo(0x1234_5678);
    }

    @Test
    void anotherTreesSnapshotIsRefusedAndChangesNothing() {
        PciMachine other = machine();
        other.root.bus().add(TestPciDevice.withMemory());
        PciMachine same = machine();
        same.root.remove(same.root.function("00:01.0").orElseThrow());
        same.root.bus().add(TestPciDevice.withMemory(), 9, 0);
        PciMachine to = machine();
        Snapshot before = to.root.snapshot();

        assertThatThrownBy(() -> to.root.restore(other.root.snapshot()))
                .isInstanceOf(SnapshotException.class);
        assertThatThrownBy(() -> to.root.restore(same.root.snapshot()))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("00:09.0");
        assertThat(to.root.snapshot()).isEqualTo(before);
    }

    @Test
    void aDeviceThatRefusesItsPartLeavesTheWholeTreeAsItWas() {
        PciMachine from = machine();
        from.function(0, 1, 0).bar(0).assign(0x5000_0000L);
        Snapshot taken = from.root.snapshot();
        PciMachine to = new PciMachine();
        TestPciDevice first =
                new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(2).msi(2).intx());
        first.page = Arena.ofAuto().allocate(4096, 4096);
        to.root.bus().add(first);
        PciFunction bridge = to.root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT));
        bridge.behind()
                .orElseThrow()
                .add(
                        new TestPciDevice(spec -> spec.memoryBar(0, 4096)) {
                            @Override
                            public void restore(Snapshot snapshot) {
                                throw new IllegalStateException("I cannot");
                            }
                        });
        to.root.bus().add(PciRootPort.of(1));
        Snapshot before = to.root.snapshot();

        assertThatThrownBy(() -> to.root.restore(taken))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("00:02.0/00.0")
                .hasMessageContaining("I cannot");
        assertThat(to.root.snapshot()).isEqualTo(before);
    }

    @Test
    void aDeviceThatDoesNotGoBackKeepsNobodyElseFromIt() {
        List<Snapshot> taken = new ArrayList<>();
        List<PciMachine> machines = new ArrayList<>();
        for (long value : new long[] {1, 2}) {
            PciMachine machine = new PciMachine();
            machines.add(machine);
            for (int device = 0; device < 3; device++) {
                TestPciDevice added =
                        device == 1
                                ? new Moody(value == 1)
                                : device == 2
                                        ? new Halfway(new IllegalStateException("the first cause"))
                                        : TestPciDevice.withMemory();
                added.value = value;
                machine.root.bus().add(added);
                machine.function(0, 1 + device, 0).bar(0).assign(0x5000_0000L + (value << 16));
            }
            if (value == 2) {
                ((Halfway) machine.root.function("00:03.0").orElseThrow().device()).second = 13;
            }
            taken.add(machine.root.snapshot());
        }
        PciRoot root = machines.getFirst().root;

        assertThatThrownBy(() -> root.restore(taken.get(1)))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("the first cause")
                .satisfies(
                        told ->
                                assertThat(told.getSuppressed())
                                        .anySatisfy(
                                                beside ->
                                                        assertThat(beside)
                                                                .hasMessageContaining("00:02.0")
                                                                .hasMessageContaining(
                                                                        "not again")));

        for (PciFunction function : root.functions().subList(1, 4)) {
            assertThat(function.configuration().barAddress(0)).isEqualTo(0x5001_0000L);
        }
        assertThat(((TestPciDevice) root.function("00:01.0").orElseThrow().device()).value)
                .isEqualTo(1);
    }

    /** A device that takes one state, and no other after it. */
    private static final class Moody extends TestPciDevice {
        private boolean takes;

        Moody(boolean takes) {
            super(spec -> spec.memoryBar(0, 4096));
            this.takes = takes;
        }

        @Override
        public void restore(Snapshot snapshot) {
            if (!takes) {
                throw new IllegalStateException("not again");
            }
            takes = false;
            super.restore(snapshot);
        }
    }

    /** A device with two registers; a restore may give up between them. */
    private static final class Halfway extends TestPciDevice {
        private final Throwable failure;
        private long second = 2;

        Halfway(Throwable failure) {
            super(spec -> spec.memoryBar(0, 4096));
            this.failure = failure;
            value = 1;
        }

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("half", 1).put("value", value).put("second", second).build();
        }

        @Override
        public void restore(Snapshot snapshot) {
            value = snapshot.getLong("value");
            long saved = snapshot.getLong("second");
            if (saved == 13) {
                switch (failure) {
                    case RuntimeException exception -> throw exception;
                    case Error error -> throw error;
                    default -> throw new AssertionError(failure);
                }
            }
            second = saved;
        }
    }

    @Test
    void aDeviceThatGivesUpHalfwayIsWhatItWasBefore() {
        PciMachine from = new PciMachine();
        Halfway source = new Halfway(new IllegalStateException());
        source.value = 12;
        source.second = 13;
        from.root.bus().add(source);
        from.function(0, 1, 0).bar(0).assign(0x5000_0000L);
        Snapshot taken = from.root.snapshot();
        for (Throwable failure :
                new Throwable[] {
                    new IllegalStateException("halfway"),
                    new SnapshotException("halfway"),
                    new StackOverflowError("halfway")
                }) {
            PciMachine to = new PciMachine();
            Halfway device = new Halfway(failure);
            to.root.bus().add(device);
            Snapshot before = to.root.snapshot();

            assertThatThrownBy(() -> to.root.restore(taken))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("halfway");

            assertThat(device.value).as("after %s", failure).isEqualTo(1);
            assertThat(to.root.snapshot()).as("after %s", failure).isEqualTo(before);
        }
    }
}
