/**
 * The client's side of a connection to a device of another process.
 *
 * <p>Lock order: that of {@link dev.dalang.remote.internal.client.DmaWindows}, then the
 * connection's; the channel's own is held for no call out of it.
 */
package dev.dalang.remote.internal.client;
