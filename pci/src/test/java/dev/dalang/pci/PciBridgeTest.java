package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;

import org.junit.jupiter.api.Test;

/** Bridges, their bus numbers and windows, as a guest programs them. */
class PciBridgeTest {
    private final PciMachine machine = new PciMachine();
    private final PciRoot root = machine.root;
    private final PciFunction bridge =
            root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT.withBuses(3)));
    private final PciFunctionDriver bridgeDriver = machine.function(0, 1, 0);

    private PciBus behind() {
        return bridge.behind().orElseThrow();
    }

    @Test
    void aDriverFindsWhatIsBehindIt() {
        behind().add(TestPciDevice.withMemory());
        PciFunction inner = behind().add(PciBridge.of(new PciBridge.Windows(0, 1 << 20, 0, 1)));
        inner.behind().orElseThrow().add(TestPciDevice.withMemory());

        assertThat(machine.driver.enumerate())
                .extracting(each -> each.address().toString())
                .containsExactly("00:00.0", "00:01.0", "01:00.0", "01:01.0", "02:00.0");
        assertThat(inner.id()).isEqualTo("00:01.0/01.0");
    }

    @Test
    void whatIsBehindAnswersInsideTheWindowOnly() {
        TestPciDevice device = new TestPciDevice(spec -> spec.memoryBar(0, 4096).ioBar(1, 16));
        behind().add(device);
        PciBarDriver bar = machine.function(1, 0, 0).bar(0);
        long home = bar.address();
        int port = (int) machine.function(1, 0, 0).bar(1).address();
        assertThat(bar.read(4, 4)).isEqualTo(4);
        assertThat(machine.io.pioRead(port, 1)).isEqualTo(0);

        bridgeDriver.setMemoryWindow(0x6000_0000L, 0x600f_ffffL);
        assertThat(machine.io.mmioDevice(home)).isEmpty();
        assertThat(device.host.bar(0)).isEmpty();

        bar.assign(0x6000_1000L);
        assertThat(bar.read(4, 4)).isEqualTo(4);

        bridgeDriver.setMemoryWindow(0x6000_0000L, 0x5000_0000L);
        assertThat(machine.io.mmioDevice(0x6000_1000L)).as("closed").isEmpty();

        bridgeDriver.setIoWindow(0x8000, 0x8fff);
        assertThat(machine.io.pioDevice(port)).isEmpty();
    }

    @Test
    void prefetchableMemoryGoesThroughItsOwnWindowAbove4GiB() {
        TestPciDevice device =
                new TestPciDevice(spec -> spec.bar(PciBar.memory64(0, 8192).prefetch()));
        behind().add(device);
        PciBarDriver bar = machine.function(1, 0, 0).bar(0);

        assertThat(bar.address()).isGreaterThanOrEqualTo(PciMachine.MEMORY64.base());
        assertThat(bar.read(0, 4)).isZero();
        bridgeDriver.setPrefetchableWindow(0x5_0000_0000L, 0x5_000f_ffffL);
        bar.assign(0x5_0000_2000L);
        assertThat(bar.read(8, 4)).isEqualTo(8);
    }

    @Test
    void withoutMemoryDecodingNothingIsForwarded() {
        behind().add(TestPciDevice.withMemory());
        long home = machine.function(1, 0, 0).bar(0).address();

        bridgeDriver.disable(PciFunctionDriver.COMMAND_MEMORY);
        assertThat(machine.io.mmioDevice(home)).isEmpty();
        bridgeDriver.enable(PciFunctionDriver.COMMAND_MEMORY);
        assertThat(machine.io.mmioDevice(home)).isPresent();
    }

    @Test
    void busNumbersAreTheGuestsToChoose() {
        TestPciDevice device = new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(1));
        behind().add(device);

        bridgeDriver.setBusNumbers(0, 0x40, 0x4f);

        assertThat(machine.function(1, 0, 0).isPresent()).isFalse();
        assertThat(machine.function(0x40, 0, 0).vendor()).isEqualTo(TestPciDevice.VENDOR);
        assertThat(machine.function(0x41, 0, 0).isPresent()).isFalse();
        assertThat(device.host.address()).isEqualTo(PciAddress.of(0x40, 0, 0));
        assertThat(root.function("00:01.0/00.0")).isPresent();
    }

    @Test
    void anInnerBusNeedsTheSubordinateNumberOfTheBridgeAbove() {
        PciFunction inner = behind().add(PciBridge.of(new PciBridge.Windows(0, 1 << 20, 0, 1)));
        inner.behind().orElseThrow().add(TestPciDevice.withMemory());
        assertThat(machine.function(2, 0, 0).isPresent()).isTrue();

        bridgeDriver.setBusNumbers(0, 1, 1);
        assertThat(machine.function(2, 0, 0).isPresent()).isFalse();
        bridgeDriver.setBusNumbers(0, 1, 2);
        assertThat(machine.function(2, 0, 0).isPresent()).isTrue();
    }

    @Test
    void aKernelThatTrustsNobodyNumbersAnew() {
        PciFunction inner = behind().add(PciBridge.of(new PciBridge.Windows(0, 1 << 20, 0, 1)));
        inner.behind().orElseThrow().add(TestPciDevice.withMemory());
        root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT));

        assertThat(machine.driver.assignBusNumbers()).isEqualTo(3);

        assertThat(machine.driver.enumerate()).hasSize(5);
        assertThat(machine.function(0, 2, 0).secondaryBus()).isEqualTo(3);
    }

    @Test
    void nonsenseInBusNumbersEndsNowhere() {
        PciFunction inner = behind().add(PciBridge.of(new PciBridge.Windows(0, 1 << 20, 0, 1)));
        inner.behind().orElseThrow().add(TestPciDevice.withMemory());
        for (int[] numbers :
                new int[][] {{0, 0, 0xff}, {1, 1, 0}, {0xff, 0xff, 0xff}, {0, 2, 1}, {0, 5, 3}}) {
            bridgeDriver.setBusNumbers(numbers[0], numbers[1], numbers[2]);
            for (int bus = 0; bus < 256; bus++) {
                machine.function(bus, 0, 0).read(0, 4);
                machine.function(bus, 1, 0).write(0x18, 4, 0xffff_ffff);
                machine.function(bus, 1, 0).write(0x18, 4, 0x0001_0100);
            }
        }
        bridgeDriver.setBusNumbers(0, 1, 2);
        machine.function(1, 0, 0).setBusNumbers(1, 2, 2);
        assertThat(machine.function(2, 0, 0).isPresent()).isTrue();
    }

    @Test
    void theBridgeAboveDecidesAboutBusMastering() {
        TestPciDevice device = TestPciDevice.withMemory();
        behind().add(device);
        machine.function(1, 0, 0).enable(PciFunctionDriver.COMMAND_MASTER);

        assertThat(device.host.memory().isEnabled()).isTrue();
        bridgeDriver.disable(PciFunctionDriver.COMMAND_MASTER);
        assertThat(device.host.memory().isEnabled()).isFalse();
    }

    @Test
    void wiresAreSwizzledAtEachBridge() {
        TestPciDevice device = new TestPciDevice(PciDeviceSpec.Builder::intx);
        behind().add(device, 2, 0);

        device.host.interrupts().trigger(0);

        // INTA of device 2 is INTC of the bridge, and that, in slot 1, is wire 3.
        assertThat(machine.wires.get(3).isRaised()).isTrue();
    }

    @Test
    void aSecondaryBusResetReachesEverythingBehind() {
        TestPciDevice device = TestPciDevice.withMemory();
        behind().add(device);
        machine.function(1, 0, 0).setCommand(0);

        bridgeDriver.write(0x3e, 2, 0x40);
        bridgeDriver.write(0x3e, 2, 0);

        assertThat(device.calls).contains("reset");
        assertThat(machine.function(1, 0, 0).command() & 2).isEqualTo(2);
        assertThat(machine.io.mmioDevice(machine.function(1, 0, 0).bar(0).address())).isPresent();
    }

    @Test
    void removingItRemovesWhatIsBehind() {
        TestPciDevice device = TestPciDevice.withMemory();
        behind().add(device);
        long home = machine.function(1, 0, 0).bar(0).address();

        root.remove(bridge);

        assertThat(device.calls).containsOnlyOnce("detach");
        assertThat(machine.io.mmioDevice(home)).isEmpty();
        assertThat(machine.function(1, 0, 0).isPresent()).isFalse();
        assertThat(root.functions()).hasSize(1);
        assertThat(root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT)).behind())
                .hasValueSatisfying(bus -> assertThat(bus.firstNumber()).isEqualTo(1));
    }

    @Test
    void whatExceedsAWindowIsToldByName() {
        assertThatThrownBy(
                        () ->
                                behind().add(
                                                new TestPciDevice(
                                                        spec -> spec.memoryBar(0, 16 << 20)),
                                                3,
                                                0,
                                                "huge"))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("huge")
                .hasMessageContaining("BAR 0")
                .hasMessageContaining("16777216");
        assertThat(root.functions()).hasSize(2);
        behind().add(TestPciDevice.withMemory(), 3, 0, "huge");
    }

    @Test
    void moreBridgesThanBusNumbersAreToldByName() {
        PciMachine small = new PciMachine(2);
        small.root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT));

        assertThatThrownBy(() -> small.root.bus().add(PciBridge.of(PciBridge.Windows.DEFAULT)))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("00:02.0")
                .hasMessageContaining("bus numbers");
        PciBus inner = small.root.function("00:01.0").orElseThrow().behind().orElseThrow();
        assertThatThrownBy(() -> inner.add(PciBridge.of(PciBridge.Windows.DEFAULT)))
                .isInstanceOf(PciException.class);
        assertThatThrownBy(() -> new PciBridge.Windows(1, 0, 0, 1))
                .isInstanceOf(PciException.class);
        assertThatThrownBy(() -> new PciBridge.Windows(0, 0, 0, 256))
                .isInstanceOf(PciException.class);
    }
}
