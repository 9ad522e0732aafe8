/**
 * The user-mode network: one thread, the engine's, owns everything here but the ring that the card
 * fills. It reads frames out of that ring where they lie, speaks Ethernet, IP, ICMP, UDP and TCP
 * with the guest, and has a socket of the host for each flow.
 *
 * <p>An IP address is two {@code long}s; one of IPv4 is in its mapped form, {@code ::ffff:a.b.c.d}.
 * A hardware address is the lower 48 bits of a {@code long}. Sequence numbers are {@code int}s and
 * compared by their difference (RFC 9293 §3.4). Times are nanoseconds of the virtual clock.
 *
 * <p>The guest is hostile: lengths are checked in {@link dev.dalang.net.internal.user.Packet}
 * before anything else looks at a frame; every table has a limit; every buffer comes out of one
 * budget. No lock is held while the card's sink is called.
 */
package dev.dalang.net.internal.user;
