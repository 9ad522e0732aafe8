package dev.dalang.bus;

import dev.dalang.bus.trace.DeviceTrace;
import dev.dalang.bus.trace.RegisterNames;

import java.lang.foreign.MemorySegment;

/** Devices around which a trace is put. */
final class Traced {
    private Traced() {}

    static DeviceMmio mmio(DeviceMmio device, DeviceTrace trace) {
        return new Mmio(device, trace);
    }

    static DevicePio pio(DevicePio device, DeviceTrace trace) {
        return new Pio(device, trace);
    }

    private static String place(BusDevice device, long base, long offset, boolean write) {
        return device instanceof RegisterNames names
                ? names.registerName(base, offset, write)
                : Numbers.hex(base) + "+" + Numbers.hex(offset);
    }

    private static String failure(String what, Throwable failure) {
        return what + " failed: " + failure;
    }

    private record Mmio(DeviceMmio device, DeviceTrace trace) implements DeviceMmio {
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
            String place = place(device, base, offset, false);
            try {
                long value = device.mmioRead(base, offset, size) & BulkAccess.ones(size);
                trace.read(place, size, value);
                return value;
            } catch (Throwable failure) {
                trace.event(() -> failure("read of " + place, failure));
                throw failure;
            }
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {
            String place = place(device, base, offset, true);
            trace.write(place, size, value);
            try {
                device.mmioWrite(base, offset, size, value);
            } catch (Throwable failure) {
                trace.event(() -> failure("write of " + place, failure));
                throw failure;
            }
        }

        @Override
        public void mmioRead(long base, long offset, MemorySegment target) {
            String place = place(device, base, offset, false);
            trace.event(() -> "read " + target.byteSize() + " bytes from " + place);
            device.mmioRead(base, offset, target);
        }

        @Override
        public void mmioWrite(long base, long offset, MemorySegment source) {
            String place = place(device, base, offset, true);
            trace.event(() -> "write " + source.byteSize() + " bytes to " + place);
            device.mmioWrite(base, offset, source);
        }
    }

    private record Pio(DevicePio device, DeviceTrace trace) implements DevicePio {
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
            String place = place(device, base, offset, false);
            try {
                long value = device.pioRead(base, offset, size) & BulkAccess.ones(size);
                trace.read(place, size, value);
                return value;
            } catch (Throwable failure) {
                trace.event(() -> failure("read of " + place, failure));
                throw failure;
            }
        }

        @Override
        public void pioWrite(int base, int offset, int size, long value) {
            String place = place(device, base, offset, true);
            trace.write(place, size, value);
            try {
                device.pioWrite(base, offset, size, value);
            } catch (Throwable failure) {
                trace.event(() -> failure("write of " + place, failure));
                throw failure;
            }
        }

        @Override
        public void pioRead(int base, int offset, MemorySegment target) {
            String place = place(device, base, offset, false);
            trace.event(() -> "read " + target.byteSize() + " bytes from " + place);
            device.pioRead(base, offset, target);
        }

        @Override
        public void pioWrite(int base, int offset, MemorySegment source) {
            String place = place(device, base, offset, true);
            trace.event(() -> "write " + source.byteSize() + " bytes to " + place);
            device.pioWrite(base, offset, source);
        }
    }
}
