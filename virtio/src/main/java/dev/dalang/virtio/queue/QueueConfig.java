package dev.dalang.virtio.queue;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.virtio.VirtioFeatures;

import org.jspecify.annotations.Nullable;

/**
 * A queue as its driver configures it through the registers of a transport, and the maker of the
 * active {@link VirtQueue}. What a driver may not write leaves everything as it was and is counted.
 *
 * <p>Not thread-safe: under the lock of its transport.
 */
public final class QueueConfig {
    /** The greatest size of a queue (virtio 1.3 §2.7, §2.8). */
    public static final int MAX_SIZE = 32_768;

    /** The vector of a queue that has none ({@code VIRTIO_MSI_NO_VECTOR}). */
    public static final int NO_VECTOR = 0xffff;

    private static final String TYPE = "virtqueue-config";
    private static final int VERSION = 1;

    private static final int DESCRIPTOR_ALIGNMENT = 16;
    private static final int SPLIT_DRIVER_ALIGNMENT = 2;
    private static final int PACKED_DRIVER_ALIGNMENT = 4;
    private static final int DEVICE_ALIGNMENT = 4;

    private static final long LAYOUT_FEATURES =
            VirtioFeatures.VIRTIO_F_RING_PACKED
                    | VirtioFeatures.VIRTIO_F_EVENT_IDX
                    | VirtioFeatures.VIRTIO_F_INDIRECT_DESC
                    | VirtioFeatures.VIRTIO_F_IN_ORDER;

    private static final long LOW = 0xffff_ffffL;

    private final int index;
    private final int maxSize;
    private int size;
    private long features;
    private long descriptorAddress;
    private long driverAddress;
    private long deviceAddress;
    private boolean isReady;
    private int vector = NO_VECTOR;
    private long errors;
    private @Nullable VirtQueue active;

    private QueueConfig(int index, int maxSize) {
        this.index = index;
        this.maxSize = maxSize;
        size = maxSize;
    }

    /**
     * A queue that nobody has configured.
     *
     * @param index the queue's index, from 0
     * @param maxSize the greatest number of entries: a power of two, 1 to 32768
     * @return the queue's configuration
     * @throws IllegalArgumentException if either is out of range
     */
    public static QueueConfig of(int index, int maxSize) {
        if (index < 0 || index > 0xffff) {
            throw new IllegalArgumentException("expected a queue index of 0..65535, got " + index);
        }
        if (maxSize < 1 || maxSize > MAX_SIZE || Integer.bitCount(maxSize) != 1) {
            throw new IllegalArgumentException(
                    "expected a power of two of 1.."
                            + MAX_SIZE
                            + " as the greatest size of queue "
                            + index
                            + ", got "
                            + maxSize);
        }
        return new QueueConfig(index, maxSize);
    }

    /**
     * The queue's index.
     *
     * @return the index, from 0
     */
    public int index() {
        return index;
    }

    /**
     * The greatest number of entries.
     *
     * @return a power of two, 1 to 32768
     */
    public int maxSize() {
        return maxSize;
    }

    /**
     * The number of entries.
     *
     * @return 1 to {@link #maxSize}
     */
    public int size() {
        return size;
    }

    /**
     * Whether the driver has enabled the queue.
     *
     * @return true if so
     */
    public boolean isReady() {
        return isReady;
    }

    /**
     * The interrupt vector of the queue.
     *
     * @return 0 to 65535; {@link #NO_VECTOR} for none
     */
    public int vector() {
        return vector;
    }

    /**
     * Guest physical address of the descriptor table or ring.
     *
     * @return the address, unsigned, a multiple of 16
     */
    public long descriptorAddress() {
        return descriptorAddress;
    }

    /**
     * Guest physical address of the available ring, or of the driver event suppression.
     *
     * @return the address, unsigned, a multiple of 2 or 4
     */
    public long driverAddress() {
        return driverAddress;
    }

    /**
     * Guest physical address of the used ring, or of the device event suppression.
     *
     * @return the address, unsigned, a multiple of 4
     */
    public long deviceAddress() {
        return deviceAddress;
    }

    /**
     * How many writes of the driver were ignored, since the configuration was made.
     *
     * @return the number
     */
    public long errors() {
        return errors;
    }

    // ---------------------------------------------------------------- what the driver does

    /**
     * Takes the negotiated features, once the driver has set {@code FEATURES_OK}: they decide the
     * layout, and which sizes and alignments are legal.
     *
     * @param negotiated the features that device and driver agree on
     */
    public void negotiated(long negotiated) {
        features = negotiated & LAYOUT_FEATURES;
    }

    /**
     * Sets the number of entries: a power of two for a split queue, any number for a packed one.
     *
     * @param newSize what the driver wrote
     * @return false if the size is not legal or the queue is ready; nothing is changed
     */
    public boolean setSize(int newSize) {
        if (isReady || !isLegalSize(newSize)) {
            return refuse();
        }
        size = newSize;
        return true;
    }

    /**
     * Sets the address of the descriptor table or ring.
     *
     * @param address guest physical address, unsigned
     * @return false if it is not aligned or the queue is ready; nothing is changed
     */
    public boolean setDescriptorAddress(long address) {
        if (isReady || (address & (DESCRIPTOR_ALIGNMENT - 1)) != 0) {
            return refuse();
        }
        descriptorAddress = address;
        return true;
    }

    /**
     * Sets the address of the available ring, or of the driver event suppression.
     *
     * @param address guest physical address, unsigned
     * @return false if it is not aligned or the queue is ready; nothing is changed
     */
    public boolean setDriverAddress(long address) {
        if (isReady || (address & (driverAlignment() - 1)) != 0) {
            return refuse();
        }
        driverAddress = address;
        return true;
    }

    /**
     * Sets the address of the used ring, or of the device event suppression.
     *
     * @param address guest physical address, unsigned
     * @return false if it is not aligned or the queue is ready; nothing is changed
     */
    public boolean setDeviceAddress(long address) {
        if (isReady || (address & (DEVICE_ALIGNMENT - 1)) != 0) {
            return refuse();
        }
        deviceAddress = address;
        return true;
    }

    /**
     * Sets one half of the address of the descriptor table or ring.
     *
     * @param isHigh true for the upper 32 bits
     * @param half what the driver wrote
     * @return as of {@link #setDescriptorAddress}
     */
    public boolean setDescriptorAddressHalf(boolean isHigh, int half) {
        return setDescriptorAddress(withHalf(descriptorAddress, isHigh, half));
    }

    /**
     * Sets one half of the address of the available ring, or of the driver event suppression.
     *
     * @param isHigh true for the upper 32 bits
     * @param half what the driver wrote
     * @return as of {@link #setDriverAddress}
     */
    public boolean setDriverAddressHalf(boolean isHigh, int half) {
        return setDriverAddress(withHalf(driverAddress, isHigh, half));
    }

    /**
     * Sets one half of the address of the used ring, or of the device event suppression.
     *
     * @param isHigh true for the upper 32 bits
     * @param half what the driver wrote
     * @return as of {@link #setDeviceAddress}
     */
    public boolean setDeviceAddressHalf(boolean isHigh, int half) {
        return setDeviceAddress(withHalf(deviceAddress, isHigh, half));
    }

    /**
     * Sets the interrupt vector. Which vectors exist is for the transport to check.
     *
     * @param newVector 0 to 65535
     */
    public void setVector(int newVector) {
        vector = newVector & NO_VECTOR;
    }

    /**
     * Enables the queue, or takes that back. Nothing is checked before the activation.
     *
     * @param ready what the driver wrote
     */
    public void setReady(boolean ready) {
        isReady = ready;
    }

    /**
     * Resets the queue alone or with its device: as it was made, with the negotiated features kept.
     * The active queue is retired; the device must be out of it, see {@link VirtQueue#retire}.
     */
    public void reset() {
        if (active != null) {
            active.retire();
            active = null;
        }
        isReady = false;
        size = maxSize;
        descriptorAddress = 0;
        driverAddress = 0;
        deviceAddress = 0;
        vector = NO_VECTOR;
    }

    // ---------------------------------------------------------------- activation

    /**
     * Makes the queue that the device works with. Everything that the driver has said is checked
     * here, so that the queue's rings are memory from the start.
     *
     * @param access the device's memory
     * @param signals who interrupts the driver
     * @return the queue, at the start of its rings
     * @throws QueueException if the queue is not ready, or its areas are not memory
     * @throws IllegalStateException if it is active already
     */
    public VirtQueue activate(QueueMemory access, QueueSignals signals) {
        if (active != null) {
            throw new IllegalStateException("queue " + index + " is active already");
        }
        if (!isReady || descriptorAddress == 0 || driverAddress == 0 || deviceAddress == 0) {
            throw new QueueException(index, QueueError.NOT_READY, describe());
        }
        if (!isLegalSize(size) || (driverAddress & (driverAlignment() - 1)) != 0) {
            // Set before the features were negotiated.
            throw new QueueException(index, QueueError.INVALID_SIZE, describe());
        }
        GuestMemory memory = access.memory();
        if (memory == null) {
            throw new QueueException(index, QueueError.ACCESS_REFUSED, describe());
        }
        QueueAreas where =
                new QueueAreas(
                        index, size, descriptorAddress, driverAddress, deviceAddress, features);
        QueueAreas.Bound bound = where.bind(memory);
        VirtQueue queue =
                isPacked()
                        ? new PackedQueue(where, bound, access, signals)
                        : new SplitQueue(where, bound, access, signals);
        active = queue;
        return queue;
    }

    private String describe() {
        return (isReady ? "enabled" : "not enabled")
                + ", size "
                + size
                + ", descriptors at 0x"
                + Long.toHexString(descriptorAddress)
                + ", driver area at 0x"
                + Long.toHexString(driverAddress)
                + ", device area at 0x"
                + Long.toHexString(deviceAddress);
    }

    // ---------------------------------------------------------------- saving

    /**
     * The configuration as a value; of an active queue also {@link VirtQueue#snapshot} is needed.
     *
     * @return the configuration
     */
    public Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION)
                .put("size", size)
                .put("features", features)
                .put("descriptor-address", descriptorAddress)
                .put("driver-address", driverAddress)
                .put("device-address", deviceAddress)
                .put("ready", isReady)
                .put("vector", vector)
                .build();
    }

    /**
     * Takes a configuration. What a driver could not have set is refused. All or nothing.
     *
     * @param snapshot what {@link #snapshot} gave
     * @throws SnapshotException if it is of another kind, or a value is not legal
     * @throws IllegalStateException if the queue is active
     */
    public void restore(Snapshot snapshot) {
        if (active != null) {
            throw new IllegalStateException("queue " + index + " is active");
        }
        snapshot.expect(TYPE, VERSION);
        QueueConfig restored = new QueueConfig(index, maxSize);
        restored.features = snapshot.getLong("features");
        if ((restored.features & ~LAYOUT_FEATURES) != 0) {
            throw illegal("features", restored.features);
        }
        int itsSize = snapshot.getInt("size", 1, maxSize);
        long descriptors = snapshot.getLong("descriptor-address");
        long driver = snapshot.getLong("driver-address");
        long device = snapshot.getLong("device-address");
        int itsVector = snapshot.getInt("vector", 0, NO_VECTOR);
        boolean ready = snapshot.getBoolean("ready");
        if (!restored.setSize(itsSize)) {
            throw illegal("size", itsSize);
        }
        if (!restored.setDescriptorAddress(descriptors)) {
            throw illegal("descriptor-address", descriptors);
        }
        if (!restored.setDriverAddress(driver)) {
            throw illegal("driver-address", driver);
        }
        if (!restored.setDeviceAddress(device)) {
            throw illegal("device-address", device);
        }
        features = restored.features;
        size = itsSize;
        descriptorAddress = descriptors;
        driverAddress = driver;
        deviceAddress = device;
        vector = itsVector;
        isReady = ready;
    }

    private SnapshotException illegal(String field, long value) {
        return new SnapshotException(
                TYPE
                        + "."
                        + field
                        + ": 0x"
                        + Long.toHexString(value)
                        + " is not legal for queue "
                        + index);
    }

    // ---------------------------------------------------------------- helpers

    /**
     * Whether the negotiated layout is the packed one.
     *
     * @return true for packed, false for split
     */
    public boolean isPacked() {
        return (features & VirtioFeatures.VIRTIO_F_RING_PACKED) != 0;
    }

    private boolean isLegalSize(int candidate) {
        return candidate >= 1
                && candidate <= maxSize
                && (isPacked() || Integer.bitCount(candidate) == 1);
    }

    private int driverAlignment() {
        return isPacked() ? PACKED_DRIVER_ALIGNMENT : SPLIT_DRIVER_ALIGNMENT;
    }

    private static long withHalf(long address, boolean isHigh, int half) {
        return isHigh
                ? address & LOW | (long) half << 32
                : address & ~LOW | Integer.toUnsignedLong(half);
    }

    private boolean refuse() {
        errors++;
        return false;
    }
}
