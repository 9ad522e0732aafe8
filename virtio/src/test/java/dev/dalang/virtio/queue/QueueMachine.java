package dev.dalang.virtio.queue;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.GuestHeap;
import dev.dalang.testkit.virtio.PackedDriverQueue;
import dev.dalang.testkit.virtio.SplitDriverQueue;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** A queue with both its sides, and memory with all that memory may have. */
final class QueueMachine {
    static final long RAM = 0x8000_0000L;
    static final long RAM_BYTES = 1 << 20;

    /** A second region right after the first. */
    static final long NEIGHBOUR = RAM + RAM_BYTES;

    static final long NEIGHBOUR_BYTES = 1 << 16;

    /** Where there is no memory any more. */
    static final long HOLE = NEIGHBOUR + NEIGHBOUR_BYTES;

    static final long READ_ONLY = 0x1_0000_0000L;

    static final long NOTHING = 0;
    static final long EVENT_IDX = DriverQueue.EVENT_IDX;
    static final long INDIRECT = DriverQueue.INDIRECT_DESC;
    static final long IN_ORDER = DriverQueue.IN_ORDER;
    static final long PACKED = DriverQueue.RING_PACKED;

    /** Keeps what a queue says. */
    static final class Recorder implements QueueSignals {
        final List<QueueError> errors = new ArrayList<>();
        int interrupts;

        @Override
        public void used(int queue) {
            interrupts++;
        }

        @Override
        public void broken(int queue, QueueError error) {
            errors.add(error);
        }
    }

    final GuestMemory memory = newMemory();
    final GuestHeap heap = new GuestHeap(memory, RAM + 0x1000, RAM_BYTES - 0x1000);
    final Recorder signals = new Recorder();
    final QueueConfig config;
    final DriverQueue driver;
    @Nullable GuestMemory accessible = memory;
    VirtQueue queue;

    QueueMachine(int size, long features) {
        this(size, features, size);
    }

    QueueMachine(int size, long features, int maxSize) {
        driver = DriverQueue.of(memory, heap.take(bytes(size, features), 4096), size, features);
        config = QueueConfig.of(0, maxSize);
        config.negotiated(features);
        configure();
        queue = config.activate(() -> accessible, signals);
    }

    private static long bytes(int size, long features) {
        return DriverQueue.bytes(size, features);
    }

    static GuestMemory newMemory() {
        Arena arena = Arena.ofAuto();
        return GuestMemory.of(
                new MemoryRegion(RAM, arena.allocate(RAM_BYTES, 4096)),
                new MemoryRegion(NEIGHBOUR, arena.allocate(NEIGHBOUR_BYTES, 4096)),
                new MemoryRegion(READ_ONLY, arena.allocate(4096, 4096).asReadOnly()));
    }

    void configure() {
        config.setSize(driver.size());
        config.setDescriptorAddress(driver.descriptorAddress());
        config.setDriverAddress(driver.driverAddress());
        config.setDeviceAddress(driver.deviceAddress());
        config.setReady(true);
    }

    /** A device of the same configuration whose queue takes the state of this one's. */
    void restoreInto(QueueMachine other) {
        other.queue.restore(queue.snapshot());
    }

    SplitDriverQueue split() {
        return (SplitDriverQueue) driver;
    }

    PackedDriverQueue packed() {
        return (PackedDriverQueue) driver;
    }

    /** Readable and writable buffers in memory of their own: positive lengths are readable. */
    DriverBuffer[] buffers(int... lengths) {
        DriverBuffer[] buffers = new DriverBuffer[lengths.length];
        for (int i = 0; i < lengths.length; i++) {
            buffers[i] =
                    lengths[i] < 0
                            ? heap.writable(-lengths[i])
                            : DriverBuffer.readable(heap.take(lengths[i], 16), lengths[i]);
        }
        return buffers;
    }

    /** Pops, which must give a chain. */
    DescriptorChain pop() {
        DescriptorChain chain = queue.pop();
        if (chain == null) {
            throw new AssertionError("no chain; error " + queue.error());
        }
        return chain;
    }

    /** Serves all chains that are there, each with this many bytes written; gives how many. */
    int serve(int bytesWritten) {
        int served = 0;
        DescriptorChain chain;
        while ((chain = queue.pop()) != null) {
            queue.complete(chain, bytesWritten);
            served++;
        }
        return served;
    }

    /** Takes so many used chains back, which must be there. */
    void takeBack(int chains) {
        for (int i = 0; i < chains; i++) {
            if (!driver.poll()) {
                throw new AssertionError("expected " + chains + " used chains, got " + i);
            }
        }
    }
}
