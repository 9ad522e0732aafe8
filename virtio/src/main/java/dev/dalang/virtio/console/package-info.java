/**
 * The console device (virtio 1.3 §5.3): a console and named ports for streams of bytes, and what
 * stands behind them on the host.
 */
package dev.dalang.virtio.console;
