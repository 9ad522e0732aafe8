/**
 * Virtqueues, seen from the device (virtio 1.3 §2.6 to §2.8): configuration by the transport, and
 * one interface over split and packed rings.
 *
 * <p>The driver is hostile: whatever it leaves in its rings makes {@link
 * dev.dalang.virtio.queue.VirtQueue#pop} give a chain that is well-formed, give none, or break the
 * queue. Descriptors are copied once, then checked, then used. Guest addresses are {@code long} and
 * unsigned.
 */
package dev.dalang.virtio.queue;
