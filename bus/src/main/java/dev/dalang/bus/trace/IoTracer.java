package dev.dalang.bus.trace;

import dev.dalang.bus.BusDevice;

import java.util.Optional;

/** Decides which devices are traced. Asked when a device comes on the bus. Any thread. */
@FunctionalInterface
public interface IoTracer {
    /**
     * Where a device's doings are told.
     *
     * @param device the device
     * @return the trace, the same one each time; empty if the device is not traced
     */
    Optional<DeviceTrace> trace(BusDevice device);

    /**
     * One who traces nothing.
     *
     * @return the tracer
     */
    static IoTracer none() {
        return _ -> Optional.empty();
    }
}
