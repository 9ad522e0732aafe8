package dev.dalang.virtio.block;

/** What a {@link VirtioBlockDevice} counts. */
public enum VirtioBlockEvent {
    /** Sectors were read. */
    READ,
    /** Sectors were written. */
    WRITTEN,
    /** What was written was made durable. */
    FLUSHED,
    /** Ranges were discarded, or the host may keep them. */
    DISCARDED,
    /** Ranges were made zero. */
    ZEROED,
    /** The driver was told the disk's name. */
    IDENTIFIED,
    /** A request had no whole header, or parts that make no sense with its type. */
    MALFORMED,
    /** A request had no room for its status: it was given back as it was. */
    NO_STATUS,
    /** A request was about sectors that the disk does not have. */
    OUT_OF_RANGE,
    /** A request would have changed a disk that is read-only. */
    READ_ONLY,
    /** A request was of a type, or had a flag, that the device does not know. */
    UNSUPPORTED,
    /** A request's buffers were not in memory. */
    BAD_MEMORY,
    /** The back end could not do what was asked. */
    FAILED,
    /** The back end had no space left. */
    NO_SPACE,
    /** A request was in flight when the driver reset the device or its queue. */
    ABANDONED,
    /** Requests waited for the rate that the disk is held to. */
    HELD_BACK
}
