package dev.dalang.virtio;

import dev.dalang.pci.VendorCapability;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Where things lie in BAR 0, and the capabilities that say so (virtio 1.3 §4.1.4). */
final class VirtioPciLayout {
    static final int VENDOR = 0x1af4;
    static final int REVISION = 1;

    static final int BAR = 0;
    static final int BAR_BYTES = 0x8000;
    static final int COMMON = 0x0000;
    static final int COMMON_BYTES = 64;
    static final int ISR = 0x1000;
    static final int ISR_BYTES = 1;
    static final int DEVICE = 0x2000;
    static final int DEVICE_BYTES = 0x1000;
    static final int NOTIFY = 0x3000;
    static final int NOTIFY_BYTES = 0x1000;
    static final int NOTIFY_MULTIPLIER = 4;
    static final int MSIX_TABLE = 0x6000;
    static final int MSIX_PENDING = 0x7000;

    /** As many as the place for the table has room for. */
    static final int MAX_VECTORS = 256;

    static final int SHARED_MEMORY_BAR = 2;

    static final int VIRTIO_PCI_CAP_COMMON_CFG = 1;
    static final int VIRTIO_PCI_CAP_NOTIFY_CFG = 2;
    static final int VIRTIO_PCI_CAP_ISR_CFG = 3;
    static final int VIRTIO_PCI_CAP_DEVICE_CFG = 4;
    static final int VIRTIO_PCI_CAP_PCI_CFG = 5;
    static final int VIRTIO_PCI_CAP_SHARED_MEMORY_CFG = 8;

    /** Bytes of a capability, without id, next and length. */
    private static final int PLAIN_BYTES = 13;

    private VirtioPciLayout() {}

    static VendorCapability common() {
        return plain(VIRTIO_PCI_CAP_COMMON_CFG, COMMON, COMMON_BYTES);
    }

    static VendorCapability isr() {
        return plain(VIRTIO_PCI_CAP_ISR_CFG, ISR, ISR_BYTES);
    }

    static VendorCapability device() {
        return plain(VIRTIO_PCI_CAP_DEVICE_CFG, DEVICE, DEVICE_BYTES);
    }

    static VendorCapability notification() {
        return VendorCapability.of(
                body(VIRTIO_PCI_CAP_NOTIFY_CFG, BAR, 0, NOTIFY, NOTIFY_BYTES, NOTIFY_MULTIPLIER));
    }

    /** The window onto the other structures: a guest writes where it looks (§4.1.4.9). */
    static VendorCapability window() {
        return VendorCapability.of(
                body(VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0, 0, 0), body(0, 0xff, 0, -1, -1, -1));
    }

    static VendorCapability sharedMemory(SharedMemoryRegion region) {
        return VendorCapability.of(
                body(
                        VIRTIO_PCI_CAP_SHARED_MEMORY_CFG,
                        SHARED_MEMORY_BAR,
                        region.id(),
                        0,
                        (int) region.bytes(),
                        0,
                        (int) (region.bytes() >>> 32)));
    }

    private static VendorCapability plain(int type, int offset, int bytes) {
        return VendorCapability.of(body(type, BAR, 0, offset, bytes));
    }

    private static byte[] body(int type, int bar, int id, int offset, int bytes, int... more) {
        byte[] body = new byte[PLAIN_BYTES + more.length * Integer.BYTES];
        ByteBuffer buffer =
                ByteBuffer.wrap(body)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .put((byte) type)
                        .put((byte) bar)
                        .put((byte) id)
                        .putShort((short) 0)
                        .putInt(offset)
                        .putInt(bytes);
        for (int word : more) {
            buffer.putInt(word);
        }
        return body;
    }
}
