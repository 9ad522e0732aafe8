package dev.dalang.storage;

/** How a {@link BlockRequest} ended. */
public enum BlockStatus {
    /** It was done. */
    OK,
    /** The host could not read or write, or the image is shorter than it was. */
    IO_ERROR,
    /** The host has no space left for what was to be written. */
    NO_SPACE,
    /** The range is not one of the disk. */
    OUT_OF_RANGE,
    /** The disk cannot be changed. */
    READ_ONLY,
    /** The back end does not do such a thing. */
    UNSUPPORTED,
    /** It was taken back before it was done; a part of it may have been. */
    CANCELLED
}
