/**
 * Buses and the devices on them.
 *
 * <p>Addresses and register values are {@code long}, always unsigned: compare with {@link
 * Long#compareUnsigned}. Access sizes are {@code int}: 1, 2, 4 or 8 bytes.
 *
 * <p>Lock order, outermost first: a device's own lock, the change lock of {@link
 * dev.dalang.bus.IoManager}, that of {@link dev.dalang.bus.Bus}, that of removals; the counters'
 * lock is taken under none of them. No lock is held while a device is called, and an access takes
 * none, so that a device may register, move and remove ranges, its own too, from inside an access.
 */
package dev.dalang.bus;
