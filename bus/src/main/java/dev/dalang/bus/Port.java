package dev.dalang.bus;

import java.lang.foreign.MemorySegment;

/**
 * A device as a bus of an {@link IoManager} holds it: with its counters, and with its failures kept
 * in. A final class per bus, so that the lookup's result is cast for the price of a compare.
 */
abstract sealed class Port {
    private static final byte ONES = (byte) 0xff;

    final DeviceSlot slot;

    /** Where harts count reads of this device; writes are counted next to it. */
    final int counter;

    private Port(DeviceSlot slot) {
        this.slot = slot;
        this.counter = 2 * slot.index;
    }

    static final class Mmio extends Port {
        /** What was registered. */
        final DeviceMmio device;

        /** What is called: the device, with a trace around it if it is traced. */
        final DeviceMmio target;

        /** Which call site is this device's: see {@link CallSites}. */
        final int site;

        Mmio(DeviceMmio device, DeviceMmio target, DeviceSlot slot, int site) {
            super(slot);
            this.device = device;
            this.target = target;
            this.site = site;
        }

        @Override
        DeviceMmio device() {
            return device;
        }

        @Override
        long deviceRead(long base, long offset, int size) {
            return target.mmioRead(base, offset, size);
        }

        @Override
        void deviceWrite(long base, long offset, int size, long value) {
            target.mmioWrite(base, offset, size, value);
        }

        @Override
        void deviceRead(long base, long offset, MemorySegment target) {
            this.target.mmioRead(base, offset, target);
        }

        @Override
        void deviceWrite(long base, long offset, MemorySegment source) {
            target.mmioWrite(base, offset, source);
        }
    }

    static final class Pio extends Port {
        /** What was registered. */
        final DevicePio device;

        /** What is called: the device, with a trace around it if it is traced. */
        final DevicePio target;

        Pio(DevicePio device, DevicePio target, DeviceSlot slot) {
            super(slot);
            this.device = device;
            this.target = target;
        }

        @Override
        DevicePio device() {
            return device;
        }

        @Override
        long deviceRead(long base, long offset, int size) {
            return target.pioRead((int) base, (int) offset, size);
        }

        @Override
        void deviceWrite(long base, long offset, int size, long value) {
            target.pioWrite((int) base, (int) offset, size, value);
        }

        @Override
        void deviceRead(long base, long offset, MemorySegment target) {
            this.target.pioRead((int) base, (int) offset, target);
        }

        @Override
        void deviceWrite(long base, long offset, MemorySegment source) {
            target.pioWrite((int) base, (int) offset, source);
        }
    }

    abstract BusDevice device();

    abstract long deviceRead(long base, long offset, int size);

    abstract void deviceWrite(long base, long offset, int size, long value);

    abstract void deviceRead(long base, long offset, MemorySegment target);

    abstract void deviceWrite(long base, long offset, MemorySegment source);

    /** The value, zero-extended; all ones from a device that fails. */
    final long read(long base, long offset, int size) {
        long ones = BulkAccess.ones(size);
        try {
            return deviceRead(base, offset, size) & ones;
        } catch (Throwable failure) {
            slot.failed("read", base, offset, size, failure);
            return ones;
        }
    }

    final void write(long base, long offset, int size, long value) {
        try {
            deviceWrite(base, offset, size, value & BulkAccess.ones(size));
        } catch (Throwable failure) {
            slot.failed("write", base, offset, size, failure);
        }
    }

    final void read(long base, long offset, MemorySegment target) {
        target.fill(ONES);
        try {
            deviceRead(base, offset, target);
        } catch (Throwable failure) {
            target.fill(ONES);
            slot.failed("read", base, offset, target.byteSize(), failure);
        }
    }

    final void write(long base, long offset, MemorySegment source) {
        try {
            deviceWrite(base, offset, source.asReadOnly());
        } catch (Throwable failure) {
            slot.failed("write", base, offset, source.byteSize(), failure);
        }
    }
}
