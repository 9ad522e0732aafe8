package dev.dalang.virtio;

import dev.dalang.bus.DeviceMmio;

/**
 * A place for a virtio-mmio device that has none: it answers with the device id 0, at which drivers
 * leave it alone (virtio 1.3 §4.2.2). Any thread.
 *
 * @param label its name
 */
public record VirtioMmioSlot(String label) implements DeviceMmio {
    @Override
    public String typeId() {
        return "virtio-mmio";
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        if (size != Integer.BYTES) {
            return 0;
        }
        return switch ((int) offset) {
            case MmioRegisters.MAGIC_VALUE -> MmioRegisters.MAGIC;
            case MmioRegisters.DEVICE_VERSION -> MmioRegisters.VERSION;
            case MmioRegisters.VENDOR_ID -> MmioRegisters.VENDOR;
            default -> 0;
        };
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {}
}
