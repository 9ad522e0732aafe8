package dev.dalang.vm;

import java.util.List;
import java.util.function.Consumer;

/**
 * Which devices of a machine are traced, and where to: accesses to their registers by name,
 * interrupts, and transfers, a line each, with virtual time. Devices that are not traced cost what
 * they cost without.
 *
 * @param devices labels or types, at least one
 * @param sink gets each line, without its end; called on the threads of harts and devices, one at a
 *     time, so that what it waits for holds them up
 */
public record DeviceTracing(List<String> devices, Consumer<String> sink) {
    /** Copies the list. */
    public DeviceTracing {
        devices = List.copyOf(devices);
        if (devices.isEmpty()) {
            throw new ConfigurationException("--trace: expected a device, found none");
        }
    }
}
