package dev.dalang.virtio.block;

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
import dev.dalang.virtio.VirtioFeatures;
import dev.dalang.virtio.VirtioMmioDevice;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A machine without a hart, with one disk, and the disk's driver. */
final class DriverDisk {
    static final long RAM = 0x8000_0000L;
    static final int RAM_BYTES = 1 << 20;
    private static final long SLOT = 0x1000_1000L;
    static final int QUEUE_SIZE = 16;
    private static final int QUEUE_AREA = 4096;

    static final int IN = 0;
    static final int OUT = 1;
    static final int FLUSH = 4;
    static final int GET_ID = 8;
    static final int DISCARD = 11;
    static final int WRITE_ZEROES = 13;

    static final int OK = 0;
    static final int IOERR = 1;
    static final int UNSUPP = 2;

    /** No answer: the device does not own the request any more, and wrote no status. */
    static final int NONE = 0x55;

    final GuestMemory memory;
    final ManualVirtualClock clock = new ManualVirtualClock();
    final RecordingInterruptLine wire = new RecordingInterruptLine();
    final VirtioBlockDevice device;
    final VirtioMmioDevice transport;
    final VirtioMmioDriver driver;
    final List<DriverQueue> queues = new ArrayList<>();
    long features;

    /** Buffers begin here, anew for each request, after the areas of queues. */
    private long next;

    DriverDisk(VirtioBlockDevice device) {
        this(
                device,
                GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(RAM_BYTES, 4096))),
                DeviceExecutor.inline());
    }

    DriverDisk(VirtioBlockDevice device, GuestMemory memory, DeviceExecutor executor) {
        this.device = device;
        this.memory = memory;
        IoManager io = IoManager.create();
        transport =
                VirtioMmioDevice.builder(device, () -> memory, wire, clock, executor)
                        .features(VirtioFeatures.STANDARD | VirtioFeatures.VIRTIO_F_RING_PACKED)
                        .build();
        io.registerMmio(new MmioRange(SLOT, VirtioMmioDevice.SIZE_BYTES), transport);
        driver = new VirtioMmioDriver(io, SLOT);
        recycle();
    }

    /** Brings the disk up. */
    DriverDisk start(long wanted) {
        features = driver.negotiate(wanted);
        queues.clear();
        int count = (features & VirtioBlockFeatures.VIRTIO_BLK_F_MQ) != 0 ? queueCount() : 1;
        for (int i = 0; i < count; i++) {
            queues.add(place(i));
        }
        driver.ready();
        return this;
    }

    private int queueCount() {
        return (int) driver.readConfig(34, 2);
    }

    DriverQueue place(int index) {
        DriverQueue queue =
                DriverQueue.of(memory, RAM + (long) index * QUEUE_AREA, QUEUE_SIZE, features);
        driver.placeQueue(
                index,
                QUEUE_SIZE,
                queue.descriptorAddress(),
                queue.driverAddress(),
                queue.deviceAddress());
        driver.enableQueue(index, true);
        return queue;
    }

    DriverQueue queue() {
        return queues.getFirst();
    }

    // ---------------------------------------------------------------- memory

    /** All buffers of before may be used again. */
    void recycle() {
        next = RAM + 8 * QUEUE_AREA;
    }

    long take(int bytes) {
        long address = next;
        next += bytes;
        if (next > RAM + RAM_BYTES) {
            throw new IllegalStateException("no memory left for buffers");
        }
        return address;
    }

    DriverBuffer readable(byte... content) {
        long address = take(content.length);
        memory.copyIn(address, content);
        return DriverBuffer.readable(address, content.length);
    }

    DriverBuffer writable(int bytes) {
        long address = take(bytes);
        memory.fill(address, bytes, (byte) NONE);
        return DriverBuffer.writable(address, bytes);
    }

    byte[] bytes(DriverBuffer buffer) {
        byte[] copy = new byte[buffer.length()];
        memory.copyOut(buffer.address(), copy);
        return copy;
    }

    int status(DriverBuffer status) {
        return memory.readByte(status.address()) & 0xff;
    }

    static byte[] header(int type, long sector) {
        return java.nio.ByteBuffer.allocate(16)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putInt(type)
                .putInt(0)
                .putLong(sector)
                .array();
    }

    static byte[] range(long sector, int sectors, int flags) {
        return java.nio.ByteBuffer.allocate(16)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .putLong(sector)
                .putInt(sectors)
                .putInt(flags)
                .array();
    }

    static byte[] filled(int bytes, int value) {
        byte[] content = new byte[bytes];
        Arrays.fill(content, (byte) value);
        return content;
    }

    // ---------------------------------------------------------------- requests

    /** Puts a request into the first queue; the status is where it will be. */
    DriverBuffer submit(int type, long sector, DriverBuffer... data) {
        return submit(0, type, sector, data);
    }

    DriverBuffer submit(int queue, int type, long sector, DriverBuffer... data) {
        DriverBuffer status = writable(1);
        DriverBuffer[] all = new DriverBuffer[data.length + 2];
        all[0] = readable(header(type, sector));
        System.arraycopy(data, 0, all, 1, data.length);
        all[all.length - 1] = status;
        queues.get(queue).add(all);
        driver.notifyQueue(queue);
        return status;
    }

    /** Makes a request and takes it back: its status, or {@link #NONE} if it has not come back. */
    int run(int type, long sector, DriverBuffer... data) {
        DriverBuffer status = submit(type, sector, data);
        return queue().poll() ? status(status) : NONE;
    }

    int write(long sector, byte[] content) {
        return run(OUT, sector, readable(content));
    }

    byte[] read(long sector, int sectors) {
        DriverBuffer data = writable(sectors * 512);
        if (run(IN, sector, data) != OK) {
            throw new AssertionError("sectors cannot be read");
        }
        return bytes(data);
    }

    /** Any buffers at all; the length that came back, or -1. */
    long raw(DriverBuffer... buffers) {
        queue().add(buffers);
        driver.notifyQueue(0);
        return queue().poll() ? queue().usedLength() : -1;
    }
}
