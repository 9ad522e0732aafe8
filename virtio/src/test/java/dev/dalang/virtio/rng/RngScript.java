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

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * All that a driver can do to an entropy device, as a script of bytes: buffers that make sense and
 * that do not, an available index that lies, notifications of queues that there are not, sleep,
 * resets, time. Whatever it did, the device works after a reset.
 *
 * <p>The first byte chooses the features; a record has 8 bytes: what, how, two bytes of place, four
 * of value.
 */
final class RngScript {
    static final int RECORD_BYTES = 8;
    private static final int MAX_RECORDS = 4096;
    private static final long SLOT = 0x1000_1000L;
    private static final long RAM = 0x8000_0000L;
    private static final int RAM_BYTES = 1 << 20;
    private static final long BUFFERS = RAM + 0x1_0000;
    private static final int SIZE = 16;

    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(RAM_BYTES, 4096)));
    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final VirtioRng rng = VirtioRng.of(EntropySource.seeded(42), 1 << 20);
    private final VirtioMmioDevice transport =
            VirtioMmioDevice.builder(
                            rng,
                            () -> memory,
                            new RecordingInterruptLine(),
                            clock,
                            DeviceExecutor.inline())
                    .features(VirtioFeatures.STANDARD | VirtioFeatures.VIRTIO_F_RING_PACKED)
                    .build();
    private final VirtioMmioDriver driver;
    private DriverQueue queue;
    private long wanted;
    private boolean hasLied;

    /** What happened. */
    long needsResets;

    long requests;

    RngScript() {
        IoManager io = IoManager.create();
        io.registerMmio(new MmioRange(SLOT, VirtioMmioDevice.SIZE_BYTES), transport);
        driver = new VirtioMmioDriver(io, SLOT);
        start();
    }

    /** What the device gave, and what it held back. */
    RngCounts counts() {
        return rng.counts();
    }

    void run(byte[] script) {
        if (script.length == 0) {
            return;
        }
        wanted = (script[0] & 1) == 0 ? ~VirtioFeatures.VIRTIO_F_RING_PACKED : -1;
        wanted &= (script[0] & 2) == 0 ? -1 : ~VirtioFeatures.STANDARD;
        start();
        ByteBuffer from = ByteBuffer.wrap(script, 1, script.length - 1);
        from.order(ByteOrder.LITTLE_ENDIAN);
        for (int n = 0; n < MAX_RECORDS && from.remaining() >= RECORD_BYTES; n++) {
            step(from.get() & 15, from.get() & 0xff, from.getShort() & 0xffff, from.getInt());
            if ((driver.status() & VirtioTransportDriver.NEEDS_RESET) != 0) {
                needsResets++;
                start();
                requireBytes();
            }
        }
        start();
        requireBytes();
    }

    private void start() {
        hasLied = false;
        queue = DriverQueue.of(memory, RAM + 0x1000, SIZE, driver.negotiate(wanted));
        driver.placeQueue(
                0, SIZE, queue.descriptorAddress(), queue.driverAddress(), queue.deviceAddress());
        driver.enableQueue(0, true);
        driver.ready();
    }

    private void step(int what, int how, int place, int value) {
        requests++;
        switch (what) {
            case 0 -> add(buffer((long) place << 32 | value & 0xffff_ffffL, how << 24, true));
            case 1 -> add(buffer(BUFFERS + place, how, false));
            case 2 -> add(buffer(BUFFERS, value, true));
            case 3 -> {
                hasLied = true;
                memory.writeInt(queue.driverAddress(), value);
                driver.notifyQueue(0);
            }
            case 4 -> {
                hasLied = true;
                memory.writeInt(queue.descriptorAddress() + place % (16 * SIZE), value);
                driver.notifyQueue(0);
            }
            case 5 -> {
                transport.sleep();
                assertThat(transport.snapshot()).isEqualTo(transport.snapshot());
                transport.wake();
            }
            case 6 -> start();
            case 7 -> driver.notifyQueue(how);
            case 8 ->
                    add(buffer(BUFFERS, how, false), buffer(BUFFERS + 0x100, place & 0xfff, true));
            case 9 -> clock.advance(value & 0xff_ffffL);
            default -> add(buffer(BUFFERS + (place & 0x7fff), value & 0x3ff, true));
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
