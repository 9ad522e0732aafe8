/**
 * The RISC-V hart and the interrupt controllers of the architecture.
 *
 * <p>Addresses and register values are {@code long}, always unsigned; access sizes are {@code int}:
 * 1, 2, 4 or 8 bytes.
 */
package dev.dalang.riscv;
