package dev.dalang.virtio;

import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_NOTIFICATION_DATA;

import dev.dalang.bus.MmioRange;
import dev.dalang.virtio.queue.NotificationData;
import dev.dalang.virtio.queue.QueueConfig;

import org.jspecify.annotations.Nullable;

/**
 * The registers of virtio-mmio (virtio 1.3 §4.2.2). What can only be written reads as 0. Under the
 * lock of the core, but for {@link #notifyQueue}.
 */
final class MmioRegisters {
    static final int MAGIC_VALUE = 0x000;
    static final int DEVICE_VERSION = 0x004;
    static final int DEVICE_ID = 0x008;
    static final int VENDOR_ID = 0x00c;
    static final int DEVICE_FEATURES = 0x010;
    static final int DEVICE_FEATURES_SEL = 0x014;
    static final int DRIVER_FEATURES = 0x020;
    static final int DRIVER_FEATURES_SEL = 0x024;
    static final int QUEUE_SEL = 0x030;
    static final int QUEUE_SIZE_MAX = 0x034;
    static final int QUEUE_SIZE = 0x038;
    static final int QUEUE_READY = 0x044;
    static final int QUEUE_NOTIFY = 0x050;
    static final int INTERRUPT_STATUS = 0x060;
    static final int INTERRUPT_ACK = 0x064;
    static final int STATUS = 0x070;
    static final int QUEUE_DESC_LOW = 0x080;
    static final int QUEUE_DESC_HIGH = 0x084;
    static final int QUEUE_DRIVER_LOW = 0x090;
    static final int QUEUE_DRIVER_HIGH = 0x094;
    static final int QUEUE_DEVICE_LOW = 0x0a0;
    static final int QUEUE_DEVICE_HIGH = 0x0a4;
    static final int SHM_SEL = 0x0ac;
    static final int SHM_LEN_LOW = 0x0b0;
    static final int SHM_LEN_HIGH = 0x0b4;
    static final int SHM_BASE_LOW = 0x0b8;
    static final int SHM_BASE_HIGH = 0x0bc;
    static final int QUEUE_RESET = 0x0c0;
    static final int CONFIG_GENERATION = 0x0fc;
    static final int CONFIG = 0x100;

    /** "virt". */
    static final int MAGIC = 0x7472_6976;

    static final int VERSION = 2;

    /** "DLNG". */
    static final int VENDOR = 0x474e_4c44;

    /** What a region that is not there has as length and place. */
    private static final long NO_REGION = -1;

    private final VirtioCore core;
    private final @Nullable VirtioSharedMemory sharing;
    private final @Nullable MmioRange sharedRange;
    private int sharedMemorySelect;

    MmioRegisters(
            VirtioCore core,
            @Nullable VirtioSharedMemory sharing,
            @Nullable MmioRange sharedRange) {
        this.core = core;
        this.sharing = sharing;
        this.sharedRange = sharedRange;
    }

    int sharedMemorySelect() {
        return sharedMemorySelect;
    }

    void setSharedMemorySelect(int value) {
        sharedMemorySelect = value;
    }

    void reset() {
        sharedMemorySelect = 0;
    }

    int read(int offset) {
        QueueConfig queue = core.selected();
        return switch (offset) {
            case MAGIC_VALUE -> MAGIC;
            case DEVICE_VERSION -> VERSION;
            case DEVICE_ID -> core.device.type().id();
            case VENDOR_ID -> VENDOR;
            case DEVICE_FEATURES -> core.deviceFeatures();
            case QUEUE_SIZE_MAX -> queue == null ? 0 : queue.maxSize();
            case QUEUE_READY -> queue != null && queue.isReady() ? 1 : 0;
            case INTERRUPT_STATUS -> core.isr.get();
            case STATUS -> core.status.get();
            case SHM_LEN_LOW -> (int) sharedLength();
            case SHM_LEN_HIGH -> (int) (sharedLength() >>> 32);
            case SHM_BASE_LOW -> (int) sharedBase();
            case SHM_BASE_HIGH -> (int) (sharedBase() >>> 32);
            case CONFIG_GENERATION -> core.generation();
            default -> 0;
        };
    }

    private long sharedLength() {
        return sharing != null && sharing.sharedMemoryRegion().id() == sharedMemorySelect
                ? sharing.sharedMemoryRegion().bytes()
                : NO_REGION;
    }

    private long sharedBase() {
        return sharedRange != null && sharedLength() != NO_REGION ? sharedRange.base() : NO_REGION;
    }

    void write(int offset, int value) {
        QueueConfig queue = core.selected();
        switch (offset) {
            case DEVICE_FEATURES_SEL -> core.deviceFeatureSelect = value;
            case DRIVER_FEATURES -> core.writeDriverFeatures(value);
            case DRIVER_FEATURES_SEL -> core.driverFeatureSelect = value;
            case QUEUE_SEL -> core.queueSelect = value;
            case INTERRUPT_ACK -> core.isr.clear(value);
            case STATUS -> core.writeStatus(value);
            case SHM_SEL -> sharedMemorySelect = value;
            default -> {
                if (queue != null) {
                    writeQueue(queue, offset, value);
                }
            }
        }
    }

    private void writeQueue(QueueConfig queue, int offset, int value) {
        switch (offset) {
            case QUEUE_SIZE -> queue.setSize(value);
            case QUEUE_READY -> setReady(queue, value == 1);
            case QUEUE_DESC_LOW, QUEUE_DESC_HIGH ->
                    queue.setDescriptorAddressHalf(offset == QUEUE_DESC_HIGH, value);
            case QUEUE_DRIVER_LOW, QUEUE_DRIVER_HIGH ->
                    queue.setDriverAddressHalf(offset == QUEUE_DRIVER_HIGH, value);
            case QUEUE_DEVICE_LOW, QUEUE_DEVICE_HIGH ->
                    queue.setDeviceAddressHalf(offset == QUEUE_DEVICE_HIGH, value);
            case QUEUE_RESET -> {
                if (value == 1) {
                    core.resetQueue(queue);
                }
            }
            default -> {}
        }
    }

    private void setReady(QueueConfig queue, boolean ready) {
        if (ready) {
            core.enableQueue(queue);
        } else if ((core.status.get() & VirtioStatus.DRIVER_OK) == 0) {
            core.disableQueue(queue);
        } else {
            // To stop using a queue the driver writes 0 and reads it back (§4.2.2.2).
            core.stopQueue(queue);
        }
    }

    void notifyQueue(int value) {
        core.notifyQueue(
                core.hasNegotiated(VIRTIO_F_NOTIFICATION_DATA)
                        ? new NotificationData(value).queue()
                        : value);
    }
}
