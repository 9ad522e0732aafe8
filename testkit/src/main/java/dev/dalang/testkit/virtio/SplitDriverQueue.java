package dev.dalang.testkit.virtio;

import dev.dalang.bus.memory.GuestMemory;

import java.lang.invoke.VarHandle;

/** The driver's side of a split queue (virtio 1.3 §2.7). */
public final class SplitDriverQueue extends DriverQueue {
    private static final int MASK_16 = 0xffff;
    private static final int NO_INTERRUPT = 1;
    private static final int NO_NOTIFY = 1;

    /** The driver's own account of how descriptors are linked, which the device cannot change. */
    private final int[] next;

    private final boolean[] isLast;
    private final boolean[] isHead;
    private int firstFree;
    private int free;

    private int nextAvail;
    private int published;
    private int kicked;
    private int lastUsed;

    SplitDriverQueue(
            GuestMemory memory,
            int size,
            long features,
            long descriptorAddress,
            long driverAddress,
            long deviceAddress) {
        super(memory, size, features, descriptorAddress, driverAddress, deviceAddress);
        next = new int[size];
        isLast = new boolean[size];
        isHead = new boolean[size];
        for (int i = 0; i < size; i++) {
            next[i] = i + 1;
        }
        free = size;
    }

    @Override
    public int free() {
        return free;
    }

    @Override
    int place(DriverBuffer... buffers) {
        int head = firstFree;
        int at = head;
        for (int i = 0; i < buffers.length; i++) {
            DriverBuffer buffer = buffers[i];
            boolean last = i == buffers.length - 1;
            int flags = (last ? 0 : DESC_NEXT) | (buffer.isWritable() ? DESC_WRITE : 0);
            writeDescriptor(at, buffer.address(), buffer.length(), flags, last ? 0 : next[at]);
            isLast[at] = last;
            if (!last) {
                at = next[at];
            }
        }
        return take(head, at, buffers.length);
    }

    @Override
    int placeIndirect(long table, int bytes) {
        int head = firstFree;
        writeDescriptor(head, table, bytes, DESC_INDIRECT, 0);
        isLast[head] = true;
        return take(head, head, 1);
    }

    private int take(int head, int last, int count) {
        firstFree = next[last];
        free -= count;
        isHead[head] = true;
        writeAvailable(nextAvail, head);
        nextAvail = nextAvail + 1 & MASK_16;
        return head;
    }

    @Override
    int tableWord(int position, boolean last, boolean isWritable) {
        return (last ? 0 : DESC_NEXT | (position + 1) << 16) | (isWritable ? DESC_WRITE : 0);
    }

    @Override
    public void publish() {
        writeAvailableIndex(nextAvail);
        published = nextAvail;
    }

    @Override
    public boolean needsKick() {
        // The device stores its wish and then looks at the index: the other way round here.
        VarHandle.fullFence();
        int added = published - kicked & MASK_16;
        kicked = published;
        if (!hasEventIdx) {
            return (usedFlags() & NO_NOTIFY) == 0;
        }
        return (published - availableEvent() - 1 & MASK_16) < added;
    }

    @Override
    public boolean poll() {
        if (usedIndex() == lastUsed) {
            return false;
        }
        long element = device + 4 + 8L * (lastUsed % size);
        int id = memory.readInt(element);
        int length = memory.readInt(element + 4);
        if (id < 0 || id >= size || !isHead[id]) {
            throw new AssertionError("the device used descriptor " + id + ", which is no head");
        }
        lastUsed = lastUsed + 1 & MASK_16;
        used(id, length);
        isHead[id] = false;
        int last = id;
        free++;
        while (!isLast[last]) {
            last = next[last];
            free++;
        }
        next[last] = firstFree;
        firstFree = id;
        return true;
    }

    @Override
    public void disableInterrupts() {
        if (!hasEventIdx) {
            memory.writeShort(driver, (short) NO_INTERRUPT);
        }
    }

    @Override
    public boolean enableInterrupts() {
        if (hasEventIdx) {
            writeUsedEvent(lastUsed);
        } else {
            memory.writeShort(driver, (short) 0);
        }
        VarHandle.fullFence();
        return usedIndex() != lastUsed;
    }

    @Override
    public void enableInterruptsAfter(int later) {
        requireEventIdx();
        writeUsedEvent(lastUsed + later);
        VarHandle.fullFence();
    }

    // ---------------------------------------------------------------- the rings as they are

    /**
     * The device's index in the used ring.
     *
     * @return 0 to 65535
     */
    public int usedIndex() {
        return Short.toUnsignedInt(memory.getShortAcquire(device + 2));
    }

    /**
     * The flags of the used ring.
     *
     * @return 0 to 65535
     */
    public int usedFlags() {
        return Short.toUnsignedInt(memory.readShort(device));
    }

    /**
     * The place at which the device wants to be notified, {@code avail_event}.
     *
     * @return 0 to 65535
     */
    public int availableEvent() {
        return Short.toUnsignedInt(memory.readShort(device + 4 + 8L * size));
    }

    /**
     * An element of the used ring: the id below, the length in the upper 32 bits.
     *
     * @param place any index; the ring wraps
     * @return the element
     */
    public long usedElement(int place) {
        return memory.readLong(device + 4 + 8L * (place & size - 1));
    }

    /**
     * Writes a descriptor; nothing is checked.
     *
     * @param descriptor 0 to size - 1
     * @param address guest physical address of the buffer
     * @param length bytes
     * @param flags the flags
     * @param following the next descriptor
     */
    public void writeDescriptor(
            int descriptor, long address, int length, int flags, int following) {
        long at = descriptors + (long) DESCRIPTOR_BYTES * descriptor;
        memory.writeLong(at, address);
        memory.writeInt(at + 8, length);
        memory.writeShort(at + 12, (short) flags);
        memory.writeShort(at + 14, (short) following);
    }

    /**
     * Writes an entry of the available ring; nothing is checked.
     *
     * @param place any index; the ring wraps
     * @param head the head of a chain
     */
    public void writeAvailable(int place, int head) {
        memory.writeShort(driver + 4 + 2L * (place & size - 1), (short) head);
    }

    /**
     * Writes the available index after all that was written before.
     *
     * @param index 0 to 65535
     */
    public void writeAvailableIndex(int index) {
        memory.setShortRelease(driver + 2, (short) index);
    }

    /**
     * Writes the flags of the available ring.
     *
     * @param flags 0 to 65535
     */
    public void writeAvailableFlags(int flags) {
        memory.writeShort(driver, (short) flags);
    }

    /**
     * Writes the place at which the driver wants an interrupt, {@code used_event}.
     *
     * @param event 0 to 65535
     */
    public void writeUsedEvent(int event) {
        memory.writeShort(driver + 4 + 2L * size, (short) event);
    }
}
