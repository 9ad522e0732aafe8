package dev.dalang.bench;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.virtio.VirtioFeatures;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.QueueConfig;
import dev.dalang.virtio.queue.QueueError;
import dev.dalang.virtio.queue.QueueMemory;
import dev.dalang.virtio.queue.QueueSignals;
import dev.dalang.virtio.queue.VirtQueue;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;

/**
 * Chains per second of the queue code alone: a driver, of which no more is played than it takes,
 * makes a batch of chains available, and the device pops each, looks at its buffers, completes it,
 * and asks at the end of the batch whether the driver wants an interrupt. The driver costs
 * something as well: {@link #driverAlone} tells how much.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 7, time = 1)
@Fork(1)
public class VirtqueueBenchmark {
    private static final int CHAINS = 4096;
    private static final long RAM = 0x8000_0000L;
    private static final long RAM_BYTES = 1 << 20;
    private static final long DESCRIPTORS = RAM;
    private static final long DRIVER_AREA = RAM + 0x4000;
    private static final long DEVICE_AREA = RAM + 0x5000;
    private static final long BUFFERS = RAM + 0x8000;

    private static final int NEXT = 1;
    private static final int WRITE = 2;
    private static final int AVAIL = 1 << 7;
    private static final int USED = 1 << 15;

    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORTS = SHORT.varHandle();

    /** The layout of the ring. */
    @Param({"split", "packed"})
    public String layout = "split";

    /** Descriptors of a chain; the last one is writable. */
    @Param({"2", "3"})
    public int descriptors;

    /** Chains that are available at once. */
    @Param({"1", "32"})
    public int batch;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment bytes = arena.allocate(RAM_BYTES, 4096);
    private final GuestMemory memory = GuestMemory.of(new MemoryRegion(RAM, bytes));
    private final CountingSignals signals = new CountingSignals();
    private VirtQueue queue = activate(memory, signals, false, 256);
    private boolean isPacked;
    private int size;
    private int available;
    private int slot;
    private boolean wrap = true;

    /** Made by the harness. */
    public VirtqueueBenchmark() {}

    /** Fills the rings and activates the queue. */
    @Setup
    public void setUp() {
        isPacked = layout.equals("packed");
        // So many that chains of two and of three fill the ring.
        size = isPacked ? 192 : 256;
        for (int i = 0; i < 192; i++) {
            boolean isLast = i % descriptors == descriptors - 1;
            bytes.set(LONG, 16L * i, BUFFERS + 64L * i);
            bytes.set(LONG, 16L * i + 8, word(i, isLast));
        }
        for (int i = 0; i < size && !isPacked; i++) {
            int head = i % (192 / descriptors) * descriptors;
            bytes.set(SHORT, DRIVER_AREA - RAM + 4 + 2L * i, (short) head);
        }
        queue = activate(memory, signals, isPacked, size);
    }

    private static VirtQueue activate(
            GuestMemory memory, QueueSignals signals, boolean isPacked, int size) {
        QueueConfig config = QueueConfig.of(0, 256);
        config.negotiated(isPacked ? VirtioFeatures.VIRTIO_F_RING_PACKED : 0);
        config.setSize(size);
        config.setDescriptorAddress(DESCRIPTORS);
        config.setDriverAddress(DRIVER_AREA);
        config.setDeviceAddress(DEVICE_AREA);
        config.setReady(true);
        return config.activate(QueueMemory.of(memory), signals);
    }

    private static final class CountingSignals implements QueueSignals {
        long interrupts;

        @Override
        public void used(int index) {
            interrupts++;
        }

        @Override
        public void broken(int index, QueueError error) {
            throw new IllegalStateException("queue broken: " + error);
        }
    }

    /** Frees the memory. */
    @TearDown(Level.Trial)
    public void tearDown() {
        arena.close();
    }

    /** Length, flags, and next or id of a descriptor. */
    private long word(int descriptor, boolean isLast) {
        int flags = isLast ? WRITE : NEXT;
        return isPacked
                ? 64L | (long) descriptor << 32 | (long) flags << 48
                : 64L | (long) flags << 32 | (long) (descriptor + 1) << 48;
    }

    /**
     * The device and its driver.
     *
     * @return a value that depends on every chain
     */
    @Benchmark
    @OperationsPerInvocation(CHAINS)
    public long popAndComplete() {
        long sum = signals.interrupts;
        for (int done = 0; done < CHAINS; done += batch) {
            offer();
            do {
                queue.disableNotification();
                DescriptorChain chain;
                while ((chain = queue.pop()) != null) {
                    sum += chain.address(0) + chain.writableBytes();
                    queue.complete(chain, 64);
                }
                if (queue.needsNotification()) {
                    queue.notifyDriver();
                }
            } while (queue.enableNotification());
        }
        return sum;
    }

    /**
     * The same with one publication for each batch.
     *
     * @return a value that depends on every chain
     */
    @Benchmark
    @OperationsPerInvocation(CHAINS)
    public long popAndCompleteAtOnce() {
        long sum = signals.interrupts;
        for (int done = 0; done < CHAINS; done += batch) {
            offer();
            do {
                queue.disableNotification();
                DescriptorChain chain;
                while ((chain = queue.pop()) != null) {
                    sum += chain.address(0) + chain.writableBytes();
                    queue.completeLater(chain, 64);
                }
                queue.publish();
                if (queue.needsNotification()) {
                    queue.notifyDriver();
                }
            } while (queue.enableNotification());
        }
        return sum;
    }

    /** What the driver costs. */
    @Benchmark
    @OperationsPerInvocation(CHAINS)
    public void driverAlone() {
        for (int done = 0; done < CHAINS; done += batch) {
            offer();
        }
    }

    /** Makes a batch of chains available. */
    private void offer() {
        if (!isPacked) {
            available += batch;
            SHORTS.setRelease(bytes, DRIVER_AREA - RAM + 2, (short) available);
            return;
        }
        for (int i = 0; i < batch; i++) {
            long mark = (long) (wrap ? AVAIL : USED) << 48;
            for (int k = descriptors - 1; k > 0; k--) {
                long word = word(slot + k, k == descriptors - 1);
                bytes.set(LONG, 16L * (slot + k) + 8, word | mark);
            }
            long head = word(slot, false) | mark;
            bytes.set(LONG, 16L * slot + 8, head);
            SHORTS.setRelease(bytes, 16L * slot + 14, (short) (head >>> 48));
            slot += descriptors;
            if (slot == size) {
                slot = 0;
                wrap = !wrap;
            }
        }
    }
}
