/**
 * The interrupt controllers of the architecture: ACLINT, PLIC, IMSIC and APLIC.
 *
 * <p>All of them answer from any thread. An access of a size or at an offset that a controller does
 * not have reads 0 and is ignored when written; nothing is ever thrown to a guest. Addresses and
 * register values are {@code long}, always unsigned; access sizes are {@code int}: 1, 2, 4 or 8
 * bytes.
 *
 * <p>Locks: the ACLINT, the PLIC and the APLIC each have one, taken from outside to inside in the
 * order controller, then clock or hart. While one is held only output lines, timers and the MSI
 * target are called, so these must not wait for a thread that drives an input line. The IMSIC has
 * no lock.
 */
@org.jspecify.annotations.NullMarked
package dev.dalang.riscv.intc;
