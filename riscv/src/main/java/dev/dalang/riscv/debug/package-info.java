/**
 * A debugger's view of a machine's harts, and GDB's remote serial protocol for it. Whoever reaches
 * the port commands the machine: it is opened on loopback only.
 */
package dev.dalang.riscv.debug;
