package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.pci.PciBarDriver;
import dev.dalang.testkit.pci.PciFunctionDriver;
import dev.dalang.testkit.pci.SlotDriver;

import org.junit.jupiter.api.Test;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Native hot plug, with the driver's side played by the model. */
class PciRootPortTest {
    private static final int SLOT_CONTROL = 0x18;
    private static final int ROOT_CONTROL = 0x1c;
    private static final int ROOT_STATUS = 0x20;

    private final PciMachine machine = new PciMachine();
    private final PciRoot root = machine.root;
    private final PciRootPort port = PciRootPort.of(5);
    private final PciFunction function = root.bus().add(port);
    private final PciFunctionDriver driver = machine.function(0, 1, 0);
    private final SlotDriver slot = driver.slot();
    private final MsixDriver msix = driver.msix();

    private void start() {
        slot.start();
        msix.enable();
        msix.route(0, 0x2800_0000L, 9);
        machine.messages.clear();
    }

    private long handled;
    private int events;

    private void plugIn(PciDevice device) {
        assertThat(port.plug(device)).isNotDone();
    }

    /** What an interrupt handler does, as often as messages came. */
    private void serve() {
        while (handled < machine.messages.accepted().size()) {
            handled++;
            events |= slot.handleEvents();
        }
    }

    @Test
    void aDeviceIsPluggedInAndUsed() {
        start();
        TestPciDevice device = TestPciDevice.withMemory();

        CompletableFuture<Void> plugged = port.plug(device);

        assertThat(plugged).isNotDone();
        assertThat(slot.isPresent()).isTrue();
        assertThat(slot.isLinkActive()).isTrue();
        assertThat(machine.messages.accepted()).hasSize(1);
        serve();
        assertThat(plugged).isCompleted();
        assertThat(port.powerIndicator()).isEqualTo(PcieIndicator.ON);
        PciFunctionDriver found = machine.function(1, 0, 0);
        assertThat(found.command()).as("the guest places it").isZero();
        PciBarDriver bar = found.bar(0);
        bar.assign(machine.function(0, 1, 0).read(0x20, 2) << 16 & 0xfff0_0000L);
        found.enable(PciFunctionDriver.COMMAND_MEMORY);
        assertThat(bar.read(4, 4)).isEqualTo(4);
    }

    @Test
    void aDeviceIsAskedForAndTaken() {
        start();
        TestPciDevice device = TestPciDevice.withMemory();
        plugIn(device);
        serve();

        events = 0;
        CompletableFuture<Void> unplugged = port.unplug();
        assertThat(unplugged).isNotDone();
        assertThat(device.calls).doesNotContain("detach");
        serve();

        assertThat(unplugged).isCompleted();
        assertThat(device.calls).containsOnlyOnce("detach");
        assertThat(slot.isPresent()).isFalse();
        assertThat(slot.isLinkActive()).isFalse();
        assertThat(machine.function(1, 0, 0).isPresent()).isFalse();
        assertThat(events & 0x109).as("button, presence, link").isEqualTo(0x109);
    }

    @Test
    void pluggingAndTakingAgainAndAgainLeavesNothingBehind() {
        start();
        for (int round = 0; round < 100; round++) {
            CompletableFuture<Void> plugged =
                    port.plug(new TestPciDevice(spec -> spec.memoryBar(0, 4096).msix(2).intx()));
            serve();
            assertThat(plugged).isCompleted();
            machine.function(1, 0, 0).bar(5).assign(0x4010_0000L);
            CompletableFuture<Void> unplugged = port.unplug();
            serve();
            assertThat(unplugged).isCompleted();
            slot.handleEvents();
        }
        assertThat(root.functions()).hasSize(2);
        assertThat(machine.router.handlesInUse()).isEqualTo(1);
    }

    /** Row H1: without a driver that listens, nothing can be plugged in. */
    @Test
    void withoutADriverPluggingIsRefused() {
        assertThat(port.isReady()).isFalse();
        assertThatThrownBy(() -> port.plug(TestPciDevice.withMemory()))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("no driver");
        int control = driver.capability(0x10).orElseThrow() + SLOT_CONTROL;
        for (int bits : new int[] {0x08, 0x18, 0x28, 0x30}) {
            driver.write(control, 2, bits);
            assertThat(port.isReady()).as("with %x", bits).isFalse();
        }
        driver.write(control, 2, 0x38);
        assertThat(port.isReady()).isTrue();
        driver.write(control, 2, 0x31);
        assertThat(port.isReady()).isTrue();
    }

    /** Row H2: what is not there cannot be taken. */
    @Test
    void anEmptySlotCannotBeEmptied() {
        start();
        assertThatThrownBy(port::unplug)
                .isInstanceOf(PciException.class)
                .hasMessageContaining("empty");
    }

    @Test
    void aSlotTakesOneDeviceAndOneWishAtATime() {
        start();
        plugIn(TestPciDevice.withMemory());
        assertThatThrownBy(() -> port.plug(TestPciDevice.withMemory()))
                .hasMessageContaining("not done");
        assertThatThrownBy(port::unplug).hasMessageContaining("not done");
        serve();
        assertThatThrownBy(() -> port.plug(TestPciDevice.withMemory()))
                .hasMessageContaining("occupied");
        slot.blink();
        assertThatThrownBy(port::unplug).hasMessageContaining("blinking");
    }

    /** Row H4: with the power indicator off, what is there is taken at once. */
    @Test
    void aSlotThatIsOffIsEmptiedAtOnce() {
        start();
        TestPciDevice device = TestPciDevice.withMemory();
        plugIn(device);
        serve();
        slot.powerOff();
        assertThat(device.calls).as("nobody asked for it yet").doesNotContain("detach");

        assertThat(port.unplug()).isCompleted();

        assertThat(device.calls).containsOnlyOnce("detach");
        assertThat(slot.isPresent()).isFalse();
    }

    @Test
    void attentionIndicatorShowsWhatTheDriverSets() {
        start();
        assertThat(port.attentionIndicator()).isEqualTo(PcieIndicator.OFF);
        // PCIe 6.0 §7.5.3.10, bits 7:6.
        Map<Integer, PcieIndicator> codes =
                Map.of(1, PcieIndicator.ON, 2, PcieIndicator.BLINK, 3, PcieIndicator.OFF);
        codes.forEach(
                (code, shown) -> {
                    slot.command(slot.control() & ~0xc0 | code << 6);
                    assertThat(port.attentionIndicator()).isEqualTo(shown);
                    assertThat(port.powerIndicator()).as("other").isEqualTo(PcieIndicator.OFF);
                });
        slot.command(slot.control() & ~0xc0 | 1 << 6);
        root.reset();
        assertThat(port.attentionIndicator()).isEqualTo(PcieIndicator.OFF);
    }

    @Test
    void eachCommandIsCompletedAndInterruptsIfWanted() {
        start();
        int control = driver.capability(0x10).orElseThrow() + SLOT_CONTROL;

        driver.write(control, 2, slot.control());
        assertThat(slot.status() & 0x10).isEqualTo(0x10);
        assertThat(machine.messages.accepted()).hasSize(1);
        driver.write(control + 2, 2, 0x10);
        driver.write(control, 2, slot.control() & ~0x10);
        assertThat(slot.status() & 0x10).isEqualTo(0x10);
        assertThat(machine.messages.accepted()).as("not enabled").hasSize(1);
    }

    @Test
    void withoutMessagesTheWireFollowsTheEvents() {
        slot.start();
        assertThat(machine.wires.get(1).isRaised()).isFalse();
        plugIn(TestPciDevice.withMemory());
        assertThat(machine.wires.get(1).isRaised()).isTrue();
        slot.handleEvents();
        assertThat(machine.wires.get(1).isRaised()).isFalse();
    }

    @Test
    void whatIsThereAtPowerOnIsPresentAndPlaced() {
        PciRootPort second = PciRootPort.of(6);
        PciFunction added = root.bus().add(second);
        added.behind().orElseThrow().add(TestPciDevice.withMemory());

        assertThat(second.isOccupied()).isTrue();
        assertThat(second.powerIndicator()).isEqualTo(PcieIndicator.ON);
        assertThat(machine.function(2, 0, 0).bar(0).read(8, 4)).isEqualTo(8);
        root.reset();
        assertThat(second.isOccupied()).isTrue();
        assertThat(machine.function(0, 2, 0).slot().isLinkActive()).isTrue();
        assertThat(machine.function(2, 0, 0).bar(0).read(8, 4)).isEqualTo(8);
    }

    @Test
    void aLinkHasOneDevice() {
        assertThatThrownBy(
                        () -> function.behind().orElseThrow().add(TestPciDevice.withMemory(), 1, 0))
                .isInstanceOf(PciException.class)
                .hasMessageContaining("00:01.0");
    }

    /**
     * Root ports in the device layer's section B6: root status holds one wake event, and one more
     * waits behind it.
     */
    @Test
    void wakeEventsAreToldOneByOne() {
        start();
        int capability = driver.capability(0x10).orElseThrow();
        driver.write(capability + ROOT_CONTROL, 2, 0x8);
        handled = machine.messages.accepted().size();

        port.signalWake(0x0100);
        port.signalWake(0x0108);

        assertThat(driver.read(capability + ROOT_STATUS, 4)).isEqualTo(0x3_0100);
        assertThat(machine.messages.accepted()).hasSize((int) handled + 1);
        driver.write(capability + ROOT_STATUS, 4, 0x1_0000);
        assertThat(driver.read(capability + ROOT_STATUS, 4)).isEqualTo(0x1_0108);
        assertThat(machine.messages.accepted()).hasSize((int) handled + 2);
        driver.write(capability + ROOT_STATUS, 4, 0x1_0000);
        assertThat(driver.read(capability + ROOT_STATUS, 4) & 0x3_0000).isZero();
    }

    @Test
    void theSlotOutlivesASuspend() {
        start();
        plugIn(TestPciDevice.withMemory());
        serve();
        int status = slot.status();
        int control = slot.control();
        root.sleep();
        Snapshot taken = root.snapshot();
        slot.powerOff();
        root.restore(taken);
        root.wake();

        assertThat(slot.status()).isEqualTo(status);
        assertThat(slot.control()).isEqualTo(control);
        CompletableFuture<Void> unplugged = port.unplug();
        serve();
        assertThat(unplugged).isCompleted();
    }

    @Test
    void aPortThatIsRemovedDisappointsWhoWaits() {
        start();
        CompletableFuture<Void> plugged = port.plug(TestPciDevice.withMemory(), Optional.of("x"));

        root.remove(function);

        assertThat(plugged).isCompletedExceptionally();
        assertThat(root.functions()).hasSize(1);
        assertThatThrownBy(port::unplug).hasMessageContaining("no tree");
    }
}
