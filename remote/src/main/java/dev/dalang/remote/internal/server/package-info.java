/**
 * One device of ours in the machine of a foreign client: its memory, its interrupts, its requests.
 *
 * <p>Lock order: a function's locks, then those of {@link
 * dev.dalang.remote.internal.server.ClientInterrupts} and {@link
 * dev.dalang.remote.internal.server.ClientMemory}, then a session's, then its connection's. Waiting
 * for a client's answer is done under a function's locks at the most.
 */
package dev.dalang.remote.internal.server;
