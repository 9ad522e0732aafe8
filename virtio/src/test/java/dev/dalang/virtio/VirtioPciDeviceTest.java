package dev.dalang.virtio;

import static dev.dalang.testkit.virtio.VirtioTransportDriver.DRIVER_OK;
import static dev.dalang.testkit.virtio.VirtioTransportDriver.NEEDS_RESET;
import static dev.dalang.testkit.virtio.VirtioTransportDriver.SUSPEND;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_EVENT_IDX;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_NOTIFICATION_DATA;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_RING_PACKED;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_SUSPEND;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.pci.MsixStatus;
import dev.dalang.testkit.pci.MsixDriver;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.PackedDriverQueue;
import dev.dalang.testkit.virtio.SplitDriverQueue;
import dev.dalang.testkit.virtio.VirtioPciDriver;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A device at work behind virtio-pci. */
final class VirtioPciDeviceTest {
    private final VirtioMachine machine = new VirtioMachine();
    private final TestVirtioDevice device = new TestVirtioDevice(256, 64, 16);

    private VirtioPciDevice function;

    private VirtioPciDriver plug(long features) {
        function = VirtioPciDevice.of(device, features);
        machine.plug(function);
        return machine.pciDriver();
    }

    private VirtioPciDriver plug() {
        return plug(VirtioFeatures.STANDARD);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, VIRTIO_F_RING_PACKED})
    void aBufferIsFilledAndTheDriverInterrupted(long layout) {
        VirtioPciDriver driver = plug(VirtioFeatures.STANDARD | layout);
        machine.enableMsix(driver);
        DriverQueue queue = machine.start(driver, layout);
        DriverBuffer buffer = machine.heap.writable(16);
        queue.add(buffer);
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
        assertThat(queue.usedLength()).isEqualTo(16);
        assertThat(machine.memory.readByte(buffer.address() + 15)).isEqualTo((byte) 0x5a);
        assertThat(machine.vectors()).containsExactly(1);
        assertThat(function.counts().notifications()).isEqualTo(1);
    }

    /** Row T14. */
    @Test
    void theDeviceGetsTheQueuesThatAreEnabled() {
        VirtioPciDriver driver = plug();
        long features = driver.negotiate(0);
        machine.place(driver, 0, 8, features);
        machine.place(driver, 1, 8, features);
        driver.enableQueue(0, true);
        driver.ready();
        assertThat(device.calls).endsWith("activate [0]");
        driver.enableQueue(1, true);
        assertThat(driver.isQueueEnabled(1)).as("too late").isFalse();
        driver.notifyQueue(1);
        assertThat(device.calls).doesNotContain("notified 1");
    }

    /** Rows T15 and T16. */
    @Test
    void aDeviceThatRefusesToBeActivatedNeedsAResetAndWorksAfterIt() {
        device.refusesActivation = true;
        VirtioPciDriver driver = plug();
        machine.enableMsix(driver);
        machine.start(driver, 0);
        assertThat(driver.status() & NEEDS_RESET).isNotZero();
        assertThat(function.state()).isEqualTo(VirtioState.NEW);
        assertThat(machine.vectors()).as("the configuration's vector").containsExactly(0);
        driver.setStatus(driver.status() | DRIVER_OK);
        driver.writeConfig(0, 1, 1);
        assertThat(device.calls).containsOnlyOnce("activate [0]");
        assertThat(function.counts().failedActivations()).isEqualTo(1);

        device.refusesActivation = false;
        DriverQueue queue = machine.start(driver, 0);
        assertThat(driver.status() & NEEDS_RESET).isZero();
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
    }

    /** Row T17. */
    @Test
    void aResetForgetsWhatTheDriverSet() {
        VirtioPciDriver driver = plug();
        DriverQueue queue = machine.start(driver, 0);
        driver.setConfigVector(2);
        driver.writeCommon(0, 4, 1);
        driver.writeCommon(8, 4, 1);
        driver.selectQueue(2);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(machine.wires).anyMatch(wire -> wire.isRaised());
        device.calls.clear();

        driver.setStatus(0);
        assertThat(driver.status()).isZero();
        assertThat(device.calls).containsExactly("reset", "ack 0");
        assertThat(function.state()).isEqualTo(VirtioState.INACTIVE);
        assertThat(driver.readCommon(0x16, 2)).as("queue select").isZero();
        assertThat(driver.readCommon(0x00, 4)).isZero();
        assertThat(driver.readCommon(0x08, 4)).isZero();
        assertThat(driver.readCommon(0x0c, 4)).as("driver features").isZero();
        assertThat(driver.readCommon(0x10, 2)).as("config vector").isEqualTo(0xffff);
        assertThat(driver.readCommon(0x1a, 2)).as("queue vector").isEqualTo(0xffff);
        assertThat(driver.isQueueEnabled(0)).isFalse();
        assertThat(driver.maxQueueSize(0)).isEqualTo(256);
        assertThat(driver.readCommon(0x20, 8)).isZero();
        assertThat(machine.wires).noneMatch(wire -> wire.isRaised());
        assertThat(driver.acknowledgeInterrupts()).isZero();
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(device.calls).doesNotContain("notified 0");
    }

    /** Row T17: MSI-X is the function's, not virtio's. */
    @Test
    void aResetLeavesMsixAlone() {
        VirtioPciDriver driver = plug();
        MsixDriver msix = machine.enableMsix(driver);
        machine.start(driver, 0);
        driver.setStatus(0);
        assertThat(msix.control() & 0x8000).isNotZero();
        DriverQueue queue = machine.start(driver, 0);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(machine.vectors()).containsExactly(1);
    }

    /** F, Q16. */
    @Test
    void aResetBeforeActivationForgetsTheQueuesToo() {
        VirtioPciDriver driver = plug();
        machine.place(driver, 0, 8, driver.negotiate(0));
        driver.enableQueue(0, true);
        driver.setStatus(0);
        assertThat(driver.isQueueEnabled(0)).isFalse();
        assertThat(driver.maxQueueSize(0)).isEqualTo(256);
        assertThat(device.calls).doesNotContain("reset");
    }

    /** Row T19. */
    @Test
    void aDeviceThatFailsAtItsResetIsResetAllTheSame() {
        device.refusesReset = true;
        VirtioPciDriver driver = plug();
        machine.start(driver, 0);
        driver.reset();
        assertThat(function.counts().failedResets()).isEqualTo(1);
        device.refusesReset = false;
        DriverQueue queue = machine.start(driver, 0);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
    }

    /** Row T20. */
    @Test
    void queuesAreFreshAfterAReset() {
        VirtioPciDriver driver = plug();
        DriverQueue old = machine.start(driver, 0);
        old.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        DriverQueue queue = machine.start(driver, 0);
        assertThat(driver.acknowledgeInterrupts()).isZero();
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
        assertThat(((SplitDriverQueue) queue).usedIndex()).isEqualTo(1);
    }

    /** Row T21: a notification before the device is active is not lost. */
    @Test
    void aNotificationBeforeActivationIsServedAfterIt() {
        VirtioPciDriver driver = plug();
        long features = driver.negotiate(0);
        DriverQueue queue = machine.place(driver, 2, 8, features);
        driver.enableQueue(2, true);
        queue.add(machine.heap.writable(4));
        driver.bar().write(0x3000 + 8, 2, 2);
        assertThat(device.calls).doesNotContain("notified 2");
        driver.ready();
        assertThat(device.calls).contains("notified 2");
        assertThat(queue.poll()).isTrue();
    }

    /** Row T22. */
    @Test
    void aNotificationOfAQueueThatThereIsNotIsIgnored() {
        VirtioPciDriver driver = plug();
        driver.notifyAt(3, 2, 3);
        machine.start(driver, 0);
        driver.notifyAt(3, 2, 3);
        driver.notifyAt(1023, 2, 1023);
        driver.notifyAt(1, 2, 1);
        assertThat(device.calls).noneMatch(call -> call.startsWith("notified"));
        assertThat(function.counts().droppedNotifications()).isEqualTo(4);
    }

    @Test
    void aNotificationMayCarryTheDriversPlace() {
        VirtioPciDriver driver = plug(VirtioFeatures.STANDARD | VIRTIO_F_NOTIFICATION_DATA);
        DriverQueue queue = machine.start(driver, VIRTIO_F_NOTIFICATION_DATA);
        queue.add(machine.heap.writable(4));
        driver.notifyAt(0, 4, 1 << 16);
        assertThat(queue.poll()).isTrue();
    }

    /** Row T23. */
    @Test
    void readingTheInterruptStatusClearsItAndLowersTheWire() {
        VirtioPciDriver driver = plug();
        DriverQueue queue = machine.start(driver, 0);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(machine.wires.get(1).isRaised()).isTrue();
        assertThat(driver.acknowledgeInterrupts()).isEqualTo(1);
        assertThat(machine.wires.get(1).isRaised()).isFalse();
        assertThat(driver.acknowledgeInterrupts()).isZero();
    }

    /** Row T24. */
    @Test
    void writingTheInterruptStatusClearsBits() {
        VirtioPciDriver driver = plug();
        DriverQueue queue = machine.start(driver, 0);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        device.host.configChanged();
        driver.writeInterruptStatus(1);
        assertThat(machine.wires.get(1).isRaised()).isTrue();
        assertThat(driver.acknowledgeInterrupts()).isEqualTo(2);
    }

    /** Row T25. */
    @Test
    void theDeviceHearsOfEachWriteToTheTableOfMsix() {
        List<MsixStatus> heard = new ArrayList<>();
        class Listener extends TestVirtioDevice implements VirtioControlNotify {
            Listener() {
                super(8);
            }

            @Override
            public void controlNotify(MsixStatus status) {
                heard.add(status);
            }
        }
        VirtioPciDriver driver = machine.pci(new Listener());
        MsixDriver msix = driver.function().msix();
        msix.mask(0, true);
        assertThat(heard).hasSize(1);
        msix.enable();
        msix.route(1, VirtioMachine.MESSAGES, 1);
        assertThat(heard).hasSize(6);
    }

    /** Row T29, and F Q27: the vector is that of the moment. */
    @Test
    void aChangeOfTheConfigurationInterrupts() {
        VirtioPciDriver driver = plug();
        machine.start(driver, 0);
        device.active.interrupt().config();
        assertThat(driver.acknowledgeInterrupts()).isEqualTo(2);
        machine.enableMsix(driver);
        device.host.configChanged();
        driver.setConfigVector(3);
        device.host.configChanged();
        driver.setConfigVector(0xffff);
        device.host.configChanged();
        assertThat(machine.vectors()).containsExactly(0, 3);
        assertThat(driver.acknowledgeInterrupts()).isZero();
        assertThat(driver.configGeneration()).isEqualTo(4);
    }

    /** Row T30. */
    @Test
    void interruptsOfASuspendedDeviceAreHeldBackInOrder() {
        VirtioPciDriver driver = plug();
        machine.enableMsix(driver);
        long features = driver.negotiate(VIRTIO_F_SUSPEND);
        machine.place(driver, 0, 8, features);
        machine.place(driver, 1, 8, features);
        driver.setConfigVector(0);
        driver.setQueueVector(0, 1);
        driver.setQueueVector(1, 2);
        driver.enableQueue(0, true);
        driver.enableQueue(1, true);
        driver.ready();
        int ready = driver.status();
        driver.setStatus(ready | SUSPEND);
        assertThat(driver.status()).isEqualTo(ready | SUSPEND);
        device.active.interrupt().queue(1);
        device.active.interrupt().config();
        device.active.interrupt().queue(0);
        assertThat(machine.vectors()).isEmpty();
        driver.notifyQueue(0);
        assertThat(device.calls).doesNotContain("notified 0");
        driver.setStatus(ready);
        assertThat(driver.status()).isEqualTo(ready);
        assertThat(machine.vectors()).containsExactly(2, 0, 1);
        assertThat(device.calls).contains("notified 0");
    }

    @Test
    void whatASuspendedDeviceHoldsBackIsBounded() {
        VirtioPciDriver driver = plug();
        machine.enableMsix(driver);
        machine.start(driver, VIRTIO_F_SUSPEND);
        int ready = driver.status();
        driver.setStatus(ready | SUSPEND);
        for (int k = 0; k < 1000; k++) {
            device.active.interrupt().queue(0);
        }
        device.active.interrupt().config();
        driver.setStatus(ready);
        assertThat(machine.vectors()).hasSize(InterruptGate.CAPACITY + 1).endsWith(0);
        assertThat(function.counts().droppedInterrupts()).isEqualTo(1000 - InterruptGate.CAPACITY);
    }

    @Test
    void onlyWhoNegotiatedItMaySuspend() {
        VirtioPciDriver driver = plug();
        machine.start(driver, 0);
        driver.setStatus(driver.status() | SUSPEND);
        assertThat(driver.status() & SUSPEND).isZero();
    }

    /** Row T33. */
    @Test
    void sizingTheBarLeavesItsPlaceAlone() {
        VirtioPciDriver driver = plug();
        DriverQueue queue = machine.start(driver, 0);
        long moves = machine.root.moves();
        long address = driver.bar().address();
        assertThat(driver.function().sizeBars()).hasSize(1);
        assertThat(machine.root.moves()).isEqualTo(moves);
        assertThat(driver.bar().address()).isEqualTo(address);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
    }

    /** F, Q18. */
    @Test
    void notificationsFollowTheBar() {
        VirtioPciDriver driver = plug();
        DriverQueue queue = machine.start(driver, 0);
        driver.bar().assign(0x5000_0000L);
        queue.add(machine.heap.writable(4));
        machine.io.mmioWrite(0x5000_3000L, 2, 0);
        assertThat(queue.poll()).isTrue();
    }

    /** Row T34. */
    @Test
    void aDriverThatHasSeenAllIsNotInterrupted() {
        VirtioPciDriver driver = plug();
        machine.enableMsix(driver);
        DriverQueue queue = machine.start(driver, VIRTIO_F_EVENT_IDX);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
        assertThat(machine.vectors()).as("the first index is asked for").containsExactly(1);
        // It does not say that it wants to hear of more: it looks by itself.
        queue.add(machine.heap.writable(4));
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
        assertThat(queue.poll()).isTrue();
        assertThat(machine.vectors()).containsExactly(1);
    }

    /** Row T35. */
    @Test
    void aPackedRingWithoutInterruptsIsHonoured() {
        VirtioPciDriver driver = plug(VirtioFeatures.STANDARD | VIRTIO_F_RING_PACKED);
        machine.enableMsix(driver);
        DriverQueue queue = machine.start(driver, VIRTIO_F_RING_PACKED);
        assertThat(queue).isInstanceOf(PackedDriverQueue.class);
        queue.disableInterrupts();
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
        assertThat(machine.vectors()).isEmpty();
    }

    /** Row T36. */
    @Test
    void aBrokenRingMakesTheDeviceNeedAReset() {
        VirtioPciDriver driver = plug();
        machine.enableMsix(driver);
        SplitDriverQueue queue = (SplitDriverQueue) machine.start(driver, 0);
        queue.writeAvailable(0, 99);
        queue.writeAvailableIndex(1);
        driver.notifyQueue(0);
        assertThat(driver.status() & NEEDS_RESET).isNotZero();
        assertThat(machine.vectors()).containsExactly(0);
        assertThat(function.counts().brokenQueues()).isEqualTo(1);
        DriverQueue next = machine.start(driver, 0);
        next.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(next.poll()).isTrue();
    }

    /** Rows T37 and T38. */
    @Test
    void aRingOutsideMemoryUndoesTheActivation() {
        VirtioPciDriver driver = plug();
        machine.enableMsix(driver);
        long features = driver.negotiate(0);
        DriverQueue queue = machine.place(driver, 0, 8, features);
        driver.setConfigVector(0);
        driver.enableQueue(0, true);
        driver.placeQueue(1, 8, 0x1000, 0x2000, 0x3000);
        driver.enableQueue(1, true);
        driver.ready();
        assertThat(driver.status() & NEEDS_RESET).isNotZero();
        assertThat(machine.vectors()).containsExactly(0);
        assertThat(device.calls).noneMatch(call -> call.startsWith("activate"));
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        driver.setStatus(driver.status() | DRIVER_OK);
        assertThat(queue.poll()).isFalse();
        assertThat(function.counts().failedActivations()).isEqualTo(1);
        machine.start(driver, 0);
        assertThat(function.state()).isEqualTo(VirtioState.ACTIVE);
    }

    /** Row T39: the status is told, and No_Soft_Reset set; nothing is lost in D3. */
    @Test
    void theDeviceKeepsItsStateInD3() {
        VirtioPciDriver driver = plug();
        DriverQueue queue = machine.start(driver, 0);
        int control = driver.function().capability(1).orElseThrow() + 4;
        assertThat(driver.function().read(control, 2)).isEqualTo(0x8);
        driver.function().write(control, 2, 3);
        assertThat(driver.function().read(control, 2)).isEqualTo(0xb);
        queue.add(machine.heap.writable(4));
        device.active.notifyQueue(0);
        assertThat(queue.poll()).as("no memory in D3").isFalse();
        driver.function().write(control, 2, 0);
        assertThat(queue.poll()).as("back in D0 it looks").isTrue();
        assertThat(driver.status() & DRIVER_OK).isNotZero();
    }

    @Test
    void theDeviceWaitsForBusMastering() {
        VirtioPciDriver driver = plug();
        DriverQueue queue = machine.start(driver, 0);
        driver.function().setCommand(driver.function().command() & ~VirtioMachine.MASTER);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isFalse();
        driver.function().setCommand(driver.function().command() | VirtioMachine.MASTER);
        assertThat(queue.poll()).isTrue();
        assertThat(driver.status() & NEEDS_RESET).isZero();
    }

    /** Row T40. */
    @Test
    void theWindowInConfigurationSpaceReachesTheStructures() {
        VirtioPciDriver driver = plug();
        assertThat(driver.readWindow(0, 0x12, 2)).isEqualTo(3);
        driver.writeWindow(0, 0x14, 1, 1);
        assertThat(driver.status()).isEqualTo(1);
        driver.writeWindow(0, 0x2000, 4, 0x0403_0201);
        assertThat(device.config).startsWith(1, 2, 3, 4);
        assertThat(driver.readWindow(0, 0x2000, 4)).isEqualTo(0x0403_0201);
        DriverQueue queue = machine.start(driver, 0);
        queue.add(machine.heap.writable(4));
        driver.writeWindow(0, 0x3000, 2, 0);
        assertThat(queue.poll()).isTrue();
        driver.aimWindow(0, 0x1000, 1);
        assertThat(machine.wires.get(1).isRaised()).as("aiming reads nothing").isTrue();
        assertThat(driver.readWindow(0, 0x1000, 1)).isEqualTo(1);
        assertThat(machine.wires.get(1).isRaised()).isFalse();
    }

    /** Row T40: what it cannot be aimed at. */
    @Test
    void theWindowShowsNothingElse() {
        VirtioPciDriver driver = plug();
        int data = driver.find(VirtioPciDriver.WINDOW).orElseThrow().at() + 16;
        record Aim(int bar, long offset, int length) {}
        for (Aim aim :
                List.of(
                        new Aim(1, 0x12, 2),
                        new Aim(0, 0x13, 2),
                        new Aim(0, 0x12, 0),
                        new Aim(0, 0x12, 3),
                        new Aim(0, 0x10, 8),
                        new Aim(0, 0x6000, 4),
                        new Aim(0, 0xffff_fffcL, 4),
                        new Aim(0, 0, -1))) {
            driver.aimWindow(aim.bar, aim.offset, aim.length);
            assertThat(driver.function().read(data, 4)).as(aim.toString()).isZero();
            driver.function().write(data, 4, -1);
        }
        assertThat(driver.status()).isZero();
    }

    @Test
    void theWiredInterruptIsNotUsedBesideMessages() {
        VirtioPciDriver driver = plug();
        machine.enableMsix(driver);
        DriverQueue queue = machine.start(driver, 0);
        queue.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(machine.wires).noneMatch(wire -> wire.isRaised());
        assertThat(driver.acknowledgeInterrupts()).isZero();
    }

    @Test
    void aMachineResetBringsTheDeviceBackToItsBeginning() {
        VirtioPciDriver driver = plug();
        machine.start(driver, 0);
        machine.root.reset();
        assertThat(function.state()).isEqualTo(VirtioState.INACTIVE);
        assertThat(machine.pciDriver().status()).isZero();
    }

    /** F, Q10: a device that is unplugged while it works ends its work. */
    @Test
    void removingAnActiveDeviceResetsIt() throws InterruptedException {
        VirtioPciDriver driver = plug();
        machine.start(driver, 0);
        device.calls.clear();
        machine.root
                .remove(machine.root.function("00:01.0").orElseThrow())
                .await(Duration.ofSeconds(10));
        assertThat(device.calls).containsExactly("reset", "ack 0", "detach");
    }
}
