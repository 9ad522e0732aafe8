/**
 * The device tree and its flattened form (Devicetree Specification 0.4): built in memory, written
 * as a blob for a guest, and read back.
 *
 * <p>Cells are {@code int} and addresses {@code long}, both unsigned; a blob is big-endian. Nothing
 * here is thread-safe.
 */
package dev.dalang.tables.fdt;
