/**
 * The network card (virtio 1.3 §5.1) over any {@link dev.dalang.net.NetworkBackend}.
 *
 * <p>Locks: a receive queue has one, taken by the back end's thread for each frame and by whoever
 * resets; the device has one for its state, taken by the handler of the control queue, by the back
 * end's thread, and by whoever controls the machine. They are taken in this order: receive queue,
 * device. No lock is held while the back end is called.
 */
package dev.dalang.virtio.net;
