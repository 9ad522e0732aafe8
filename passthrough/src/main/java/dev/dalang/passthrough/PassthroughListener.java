package dev.dalang.passthrough;

/**
 * Is told of what a user may want to act on. Calls come on any thread; they do not wait for the
 * device, and whoever wants to unplug it does so on another thread.
 */
public interface PassthroughListener {
    /** Told of nothing. */
    PassthroughListener NONE = new PassthroughListener() {};

    /**
     * The device is gone: the guest reads all ones, and its writes are dropped. It can still be
     * unplugged. Once for each device.
     *
     * @param device the device
     */
    default void lost(PassthroughDevice device) {}

    /**
     * The device reports an error from which it cannot go on by itself.
     *
     * @param device the device
     */
    default void failed(PassthroughDevice device) {}

    /**
     * Whoever gave the device away wants it back: the guest should be asked to let go of it.
     *
     * @param device the device
     */
    default void requested(PassthroughDevice device) {}

    /**
     * The device did not do what a guest, or the end of its assignment, wanted of it.
     *
     * @param device the device
     * @param failure what it was
     */
    default void refused(PassthroughDevice device, BackendException failure) {}
}
