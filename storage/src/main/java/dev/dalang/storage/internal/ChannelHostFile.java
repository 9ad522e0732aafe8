package dev.dalang.storage.internal;

import dev.dalang.storage.BlockTopology;
import dev.dalang.storage.DiskException;
import dev.dalang.storage.StorageEvent;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A regular file, by the means of the JDK alone: for hosts other than Linux. It knows no holes. Its
 * threads must never be interrupted: that would close the channel for all.
 */
final class ChannelHostFile implements HostFile {
    private static final int FILE_BLOCK_BYTES = 4096;
    private static final BlockTopology TOPOLOGY =
            new BlockTopology(BlockTopology.SECTOR_BYTES, FILE_BLOCK_BYTES, 0, FILE_BLOCK_BYTES);

    private final FileChannel channel;
    private final Path path;
    private final boolean isWritable;

    private ChannelHostFile(FileChannel channel, Path path, boolean isWritable) {
        this.channel = channel;
        this.path = path;
        this.isWritable = isWritable;
    }

    static ChannelHostFile open(Path path, boolean isWritable) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new DiskException(
                    StorageEvent.IO_ERROR,
                    path + ": expected a regular file, found something else");
        }
        Set<StandardOpenOption> options =
                isWritable
                        ? Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE)
                        : Set.of(StandardOpenOption.READ);
        return new ChannelHostFile(FileChannel.open(path, options), path, isWritable);
    }

    @Override
    public String name() {
        return path.toString();
    }

    @Override
    public boolean isWritable() {
        return isWritable;
    }

    @Override
    public BlockTopology topology() {
        return TOPOLOGY;
    }

    @Override
    public long size() throws IOException {
        return channel.size();
    }

    @Override
    public long read(long offset, List<MemorySegment> buffers) throws IOException {
        long done = 0;
        for (MemorySegment buffer : buffers) {
            ByteBuffer bytes = buffer.asByteBuffer();
            int step = channel.read(bytes, offset + done);
            done += Math.max(step, 0);
            if (bytes.hasRemaining()) {
                break;
            }
        }
        return done;
    }

    /** The JDK cannot tell. */
    @Override
    public long readNow(long offset, List<MemorySegment> buffers) {
        return 0;
    }

    @Override
    public long write(long offset, List<MemorySegment> buffers) throws IOException {
        long done = 0;
        for (MemorySegment buffer : buffers) {
            ByteBuffer bytes = buffer.asByteBuffer();
            done += channel.write(bytes, offset + done);
            if (bytes.hasRemaining()) {
                break;
            }
        }
        return done;
    }

    @Override
    public void force() throws IOException {
        channel.force(false);
    }

    @Override
    public void resize(long bytes) throws IOException {
        if (bytes > channel.size()) {
            // The last byte makes the file longer; what lies before it reads as zeros.
            channel.write(ByteBuffer.allocate(1), bytes - 1);
        }
    }

    @Override
    public boolean discard(long offset, long bytes) {
        return false;
    }

    @Override
    public boolean zero(long offset, long bytes, boolean mayUnmap) {
        return false;
    }

    @Override
    public boolean lock(boolean isExclusive) throws IOException {
        try {
            return channel.tryLock(0, Long.MAX_VALUE, !isExclusive) != null;
        } catch (OverlappingFileLockException ours) {
            return false;
        }
    }

    /** The JDK has no other way to say it than the host's words. */
    @Override
    public boolean isFull(IOException failure) {
        String message = failure.getMessage();
        return message != null && message.toLowerCase(Locale.ROOT).contains("no space");
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException tooLate) {
            // What must be on disk was forced before.
        }
    }
}
