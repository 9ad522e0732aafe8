package dev.dalang.testkit.virtio;

import dev.dalang.bus.memory.GuestMemory;

/**
 * A virtqueue as its driver sees it. Chains that are added are available to the device at once, or
 * with {@link #publish}; what the device has used is taken back with {@link #poll}. Keeps its own
 * account of what the device owns and fails with an {@link AssertionError} if the device returns
 * something else. One thread, which may be another than the device's.
 *
 * <p>{@link SplitDriverQueue} and {@link PackedDriverQueue} have methods that write anything into
 * the rings.
 */
public abstract sealed class DriverQueue permits SplitDriverQueue, PackedDriverQueue {
    /** {@code VIRTIO_F_INDIRECT_DESC}. */
    public static final long INDIRECT_DESC = 1L << 28;

    /** {@code VIRTIO_F_EVENT_IDX}. */
    public static final long EVENT_IDX = 1L << 29;

    /** {@code VIRTIO_F_RING_PACKED}. */
    public static final long RING_PACKED = 1L << 34;

    /** {@code VIRTIO_F_IN_ORDER}: {@link #poll} then checks the order. */
    public static final long IN_ORDER = 1L << 35;

    /** The flag {@code VIRTQ_DESC_F_NEXT} of a descriptor. */
    public static final int DESC_NEXT = 1;

    /** The flag {@code VIRTQ_DESC_F_WRITE} of a descriptor. */
    public static final int DESC_WRITE = 2;

    /** The flag {@code VIRTQ_DESC_F_INDIRECT} of a descriptor. */
    public static final int DESC_INDIRECT = 4;

    /** Bytes of a descriptor. */
    public static final int DESCRIPTOR_BYTES = 16;

    private static final int AREA_ALIGNMENT = 64;

    final GuestMemory memory;
    final int size;
    final long features;
    final long descriptors;
    final long driver;
    final long device;
    final boolean hasEventIdx;

    /** Ids of the chains that the device owns, oldest first, in a ring. */
    private final int[] order;

    private int oldest;
    private int owned;
    private int usedId;
    private long usedLength;

    DriverQueue(
            GuestMemory memory,
            int size,
            long features,
            long descriptorAddress,
            long driverAddress,
            long deviceAddress) {
        this.memory = memory;
        this.size = size;
        this.features = features;
        descriptors = descriptorAddress;
        driver = driverAddress;
        device = deviceAddress;
        hasEventIdx = (features & EVENT_IDX) != 0;
        order = new int[size];
    }

    /**
     * Makes a queue whose areas follow one another, and clears them.
     *
     * @param memory where
     * @param base guest physical address of the first area, a multiple of 64
     * @param size the number of entries; for a split queue a power of two
     * @param features of those above; they decide the layout
     * @return a {@link SplitDriverQueue} or a {@link PackedDriverQueue}
     */
    public static DriverQueue of(GuestMemory memory, long base, int size, long features) {
        long driverAddress = base + aligned((long) DESCRIPTOR_BYTES * size);
        long deviceAddress = driverAddress + aligned(driverBytes(size, features));
        return at(memory, size, features, base, driverAddress, deviceAddress);
    }

    /**
     * Makes a queue with areas where the caller wants them, and clears them.
     *
     * @param memory where
     * @param size the number of entries; for a split queue a power of two
     * @param features of those above; they decide the layout
     * @param descriptorAddress guest physical address, a multiple of 16
     * @param driverAddress guest physical address, a multiple of 2 or 4
     * @param deviceAddress guest physical address, a multiple of 4
     * @return a {@link SplitDriverQueue} or a {@link PackedDriverQueue}
     */
    public static DriverQueue at(
            GuestMemory memory,
            int size,
            long features,
            long descriptorAddress,
            long driverAddress,
            long deviceAddress) {
        memory.fill(descriptorAddress, (long) DESCRIPTOR_BYTES * size, (byte) 0);
        memory.fill(driverAddress, driverBytes(size, features), (byte) 0);
        memory.fill(deviceAddress, deviceBytes(size, features), (byte) 0);
        return (features & RING_PACKED) != 0
                ? new PackedDriverQueue(
                        memory, size, features, descriptorAddress, driverAddress, deviceAddress)
                : new SplitDriverQueue(
                        memory, size, features, descriptorAddress, driverAddress, deviceAddress);
    }

    /**
     * How much memory {@link #of} needs.
     *
     * @param size the number of entries
     * @param features as of {@link #of}
     * @return bytes
     */
    public static long bytes(int size, long features) {
        return aligned((long) DESCRIPTOR_BYTES * size)
                + aligned(driverBytes(size, features))
                + aligned(deviceBytes(size, features));
    }

    /**
     * Bytes of the driver's area: the available ring with its event index, or the event
     * suppression.
     *
     * @param size the number of entries
     * @param features as of {@link #of}
     * @return bytes
     */
    public static long driverBytes(int size, long features) {
        return (features & RING_PACKED) != 0 ? 4 : 6 + 2L * size;
    }

    /**
     * Bytes of the device's area: the used ring with its event index, or the event suppression.
     *
     * @param size the number of entries
     * @param features as of {@link #of}
     * @return bytes
     */
    public static long deviceBytes(int size, long features) {
        return (features & RING_PACKED) != 0 ? 4 : 6 + 8L * size;
    }

    private static long aligned(long bytes) {
        return (bytes + AREA_ALIGNMENT - 1) & -AREA_ALIGNMENT;
    }

    /**
     * The number of entries.
     *
     * @return the size
     */
    public final int size() {
        return size;
    }

    /**
     * What was negotiated.
     *
     * @return the features that the queue was made with
     */
    public final long features() {
        return features;
    }

    /**
     * Guest physical address of the descriptor table or ring.
     *
     * @return the address
     */
    public final long descriptorAddress() {
        return descriptors;
    }

    /**
     * Guest physical address of the available ring, or of the driver event suppression.
     *
     * @return the address
     */
    public final long driverAddress() {
        return driver;
    }

    /**
     * Guest physical address of the used ring, or of the device event suppression.
     *
     * @return the address
     */
    public final long deviceAddress() {
        return device;
    }

    // ---------------------------------------------------------------- making available

    /**
     * Makes a chain available to the device.
     *
     * @param buffers at least one; those that the device reads come first
     * @return the id with which it comes back
     * @throws IllegalStateException if there are not so many descriptors free
     */
    public final int add(DriverBuffer... buffers) {
        int id = addLater(buffers);
        publish();
        return id;
    }

    /**
     * Makes a chain available whose descriptors lie in a table.
     *
     * @param table guest physical address of memory for 16 bytes for each buffer
     * @param buffers at least one; those that the device reads come first
     * @return the id with which it comes back
     * @throws IllegalStateException if no descriptor is free
     */
    public final int addIndirect(long table, DriverBuffer... buffers) {
        int id = addIndirectLater(table, buffers);
        publish();
        return id;
    }

    /**
     * Adds a chain that {@link #publish} makes available.
     *
     * @param buffers as of {@link #add}
     * @return the id with which it comes back
     * @throws IllegalStateException if there are not so many descriptors free
     */
    public final int addLater(DriverBuffer... buffers) {
        requireFree(buffers.length);
        int id = place(buffers);
        own(id);
        return id;
    }

    /**
     * Adds a chain, whose descriptors lie in a table, that {@link #publish} makes available.
     *
     * @param table as of {@link #addIndirect}
     * @param buffers as of {@link #addIndirect}
     * @return the id with which it comes back
     * @throws IllegalStateException if no descriptor is free
     */
    public final int addIndirectLater(long table, DriverBuffer... buffers) {
        requireFree(1);
        for (int i = 0; i < buffers.length; i++) {
            DriverBuffer buffer = buffers[i];
            boolean isLast = i == buffers.length - 1;
            long at = table + (long) DESCRIPTOR_BYTES * i;
            memory.writeLong(at, buffer.address());
            memory.writeInt(at + 8, buffer.length());
            memory.writeInt(at + 12, tableWord(i, isLast, buffer.isWritable()));
        }
        int id = placeIndirect(table, DESCRIPTOR_BYTES * buffers.length);
        own(id);
        return id;
    }

    /** Makes available what {@link #addLater} added. */
    public abstract void publish();

    /**
     * Whether the device wants to be notified of what was published since this was last asked.
     *
     * @return true if the driver must notify
     */
    public abstract boolean needsKick();

    /**
     * How many descriptors the driver may use.
     *
     * @return the number
     */
    public abstract int free();

    /**
     * How many chains the device owns.
     *
     * @return the number
     */
    public final int owned() {
        return owned;
    }

    abstract int place(DriverBuffer... buffers);

    abstract int placeIndirect(long table, int bytes);

    /** Flags, and the next or the id, of a descriptor of a table. */
    abstract int tableWord(int position, boolean isLast, boolean isWritable);

    private void requireFree(int wanted) {
        if (wanted < 1 || wanted > free()) {
            throw new IllegalStateException(
                    "expected 1.." + free() + " descriptors, which are free, got " + wanted);
        }
    }

    private void own(int id) {
        order[(oldest + owned) % size] = id;
        owned++;
    }

    // ---------------------------------------------------------------- taking back

    /**
     * Takes the next used chain back, if there is one; then {@link #usedId} and {@link #usedLength}
     * tell which.
     *
     * @return true if there was one
     * @throws AssertionError if the device used what it does not own, or, with {@link #IN_ORDER},
     *     not what it was given first
     */
    public abstract boolean poll();

    /**
     * The chain that {@link #poll} took back.
     *
     * @return its id
     */
    public final int usedId() {
        return usedId;
    }

    /**
     * How much the device wrote into the chain that {@link #poll} took back, as it says.
     *
     * @return bytes
     */
    public final long usedLength() {
        return usedLength;
    }

    final void used(int id, int length) {
        if (owned == 0) {
            throw new AssertionError("the device used chain " + id + " and owns none");
        }
        if ((features & IN_ORDER) != 0 && order[oldest] != id) {
            throw new AssertionError(
                    "the device used chain " + id + " before chain " + order[oldest]);
        }
        if (order[oldest] != id) {
            forget(id);
        }
        oldest = (oldest + 1) % size;
        owned--;
        usedId = id;
        usedLength = Integer.toUnsignedLong(length);
    }

    /** Moves an id that is not the oldest to the oldest place. */
    private void forget(int id) {
        int at = 1;
        while (at < owned && order[(oldest + at) % size] != id) {
            at++;
        }
        if (at >= owned) {
            throw new AssertionError("the device used chain " + id + ", which it does not own");
        }
        for (; at > 0; at--) {
            order[(oldest + at) % size] = order[(oldest + at - 1) % size];
        }
    }

    // ---------------------------------------------------------------- interrupts

    /** Tells the device that the driver looks by itself. A hint only. */
    public abstract void disableInterrupts();

    /**
     * Asks for an interrupt with the next used chain.
     *
     * @return true if there is one already: poll again
     */
    public abstract boolean enableInterrupts();

    /**
     * Asks for an interrupt only when {@code later} more chains were used; needs {@link
     * #EVENT_IDX}.
     *
     * @param later 0 for the next chain, as {@link #enableInterrupts}; chains of one descriptor
     *     each
     */
    public abstract void enableInterruptsAfter(int later);

    final void requireEventIdx() {
        if (!hasEventIdx) {
            throw new IllegalStateException("the queue was made without EVENT_IDX");
        }
    }
}
