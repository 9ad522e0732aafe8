package dev.dalang.virtio.net;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.bus.time.RateLimiter;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.net.Frame;
import dev.dalang.net.FrameSink;
import dev.dalang.net.NetworkBackend;
import dev.dalang.net.Offload;
import dev.dalang.net.Segmentation;
import dev.dalang.testkit.RecordingInterruptLine;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.VirtioMmioDriver;
import dev.dalang.virtio.VirtioCounts;
import dev.dalang.virtio.VirtioFeatures;
import dev.dalang.virtio.VirtioMmioDevice;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a driver can do to a network card, and a network behind it at the same time, read from
 * bytes: buffers, frames and commands, sound or not, on every queue; rings written over; resets of
 * queues and of the card, sleep, a move to another machine, changes of link and rate. All on one
 * thread. Whatever happened, a card that is reset works.
 */
final class NetCardScript {
    private static final long SLOT = 0x1000_1000L;
    private static final long RAM = 0x8000_0000L;
    private static final int RAM_BYTES = 1 << 20;
    private static final long ROM = 0x2000_0000L;
    private static final int ROM_BYTES = 0x1000;
    private static final int PAIRS = 2;
    private static final int QUEUES = 2 * PAIRS + 1;
    private static final int CONTROL = 2 * PAIRS;
    private static final int RING_BYTES = 0x2000;
    private static final int QUEUE_SIZE = 32;

    /** Where what is posted, sent and commanded lies; anything may overlap. */
    private static final long BUFFERS = RAM + QUEUES * RING_BYTES;

    private static final int BUFFER_BYTES = RAM_BYTES - QUEUES * RING_BYTES;
    private static final long OFFERED =
            VirtioFeatures.STANDARD | VirtioFeatures.VIRTIO_F_RING_PACKED;
    private static final long BELIEVABLE_MAC = 0x5254_0012_3456L;

    private final GuestMemory memory =
            GuestMemory.of(
                    new MemoryRegion(ROM, Arena.ofAuto().allocate(ROM_BYTES, 4096).asReadOnly()),
                    new MemoryRegion(RAM, Arena.ofAuto().allocate(RAM_BYTES, 4096)));
    private final ManualVirtualClock clock = new ManualVirtualClock();
    private final DeviceExecutor executor = DeviceExecutor.inline();
    private final Frame inbound = new Frame();
    private Network network;
    private VirtioNetDevice card;
    private VirtioMmioDevice transport;
    private VirtioMmioDriver driver;
    private final DriverQueue[] queues = new DriverQueue[QUEUES];
    private long features;

    /** Whether the driver has kept to the rules of its rings since the last reset. */
    private boolean honest;

    private boolean awake = true;

    private byte[] script = {};
    private int at;

    /** How many requests were put to the card: chains of every queue, and frames from behind. */
    long requests;

    /** What became of them, so that a campaign can tell that it does something. */
    long sent;

    long received;
    long commands;
    long brokenCards;

    NetCardScript() {
        network = new Network();
        card = card(network);
        transport = transport();
        driver = driver();
    }

    /** A network that checks what it is sent. */
    private static final class Network implements NetworkBackend {
        private @Nullable FrameSink sink;
        private boolean full;

        @Override
        public void start(VirtualClock time, FrameSink card) {
            sink = card;
        }

        @Override
        public boolean send(Frame frame) {
            require(frame.length() >= Frame.HEADER_BYTES, "a frame of " + frame.length());
            if (frame.needsChecksum()) {
                int end = frame.checksumStart() + frame.checksumOffset() + 2;
                require(end <= frame.length(), "a checksum at " + end);
            }
            if (frame.segmentation() != Segmentation.NONE) {
                require(frame.needsChecksum() && frame.segmentBytes() > 0, "segments of nothing");
                require(frame.headerBytes() <= frame.length(), "headers longer than all");
            }
            return !full;
        }

        @Override
        public void readyToReceive() {}

        @Override
        public Set<Offload> sendOffloads() {
            return EnumSet.allOf(Offload.class);
        }

        @Override
        public Set<Offload> receiveOffloads() {
            return EnumSet.of(Offload.CHECKSUM, Offload.TCP4, Offload.TCP6, Offload.TCP_ECN);
        }

        @Override
        public void acceptOffloads(Set<Offload> accepted) {
            require(receiveOffloads().containsAll(accepted), "offloads " + accepted);
        }

        @Override
        public int mtu() {
            return 1500;
        }

        @Override
        public void sleep() {}

        @Override
        public void wake() {}

        @Override
        public Snapshot snapshot() {
            return Snapshot.builder("network", 1).build();
        }

        @Override
        public void restore(Snapshot snapshot) {
            snapshot.expect("network", 1);
        }

        @Override
        public void close() {}
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static VirtioNetDevice card(Network behind) {
        return VirtioNetDevice.builder(behind)
                .mac(BELIEVABLE_MAC)
                .queuePairs(PAIRS)
                .sendRate(RateLimiter.Rate.of(100_000), RateLimiter.Rate.of(100 << 20))
                .receiveRate(RateLimiter.Rate.of(100_000), RateLimiter.Rate.of(100 << 20))
                .build();
    }

    private VirtioMmioDevice transport() {
        return VirtioMmioDevice.builder(
                        card, () -> memory, new RecordingInterruptLine(), clock, executor)
                .features(OFFERED)
                .build();
    }

    private VirtioMmioDriver driver() {
        IoManager io = IoManager.create();
        io.registerMmio(new MmioRange(SLOT, VirtioMmioDevice.SIZE_BYTES), transport);
        return new VirtioMmioDriver(io, SLOT);
    }

    // ---- the script

    private int take() {
        return at < script.length ? script[at++] & 0xff : 0;
    }

    private int takeShort() {
        return take() << 8 | take();
    }

    private int takeInt() {
        return takeShort() << 16 | takeShort();
    }

    private int takePositive() {
        return takeInt() & 0x7fff_ffff;
    }

    /** Plays a script to its end, and asks whether the card still works. */
    void run(byte[] bytes) {
        script = bytes;
        at = 0;
        bringUp(-1L);
        while (at < script.length) {
            step();
        }
        if (!awake) {
            transport.wake();
            awake = true;
        }
        requireThatACardThatIsResetWorks();
    }

    /** Has the driver reset the card and set it up with some features. */
    private void bringUp(long wanted) {
        brokenCards += (driver.status() & VirtioMmioDriver.NEEDS_RESET) != 0 ? 1 : 0;
        driver.reset();
        driver.setStatus(VirtioMmioDriver.ACKNOWLEDGE | VirtioMmioDriver.DRIVER);
        features = driver.deviceFeatures() & (wanted | VirtioFeatures.VIRTIO_F_VERSION_1);
        driver.setDriverFeatures(features);
        int agreed =
                VirtioMmioDriver.ACKNOWLEDGE
                        | VirtioMmioDriver.DRIVER
                        | VirtioMmioDriver.FEATURES_OK;
        driver.setStatus(agreed);
        if ((driver.status() & VirtioMmioDriver.FEATURES_OK) == 0) {
            features = driver.negotiate(-1L); // those did not go together
        }
        for (int i = 0; i < QUEUES; i++) {
            place(i);
        }
        driver.ready();
        honest = true;
    }

    private void place(int index) {
        DriverQueue queue =
                DriverQueue.of(memory, RAM + (long) index * RING_BYTES, QUEUE_SIZE, features);
        driver.placeQueue(
                index,
                QUEUE_SIZE,
                queue.descriptorAddress(),
                queue.driverAddress(),
                queue.deviceAddress());
        driver.enableQueue(index, true);
        queues[index] = queue;
    }

    private void step() {
        int operation = take();
        if (!awake) {
            // The machine stands; what is outside of it does not.
            if (operation % 4 == 0) {
                suspend(1);
            } else {
                surroundings(take() % 4);
            }
            return;
        }
        boolean broken = (driver.status() & VirtioMmioDriver.NEEDS_RESET) != 0;
        if (broken && operation % 8 == 7) {
            bringUp(takeInt() | (long) takeInt() << 32);
            return;
        }
        switch (operation % 32) {
            case 0, 1, 2, 3, 4, 5 -> post(2 * (take() % PAIRS));
            case 6, 7, 8, 9, 10, 11, 12 -> send(2 * (take() % PAIRS) + 1);
            case 13, 14, 15, 16, 17 -> command();
            case 18, 19, 20, 21, 22, 23 -> arrive();
            case 24, 25 -> collect();
            case 26 -> {
                if (take() < 64) {
                    scribble(take());
                }
            }
            case 27 -> suspend(take());
            case 28 -> {
                int queue = take() % QUEUES;
                if ((features & VirtioFeatures.VIRTIO_F_RING_RESET) != 0
                        && (driver.status() & VirtioMmioDriver.DRIVER_OK) != 0) {
                    driver.resetQueue(queue);
                    place(queue);
                }
            }
            case 29 -> surroundings(take());
            case 30 -> configure(take());
            default -> {
                if (take() < 64) {
                    bringUp(takeInt() | (long) takeInt() << 32);
                } else {
                    driver.notifyQueue(take() % (QUEUES + 2));
                }
            }
        }
    }

    /** Somewhere in memory, mostly; at an edge, in a ring, or nowhere. */
    private long address(int length) {
        int kind = take();
        if (kind < 250) {
            return BUFFERS + takePositive() % (BUFFER_BYTES - Math.min(length, 1 << 17));
        }
        honest = false; // the card may write into rings
        return switch (kind % 5) {
            case 0 -> RAM + RAM_BYTES - take();
            case 1 -> RAM + takeShort() % (QUEUES * RING_BYTES);
            case 2 -> ROM + takeShort() % ROM_BYTES;
            case 3 -> RAM - take();
            default -> (long) takeInt() << 32 | takeInt();
        };
    }

    private void post(int queue) {
        int count = 1 + take() % 4;
        int longest = take() % 8 == 0 ? 70_000 : 0;
        for (int i = 0; i < count; i++) {
            int parts = 1 + take() % 3;
            DriverBuffer[] buffers = new DriverBuffer[parts];
            for (int part = 0; part < parts; part++) {
                int length = take() % 16 == 0 ? take() : Math.max(longest, 64 + take() * 16);
                buffers[part] = new DriverBuffer(address(length), length, take() != 0);
            }
            add(queue, buffers);
        }
        driver.notifyQueue(queue);
    }

    private void add(int index, DriverBuffer... buffers) {
        DriverQueue queue = queues[index];
        if (queue.free() < buffers.length) {
            return;
        }
        requests++;
        boolean indirect = (features & DriverQueue.INDIRECT_DESC) != 0 && take() % 4 == 0;
        if (indirect) {
            queue.addIndirect(BUFFERS + take() * 64L, buffers);
        } else {
            queue.add(buffers);
        }
    }

    private void send(int queue) {
        int length = take() % 4 == 0 ? takeShort() * 2 : 26 + takeShort() % 1600;
        long header = BUFFERS + takeShort() * 4L;
        int kind = take();
        boolean plain = kind < 64;
        memory.writeByte(header, (byte) (plain ? 0 : kind < 128 ? 1 : take()));
        memory.writeByte(header + 1, (byte) (plain ? 0 : kind < 128 ? kind & 1 : take()));
        memory.writeShort(header + 2, (short) (plain ? 0 : takeShort()));
        memory.writeShort(header + 4, (short) (plain ? 0 : kind < 192 ? 1448 : takeShort()));
        memory.writeShort(header + 6, (short) (plain ? 0 : kind < 192 ? 34 : takeShort()));
        memory.writeShort(header + 8, (short) (plain ? 0 : kind < 192 ? 16 : takeShort()));
        memory.writeShort(header + 10, (short) 0);
        memory.writeShort(header + 24, (short) (kind % 2 == 0 ? 0x0008 : take()));
        switch (take() % 5) {
            case 0, 1 -> add(queue, DriverBuffer.readable(header, length));
            case 2 ->
                    add(
                            queue,
                            DriverBuffer.readable(header, 12),
                            DriverBuffer.readable(address(length), length));
            case 3 ->
                    add(
                            queue,
                            DriverBuffer.readable(header, take()),
                            DriverBuffer.readable(header, 0),
                            DriverBuffer.readable(address(length), length));
            default ->
                    add(
                            queue,
                            DriverBuffer.readable(header, length),
                            DriverBuffer.writable(address(take()), take()));
        }
        driver.notifyQueue(queue);
    }

    private void command() {
        long data = BUFFERS + takeShort() * 4L;
        int commandClass = take() % 7;
        int command = take() % 7;
        int length = 2 + take() % 24;
        memory.writeByte(data, (byte) commandClass);
        memory.writeByte(data + 1, (byte) command);
        boolean believable = take() < 192;
        if (believable && commandClass == 1 && command == 0) {
            int first = take() % 80;
            memory.writeInt(data + 2, first);
            memory.writeInt(data + 6 + 6L * first, take() % 80);
            length = 10 + 6 * (first + memory.readInt(data + 6 + 6L * first));
        } else {
            memory.writeLong(
                    data + 2,
                    believable ? take() % 4 : (long) takeInt() << 32 | takeInt() & 0xffff_ffffL);
        }
        int index = (features & VirtioNetFeatures.VIRTIO_NET_F_MQ) != 0 ? CONTROL : 2;
        if (take() < 8) {
            index = take() % QUEUES;
        }
        if (take() < 230) {
            add(
                    index,
                    DriverBuffer.readable(data, length),
                    DriverBuffer.writable(BUFFERS + take(), 1));
        } else {
            add(
                    index,
                    new DriverBuffer(address(length), length, take() < 64),
                    new DriverBuffer(address(1), take() % 3, take() > 32));
        }
        commands++;
        driver.notifyQueue(index);
    }

    private void arrive() {
        FrameSink sink = network.sink;
        if (sink == null || !awake) {
            return;
        }
        int count = 1 + take() % 6;
        for (int i = 0; i < count; i++) {
            int length = take() % 8 == 0 ? 14 + takeShort() : 14 + takeShort() % 1500;
            inbound.begin(length);
            inbound.data().putLong(0, takeInt() % 2 == 0 ? BELIEVABLE_MAC << 16 : takeInt());
            inbound.data().putShort(12, (short) (take() % 2 == 0 ? 0x0800 : 0x8100));
            inbound.data().putShort(14, (short) takeShort());
            int kind = take();
            if ((kind & 1) != 0) {
                inbound.leaveChecksum(34, 16);
            }
            if ((kind & 3) == 3) {
                inbound.leaveSegmentation(Segmentation.TCP4, 1448, 54, (kind & 4) != 0);
            }
            if ((kind & 8) != 0) {
                inbound.vouchForChecksum();
            }
            requests++;
            if (!sink.receive(inbound)) {
                break;
            }
        }
        sink.endOfBatch();
    }

    /** Takes back what the card has used; what it used must be what it was given. */
    private void collect() {
        for (DriverQueue queue : queues) {
            for (int i = 0; honest && i < 2 * QUEUE_SIZE && queue.poll(); i++) {
                require(queue.usedLength() <= 3L * 70_000, "used " + queue.usedLength());
            }
        }
    }

    /** The driver breaks the rules of its rings. */
    private void scribble(int how) {
        long place = RAM + (takeShort() % (QUEUES * RING_BYTES) & -8);
        switch (how % 4) {
            case 0 -> memory.writeByte(place + 1, (byte) take());
            case 1 -> memory.writeLong(place, (long) takeInt() << 32 | takeInt());
            case 2 -> memory.writeShort(place + 2, (short) takeShort());
            default -> {
                for (int i = 0; i < 256; i += 8) {
                    memory.writeLong(place + i, takeInt());
                }
            }
        }
        honest = false;
    }

    private void suspend(int how) {
        if (!awake) {
            transport.wake();
            awake = true;
            return;
        }
        transport.sleep();
        awake = false;
        Snapshot saved = transport.snapshot();
        if (how % 4 == 0) {
            return; // and whatever comes now comes to a card that sleeps
        }
        if (how % 4 == 1) {
            VirtioCounts counts = transport.counts();
            require(counts.failedCalls() == 0, "failed calls: " + counts);
            transport.detach();
            count();
            network = new Network();
            card = card(network);
            transport = transport();
            transport.sleep();
            transport.restore(saved);
            driver = driver();
        }
        transport.wake();
        awake = true;
    }

    private void surroundings(int what) {
        FrameSink sink = network.sink;
        switch (what % 6) {
            case 0 -> clock.advance(take() * 10_000_000L);
            case 1 -> card.setLink(take() % 2 == 0);
            case 2 -> network.full = take() % 2 == 0;
            case 3 -> {
                if (sink != null) {
                    network.full = false;
                    sink.readyToSend();
                }
            }
            case 4 -> driver.setStatus(take());
            default -> driver.notifyQueue(take());
        }
    }

    private void configure(int what) {
        int size = 1 << what % 3;
        int offset = take() % 24;
        if (what % 2 == 0) {
            driver.readConfig(offset / size * size, size);
        } else {
            driver.writeConfig(offset / size * size, size, takeInt());
        }
    }

    // ---- at the end

    private void requireThatACardThatIsResetWorks() {
        card.setLink(true);
        network.full = false;
        clock.advance(100_000_000_000L);
        bringUp(-1L);
        long before = card.count(VirtioNetEvent.SENT);
        for (int pair = 0; pair < PAIRS; pair++) {
            for (int i = 0; i < 12; i++) {
                memory.writeByte(BUFFERS + i, (byte) 0);
            }
            queues[2 * pair + 1].add(DriverBuffer.readable(BUFFERS, 12 + 60));
            driver.notifyQueue(2 * pair + 1);
            require(queues[2 * pair + 1].poll(), "a frame is not sent");
        }
        require(card.count(VirtioNetEvent.SENT) == before + PAIRS, "a frame did not arrive");
        queues[0].add(DriverBuffer.writable(BUFFERS, 2000));
        driver.notifyQueue(0);
        inbound.begin(60);
        inbound.data().putShort(12, (short) 0x0800);
        FrameSink sink = network.sink;
        require(sink != null && sink.receive(inbound), "a frame is not received");
        sink.endOfBatch();
        require(queues[0].poll() && queues[0].usedLength() == 72, "a frame did not come");
        memory.writeShort(BUFFERS, (short) 0x0004); // MQ, VQ_PAIRS_SET
        memory.writeShort(BUFFERS + 2, (short) PAIRS);
        queues[CONTROL].add(
                DriverBuffer.readable(BUFFERS, 4), DriverBuffer.writable(BUFFERS + 64, 1));
        driver.notifyQueue(CONTROL);
        require(
                queues[CONTROL].poll() && memory.readByte(BUFFERS + 64) == NetControl.OK,
                "a command is refused");
        require(
                (driver.status() & VirtioMmioDriver.NEEDS_RESET) == 0,
                "the card needs a reset after a reset");
        VirtioCounts counts = transport.counts();
        require(counts.failedCalls() == 0, "failed calls: " + counts);
        require(counts.failedResets() == 0, "failed resets: " + counts);
    }

    /** Adds up what the card has done; it is not asked again. */
    void count() {
        sent += card.count(VirtioNetEvent.SENT);
        received += card.count(VirtioNetEvent.RECEIVED);
    }
}
