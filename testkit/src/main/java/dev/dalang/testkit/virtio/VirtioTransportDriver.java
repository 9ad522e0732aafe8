package dev.dalang.testkit.virtio;

/**
 * A driver's side of a virtio transport: finds the device, negotiates, sets up queues, notifies.
 * Written from the specification alone, against the memory bus, so that it tests whatever stands
 * behind that. One thread, but for {@link #notifyQueue}.
 */
public interface VirtioTransportDriver {
    /** The status bit of a driver that has found the device. */
    int ACKNOWLEDGE = 1;

    /** The status bit of a driver that knows the device. */
    int DRIVER = 2;

    /** The status bit of a driver that is ready. */
    int DRIVER_OK = 4;

    /** The status bit of features that are agreed upon. */
    int FEATURES_OK = 8;

    /** The status bit of a device that the driver has suspended. */
    int SUSPEND = 0x10;

    /** The status bit of a device that works no more. */
    int NEEDS_RESET = 0x40;

    /** The status bit of a driver that has given up. */
    int FAILED = 0x80;

    /** The feature without which nothing goes. */
    long VERSION_1 = 1L << 32;

    /** {@return the virtio device id} */
    int deviceId();

    /** {@return the status} */
    int status();

    /**
     * Writes the status.
     *
     * @param value what is written
     */
    void setStatus(int value);

    /** {@return the features that the device offers, all 64 of them} */
    long deviceFeatures();

    /**
     * Writes the features that the driver wants.
     *
     * @param features all 64
     */
    void setDriverFeatures(long features);

    /** {@return the generation of the configuration} */
    int configGeneration();

    /**
     * Reads from the device's configuration.
     *
     * @param offset byte offset
     * @param size 1, 2, 4 or 8
     * @return the value
     */
    long readConfig(int offset, int size);

    /**
     * Writes to the device's configuration.
     *
     * @param offset byte offset
     * @param size 1, 2, 4 or 8
     * @param value the value
     */
    void writeConfig(int offset, int size, long value);

    /**
     * Finds out how large a queue may be.
     *
     * @param queue its index
     * @return the greatest number of entries; 0 if there is no such queue
     */
    int maxQueueSize(int queue);

    /**
     * Tells a device where a queue lies, without enabling it.
     *
     * @param queue its index
     * @param size number of entries
     * @param descriptors address of the descriptor area
     * @param driver address of the driver area
     * @param device address of the device area
     */
    void placeQueue(int queue, int size, long descriptors, long driver, long device);

    /**
     * Enables a queue, or tries to take that back.
     *
     * @param queue its index
     * @param enabled whether it is to be enabled
     */
    void enableQueue(int queue, boolean enabled);

    /**
     * Asks whether a queue is enabled.
     *
     * @param queue its index
     * @return true if so
     */
    boolean isQueueEnabled(int queue);

    /**
     * Resets a queue alone, and sees that it was.
     *
     * @param queue its index
     */
    void resetQueue(int queue);

    /**
     * Notifies the device of buffers in a queue. Any thread.
     *
     * @param queue its index
     */
    void notifyQueue(int queue);

    /**
     * Reads the interrupt status, and acknowledges what it shows.
     *
     * @return the bits that were set: 1 for queues, 2 for the configuration
     */
    int acknowledgeInterrupts();

    /** Resets the device, and sees that it was. */
    default void reset() {
        setStatus(0);
        if (status() != 0) {
            throw new AssertionError("after a reset the status is 0x%x".formatted(status()));
        }
    }

    /**
     * Resets the device and negotiates, up to {@code FEATURES_OK}.
     *
     * @param wanted the features that the driver would like, as far as they are offered
     * @return the features in use
     * @throws AssertionError if the device does not agree
     */
    default long negotiate(long wanted) {
        reset();
        setStatus(ACKNOWLEDGE);
        setStatus(ACKNOWLEDGE | DRIVER);
        long features = deviceFeatures() & (wanted | VERSION_1);
        setDriverFeatures(features);
        setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        if ((status() & FEATURES_OK) == 0) {
            throw new AssertionError("the device refuses the features 0x%x".formatted(features));
        }
        return features;
    }

    /** Says that the driver is ready. */
    default void ready() {
        setStatus(status() | DRIVER_OK);
    }
}
