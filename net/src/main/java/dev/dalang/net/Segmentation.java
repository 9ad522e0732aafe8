package dev.dalang.net;

/** What kind of segments a frame is to be cut into, if the link needs it (virtio 1.3 §5.1.6). */
public enum Segmentation {
    /** It is one frame. */
    NONE,
    /** Segments of TCP over IPv4. */
    TCP4,
    /** Segments of TCP over IPv6. */
    TCP6,
    /** Datagrams of UDP, over IPv4 or IPv6. */
    UDP
}
