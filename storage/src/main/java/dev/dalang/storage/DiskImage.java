package dev.dalang.storage;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A disk in a file of some format, or a disk of the host's. Calls wait for the host; several come
 * at a time, on any threads. Ranges have been checked against {@link #sizeBytes}; they need not be
 * whole blocks.
 */
public interface DiskImage extends AutoCloseable {
    /** {@return how large the disk is, a multiple of the logical block} */
    long sizeBytes();

    /** {@return whether changes are refused. Constant} */
    boolean isReadOnly();

    /** {@return in what the disk reads and writes. Constant} */
    BlockTopology topology();

    /**
     * Reads.
     *
     * @param offset first byte of the disk
     * @param buffers where the bytes go, one after the other; native memory
     * @throws IOException if not all could be read
     */
    void read(long offset, List<MemorySegment> buffers) throws IOException;

    /**
     * Reads if nothing has to be waited for, because the host has the bytes in its memory.
     *
     * @param offset first byte of the disk
     * @param buffers where the bytes go, as of {@link #read}
     * @return false if they could not be had so, or it cannot be told: then {@link #read} does it,
     *     and the buffers hold anything
     * @throws IOException if it failed
     */
    default boolean readNow(long offset, List<MemorySegment> buffers) throws IOException {
        return false;
    }

    /**
     * Tells whether a write ends, as a rule, when the host has the bytes in its memory: it seldom
     * waits, but may.
     *
     * @return true if it does. Constant
     */
    default boolean isBuffered() {
        return false;
    }

    /**
     * Writes.
     *
     * @param offset first byte of the disk
     * @param buffers where the bytes come from, one after the other; native memory
     * @throws IOException if not all could be written
     */
    void write(long offset, List<MemorySegment> buffers) throws IOException;

    /**
     * Makes durable what was written.
     *
     * @throws IOException if it may not be
     */
    void flush() throws IOException;

    /**
     * Gives up a range.
     *
     * @param offset first byte of the disk
     * @param length bytes, more than 0
     * @return false if the host has no way to take the space back, and nothing was done
     * @throws IOException if it failed
     */
    boolean discard(long offset, long length) throws IOException;

    /**
     * Has a range read as zeros.
     *
     * @param offset first byte of the disk
     * @param length bytes, more than 0
     * @param mayUnmap whether the range may lose its space on the host
     * @return false if zeros had to be written
     * @throws IOException if it failed
     */
    boolean writeZeroes(long offset, long length, boolean mayUnmap) throws IOException;

    /**
     * Makes the disk larger.
     *
     * @param bytes the size, a multiple of the logical block, not less than before
     * @throws IOException if the host refuses
     */
    void resize(long bytes) throws IOException;

    /** Gives up the file. Called when no other call is under way. Closing twice does nothing. */
    @Override
    void close();
}
