package dev.dalang.storage;

/** What a {@link BlockBackend} counts. */
public enum StorageEvent {
    /** A read was done. */
    READ,
    /** A write was done. */
    WRITE,
    /** A flush was done. */
    FLUSH,
    /** A range was discarded, and the host has its space back. */
    DISCARD,
    /** A range was to be discarded, and the host has no way to take its space back. */
    DISCARD_IGNORED,
    /** A range was made zero by the host, without zeros being written. */
    ZEROED,
    /** A range was made zero by writing zeros. */
    ZEROES_WRITTEN,
    /** The host could not read or write. */
    IO_ERROR,
    /** The host had no space left. */
    NO_SPACE,
    /** The image was shorter than the disk that it was opened as. */
    SHRUNK,
    /** A range was not one of the disk. */
    OUT_OF_RANGE,
    /** A change of a disk that is read-only. */
    READ_ONLY,
    /** Something that the back end does not do. */
    UNSUPPORTED,
    /** A request was taken back before it was done. */
    CANCELLED
}
