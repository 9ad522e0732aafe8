package dev.dalang.storage.internal;

import dev.dalang.linux.Linux;
import dev.dalang.storage.BlockTopology;
import dev.dalang.storage.DiskException;
import dev.dalang.storage.StorageEvent;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A file or a disk of the host's. Any thread, several at a time. What the host cannot do at all is
 * a result; what fails is an exception.
 */
public interface HostFile extends AutoCloseable {
    /**
     * Opens and locks what there is at a path, by the means of this host.
     *
     * @throws DiskException if it cannot be used; the message is for the user
     */
    static HostFile open(Path path, boolean isWritable) throws DiskException {
        if (!Files.exists(path)) {
            throw unusable(path + ": expected a file, found none");
        }
        if (Files.isDirectory(path)) {
            throw unusable(path + ": expected a file or a block device, found a directory");
        }
        HostFile file = null;
        try {
            file =
                    Linux.isAvailable()
                            ? LinuxHostFile.open(path, isWritable)
                            : ChannelHostFile.open(path, isWritable);
            if (!file.lock(isWritable)) {
                throw unusable(
                        path
                                + ": expected a file that nobody else uses"
                                + (isWritable ? "" : " for writing")
                                + ", found that it is locked");
            }
            return file;
        } catch (IOException failed) {
            if (file != null) {
                file.close();
            }
            throw unusable(path, isWritable, failed);
        }
    }

    private static DiskException unusable(String message) {
        return new DiskException(StorageEvent.IO_ERROR, message);
    }

    private static DiskException unusable(Path path, boolean isWritable, IOException failed) {
        if (failed instanceof DiskException said) {
            return said;
        }
        if (isWritable && (failed instanceof AccessDeniedException || !Files.isWritable(path))) {
            return new DiskException(
                    StorageEvent.IO_ERROR,
                    path + ": expected a file that can be written, or readonly; found no right to",
                    failed);
        }
        String message = failed.getMessage();
        String text = message == null ? failed.getClass().getSimpleName() : message;
        String name = path.toString();
        return new DiskException(
                StorageEvent.IO_ERROR, text.startsWith(name) ? text : name + ": " + text, failed);
    }

    /** The path, for messages. */
    String name();

    /** Whether it was opened for writing. */
    boolean isWritable();

    /** In what it reads and writes. Constant. */
    BlockTopology topology();

    /** How long it is at this moment. */
    long size() throws IOException;

    /**
     * Reads as much as the host gives at once.
     *
     * @param buffers at most {@link Pieces#MAX_PLACES}, none of them empty
     * @return bytes; 0 or less at the end
     */
    long read(long offset, List<MemorySegment> buffers) throws IOException;

    /**
     * As {@link #read}, unless the disk would have to be waited for, or nobody can tell.
     *
     * @return bytes; 0 or less if there are none to be had so
     */
    long readNow(long offset, List<MemorySegment> buffers) throws IOException;

    /** Writes as much as the host takes at once. */
    long write(long offset, List<MemorySegment> buffers) throws IOException;

    /** Makes durable what was written. */
    void force() throws IOException;

    /**
     * Makes it longer; what is new reads as zeros. One that cannot be made longer accepts the
     * length that it has.
     */
    void resize(long bytes) throws IOException;

    /** Gives the space of a range back; false if that cannot be done here. */
    boolean discard(long offset, long bytes) throws IOException;

    /** Has a range read as zeros, without writing them; false if that cannot be done here. */
    boolean zero(long offset, long bytes, boolean mayUnmap) throws IOException;

    /** Locks against others; false if one of them excludes it. True where there are no locks. */
    boolean lock(boolean isExclusive) throws IOException;

    /** True if a failure means that there is no space left. */
    boolean isFull(IOException failure);

    @Override
    void close();
}
