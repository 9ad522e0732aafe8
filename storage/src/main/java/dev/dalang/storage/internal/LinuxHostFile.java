package dev.dalang.storage.internal;

import dev.dalang.linux.Errno;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.LinuxFile;
import dev.dalang.storage.BlockTopology;
import dev.dalang.storage.DiskException;
import dev.dalang.storage.StorageEvent;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/** A regular file or a block device of Linux. */
final class LinuxHostFile implements HostFile {
    private static final int FILE_BLOCK_BYTES = 4096;

    private final LinuxFile file;
    private final Path path;
    private final boolean isWritable;
    private final boolean isDevice;
    private final BlockTopology topology;

    /** What was tried once and cannot be done here. Several threads may find that out. */
    private volatile boolean hasNoHoles;

    private volatile boolean hasNoZeroRange;

    private volatile boolean cannotTell;

    private LinuxHostFile(LinuxFile file, Path path, boolean isWritable) throws IOException {
        this.file = file;
        this.path = path;
        this.isWritable = isWritable;
        isDevice = file.kind() == LinuxFile.Kind.BLOCK_DEVICE;
        if (!isDevice && file.kind() != LinuxFile.Kind.REGULAR) {
            throw new DiskException(
                    StorageEvent.IO_ERROR,
                    path + ": expected a regular file or a block device, found something else");
        }
        if (isDevice) {
            int logical = file.logicalBlockBytes();
            int physical = Math.max(logical, file.physicalBlockBytes());
            topology = new BlockTopology(logical, physical, 0, physical);
        } else {
            topology =
                    new BlockTopology(
                            BlockTopology.SECTOR_BYTES, FILE_BLOCK_BYTES, 0, FILE_BLOCK_BYTES);
        }
    }

    static LinuxHostFile open(Path path, boolean isWritable) throws IOException {
        LinuxFile file = LinuxFile.open(path, isWritable);
        try {
            return new LinuxHostFile(file, path, isWritable);
        } catch (IOException | RuntimeException | Error failed) {
            file.close();
            throw failed;
        }
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
        return topology;
    }

    @Override
    public long size() throws IOException {
        return file.size();
    }

    @Override
    public long read(long offset, List<MemorySegment> buffers) throws IOException {
        return file.read(offset, buffers);
    }

    @Override
    public long readNow(long offset, List<MemorySegment> buffers) throws IOException {
        if (cannotTell) {
            return 0;
        }
        long done = file.readNow(offset, buffers);
        if (done == LinuxFile.CANNOT_TELL) {
            cannotTell = true;
        }
        return done;
    }

    @Override
    public long write(long offset, List<MemorySegment> buffers) throws IOException {
        return file.write(offset, buffers);
    }

    @Override
    public void force() throws IOException {
        file.syncData();
    }

    @Override
    public void resize(long bytes) throws IOException {
        if (isDevice) {
            if (bytes > file.size()) {
                throw new DiskException(
                        StorageEvent.OUT_OF_RANGE,
                        "%s: expected at most %d bytes, the size of the device, found %d"
                                .formatted(path, file.size(), bytes));
            }
        } else if (bytes > file.size()) {
            file.truncate(bytes);
        }
    }

    @Override
    public boolean discard(long offset, long bytes) throws IOException {
        if (hasNoHoles) {
            return false;
        }
        try {
            if (isDevice) {
                discardBlocks(offset, bytes);
            } else {
                file.punchHole(offset, bytes);
            }
            return true;
        } catch (HostIoException failed) {
            if (failed.isUnsupported()) {
                hasNoHoles = true;
                return false;
            }
            throw failed;
        }
    }

    /** A device takes whole blocks; what a range has of others is kept, which is allowed. */
    private void discardBlocks(long offset, long bytes) throws IOException {
        long mask = topology.logicalBlockBytes() - 1L;
        long first = (offset + mask) & ~mask;
        long end = (offset + bytes) & ~mask;
        if (first < end) {
            file.discard(first, end - first);
        }
    }

    @Override
    public boolean zero(long offset, long bytes, boolean mayUnmap) throws IOException {
        if (isDevice) {
            return deviceZero(offset, bytes);
        }
        if (mayUnmap && discard(offset, bytes)) {
            return true; // a hole reads as zeros
        }
        if (hasNoZeroRange) {
            return false;
        }
        try {
            file.zeroRange(offset, bytes);
            return true;
        } catch (HostIoException failed) {
            if (failed.isUnsupported()) {
                hasNoZeroRange = true;
                return false;
            }
            throw failed;
        }
    }

    private boolean deviceZero(long offset, long bytes) throws IOException {
        int block = topology.logicalBlockBytes();
        if (hasNoZeroRange || offset % block != 0 || bytes % block != 0) {
            return false;
        }
        try {
            file.zeroOut(offset, bytes);
            return true;
        } catch (HostIoException failed) {
            if (failed.isUnsupported()) {
                hasNoZeroRange = true;
                return false;
            }
            throw failed;
        }
    }

    @Override
    public boolean lock(boolean isExclusive) throws IOException {
        try {
            return file.tryLock(isExclusive);
        } catch (HostIoException failed) {
            // Not every file system has locks; a disk on one without them still works.
            if (failed.isUnsupported() || failed.is(Errno.ENOLCK, Errno.EINVAL)) {
                return true;
            }
            throw failed;
        }
    }

    @Override
    public boolean isFull(IOException failure) {
        return failure instanceof HostIoException failed && failed.is(Errno.ENOSPC, Errno.EDQUOT);
    }

    @Override
    public void close() {
        file.close();
    }
}
