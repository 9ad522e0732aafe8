package dev.dalang.virtio.rng;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.GuestHeap;
import dev.dalang.testkit.virtio.VirtioDeviceLifeCycle;
import dev.dalang.testkit.virtio.VirtioMmioDriver;
import dev.dalang.testkit.virtio.VirtioTransportDriver;
import dev.dalang.virtio.VirtioFeatures;
import dev.dalang.virtio.VirtioMmioDevice;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;

final class VirtioRngTest {
    private static final long RAM = 0x8000_0000L;
    private static final long SLOT = 0x1000_1000L;

    /** A machine with a seeded device, driven up to readiness. */
    private static final class Machine {
        final IoManager io = IoManager.create();
        final GuestMemory memory =
                GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(1 << 21, 4096)));
        final GuestHeap heap = new GuestHeap(memory, RAM, 1 << 21);
        final ManualVirtualClock clock = new ManualVirtualClock();
        final VirtioRng rng;
        final VirtioMmioDevice transport;
        final VirtioMmioDriver driver;
        DriverQueue queue;

        Machine(EntropySource source, long rate) {
            rng = VirtioRng.of(source, rate);
            transport =
                    VirtioMmioDevice.builder(
                                    rng,
                                    () -> memory,
                                    new RecordingInterruptLine(),
                                    clock,
                                    DeviceExecutor.inline())
                            .features(VirtioFeatures.STANDARD | VirtioFeatures.VIRTIO_F_RING_PACKED)
                            .build();
            io.registerMmio(new MmioRange(SLOT, VirtioMmioDevice.SIZE_BYTES), transport);
            driver = new VirtioMmioDriver(io, SLOT);
        }

        Machine start(long wanted) {
            long features = driver.negotiate(wanted);
            queue =
                    DriverQueue.of(
                            memory, heap.take(DriverQueue.bytes(8, features), 4096), 8, features);
            place();
            driver.ready();
            return this;
        }

        void place() {
            driver.placeQueue(
                    0, 8, queue.descriptorAddress(), queue.driverAddress(), queue.deviceAddress());
            driver.enableQueue(0, true);
        }

        byte[] ask(int bytes) {
            DriverBuffer buffer = heap.writable(bytes);
            queue.add(buffer);
            driver.notifyQueue(0);
            assertThat(queue.poll()).isTrue();
            byte[] got = new byte[(int) queue.usedLength()];
            memory.copyOut(buffer.address(), got);
            return got;
        }
    }

    private static Machine seeded(long seed) {
        return new Machine(EntropySource.seeded(seed), VirtioRng.DEFAULT_BYTES_PER_SECOND).start(0);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, VirtioFeatures.VIRTIO_F_RING_PACKED})
    void aSeedGivesTheSameBytesOnceAndAgain(long layout) {
        Machine one = new Machine(EntropySource.seeded(7), 1 << 20).start(layout);
        Machine two = seeded(7);
        byte[] first = one.ask(16);
        assertThat(first).isEqualTo(two.ask(16)).isNotEqualTo(one.ask(16)).hasSize(16);
        assertThat(seeded(8).ask(16)).isNotEqualTo(first);
        // However the bytes are asked for, the stream is the same.
        Machine three = seeded(7);
        byte[] parts = new byte[16];
        System.arraycopy(three.ask(3), 0, parts, 0, 3);
        System.arraycopy(three.ask(13), 0, parts, 3, 13);
        assertThat(parts).isEqualTo(first);
    }

    @Test
    void theHostsEntropyIsNotTheSameTwice() {
        Machine machine = new Machine(EntropySource.host(), 1 << 20).start(0);
        byte[] first = machine.ask(32);
        assertThat(machine.ask(32)).isNotEqualTo(first);
        assertThat(machine.ask(5)).hasSize(5);
        assertThat(machine.rng.counts().requests()).isEqualTo(3);
    }

    /** A guest cannot make the host fill gigabytes at once. */
    @Test
    void aRequestIsCapped() {
        Machine machine = seeded(1);
        assertThat(machine.ask(1 << 18)).hasSize(VirtioRng.MAX_REQUEST_BYTES);
        assertThat(machine.rng.counts())
                .isEqualTo(new RngCounts(1, VirtioRng.MAX_REQUEST_BYTES, 1, 0, 0));
    }

    @Test
    void aBufferWithoutRoomIsGivenBackEmpty() {
        Machine machine = seeded(1);
        machine.queue.add(machine.heap.readable((byte) 1, (byte) 2));
        machine.driver.notifyQueue(0);
        assertThat(machine.queue.poll()).isTrue();
        assertThat(machine.queue.usedLength()).isZero();
        assertThat(machine.rng.counts()).isEqualTo(new RngCounts(0, 0, 0, 1, 0));
    }

    @Test
    void theRateIsBounded() {
        Machine machine = new Machine(EntropySource.seeded(1), 1 << 16).start(0);
        assertThat(machine.ask(1 << 16)).as("the burst").hasSize(1 << 16);
        DriverBuffer buffer = machine.heap.writable(1 << 15);
        machine.queue.add(buffer);
        machine.driver.notifyQueue(0);
        assertThat(machine.queue.poll()).isFalse();
        assertThat(machine.rng.counts().throttled()).isEqualTo(1);
        machine.clock.advance(499_000_000);
        assertThat(machine.queue.poll()).isFalse();
        machine.clock.advance(2_000_000);
        assertThat(machine.queue.poll()).isTrue();
        assertThat(machine.queue.usedLength()).isEqualTo(1 << 15);
    }

    @Test
    void aDeviceThatWaitsGoesOnAfterASnapshot() {
        Machine from = new Machine(EntropySource.seeded(1), 1 << 16).start(0);
        from.ask(1 << 16);
        DriverBuffer buffer = from.heap.writable(1 << 15);
        from.queue.add(buffer);
        from.driver.notifyQueue(0);
        from.transport.sleep();
        Snapshot snapshot = from.transport.snapshot();
        byte[] ram = new byte[1 << 21];
        from.memory.copyOut(RAM, ram);

        Machine to = new Machine(EntropySource.seeded(99), 1 << 16);
        to.memory.copyIn(RAM, ram);
        to.transport.sleep();
        to.transport.restore(snapshot);
        assertThat(to.transport.snapshot()).isEqualTo(snapshot);
        to.transport.wake();
        to.clock.advance(501_000_000);
        from.transport.wake();
        from.clock.advance(501_000_000);
        byte[] expected = new byte[1 << 15];
        byte[] restored = new byte[1 << 15];
        from.memory.copyOut(buffer.address(), expected);
        to.memory.copyOut(buffer.address(), restored);
        assertThat(restored).isEqualTo(expected).isNotEqualTo(new byte[1 << 15]);
    }

    @Test
    void aSnapshotOfAnotherSourceIsRefused() {
        Machine from = new Machine(EntropySource.host(), 1 << 16).start(0);
        from.transport.sleep();
        Machine to = new Machine(EntropySource.seeded(1), 1 << 16);
        to.transport.sleep();
        Snapshot before = to.transport.snapshot();
        assertThatThrownBy(() -> to.transport.restore(from.transport.snapshot()))
                .hasMessageContaining("seeded-entropy");
        assertThat(to.transport.snapshot()).isEqualTo(before);
    }

    @Test
    void aQueueThatWasResetServesAgain() {
        Machine machine =
                new Machine(EntropySource.seeded(1), 1 << 20)
                        .start(VirtioFeatures.VIRTIO_F_RING_RESET);
        assertThat(machine.ask(4)).hasSize(4);
        machine.driver.resetQueue(0);
        machine.queue.add(machine.heap.writable(4));
        machine.driver.notifyQueue(0);
        assertThat(machine.queue.poll()).isFalse();
        machine.queue =
                DriverQueue.of(
                        machine.memory,
                        machine.heap.take(DriverQueue.bytes(8, 0), 4096),
                        8,
                        VirtioFeatures.VIRTIO_F_VERSION_1);
        machine.place();
        assertThat(machine.ask(4)).hasSize(4);
    }

    /** What every virtio device goes through. */
    @Nested
    class LifeCycle implements VirtioDeviceLifeCycle<Machine> {
        @Override
        public Machine create() {
            return new Machine(EntropySource.seeded(3), 1 << 20);
        }

        @Override
        public Suspendable transport(Machine machine) {
            return machine.transport;
        }

        @Override
        public VirtioTransportDriver driver(Machine machine) {
            return machine.driver;
        }

        @Override
        public GuestHeap heap(Machine machine) {
            return machine.heap;
        }

        @Override
        public int queues() {
            return 1;
        }

        @Override
        public void mutate(Machine machine) {
            machine.start(0).ask(5);
        }
    }

    @Test
    void aRateThatCannotBeIsRefused() {
        assertThatThrownBy(() -> VirtioRng.of(EntropySource.host(), 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> VirtioRng.of(EntropySource.host(), 1L << 41))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
