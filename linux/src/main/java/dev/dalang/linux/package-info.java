/**
 * Calls to Linux. {@link dev.dalang.linux.Linux#isAvailable} is asked first; where it says no,
 * nothing else here can be used.
 *
 * <p>A call that fails throws {@link dev.dalang.linux.HostIoException}, which names the call, what
 * it was about, and {@code errno}. Interrupted calls are made again. No call takes a lock; calls
 * that wait belong on platform threads, since a virtual thread would hold its carrier.
 */
package dev.dalang.linux;
