package dev.dalang.virtio;

import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_RING_PACKED;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_RING_RESET;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.VirtioTransportDriver;
import dev.dalang.virtio.queue.VirtQueue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What both transports do alike when they sleep, are saved, restored and woken, or lose a queue.
 */
final class VirtioTransportSuspendTest {
    /** A machine with one device behind one transport. */
    private static final class Carried {
        final VirtioMachine machine = new VirtioMachine();
        final TestVirtioDevice device;
        final Suspendable transport;
        final VirtioTransportDriver driver;
        final long features;

        Carried(VirtioTransportType type, TestVirtioDevice device, long layout) {
            this.device = device;
            features = VirtioFeatures.STANDARD | layout;
            if (type == VirtioTransportType.PCI) {
                driver = machine.pci(device, features);
                transport = machine.root;
            } else {
                VirtioMmioDevice slot = machine.slot(device).features(features).build();
                driver = machine.mmio(slot);
                transport = slot;
            }
        }

        VirtioState state() {
            return transport instanceof VirtioMmioDevice slot
                    ? slot.state()
                    : ((VirtioPciDevice) machine.root.function("00:01.0").orElseThrow().device())
                            .state();
        }

        void copyMemoryTo(Carried other) {
            machine.memory
                    .regions()
                    .forEach(
                            region -> other.machine.memory.copyIn(region.base(), region.segment()));
        }
    }

    private record Variant(VirtioTransportType type, long layout) {
        Carried make(TestVirtioDevice device) {
            return new Carried(type, device, layout);
        }

        @Override
        public String toString() {
            return type + (layout == 0 ? ", split" : ", packed");
        }
    }

    static Stream<Variant> variants() {
        return Stream.of(VirtioTransportType.values())
                .flatMap(
                        type ->
                                Stream.of(0L, VIRTIO_F_RING_PACKED)
                                        .map(layout -> new Variant(type, layout)));
    }

    /** Row L4, beside L5: the device hears of it once. */
    @ParameterizedTest
    @EnumSource
    void sleepingAndWakingTwiceIsAsOnce(VirtioTransportType type) {
        Carried carried = new Carried(type, new TestVirtioDevice(8, 8), 0);
        carried.machine.start(carried.driver, 0);
        carried.device.calls.clear();
        carried.transport.sleep();
        carried.transport.sleep();
        assertThat(carried.device.calls).containsExactly("sleep");
        carried.transport.wake();
        carried.transport.wake();
        assertThat(carried.device.calls)
                .containsExactly("sleep", "wake", "activate [0]", "notified 0");
    }

    /** Rows L2 and L3: with what was in the queue, and what came while it slept. */
    @ParameterizedTest
    @MethodSource("variants")
    void aDeviceAtWorkGoesOnInAFreshMachine(Variant variant) {
        Carried from = variant.make(new TestVirtioDevice(8, 8));
        DriverQueue queue = from.machine.start(from.driver, variant.layout);
        for (int k = 0; k < 11; k++) {
            queue.add(from.machine.heap.writable(4));
            from.driver.notifyQueue(0);
            assertThat(queue.poll()).isTrue();
        }
        from.device.fill = 0x33;
        from.transport.sleep();
        DriverBuffer late = from.machine.heap.writable(4);
        queue.add(late);
        from.driver.notifyQueue(0);
        Snapshot taken = from.transport.snapshot();
        assertThat(from.transport.snapshot()).as("the same once more").isEqualTo(taken);

        Carried to = variant.make(new TestVirtioDevice(8, 8));
        from.copyMemoryTo(to);
        to.transport.sleep();
        to.transport.restore(taken);
        assertThat(to.transport.snapshot()).isEqualTo(taken);
        assertThat(to.machine.memory.readByte(late.address())).isZero();
        to.transport.wake();
        assertThat(to.state()).isEqualTo(VirtioState.ACTIVE);
        assertThat(to.machine.memory.readByte(late.address())).isEqualTo((byte) 0x33);
        assertThat(to.driver.status()).isEqualTo(0xf);

        from.transport.wake();
        assertThat(from.machine.memory.readByte(late.address())).isEqualTo((byte) 0x33);
        assertThat(queue.poll()).isTrue();
    }

    /** Row L9: configuration, messages, queues, and the device last; then every queue is told. */
    @ParameterizedTest
    @EnumSource
    void whatComesFirstIsThereForWhatComesAfterIt(VirtioTransportType type) {
        Carried from = new Carried(type, new TestVirtioDevice(8, 8), 0);
        from.machine.start(from.driver, 0);
        boolean isPci = type == VirtioTransportType.PCI;
        if (isPci) {
            from.machine.enableMsix(from.machine.pciDriver());
        }
        from.transport.sleep();
        Snapshot taken = from.transport.snapshot();

        Carried to = new Carried(type, new TestVirtioDevice(8, 8), 0);
        from.copyMemoryTo(to);
        if (isPci) {
            to.driver.reset();
            to.machine.pciDriver().function().setCommand(0);
        }
        to.transport.sleep();
        to.device.calls.clear();
        List<String> seen = new ArrayList<>();
        to.device.whileRestored =
                () -> {
                    if (isPci) {
                        var function = to.machine.root.function("00:01.0").orElseThrow();
                        seen.add("master " + function.configuration().hasCommand(4));
                        seen.add("messages " + function.msix().orElseThrow().isEnabled());
                        seen.add("bar " + function.configuration().barRange(0).isPresent());
                    } else {
                        seen.add("queue " + to.driver.isQueueEnabled(0));
                        seen.add("status " + to.driver.status());
                    }
                };
        to.transport.restore(taken);
        assertThat(seen)
                .isEqualTo(
                        isPci
                                ? List.of("master true", "messages true", "bar true")
                                : List.of("queue true", "status 15"));
        assertThat(to.device.calls)
                .containsExactly("ack %x".formatted(VirtioFeatures.VIRTIO_F_VERSION_1), "restore");
        to.device.calls.clear();
        to.transport.wake();
        assertThat(to.device.calls).containsExactly("wake", "activate [0]", "notified 0");
    }

    /** Row L1 and L7: each state that can be saved, into each that can take it. */
    @ParameterizedTest
    @MethodSource("variants")
    void everyStateIsRestoredIntoADeviceThatIsNotActive(Variant variant) {
        for (VirtioState saved :
                List.of(VirtioState.NEW, VirtioState.INACTIVE, VirtioState.ACTIVE)) {
            Carried from = in(saved, variant);
            from.transport.sleep();
            Snapshot taken = from.transport.snapshot();
            for (VirtioState before : List.of(VirtioState.NEW, VirtioState.INACTIVE)) {
                Carried to = in(before, variant);
                from.copyMemoryTo(to);
                to.transport.sleep();
                to.transport.restore(taken);
                assertThat(to.transport.snapshot()).isEqualTo(taken);
                to.transport.wake();
                assertThat(to.state()).isEqualTo(saved);
                assertThat(to.driver.status()).isEqualTo(saved.isActive() ? 0xf : 0);
                DriverQueue queue = to.machine.start(to.driver, variant.layout);
                queue.add(to.machine.heap.writable(4));
                to.driver.notifyQueue(0);
                assertThat(queue.poll()).as("%s over %s", saved, before).isTrue();
            }
            Carried active = in(VirtioState.ACTIVE, variant);
            active.transport.sleep();
            assertThatThrownBy(() -> active.transport.restore(taken))
                    .isInstanceOf(SnapshotException.class)
                    .hasMessageContaining("asleep (active)");
            active.transport.wake();
            assertThat(active.state()).isEqualTo(VirtioState.ACTIVE);
        }
    }

    private static Carried in(VirtioState state, Variant variant) {
        Carried made = variant.make(new TestVirtioDevice(8, 8));
        if (state != VirtioState.NEW) {
            made.machine.start(made.driver, variant.layout);
        }
        if (state == VirtioState.INACTIVE) {
            made.driver.reset();
        }
        assertThat(made.state()).isEqualTo(state);
        return made;
    }

    /** Row L12, here of any device. */
    @ParameterizedTest
    @EnumSource
    void aDeviceWithFewerFeaturesIsNotRestored(VirtioTransportType type) {
        TestVirtioDevice rich = new TestVirtioDevice(8);
        rich.features = 3;
        Carried from = new Carried(type, rich, 0);
        from.machine.start(from.driver, 3);
        from.transport.sleep();
        Carried to = new Carried(type, new TestVirtioDevice(8), 0);
        from.copyMemoryTo(to);
        to.transport.sleep();
        Snapshot before = to.transport.snapshot();
        assertThatThrownBy(() -> to.transport.restore(from.transport.snapshot()))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("driver-features");
        assertThat(to.transport.snapshot()).isEqualTo(before);
    }

    /** Row L14: one that will not sleep leaves all awake, and at work. */
    @Test
    void aDeviceThatWillNotSleepKeepsAllAwake() {
        VirtioMachine machine = new VirtioMachine();
        TestVirtioDevice first = new TestVirtioDevice(8);
        TestVirtioDevice second = new TestVirtioDevice(8);
        DriverQueue queue = machine.start(machine.pci(first), 0);
        machine.plug(VirtioPciDevice.of(second));
        second.refusesSleep = true;
        assertThatThrownBy(machine.root::sleep).hasMessageContaining("it will not");
        assertThat(first.calls).endsWith("sleep", "wake", "activate [0]", "notified 0");
        queue.add(machine.heap.writable(4));
        machine.pciDriver().notifyQueue(0);
        assertThat(queue.poll()).isTrue();
        second.refusesSleep = false;
        machine.root.sleep();
        machine.root.wake();
        assertThat(second.calls).contains("sleep", "wake");
    }

    /** Row T36: a device in need of a reset works again after one. */
    @ParameterizedTest
    @MethodSource("variants")
    void aBrokenRingIsMendedByAReset(Variant variant) {
        Carried carried = variant.make(new TestVirtioDevice(8, 8));
        for (int round = 0; round < 3; round++) {
            DriverQueue queue = carried.machine.start(carried.driver, variant.layout);
            queue.add(DriverBuffer.writable(0x10, 4));
            carried.driver.notifyQueue(0);
            assertThat(carried.driver.status() & VirtioTransportDriver.NEEDS_RESET).isNotZero();
            DriverQueue again = carried.machine.start(carried.driver, variant.layout);
            assertThat(carried.driver.status()).isEqualTo(0xf);
            again.add(carried.machine.heap.writable(4));
            carried.driver.notifyQueue(0);
            assertThat(again.poll()).isTrue();
        }
    }

    /** A broken queue stays broken over a snapshot, and the driver sees it. */
    @ParameterizedTest
    @MethodSource("variants")
    void theNeedOfAResetIsSaved(Variant variant) {
        Carried from = variant.make(new TestVirtioDevice(8, 8));
        DriverQueue queue = from.machine.start(from.driver, variant.layout);
        queue.add(DriverBuffer.writable(0x10, 4));
        from.driver.notifyQueue(0);
        from.transport.sleep();
        Snapshot taken = from.transport.snapshot();
        Carried to = variant.make(new TestVirtioDevice(8, 8));
        from.copyMemoryTo(to);
        to.transport.sleep();
        to.transport.restore(taken);
        assertThat(to.transport.snapshot()).isEqualTo(taken);
        to.transport.wake();
        assertThat(to.driver.status() & VirtioTransportDriver.NEEDS_RESET).isNotZero();
        to.machine.start(to.driver, variant.layout);
        assertThat(to.driver.status()).isEqualTo(0xf);
    }

    // ---------------------------------------------------------------- one queue alone

    /** A device that can do without one of its queues. */
    private static final class Able extends TestVirtioDevice implements VirtioQueueReset {
        Able() {
            super(8, 8);
        }

        @Override
        public void queueReset(int queue) {
            calls.add("reset " + queue);
        }

        @Override
        public void queueEnabled(VirtQueue queue, VirtioActivation now) {
            calls.add("enabled " + queue.index());
            now.onNotify(queue.index(), () -> serveQueue(queue));
        }
    }

    @ParameterizedTest
    @MethodSource("variants")
    void aQueueIsResetAloneAndSetUpAnew(Variant variant) {
        Able device = new Able();
        Carried carried = variant.make(device);
        VirtioMachine machine = carried.machine;
        VirtioTransportDriver driver = carried.driver;
        long features = driver.negotiate(variant.layout | VIRTIO_F_RING_RESET);
        DriverQueue first = machine.place(driver, 0, 8, features);
        DriverQueue second = machine.place(driver, 1, 8, features);
        driver.enableQueue(0, true);
        driver.enableQueue(1, true);
        driver.ready();

        driver.resetQueue(0);
        assertThat(driver.isQueueEnabled(0)).isFalse();
        assertThat(device.calls).endsWith("reset 0");
        first.add(machine.heap.writable(4));
        driver.notifyQueue(0);
        assertThat(first.poll()).as("nobody serves it").isFalse();
        second.add(machine.heap.writable(4));
        driver.notifyQueue(1);
        assertThat(second.poll()).as("the other goes on").isTrue();

        DriverQueue anew = machine.place(driver, 0, 4, features);
        anew.add(machine.heap.writable(4));
        driver.enableQueue(0, true);
        assertThat(device.calls).contains("enabled 0");
        assertThat(anew.poll()).as("what was there before it was enabled").isTrue();
        assertThat(driver.status()).isEqualTo(0xf);
    }
}
