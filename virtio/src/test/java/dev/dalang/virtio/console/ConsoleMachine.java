package dev.dalang.virtio.console;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.GuestHeap;
import dev.dalang.testkit.virtio.VirtioMmioDriver;
import dev.dalang.virtio.VirtioFeatures;
import dev.dalang.virtio.VirtioMmioDevice;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A machine without a hart, with a console device, and the device's driver. */
final class ConsoleMachine {
    static final long SLOT = 0x1000_1000L;
    static final long RAM = 0x8000_0000L;
    static final int RAM_BYTES = 4 << 20;
    static final long PACKED = VirtioFeatures.VIRTIO_F_RING_PACKED;
    static final long ALL = -1L & ~PACKED;
    static final long ALL_PACKED = -1L;
    private static final int SIZE = 16;
    private static final int BUFFER = 64;

    /** What the device says on its control queue. */
    record Message(int port, int event, int value, String rest) {
        @Override
        public String toString() {
            return port + ":" + event + "=" + value + (rest.isEmpty() ? "" : " " + rest);
        }
    }

    final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(RAM_BYTES, 4096)));
    final GuestHeap heap = new GuestHeap(memory, RAM, RAM_BYTES);
    final RecordingInterruptLine line = new RecordingInterruptLine();
    final VirtioConsoleDevice device;
    final VirtioMmioDevice transport;
    final VirtioMmioDriver driver;
    final Map<Integer, DriverQueue> queues = new HashMap<>();
    private final Map<DriverQueue, Map<Integer, DriverBuffer>> posted = new HashMap<>();
    private final Map<DriverQueue, Deque<DriverBuffer>> spare = new HashMap<>();
    long features;

    ConsoleMachine(VirtioConsoleDevice device) {
        this(device, DeviceExecutor.inline());
    }

    ConsoleMachine(VirtioConsoleDevice device, DeviceExecutor executor) {
        this.device = device;
        transport =
                VirtioMmioDevice.builder(
                                device, () -> memory, line, new ManualVirtualClock(), executor)
                        .features(VirtioFeatures.STANDARD | PACKED)
                        .build();
        IoManager io = IoManager.create();
        io.registerMmio(new MmioRange(SLOT, VirtioMmioDevice.SIZE_BYTES), transport);
        driver = new VirtioMmioDriver(io, SLOT);
    }

    /**
     * Brings the device up to where its queues are there, and buffers are in those to the driver.
     */
    ConsoleMachine start(long wanted) {
        features = driver.negotiate(wanted);
        queues.clear();
        boolean multiport = (features & VirtioConsoleDevice.VIRTIO_CONSOLE_F_MULTIPORT) != 0;
        int count = multiport ? 2 * (int) driver.readConfig(4, 4) + 2 : 2;
        for (int index = 0; index < count; index++) {
            place(index);
        }
        driver.ready();
        queues.forEach(
                (index, queue) -> {
                    if (index % 2 == 0) {
                        post(index, SIZE, BUFFER);
                    }
                });
        return this;
    }

    /** And up to where the driver has all ports, and has opened those that are named. */
    ConsoleMachine startPorts(long wanted, int... open) {
        start(wanted);
        say(0, 0, 1);
        for (Message message : messages()) {
            say(message.port, 3, 1);
        }
        for (int port : open) {
            say(port, 6, 1);
        }
        return this;
    }

    DriverQueue place(int index) {
        long base = heap.take(DriverQueue.bytes(SIZE, features), 4096);
        DriverQueue queue = DriverQueue.of(memory, base, SIZE, features);
        queues.put(index, queue);
        driver.placeQueue(
                index,
                SIZE,
                queue.descriptorAddress(),
                queue.driverAddress(),
                queue.deviceAddress());
        driver.enableQueue(index, true);
        return queue;
    }

    /** Gives buffers for what the device writes. */
    void post(int index, int count, int bytes) {
        DriverQueue queue = queues.get(index);
        for (int k = 0; k < count && queue.free() > 0; k++) {
            DriverBuffer buffer = heap.writable(bytes);
            posted.computeIfAbsent(queue, _ -> new HashMap<>()).put(queue.add(buffer), buffer);
        }
        driver.notifyQueue(index);
    }

    /** Says something on the control queue. */
    void say(int port, int event, int value) {
        byte[] bytes =
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(port)
                        .putShort((short) event)
                        .putShort((short) value)
                        .array();
        send(3, bytes);
    }

    /** Makes a buffer available that the device reads; false if there is no room. */
    boolean send(int index, byte... bytes) {
        DriverQueue queue = queues.get(index);
        Map<Integer, DriverBuffer> sent = posted.computeIfAbsent(queue, _ -> new HashMap<>());
        Deque<DriverBuffer> free = spare.computeIfAbsent(queue, _ -> new ArrayDeque<>());
        while (queue.poll()) {
            free.add(sent.remove(queue.usedId()));
        }
        if (queue.free() == 0) {
            return false;
        }
        DriverBuffer buffer = null;
        for (DriverBuffer candidate : free) {
            buffer = candidate.length() == bytes.length ? candidate : buffer;
        }
        if (buffer == null) {
            buffer = heap.readable(bytes);
        } else {
            free.remove(buffer);
            memory.copyIn(buffer.address(), bytes);
        }
        sent.put(queue.add(buffer), buffer);
        driver.notifyQueue(index);
        return true;
    }

    void write(int port, String text) {
        send(port == 0 ? 1 : 2 * port + 3, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Takes what the device has written, and gives the buffers anew. */
    private List<byte[]> take(int index) {
        DriverQueue queue = queues.get(index);
        Map<Integer, DriverBuffer> there = posted.get(queue);
        List<byte[]> all = new ArrayList<>();
        while (queue.poll()) {
            DriverBuffer buffer = there.remove(queue.usedId());
            byte[] bytes = new byte[(int) queue.usedLength()];
            memory.copyOut(buffer.address(), bytes);
            all.add(bytes);
            there.put(queue.add(buffer), buffer);
            driver.notifyQueue(index);
        }
        return all;
    }

    byte[] readBytes(int port) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        take(port == 0 ? 0 : 2 * port + 2).forEach(bytes::writeBytes);
        return bytes.toByteArray();
    }

    String read(int port) {
        return new String(readBytes(port), StandardCharsets.UTF_8);
    }

    List<Message> messages() {
        List<Message> all = new ArrayList<>();
        for (byte[] bytes : take(2)) {
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            int port = buffer.getInt();
            int event = buffer.getShort();
            int value = buffer.getShort();
            String rest =
                    event == 5
                            ? buffer.getShort() + "x" + buffer.getShort()
                            : StandardCharsets.UTF_8.decode(buffer).toString();
            all.add(new Message(port, event, value, rest));
        }
        return all;
    }

    List<String> said() {
        return messages().stream().map(Message::toString).toList();
    }
}
