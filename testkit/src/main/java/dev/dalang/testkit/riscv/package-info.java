/**
 * Guest code for tests: an assembler of RV64GC and its extensions that runs in the test's own
 * process, so that a program stands beside what is asserted about it.
 *
 * <p>Addresses are {@code long}, always unsigned. Instruction methods are named after the mnemonic
 * with dots as underscores, and take operands in the order of the assembly language.
 */
package dev.dalang.testkit.riscv;
