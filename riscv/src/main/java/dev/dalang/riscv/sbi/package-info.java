/**
 * A supervisor binary interface (SBI 2.0) in Java: what M-mode firmware does for an operating
 * system, without M-mode code in the guest.
 *
 * <p>Addresses, register values and hart masks are {@code long}, always unsigned.
 */
package dev.dalang.riscv.sbi;
