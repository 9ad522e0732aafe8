package dev.dalang.storage;

/** What a {@link BlockRequest} asks for. */
public enum BlockOperation {
    /** Bytes of the disk go to memory. */
    READ,
    /** Bytes of memory go to the disk. */
    WRITE,
    /** What was written before, and reported as done, reaches what keeps it without power. */
    FLUSH,
    /** A range is not needed any more; what it then reads as is open. */
    DISCARD,
    /** A range reads as zeros. */
    WRITE_ZEROES;

    /** {@return true if it changes what the disk holds} */
    public boolean isChange() {
        return this == WRITE || this == DISCARD || this == WRITE_ZEROES;
    }
}
