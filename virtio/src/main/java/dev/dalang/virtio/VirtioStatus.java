package dev.dalang.virtio;

/** The bits of the device status (virtio 1.3 §2.1). */
public final class VirtioStatus {
    /** The driver has found the device. */
    public static final int ACKNOWLEDGE = 0x01;

    /** The driver knows how to drive the device. */
    public static final int DRIVER = 0x02;

    /** The driver is ready. */
    public static final int DRIVER_OK = 0x04;

    /** Driver and device agree on the features. */
    public static final int FEATURES_OK = 0x08;

    /** The driver has suspended the device. */
    public static final int SUSPEND = 0x10;

    /** The device has met an error that it does not recover from by itself. */
    public static final int DEVICE_NEEDS_RESET = 0x40;

    /** The driver has given up. */
    public static final int FAILED = 0x80;

    /** What is set, and nothing of {@link #FAILED}, when the device is to work. */
    static final int READY = ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK;

    private VirtioStatus() {}

    static boolean isReady(int status) {
        return (status & (READY | FAILED)) == READY;
    }
}
