/** Interrupt lines and messages, seen from the device. */
package dev.dalang.bus.interrupt;
