/** The entropy device (virtio 1.3 §5.4). */
package dev.dalang.virtio.rng;
