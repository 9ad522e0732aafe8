package dev.dalang.net;

/** What a {@link UserNetwork} counts. */
public enum NetworkEvent {
    /** A frame came from the guest. */
    FRAME_FROM_GUEST,
    /** A frame went to the guest. */
    FRAME_TO_GUEST,
    /** The guest's frames came faster than they could be worked off; it was told to wait. */
    GUEST_HELD_BACK,
    /** A frame from the guest was too short, too long, or contradicted itself. */
    MALFORMED,
    /** A frame from the guest had a wrong checksum. */
    BAD_CHECKSUM,
    /** A frame from the guest was of a protocol that is not spoken here, or meant for nobody. */
    IGNORED,
    /** A packet from the guest had a source address that cannot be the guest's. */
    MARTIAN,
    /** The guest was refused a destination: the host's loopback, or all while restricted. */
    FORBIDDEN,
    /** A fragment was dropped, because too many were waiting, or they did not fit together. */
    FRAGMENT_DROPPED,
    /** A frame for the guest was dropped, because the guest had no room for it. */
    TO_GUEST_DROPPED,
    /** A TCP connection was begun. */
    TCP_OPENED,
    /** A TCP connection was refused, because there were too many, or no memory for it. */
    TCP_LIMIT,
    /** A TCP connection ended by a reset, from whichever side. */
    TCP_RESET,
    /** A segment was sent to the guest again. */
    TCP_RETRANSMITTED,
    /** A segment of the guest's came out of order. */
    TCP_OUT_OF_ORDER,
    /** A flow of UDP was begun. */
    UDP_OPENED,
    /** The oldest flow of UDP made way for a new one. */
    UDP_EVICTED,
    /** A datagram was dropped that came from somebody whom the guest had not written to. */
    UDP_UNASKED,
    /** The host's kernel refused an operation on a socket. */
    HOST_ERROR,
    /** A mistake in the network itself; what it was doing was given up. */
    INTERNAL_ERROR
}
