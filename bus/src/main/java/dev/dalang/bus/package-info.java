/**
 * Buses and the devices on them.
 *
 * <p>Addresses and register values are {@code long}, always unsigned: compare with {@link
 * Long#compareUnsigned}. Access sizes are {@code int}: 1, 2, 4 or 8 bytes.
 */
package dev.dalang.bus;
