/**
 * The devices of the {@code virt} board that are not PCI devices. Each is an object that any
 * machine can put on its bus.
 *
 * <p>Register values are {@code long}, unsigned and little-endian as on the bus; access sizes are
 * {@code int} 1, 2, 4 or 8. An access that hardware would not answer reads as zero, is dropped when
 * it is a store, and is counted.
 *
 * <p>Lock order: a device's own lock, then the lock of its {@link
 * dev.dalang.vm.device.ConsoleBackend} or of the interrupt controller behind its {@link
 * dev.dalang.bus.interrupt.InterruptLine}. A backend calls its device with no lock held.
 */
package dev.dalang.vm.device;
