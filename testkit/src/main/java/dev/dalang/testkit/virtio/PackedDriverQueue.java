package dev.dalang.testkit.virtio;

import dev.dalang.bus.memory.GuestMemory;

import java.lang.invoke.VarHandle;

/** The driver's side of a packed queue (virtio 1.3 §2.8). */
public final class PackedDriverQueue extends DriverQueue {
    /** The flag {@code VIRTQ_DESC_F_AVAIL} of a descriptor. */
    public static final int DESC_AVAIL = 1 << 7;

    /** The flag {@code VIRTQ_DESC_F_USED} of a descriptor. */
    public static final int DESC_USED = 1 << 15;

    /** Notify always. */
    public static final int EVENT_ENABLE = 0;

    /** Notify never. */
    public static final int EVENT_DISABLE = 1;

    /** Notify at a descriptor. */
    public static final int EVENT_DESC = 2;

    private static final int MASK_16 = 0xffff;
    private static final int WRAP = 1 << 15;

    private final int[] freeIds;
    private int freeIdCount;

    /** Slots of the chain of each id, 0 if the device does not own it. */
    private final int[] slots;

    private int free;
    private int nextAvail;
    private boolean availWrap = true;
    private int lastUsed;
    private boolean usedWrap = true;

    /** Slots added and not published, and what the first of them waits for. */
    private int unpublished;

    private int firstSlot;
    private int firstFlags;

    /** Slots published since {@link #needsKick} was last asked. */
    private int unkicked;

    PackedDriverQueue(
            GuestMemory memory,
            int size,
            long features,
            long descriptorAddress,
            long driverAddress,
            long deviceAddress) {
        super(memory, size, features, descriptorAddress, driverAddress, deviceAddress);
        freeIds = new int[size];
        slots = new int[size];
        // Ids come in no particular order: a device must not take them for places.
        for (int i = 0; i < size; i++) {
            freeIds[i] = i;
        }
        freeIdCount = size;
        free = size;
    }

    @Override
    public int free() {
        return free;
    }

    @Override
    int place(DriverBuffer... buffers) {
        int id = freeIds[--freeIdCount];
        for (int i = 0; i < buffers.length; i++) {
            DriverBuffer buffer = buffers[i];
            boolean last = i == buffers.length - 1;
            int flags = (last ? 0 : DESC_NEXT) | (buffer.isWritable() ? DESC_WRITE : 0);
            put(buffer.address(), buffer.length(), id, flags);
        }
        return take(id, buffers.length);
    }

    @Override
    int placeIndirect(long table, int bytes) {
        int id = freeIds[--freeIdCount];
        put(table, bytes, id, DESC_INDIRECT);
        return take(id, 1);
    }

    /** Writes the next descriptor; the first one that is not published without its flags. */
    private void put(long address, int length, int id, int flags) {
        int all = flags | (availWrap ? DESC_AVAIL : DESC_USED);
        long at = descriptors + (long) DESCRIPTOR_BYTES * nextAvail;
        memory.writeLong(at, address);
        memory.writeInt(at + 8, length);
        memory.writeShort(at + 12, (short) id);
        if (unpublished == 0) {
            firstSlot = nextAvail;
            firstFlags = all;
        } else {
            memory.writeShort(at + 14, (short) all);
        }
        unpublished++;
        if (++nextAvail == size) {
            nextAvail = 0;
            availWrap = !availWrap;
        }
    }

    private int take(int id, int count) {
        slots[id] = count;
        free -= count;
        return id;
    }

    @Override
    int tableWord(int position, boolean last, boolean isWritable) {
        return (isWritable ? DESC_WRITE : 0) << 16;
    }

    @Override
    public void publish() {
        if (unpublished != 0) {
            writeFlags(firstSlot, firstFlags);
            unkicked += unpublished;
            unpublished = 0;
        }
    }

    @Override
    public boolean needsKick() {
        // The device stores its wish and then looks at the ring: the other way round here.
        VarHandle.fullFence();
        int added = unkicked;
        unkicked = 0;
        int event = memory.readInt(device);
        int flags = event >>> 16 & 3;
        if (flags != EVENT_DESC || !hasEventIdx) {
            return flags != EVENT_DISABLE;
        }
        int place = event & WRAP - 1;
        if ((event & WRAP) != 0 != availWrap) {
            place -= size;
        }
        return added >= size || (nextAvail - place - 1 & MASK_16) < added;
    }

    @Override
    public boolean poll() {
        if (!isUsed()) {
            return false;
        }
        long at = descriptors + (long) DESCRIPTOR_BYTES * lastUsed;
        int length = memory.readInt(at + 8);
        int id = Short.toUnsignedInt(memory.readShort(at + 12));
        if (id >= size || slots[id] == 0) {
            throw new AssertionError("the device used id " + id + ", which it does not own");
        }
        used(id, length);
        lastUsed += slots[id];
        if (lastUsed >= size) {
            lastUsed -= size;
            usedWrap = !usedWrap;
        }
        free += slots[id];
        slots[id] = 0;
        freeIds[freeIdCount++] = id;
        return true;
    }

    private boolean isUsed() {
        int flags = flags(lastUsed);
        boolean isAvail = (flags & DESC_AVAIL) != 0;
        return isAvail == usedWrap && (flags & DESC_USED) != 0 == usedWrap;
    }

    @Override
    public void disableInterrupts() {
        writeDriverEvent(0, false, EVENT_DISABLE);
    }

    @Override
    public boolean enableInterrupts() {
        if (hasEventIdx) {
            writeDriverEvent(lastUsed, usedWrap, EVENT_DESC);
        } else {
            writeDriverEvent(0, false, EVENT_ENABLE);
        }
        VarHandle.fullFence();
        return isUsed();
    }

    @Override
    public void enableInterruptsAfter(int later) {
        requireEventIdx();
        int place = lastUsed + later;
        boolean isBeyond = place >= size;
        writeDriverEvent(isBeyond ? place - size : place, usedWrap != isBeyond, EVENT_DESC);
        VarHandle.fullFence();
    }

    // ---------------------------------------------------------------- the ring as it is

    /**
     * Where the driver puts the next descriptor.
     *
     * @return 0 to size - 1
     */
    public int nextSlot() {
        return nextAvail;
    }

    /**
     * The driver's wrap counter.
     *
     * @return true for 1
     */
    public boolean wrap() {
        return availWrap;
    }

    /**
     * The flags of a descriptor, before all that is read afterwards.
     *
     * @param slot 0 to size - 1
     * @return 0 to 65535
     */
    public int flags(int slot) {
        return Short.toUnsignedInt(
                memory.getShortAcquire(descriptors + (long) DESCRIPTOR_BYTES * slot + 14));
    }

    /**
     * The id of a descriptor.
     *
     * @param slot 0 to size - 1
     * @return 0 to 65535
     */
    public int id(int slot) {
        return Short.toUnsignedInt(
                memory.readShort(descriptors + (long) DESCRIPTOR_BYTES * slot + 12));
    }

    /**
     * The length of a descriptor.
     *
     * @param slot 0 to size - 1
     * @return bytes
     */
    public long length(int slot) {
        return Integer.toUnsignedLong(
                memory.readInt(descriptors + (long) DESCRIPTOR_BYTES * slot + 8));
    }

    /**
     * What the device asks for: offset and wrap counter below, flags in the upper 16 bits.
     *
     * @return the device event suppression
     */
    public int deviceEvent() {
        return memory.readInt(device);
    }

    /**
     * Writes a descriptor without moving the driver's place; nothing is checked.
     *
     * @param slot 0 to size - 1
     * @param address guest physical address of the buffer
     * @param length bytes
     * @param id the buffer's id
     * @param flags the flags, written last
     */
    public void writeDescriptor(int slot, long address, int length, int id, int flags) {
        long at = descriptors + (long) DESCRIPTOR_BYTES * slot;
        memory.writeLong(at, address);
        memory.writeInt(at + 8, length);
        memory.writeShort(at + 12, (short) id);
        writeFlags(slot, flags);
    }

    /**
     * Writes the flags of a descriptor after all that was written before.
     *
     * @param slot 0 to size - 1
     * @param flags 0 to 65535
     */
    public void writeFlags(int slot, int flags) {
        memory.setShortRelease(descriptors + (long) DESCRIPTOR_BYTES * slot + 14, (short) flags);
    }

    /**
     * Writes what the driver asks for, in one store.
     *
     * @param place the descriptor at which it wants an interrupt, with {@link #EVENT_DESC}
     * @param wrap the wrap counter there, true for 1
     * @param flags one of the three above, or another
     */
    public void writeDriverEvent(int place, boolean wrap, int flags) {
        memory.writeInt(driver, place | (wrap ? WRAP : 0) | flags << 16);
    }
}
