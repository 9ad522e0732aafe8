package dev.dalang.virtio;

import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_NOTIF_CONFIG_DATA;

import dev.dalang.pci.PciInterrupts;
import dev.dalang.virtio.queue.QueueConfig;

/**
 * The common configuration structure (virtio 1.3 §4.1.4.3). A field is read and written whole, a
 * 64-bit one whole or in halves; any other access reads 0 and writes nothing. Under the lock of the
 * core.
 */
final class PciCommonConfig {
    static final int DEVICE_FEATURE_SELECT = 0x00;
    static final int DEVICE_FEATURE = 0x04;
    static final int DRIVER_FEATURE_SELECT = 0x08;
    static final int DRIVER_FEATURE = 0x0c;
    static final int CONFIG_MSIX_VECTOR = 0x10;
    static final int NUM_QUEUES = 0x12;
    static final int DEVICE_STATUS = 0x14;
    static final int CONFIG_GENERATION = 0x15;
    static final int QUEUE_SELECT = 0x16;
    static final int QUEUE_SIZE = 0x18;
    static final int QUEUE_MSIX_VECTOR = 0x1a;
    static final int QUEUE_ENABLE = 0x1c;
    static final int QUEUE_NOTIFY_OFF = 0x1e;
    static final int QUEUE_DESC = 0x20;
    static final int QUEUE_DRIVER = 0x28;
    static final int QUEUE_DEVICE = 0x30;
    static final int QUEUE_NOTIFY_DATA = 0x38;
    static final int QUEUE_RESET = 0x3a;
    static final int ADMIN_QUEUE_INDEX = 0x3c;
    static final int ADMIN_QUEUE_NUM = 0x3e;

    private final VirtioCore core;
    private final int vectors;

    /** Read by whoever interrupts. */
    private volatile int configVector = PciInterrupts.NO_VECTOR;

    PciCommonConfig(VirtioCore core, int vectors) {
        this.core = core;
        this.vectors = vectors;
    }

    int configVector() {
        return configVector;
    }

    void setConfigVector(int vector) {
        configVector = vector;
    }

    void reset() {
        configVector = PciInterrupts.NO_VECTOR;
    }

    /** The width of a field: 4 for the 64-bit ones, which are told apart by their callers. */
    private static int width(int offset) {
        return switch (offset) {
            case DEVICE_STATUS, CONFIG_GENERATION -> 1;
            case CONFIG_MSIX_VECTOR,
                    NUM_QUEUES,
                    QUEUE_SELECT,
                    QUEUE_SIZE,
                    QUEUE_MSIX_VECTOR,
                    QUEUE_ENABLE,
                    QUEUE_NOTIFY_OFF,
                    QUEUE_NOTIFY_DATA,
                    QUEUE_RESET,
                    ADMIN_QUEUE_INDEX,
                    ADMIN_QUEUE_NUM ->
                    2;
            case DEVICE_FEATURE_SELECT,
                    DEVICE_FEATURE,
                    DRIVER_FEATURE_SELECT,
                    DRIVER_FEATURE,
                    QUEUE_DESC,
                    QUEUE_DESC + 4,
                    QUEUE_DRIVER,
                    QUEUE_DRIVER + 4,
                    QUEUE_DEVICE,
                    QUEUE_DEVICE + 4 ->
                    4;
            default -> 0;
        };
    }

    private static boolean isWhole(int offset) {
        return offset == QUEUE_DESC || offset == QUEUE_DRIVER || offset == QUEUE_DEVICE;
    }

    long read(int offset, int size) {
        if (size == 8 && isWhole(offset)) {
            return address(offset);
        }
        if (size != width(offset)) {
            return 0;
        }
        QueueConfig queue = core.selected();
        return switch (offset) {
            case DEVICE_FEATURE_SELECT -> core.deviceFeatureSelect;
            case DEVICE_FEATURE -> core.deviceFeatures();
            case DRIVER_FEATURE_SELECT -> core.driverFeatureSelect;
            case DRIVER_FEATURE -> core.driverFeatures();
            case CONFIG_MSIX_VECTOR -> configVector;
            case NUM_QUEUES -> core.queues.length;
            case DEVICE_STATUS -> core.status.get();
            case CONFIG_GENERATION -> core.generation();
            case QUEUE_SELECT, QUEUE_NOTIFY_OFF -> core.queueSelect;
            case QUEUE_SIZE -> queue == null ? 0 : queue.size();
            case QUEUE_MSIX_VECTOR -> queue == null ? 0 : queue.vector();
            case QUEUE_ENABLE -> queue != null && queue.isReady() ? 1 : 0;
            case QUEUE_NOTIFY_DATA ->
                    queue != null && core.hasNegotiated(VIRTIO_F_NOTIF_CONFIG_DATA)
                            ? queue.index()
                            : 0;
            case QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE -> address(offset);
            case QUEUE_DESC + 4, QUEUE_DRIVER + 4, QUEUE_DEVICE + 4 -> address(offset) >>> 32;
            default -> 0;
        };
    }

    private long address(int offset) {
        QueueConfig queue = core.selected();
        if (queue == null) {
            return 0;
        }
        return switch (offset & ~7) {
            case QUEUE_DESC -> queue.descriptorAddress();
            case QUEUE_DRIVER -> queue.driverAddress();
            default -> queue.deviceAddress();
        };
    }

    void write(int offset, int size, long value) {
        QueueConfig queue = core.selected();
        if (size == 8 && isWhole(offset)) {
            if (queue != null) {
                setAddress(queue, offset, value);
            }
            return;
        }
        if (size != width(offset)) {
            return;
        }
        switch (offset) {
            case DEVICE_FEATURE_SELECT -> core.deviceFeatureSelect = (int) value;
            case DRIVER_FEATURE_SELECT -> core.driverFeatureSelect = (int) value;
            case DRIVER_FEATURE -> core.writeDriverFeatures((int) value);
            case CONFIG_MSIX_VECTOR -> configVector = checked((int) value);
            case DEVICE_STATUS -> core.writeStatus((int) value);
            case QUEUE_SELECT -> core.queueSelect = (int) value;
            default -> {
                if (queue != null) {
                    writeQueue(queue, offset, (int) value);
                }
            }
        }
    }

    private void writeQueue(QueueConfig queue, int offset, int value) {
        switch (offset) {
            case QUEUE_SIZE -> queue.setSize(value);
            case QUEUE_MSIX_VECTOR -> {
                if (!queue.isReady()) {
                    queue.setVector(checked(value));
                }
            }
            case QUEUE_ENABLE -> {
                if (value == 1) {
                    core.enableQueue(queue);
                } else {
                    core.disableQueue(queue);
                }
            }
            case QUEUE_RESET -> {
                if (value == 1) {
                    core.resetQueue(queue);
                }
            }
            case QUEUE_DESC, QUEUE_DESC + 4 ->
                    queue.setDescriptorAddressHalf(offset != QUEUE_DESC, value);
            case QUEUE_DRIVER, QUEUE_DRIVER + 4 ->
                    queue.setDriverAddressHalf(offset != QUEUE_DRIVER, value);
            case QUEUE_DEVICE, QUEUE_DEVICE + 4 ->
                    queue.setDeviceAddressHalf(offset != QUEUE_DEVICE, value);
            default -> {}
        }
    }

    private static void setAddress(QueueConfig queue, int offset, long value) {
        switch (offset) {
            case QUEUE_DESC -> queue.setDescriptorAddress(value);
            case QUEUE_DRIVER -> queue.setDriverAddress(value);
            default -> queue.setDeviceAddress(value);
        }
    }

    /** A vector that there is not is none, as a driver sees when it reads back (§4.1.5.1.3). */
    private int checked(int vector) {
        return vector < vectors ? vector : PciInterrupts.NO_VECTOR;
    }
}
