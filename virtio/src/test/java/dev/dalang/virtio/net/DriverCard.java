package dev.dalang.virtio.net;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.pci.MsiTargetRouter;
import dev.dalang.pci.PciConfigMmio;
import dev.dalang.pci.PciRoot;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.ScriptedMsiTarget;
import dev.dalang.testkit.pci.EcamDriver;
import dev.dalang.testkit.pci.PciBdf;
import dev.dalang.testkit.pci.PciFunctionDriver;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.GuestHeap;
import dev.dalang.testkit.virtio.VirtioPciDriver;
import dev.dalang.virtio.VirtioFeatures;
import dev.dalang.virtio.VirtioPciDevice;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A machine without a hart, with one network card over PCI, and the card's driver. */
final class DriverCard {
    private static final long ECAM = 0x3000_0000L;
    private static final long RAM = 0x8000_0000L;
    private static final long RAM_BYTES = 64 << 20;
    private static final int MASTER = 4;
    private static final int HEADER = 12;

    /** A frame that was received, and the header before it. */
    static final class Received {
        private final ByteBuffer header;
        private final byte[] frame;

        Received(ByteBuffer header, byte[] frame) {
            this.header = header;
            this.frame = frame;
        }

        ByteBuffer header() {
            return header;
        }

        byte[] frame() {
            return frame;
        }

        int flags() {
            return header.get(0);
        }

        int kind() {
            return header.get(1);
        }

        int segmentBytes() {
            return header.getShort(4) & 0xffff;
        }

        int buffers() {
            return header.getShort(10) & 0xffff;
        }
    }

    final GuestMemory memory;
    final GuestHeap heap;
    final VirtioPciDevice transport;
    final VirtioPciDriver driver;
    final long features;
    final int pairs;
    final DriverQueue[] queues;
    private final int control;
    private final Map<Integer, DriverBuffer> posted = new HashMap<>();
    private final Deque<DriverBuffer> spare = new ArrayDeque<>();
    private final Map<Integer, DriverBuffer> sending = new HashMap<>();

    /** A new machine, whose card has been brought up. */
    DriverCard(VirtioNetDevice device, VirtualClock clock, DeviceExecutor executor, long wanted) {
        memory = GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(RAM_BYTES, 4096)));
        heap = new GuestHeap(memory, RAM, RAM_BYTES);
        transport = transport(device);
        driver = plug(transport, memory, clock, executor);
        features = driver.negotiate(wanted | VirtioPciDriver.VERSION_1);
        boolean multi = (features & VirtioNetFeatures.VIRTIO_NET_F_MQ) != 0;
        pairs = multi ? (int) driver.readConfig(8, 2) : 1;
        control = 2 * pairs;
        queues = new DriverQueue[control + 1];
        for (int i = 0; i <= control; i++) {
            if (i < control || (features & VirtioNetFeatures.VIRTIO_NET_F_CTRL_VQ) != 0) {
                place(i);
            }
        }
        driver.ready();
    }

    /** Another machine with the memory of one that was saved, and its card, asleep. */
    DriverCard(
            DriverCard saved,
            VirtioNetDevice device,
            VirtualClock clock,
            DeviceExecutor executor,
            Snapshot snapshot) {
        memory = saved.memory;
        heap = saved.heap;
        transport = transport(device);
        driver = plug(transport, memory, clock, executor);
        features = saved.features;
        pairs = saved.pairs;
        control = saved.control;
        queues = saved.queues;
        posted.putAll(saved.posted);
        transport.sleep();
        transport.restore(snapshot);
    }

    private static VirtioPciDevice transport(VirtioNetDevice device) {
        return VirtioPciDevice.of(
                device, VirtioFeatures.STANDARD | VirtioFeatures.VIRTIO_F_RING_PACKED);
    }

    private static VirtioPciDriver plug(
            VirtioPciDevice transport,
            GuestMemory memory,
            VirtualClock clock,
            DeviceExecutor executor) {
        IoManager io = IoManager.create();
        PciRoot root =
                PciRoot.builder(io, memory, clock)
                        .memory32(new MmioRange(0x4000_0000L, 0x4000_0000L))
                        .memory64(new MmioRange(0x4_0000_0000L, 0x1_0000_0000L))
                        .messages(MsiTargetRouter.create(new ScriptedMsiTarget(), 4096))
                        .wires(
                                List.of(
                                        new RecordingInterruptLine(),
                                        new RecordingInterruptLine(),
                                        new RecordingInterruptLine(),
                                        new RecordingInterruptLine()))
                        .executor(executor)
                        .buses(16)
                        .build();
        io.registerMmio(new MmioRange(ECAM, 16 << 20), PciConfigMmio.ecam(root));
        root.bus().add(transport);
        PciFunctionDriver function = new EcamDriver(io, ECAM).function(new PciBdf(0, 1, 0));
        function.setCommand(function.command() | MASTER);
        return new VirtioPciDriver(function);
    }

    void place(int index) {
        int size = Math.min(driver.maxQueueSize(index), 256);
        long base = heap.take(DriverQueue.bytes(size, features), 4096);
        DriverQueue queue = DriverQueue.of(memory, base, size, features);
        driver.placeQueue(
                index,
                size,
                queue.descriptorAddress(),
                queue.driverAddress(),
                queue.deviceAddress());
        driver.enableQueue(index, true);
        queues[index] = queue;
    }

    private static int key(int pair, int id) {
        return pair << 16 | id;
    }

    /** Gives the device buffers to receive into. */
    void post(int pair, int count, int bytes) {
        DriverQueue queue = queues[2 * pair];
        for (int i = 0; i < count; i++) {
            DriverBuffer buffer = heap.writable(bytes);
            posted.put(key(pair, queue.add(buffer)), buffer);
        }
        driver.notifyQueue(2 * pair);
    }

    /** Takes a frame that was received, and gives its buffers back to the device; or null. */
    Received poll(int pair) {
        DriverQueue queue = queues[2 * pair];
        if (!queue.poll()) {
            return null;
        }
        DriverBuffer first = posted.remove(key(pair, queue.usedId()));
        byte[] bytes = new byte[(int) queue.usedLength()];
        memory.copyOut(first.address(), bytes);
        ByteBuffer header =
                ByteBuffer.wrap(bytes, 0, HEADER).slice().order(ByteOrder.LITTLE_ENDIAN);
        int buffers = header.getShort(10) & 0xffff;
        java.io.ByteArrayOutputStream frame = new java.io.ByteArrayOutputStream();
        frame.write(bytes, HEADER, bytes.length - HEADER);
        spare.add(first);
        for (int i = 1; i < buffers; i++) {
            if (!queue.poll()) {
                throw new AssertionError("buffer " + i + " of " + buffers + " is missing");
            }
            DriverBuffer more = posted.remove(key(pair, queue.usedId()));
            byte[] rest = new byte[(int) queue.usedLength()];
            memory.copyOut(more.address(), rest);
            frame.writeBytes(rest);
            spare.add(more);
        }
        while (!spare.isEmpty()) {
            DriverBuffer again = spare.remove();
            posted.put(key(pair, queue.add(again)), again);
        }
        if (queue.needsKick()) {
            driver.notifyQueue(2 * pair);
        }
        return new Received(header, frame.toByteArray());
    }

    /** Sends bytes as they are, header included; the buffer is split at some places. */
    void send(int pair, byte[] bytes, int... splits) {
        DriverQueue queue = queues[2 * pair + 1];
        DriverBuffer whole = heap.readable(bytes);
        DriverBuffer[] parts = new DriverBuffer[splits.length + 1];
        int from = 0;
        for (int i = 0; i <= splits.length; i++) {
            int to = i < splits.length ? splits[i] : bytes.length;
            parts[i] = DriverBuffer.readable(whole.address() + from, to - from);
            from = to;
        }
        queue.add(parts);
        if (queue.needsKick()) {
            driver.notifyQueue(2 * pair + 1);
        }
    }

    /** Sends a frame in a buffer that is used again; false if there is none. */
    boolean trySend(ByteBuffer headerAndFrame, int length) {
        DriverQueue queue = queues[1];
        while (queue.poll()) {
            spareSends.add(sending.remove(queue.usedId()));
        }
        if (spareSends.isEmpty() && sending.size() < 64) {
            spareSends.add(heap.writable(1 << 17));
        }
        if (spareSends.isEmpty()) {
            return false;
        }
        DriverBuffer buffer = spareSends.remove();
        byte[] bytes = new byte[length];
        headerAndFrame.get(0, bytes);
        memory.copyIn(buffer.address(), bytes);
        int id = queue.add(DriverBuffer.readable(buffer.address(), length));
        sending.put(id, buffer);
        if (queue.needsKick()) {
            driver.notifyQueue(1);
        }
        return true;
    }

    private final Deque<DriverBuffer> spareSends = new ArrayDeque<>();

    /** The header of a frame with nothing to be done. */
    static byte[] withHeader(
            int flags, int kind, int segment, int start, int offset, byte[] frame) {
        ByteBuffer all = ByteBuffer.allocate(HEADER + frame.length).order(ByteOrder.LITTLE_ENDIAN);
        all.put(0, (byte) flags).put(1, (byte) kind).putShort(2, (short) 54);
        all.putShort(4, (short) segment).putShort(6, (short) start).putShort(8, (short) offset);
        all.put(HEADER, frame);
        return all.array();
    }

    static byte[] plain(byte[] frame) {
        return withHeader(0, 0, 0, 0, 0, frame);
    }

    /** Gives a command; the answer, or -1 if the device gave none. */
    int command(int commandClass, int command, byte... data) {
        DriverQueue queue = queues[control];
        byte[] all = new byte[2 + data.length];
        all[0] = (byte) commandClass;
        all[1] = (byte) command;
        System.arraycopy(data, 0, all, 2, data.length);
        DriverBuffer answer = heap.writable(1);
        memory.writeByte(answer.address(), (byte) 0x55);
        queue.add(heap.readable(all), answer);
        driver.notifyQueue(control);
        return queue.poll() ? memory.readByte(answer.address()) & 0xff : -1;
    }
}
