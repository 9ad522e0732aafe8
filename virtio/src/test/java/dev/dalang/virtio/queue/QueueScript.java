package dev.dalang.virtio.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * All that a driver can do to a queue, and a device with it, as a script of bytes: what the driver
 * writes into its rings, sound or not, configurations, resets, and each call of a device. A script
 * runs in a memory of its own. Whatever it did, a queue that is then reset works.
 *
 * <p>The first two bytes choose features and size; a record has 8 bytes: what, how, two bytes of
 * place, four of value.
 */
final class QueueScript implements QueueSignals {
    static final int RECORD_BYTES = 8;
    private static final int MAX_RECORDS = 4096;
    private static final int MAX_SIZE = 64;

    private static final long RAM = 0x1000_0000L;
    private static final long RAM_BYTES = 0x8000;
    private static final long NEIGHBOUR = RAM + RAM_BYTES;
    private static final long NEIGHBOUR_BYTES = 0x2000;
    private static final long READ_ONLY = 0x2000_0000L;
    private static final long RINGS = RAM + 0x1000;

    private static final long[] FEATURES = {
        DriverQueue.INDIRECT_DESC,
        DriverQueue.EVENT_IDX,
        DriverQueue.RING_PACKED,
        DriverQueue.IN_ORDER
    };

    /** A chain that a device holds, of a queue that may have been reset since. */
    private record Held(VirtQueue queue, DescriptorChain chain) {}

    private final GuestMemory memory;
    private final GuestMemory other;
    private final QueueConfig config = QueueConfig.of(0, MAX_SIZE);
    private final List<Held> held = new ArrayList<>();
    private final byte[] bytes = new byte[300];
    private @Nullable GuestMemory accessible;
    private DriverQueue driver;
    private @Nullable VirtQueue queue;
    private @Nullable Snapshot saved;
    private @Nullable Held lastPopped;
    private long features;
    private int broken;

    /** How many chains the script popped, so that a campaign can tell that it does something. */
    int chains;

    /** How many queues it broke. */
    int breakages;

    QueueScript() {
        Arena arena = Arena.ofAuto();
        MemoryRegion ram = new MemoryRegion(RAM, arena.allocate(RAM_BYTES, 4096));
        MemoryRegion neighbour = new MemoryRegion(NEIGHBOUR, arena.allocate(NEIGHBOUR_BYTES, 4096));
        MemoryRegion rom = new MemoryRegion(READ_ONLY, arena.allocate(4096, 4096).asReadOnly());
        memory = GuestMemory.of(ram, neighbour, rom);
        other = GuestMemory.of(ram);
        accessible = memory;
        driver = DriverQueue.of(memory, RINGS, 16, 0);
    }

    @Override
    public void used(int index) {
        assertThat(index).isZero();
    }

    @Override
    public void broken(int index, QueueError error) {
        broken++;
        breakages++;
    }

    void run(byte[] script) {
        ByteBuffer records = ByteBuffer.wrap(script).order(ByteOrder.LITTLE_ENDIAN);
        if (records.remaining() < 2) {
            return;
        }
        setUp(records.get(), records.get() & 0xff);
        for (int i = 0; i < MAX_RECORDS && records.remaining() >= RECORD_BYTES; i++) {
            obey(records.get() & 0xff, records.get() & 0xff, records.getChar(), records.getInt());
            assertThat(broken).isLessThanOrEqualTo(1);
            if (queue != null) {
                assertThat(queue.inFlight()).isLessThanOrEqualTo(queue.size());
                assertThat(queue.isBroken()).isEqualTo(broken == 1);
            }
        }
        drain();
        aQueueThatIsResetWorks();
    }

    /** Gives back whatever is held, as a device does that is reset. */
    private void drain() {
        for (Held mine : held) {
            mine.queue.complete(mine.chain, 0);
        }
        held.clear();
        lastPopped = null;
    }

    private void setUp(int which, int size) {
        features = 0;
        for (int bit = 0; bit < FEATURES.length; bit++) {
            features |= (which >> bit & 1) != 0 ? FEATURES[bit] : 0;
        }
        boolean isPacked = (features & DriverQueue.RING_PACKED) != 0;
        int entries = 1 + size % MAX_SIZE;
        config.reset();
        broken = 0;
        config.negotiated(features);
        driver =
                DriverQueue.of(
                        memory,
                        RINGS,
                        isPacked ? entries : Integer.highestOneBit(entries),
                        features);
        config.setSize(driver.size());
        config.setDescriptorAddress(driver.descriptorAddress());
        config.setDriverAddress(driver.driverAddress());
        config.setDeviceAddress(driver.deviceAddress());
        config.setReady(true);
        accessible = memory;
        activate();
    }

    private void activate() {
        try {
            queue = config.activate(() -> accessible, this);
        } catch (QueueException refused) {
            queue = null;
        }
    }

    private void obey(int what, int how, int place, int value) {
        if ((queue == null || queue.isBroken()) && how < 64) {
            setUp(place, value & 0xff);
            return;
        }
        switch (what % 16) {
            case 0 -> writeDescriptor(how, place, value);
            case 1 -> offer(how, place, value);
            case 2 -> {
                if (how < 32) {
                    memory.writeInt(RINGS + place % 0x1000, value);
                } else if (how < 64) {
                    memory.writeShort(driver.driverAddress() + (how & 3), (short) value);
                } else {
                    writeDescriptor(how, place, value);
                    offer(how, place >> 4, value);
                }
            }
            case 3, 4, 5, 6 -> addHonestly(how, place, value);
            case 7, 8, 9 -> pop(how, place, value);
            case 10, 11 -> giveBack(how, place, value);
            case 12 -> notify(how);
            case 13 -> configure(how, place, value);
            case 14 -> save(how);
            default -> {
                if (how < 16) {
                    accessible = how < 2 ? null : how < 4 ? other : memory;
                } else if (how < 20) {
                    setUp(place, value & 0xff);
                } else if (queue != null) {
                    queue.enableNotification();
                }
            }
        }
    }

    /** Somewhere interesting: in memory, at the edges of regions, in the rings themselves. */
    private long address(int place, int value) {
        return switch (place & 7) {
            case 0, 1, 2 -> RAM + (value & 0x7fff);
            case 3 -> NEIGHBOUR - 64 + (value & 127);
            case 4 -> NEIGHBOUR + NEIGHBOUR_BYTES - 64 + (value & 127);
            case 5 -> RINGS + (value & 0xfff);
            case 6 -> READ_ONLY + (value & 0x1fff);
            default -> (long) value << 32 | value & 0xffff_fff0L;
        };
    }

    private int length(int how, int value) {
        return switch (how & 3) {
            case 0 -> value >>> 24;
            case 1 -> (value >>> 20 & 0xff) * 16;
            case 2 -> 0;
            default -> value;
        };
    }

    private void writeDescriptor(int how, int place, int value) {
        int slot = (place >> 4) % driver.size();
        long at = driver.descriptorAddress() + 16L * slot;
        int flags =
                how >> 2 & 7 | ((how & 0x40) != 0 ? 0x80 : 0) | ((how & 0x80) != 0 ? 0x8000 : 0);
        memory.writeLong(at, address(place, value));
        memory.writeInt(at + 8, length(how, value));
        int beside = (place >> 10 & 1) == 0 ? value % driver.size() : value >>> 16;
        boolean isPacked = (features & DriverQueue.RING_PACKED) != 0;
        memory.writeShort(at + (isPacked ? 12 : 14), (short) beside);
        memory.setShortRelease(at + (isPacked ? 14 : 12), (short) flags);
    }

    /** Offers a descriptor: the next entry of the available ring, or the bits of a packed one. */
    private void offer(int how, int place, int value) {
        int size = driver.size();
        if ((features & DriverQueue.RING_PACKED) != 0) {
            long flags = driver.descriptorAddress() + 16L * (place % size) + 14;
            int kept = memory.readShort(flags) & 0x7f7f;
            memory.setShortRelease(
                    flags, (short) (kept | ((how & 1) != 0 ? 0x80 : 0) | (how & 2) << 14));
            return;
        }
        int idx = Short.toUnsignedInt(memory.readShort(driver.driverAddress() + 2));
        int head = (how & 0x10) == 0 ? value % size : value;
        memory.writeShort(driver.driverAddress() + 4 + 2L * (idx & size - 1), (short) head);
        int step = (how & 0xf) == 15 ? place : 1 + (how & 3);
        memory.setShortRelease(driver.driverAddress() + 2, (short) (idx + step));
    }

    private void addHonestly(int how, int place, int value) {
        int count = 1 + (how & 3);
        if (driver.free() < count) {
            return;
        }
        DriverBuffer[] buffers = new DriverBuffer[count];
        for (int i = 0; i < count; i++) {
            long address = address(place + i, value);
            buffers[i] = new DriverBuffer(address, value >>> 22, i >= (how >> 2 & 3));
        }
        if ((how & 0x80) != 0) {
            driver.addIndirect(RAM + 0x4000 + place % 0x100, buffers);
        } else {
            driver.add(buffers);
        }
    }

    private void pop(int how, int place, int value) {
        if (queue == null) {
            return;
        }
        DescriptorChain chain = queue.pop();
        if (chain == null) {
            return;
        }
        chains++;
        assertThat(chain.readableBytes() + chain.writableBytes()).isBetween(0L, 0xffff_ffffL);
        assertThat(chain.buffers()).isBetween(1, MAX_SIZE + 1024);
        assertThat(chain.readableLeft()).isEqualTo(chain.readableBytes());
        lastPopped = new Held(queue, chain);
        held.add(lastPopped);
        try {
            use(chain, how, place, value);
        } catch (ChainException | GuestMemoryException expected) {
            assertThat(chain.readableLeft()).isBetween(0L, chain.readableBytes());
            assertThat(chain.bytesWritten()).isBetween(0L, chain.writableBytes());
        }
    }

    private void use(DescriptorChain chain, int how, int place, int value) {
        chain.skipReadable(Math.min(chain.readableLeft(), value & 0xff));
        if ((how & 0x30) == 0x30) {
            chain.readableSegments(
                    place & 0xff, piece -> assertThat(piece.byteSize()).isPositive());
            chain.writableSegments(place >>> 8, piece -> piece.fill((byte) value));
        }
        switch (how & 15) {
            case 0 -> chain.readLong();
            case 1 -> chain.readInt();
            case 2 -> chain.readShort();
            case 3 -> chain.readByte();
            case 4 -> chain.read(bytes, 0, place % bytes.length);
            case 5 -> chain.writeLong(value);
            case 6 -> chain.writeInt(value);
            case 7 -> chain.writeShort((short) value);
            case 8 -> chain.writeByte((byte) value);
            case 9 -> chain.write(bytes, 0, place % bytes.length);
            case 10 -> chain.fill(place, (byte) value);
            case 11 -> chain.written(place);
            case 12 -> chain.skipWritable(Integer.toUnsignedLong(value));
            case 13 -> chain.visitReadable(place, (_, length) -> assertThat(length).isPositive());
            case 14 -> chain.visitWritable(place, (_, length) -> assertThat(length).isPositive());
            default -> chain.rewind();
        }
    }

    private void giveBack(int how, int place, int value) {
        if (held.isEmpty()) {
            return;
        }
        if ((how & 7) == 7 && lastPopped != null) {
            held.remove(lastPopped);
            lastPopped.queue.undoPop(lastPopped.chain);
            lastPopped = null;
            return;
        }
        Held mine = held.remove(place % held.size());
        if (mine.equals(lastPopped)) {
            lastPopped = null;
        }
        long most = mine.chain.writableBytes();
        long written = most == 0 ? 0 : Integer.toUnsignedLong(value) % (most + 1);
        if ((how & 1) == 0) {
            mine.queue.complete(mine.chain, written);
        } else {
            mine.queue.completeLater(mine.chain, written);
        }
    }

    private void notify(int how) {
        if (queue == null) {
            return;
        }
        if ((how & 1) != 0) {
            queue.disableNotification();
        }
        if ((how & 2) != 0) {
            queue.publish();
        }
        if ((how & 4) != 0 && queue.needsNotification()) {
            queue.notifyDriver();
        }
        if ((how & 8) != 0) {
            queue.enableNotification();
        }
    }

    private void configure(int how, int place, int value) {
        switch (how & 15) {
            case 0 -> config.setSize(value);
            case 1 -> config.setDescriptorAddress(address(place, value) & -16);
            case 2 -> config.setDriverAddress(address(place, value) & -4);
            case 3 -> config.setDeviceAddress(address(place, value) & -4);
            case 4 -> config.setDescriptorAddressHalf((place & 1) != 0, value);
            case 5 -> config.setDriverAddressHalf((place & 1) != 0, value);
            case 6 -> config.setDeviceAddressHalf((place & 1) != 0, value);
            case 7 -> config.setVector(value);
            case 8 -> {
                config.reset();
                broken = 0;
                queue = null;
            }
            case 9 -> {
                if (queue == null) {
                    config.setReady(true);
                    activate();
                }
            }
            default -> config.setReady((value & 1) != 0);
        }
    }

    private void save(int how) {
        if (queue == null || queue.inFlight() != 0) {
            return;
        }
        if ((how & 1) == 0 || saved == null) {
            saved = queue.snapshot();
        } else if (saved.type().equals(queue.snapshot().type())
                && saved.getLong("size") == queue.size()) {
            queue.restore(saved);
            broken = queue.isBroken() ? 1 : 0;
        }
    }

    private void aQueueThatIsResetWorks() {
        setUp((features & DriverQueue.RING_PACKED) != 0 ? 4 : 0, 15);
        VirtQueue sound = queue;
        assertThat(sound).isNotNull();
        for (int i = 0; i < 40; i++) {
            int id =
                    driver.add(
                            DriverBuffer.readable(RAM, 8), DriverBuffer.writable(RAM + 0x100, 8));
            DescriptorChain chain = sound.pop();
            assertThat(chain).isNotNull();
            chain.writeLong(chain.readLong());
            sound.complete(chain, chain.bytesWritten());
            assertThat(driver.poll()).isTrue();
            assertThat(driver.usedId()).isEqualTo(id);
            assertThat(driver.usedLength()).isEqualTo(8);
        }
        assertThat(sound.isBroken()).isFalse();
    }
}
