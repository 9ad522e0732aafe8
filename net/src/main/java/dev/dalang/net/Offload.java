package dev.dalang.net;

/**
 * Work on a frame that its sender leaves to whoever comes next, so that large frames cross the link
 * whole and no checksum is computed that nobody needs.
 */
public enum Offload {
    /** The checksum of TCP or UDP may be left to be completed (virtio 1.3 §5.1.6.2). */
    CHECKSUM,
    /** A segment of TCP over IPv4 may be longer than a frame of the link; needs the checksum. */
    TCP4,
    /** A segment of TCP over IPv6 may be longer than a frame of the link; needs the checksum. */
    TCP6,
    /** A long segment may have the congestion window reduced bit set. */
    TCP_ECN,
    /** Several datagrams of UDP of one size may come as one; needs the checksum. */
    UDP
}
