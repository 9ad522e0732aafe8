package dev.dalang.storage.internal;

import dev.dalang.storage.BlockTopology;
import dev.dalang.storage.DiskException;
import dev.dalang.storage.DiskImage;
import dev.dalang.storage.StorageEvent;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A disk byte by byte. The size is what the file had when it was opened, or was resized to: one
 * that becomes shorter behind our back gives errors where it is missing, and is not made longer by
 * writing, which would show the guest zeros where its data was.
 */
public final class RawImage implements DiskImage {
    private static final int ZERO_BYTES = 1 << 20;

    /** Zeros to write, which nobody writes to. */
    private static final MemorySegment ZEROS = Arena.global().allocate(ZERO_BYTES).asReadOnly();

    private final HostFile file;
    private volatile long size;

    private RawImage(HostFile file, long size) {
        this.file = file;
        this.size = size;
    }

    /**
     * Takes over a file.
     *
     * @throws DiskException if it cannot be a disk; it is closed then
     */
    public static RawImage of(HostFile file) throws DiskException {
        try {
            long size = file.size();
            int block = file.topology().logicalBlockBytes();
            if (size == 0 || size % block != 0) {
                throw new DiskException(
                        StorageEvent.IO_ERROR,
                        "%s: expected a disk of whole blocks of %d bytes, found %d bytes"
                                .formatted(file.name(), block, size));
            }
            return new RawImage(file, size);
        } catch (IOException failed) {
            file.close();
            throw failed instanceof DiskException said
                    ? said
                    : new DiskException(
                            StorageEvent.IO_ERROR, String.valueOf(failed.getMessage()), failed);
        } catch (RuntimeException | Error failed) {
            file.close();
            throw failed;
        }
    }

    @Override
    public long sizeBytes() {
        return size;
    }

    @Override
    public boolean isReadOnly() {
        return !file.isWritable();
    }

    @Override
    public BlockTopology topology() {
        return file.topology();
    }

    @Override
    public void read(long offset, List<MemorySegment> buffers) throws IOException {
        Pieces pieces = new Pieces(buffers);
        long at = offset;
        while (!pieces.isEmpty()) {
            pieces.prepare(Long.MAX_VALUE);
            long done = file.read(at, pieces.prepared());
            if (done <= 0) {
                throw shrunk(at);
            }
            pieces.advance(done);
            at += done;
        }
    }

    @Override
    public boolean readNow(long offset, List<MemorySegment> buffers) throws IOException {
        Pieces pieces = new Pieces(buffers);
        long at = offset;
        while (!pieces.isEmpty()) {
            pieces.prepare(Long.MAX_VALUE);
            long done = file.readNow(at, pieces.prepared());
            if (done <= 0) {
                return false; // read() says what is wrong, if anything is
            }
            pieces.advance(done);
            at += done;
        }
        return true;
    }

    /** The host takes bytes into its memory, and writes them to its disk later. */
    @Override
    public boolean isBuffered() {
        return true;
    }

    private DiskException shrunk(long offset) {
        return new DiskException(
                StorageEvent.SHRUNK,
                "%s: expected %d bytes, found that it ends before byte %d"
                        .formatted(file.name(), size, offset));
    }

    @Override
    public void write(long offset, List<MemorySegment> buffers) throws IOException {
        Pieces pieces = new Pieces(buffers);
        if (pieces.isEmpty()) {
            return;
        }
        long at = offset;
        requireThere(at, bytes(buffers));
        try {
            while (!pieces.isEmpty()) {
                pieces.prepare(Long.MAX_VALUE);
                long done = file.write(at, pieces.prepared());
                if (done <= 0) {
                    throw new DiskException(
                            StorageEvent.IO_ERROR, file.name() + ": the host writes nothing");
                }
                pieces.advance(done);
                at += done;
            }
        } catch (IOException failed) {
            throw told(failed);
        }
    }

    private static long bytes(List<MemorySegment> buffers) {
        long sum = 0;
        for (MemorySegment buffer : buffers) {
            sum += buffer.byteSize();
        }
        return sum;
    }

    /** A file that has become shorter is not made longer by what happens to be written. */
    private void requireThere(long offset, long bytes) throws IOException {
        if (offset + bytes > file.size()) {
            throw shrunk(offset + bytes);
        }
    }

    private IOException told(IOException failed) {
        return file.isFull(failed)
                ? new DiskException(
                        StorageEvent.NO_SPACE,
                        file.name() + ": the host has no space left for it",
                        failed)
                : failed;
    }

    @Override
    public void flush() throws IOException {
        if (!isReadOnly()) {
            try {
                file.force();
            } catch (IOException failed) {
                throw told(failed);
            }
        }
    }

    @Override
    public boolean discard(long offset, long length) throws IOException {
        requireThere(offset, length);
        try {
            return file.discard(offset, length);
        } catch (IOException failed) {
            throw told(failed);
        }
    }

    @Override
    public boolean writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
        requireThere(offset, length);
        try {
            if (file.zero(offset, length, mayUnmap)) {
                return true;
            }
        } catch (IOException failed) {
            throw told(failed);
        }
        for (long done = 0; done < length; ) {
            List<MemorySegment> zeros = new ArrayList<>();
            long step = 0;
            while (step < length - done && zeros.size() < 16) {
                long bytes = Math.min(ZERO_BYTES, length - done - step);
                zeros.add(ZEROS.asSlice(0, bytes));
                step += bytes;
            }
            write(offset + done, zeros);
            done += step;
        }
        return false;
    }

    @Override
    public void resize(long bytes) throws IOException {
        try {
            file.resize(bytes);
        } catch (IOException failed) {
            throw told(failed);
        }
        size = bytes;
    }

    @Override
    public void close() {
        file.close();
    }
}
