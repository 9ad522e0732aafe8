package dev.dalang.bus;

/**
 * A device and a range that it answers.
 *
 * @param range the range
 * @param device the device
 * @param <R> the kind of range
 * @param <D> the kind of device
 */
public record BusMapping<R extends BusRange, D>(R range, D device) {}
