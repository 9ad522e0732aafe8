/**
 * The driver's side of virtqueues: {@link dev.dalang.testkit.virtio.DriverQueue} makes buffers
 * available and takes used ones back as the virtio 1.3 specification tells a driver to, over split
 * and packed rings, and writes anything into them for tests of hostile drivers. Works on guest
 * memory alone: it shares no code with the device's side.
 *
 * <p>Guest addresses are {@code long} and unsigned.
 */
package dev.dalang.testkit.virtio;
