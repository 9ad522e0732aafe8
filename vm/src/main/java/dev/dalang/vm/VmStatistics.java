package dev.dalang.vm;

import dev.dalang.riscv.EngineStatistics;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What a machine has done so far.
 *
 * @param wallTime host time that it ran
 * @param instructions guest instructions retired by all harts, since the first start
 * @param engine what the translator did; empty if there is none
 * @param firstOutput host time from the start to the end of the first line of console output
 * @param resets how often the guest rebooted
 * @param devices each device's share, in the order in which the devices came
 * @param unmappedReads loads that found neither memory nor a device
 * @param unmappedWrites stores that found neither
 */
public record VmStatistics(
        Duration wallTime,
        long instructions,
        Optional<EngineStatistics> engine,
        Optional<Duration> firstOutput,
        long resets,
        List<DeviceStatistics> devices,
        long unmappedReads,
        long unmappedWrites) {
    /** Keeps a copy of the list. */
    public VmStatistics {
        devices = List.copyOf(devices);
    }

    /**
     * Speed.
     *
     * @return millions of instructions per second of wall time; 0 before the start
     */
    public double mips() {
        double seconds = wallTime.toNanos() / 1e9;
        return seconds == 0 ? 0 : instructions / seconds / 1e6;
    }
}
