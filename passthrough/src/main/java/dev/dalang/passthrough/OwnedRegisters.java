package dev.dalang.passthrough;

import java.util.function.BooleanSupplier;

/**
 * A device's registers as one machine has them: as long as the device is the machine's. Afterwards
 * reads give all ones and writes are dropped, whoever has the device then. Any thread.
 *
 * @param registers the device's
 * @param isOwner true while it is this machine's
 */
record OwnedRegisters(DeviceRegisters registers, BooleanSupplier isOwner) {
    long read(int region, long offset, int size) {
        return isOwner.getAsBoolean() ? registers.read(region, offset, size) : -1;
    }

    void write(int region, long offset, int size, long value) {
        if (isOwner.getAsBoolean()) {
            registers.write(region, offset, size, value);
        }
    }
}
