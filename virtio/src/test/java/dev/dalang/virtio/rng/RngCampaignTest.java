package dev.dalang.virtio.rng;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.VirtioMmioDriver;
import dev.dalang.testkit.virtio.VirtioTransportDriver;
import dev.dalang.virtio.VirtioFeatures;
import dev.dalang.virtio.VirtioMmioDevice;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.Random;

/**
 * Requests to the entropy device that make sense and that do not. {@code -Ddalang.rng.requests=N}
 * and {@code -Ddalang.seed=N} choose others.
 */
class RngCampaignTest {
    private static final long REQUESTS = Long.getLong("dalang.rng.requests", 100_000);
    private static final long SEED = Long.getLong("dalang.seed", 42);
    private static final long SLOT = 0x1000_1000L;
    private static final long RAM = 0x8000_0000L;
    private static final int RAM_BYTES = 1 << 20;
    private static final long BUFFERS = RAM + 0x1_0000;
    private static final int SIZE = 16;

    private final Random random = new Random(SEED);
    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(RAM_BYTES, 4096)));
    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final VirtioRng rng = VirtioRng.of(EntropySource.seeded(SEED), 1 << 20);
    private final VirtioMmioDevice transport =
            VirtioMmioDevice.builder(
                            rng,
                            () -> memory,
                            new RecordingInterruptLine(),
                            clock,
                            DeviceExecutor.inline())
                    .features(VirtioFeatures.STANDARD | VirtioFeatures.VIRTIO_F_RING_PACKED)
                    .build();
    private VirtioMmioDriver driver;
    private DriverQueue queue;
    private boolean hasLied;

    @Test
    void nothingThatADriverDoesEscapes() {
        IoManager io = IoManager.create();
        io.registerMmio(new MmioRange(SLOT, VirtioMmioDevice.SIZE_BYTES), transport);
        driver = new VirtioMmioDriver(io, SLOT);
        start();
        long needsResets = 0;
        for (long done = 0; done < REQUESTS; done++) {
            step(random.nextInt(100));
            if ((driver.status() & VirtioTransportDriver.NEEDS_RESET) != 0) {
                needsResets++;
                start();
                requireBytes();
            }
        }
        start();
        requireBytes();
        System.out.printf(
                "seed %d: %d requests, %d resets that were needed, %s%n",
                SEED, REQUESTS, needsResets, rng.counts());
        assertThat(needsResets).isPositive();
        assertThat(rng.counts().throttled()).isPositive();
        assertThat(rng.counts().capped()).isPositive();
        assertThat(rng.counts().empty()).isPositive();
    }

    private void start() {
        hasLied = false;
        long features = driver.negotiate(random.nextLong());
        queue = DriverQueue.of(memory, RAM + 0x1000, SIZE, features);
        place();
        driver.ready();
    }

    private void place() {
        driver.placeQueue(
                0, SIZE, queue.descriptorAddress(), queue.driverAddress(), queue.deviceAddress());
        driver.enableQueue(0, true);
    }

    private void step(int what) {
        switch (what) {
            case 0 -> add(buffer(random.nextLong() & 0xffff_ffff_ffffL, random.nextInt(), true));
            case 1 -> add(buffer(BUFFERS, random.nextInt(64), false));
            case 2 -> add(buffer(BUFFERS, 0x2_0000 + random.nextInt(0x1_0000), true));
            case 3 -> {
                hasLied = true;
                memory.writeInt(queue.driverAddress(), random.nextInt());
                driver.notifyQueue(0);
            }
            case 4 -> {
                transport.sleep();
                assertThat(transport.snapshot()).isEqualTo(transport.snapshot());
                transport.wake();
            }
            case 5 -> start();
            case 6 -> driver.notifyQueue(random.nextInt(4));
            case 7 ->
                    add(
                            buffer(BUFFERS, random.nextInt(32), false),
                            buffer(BUFFERS + 64, random.nextInt(4096), true));
            default -> {
                clock.advance(random.nextInt(5_000_000));
                add(buffer(BUFFERS + random.nextInt(0x8000), random.nextInt(512), true));
            }
        }
    }

    private static DriverBuffer buffer(long address, int length, boolean isWritable) {
        return new DriverBuffer(address, length, isWritable);
    }

    private void add(DriverBuffer... buffers) {
        try {
            while (queue.poll()) {
                assertThat(queue.usedLength()).isLessThanOrEqualTo(VirtioRng.MAX_REQUEST_BYTES);
            }
        } catch (AssertionError confused) {
            // A driver that lied about its ring gets back what it did not mean to give.
            if (!hasLied) {
                throw confused;
            }
        }
        if (queue.free() < buffers.length) {
            clock.advance(1_000_000_000);
            return;
        }
        queue.add(buffers);
        driver.notifyQueue(0);
    }

    private void requireBytes() {
        clock.advance(10_000_000_000L);
        queue.add(buffer(BUFFERS, 32, true));
        driver.notifyQueue(0);
        assertThat(queue.poll()).isTrue();
        assertThat(queue.usedLength()).isEqualTo(32);
    }
}
