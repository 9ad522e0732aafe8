package dev.dalang.bus;

import java.lang.foreign.MemorySegment;

/**
 * Makes a device that is not thread-safe fit for several harts: every access holds the device's
 * monitor, so that a method of the device that is {@code synchronized} excludes accesses, and a
 * device may call itself. An access that throws leaves the monitor free.
 *
 * <p>Register what these methods give, and keep it: it is the owner that removal asks for.
 */
public final class Synchronized {
    private Synchronized() {}

    /**
     * Wraps a device of the memory bus.
     *
     * @param device not thread-safe
     * @return the same device, one access at a time
     */
    public static DeviceMmio mmio(DeviceMmio device) {
        return new Mmio(device);
    }

    /**
     * Wraps a device of the port bus.
     *
     * @param device not thread-safe
     * @return the same device, one access at a time
     */
    public static DevicePio pio(DevicePio device) {
        return new Pio(device);
    }

    private record Mmio(DeviceMmio device) implements DeviceMmio {
        @Override
        public String label() {
            return device.label();
        }

        @Override
        public String typeId() {
            return device.typeId();
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            synchronized (device) {
                return device.mmioRead(base, offset, size);
            }
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {
            synchronized (device) {
                device.mmioWrite(base, offset, size, value);
            }
        }

        @Override
        public void mmioRead(long base, long offset, MemorySegment target) {
            synchronized (device) {
                device.mmioRead(base, offset, target);
            }
        }

        @Override
        public void mmioWrite(long base, long offset, MemorySegment source) {
            synchronized (device) {
                device.mmioWrite(base, offset, source);
            }
        }
    }

    private record Pio(DevicePio device) implements DevicePio {
        @Override
        public String label() {
            return device.label();
        }

        @Override
        public String typeId() {
            return device.typeId();
        }

        @Override
        public long pioRead(int base, int offset, int size) {
            synchronized (device) {
                return device.pioRead(base, offset, size);
            }
        }

        @Override
        public void pioWrite(int base, int offset, int size, long value) {
            synchronized (device) {
                device.pioWrite(base, offset, size, value);
            }
        }

        @Override
        public void pioRead(int base, int offset, MemorySegment target) {
            synchronized (device) {
                device.pioRead(base, offset, target);
            }
        }

        @Override
        public void pioWrite(int base, int offset, MemorySegment source) {
            synchronized (device) {
                device.pioWrite(base, offset, source);
            }
        }
    }
}
