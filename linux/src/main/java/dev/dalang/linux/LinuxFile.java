package dev.dalang.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;

/**
 * A file or block device, opened by its path, for input and output at places that each call names.
 * Any thread, several at a time. Memory is read and written where it lies; it must stay alive until
 * the call returns.
 */
public final class LinuxFile implements AutoCloseable {
    /** The greatest number of pieces of memory that one call takes ({@code IOV_MAX}). */
    public static final int MAX_PIECES = 1024;

    /** Of {@link #readNow}: the disk would have to be waited for. */
    public static final int WOULD_WAIT = -1;

    /** Of {@link #readNow}: whether one has to wait is not known here. */
    public static final int CANNOT_TELL = -2;

    /** What was opened. */
    public enum Kind {
        /** A regular file. */
        REGULAR,
        /** A directory. */
        DIRECTORY,
        /** A block device. */
        BLOCK_DEVICE,
        /** Anything else. */
        OTHER
    }

    private static final int O_RDWR = 2;
    private static final int O_EXCL = 0x80;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x8_0000;

    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC = 0x7ff;
    private static final int STATX_BYTES = 256;
    private static final long STX_MODE = 28;
    private static final long STX_SIZE = 40;
    private static final long STX_BLOCKS = 48;
    private static final int BLOCK_BYTES = 512;
    private static final int S_IFMT = 0xf000;
    private static final int S_IFDIR = 0x4000;
    private static final int S_IFBLK = 0x6000;
    private static final int S_IFREG = 0x8000;

    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int FALLOC_FL_ZERO_RANGE = 0x10;

    private static final long BLKSSZGET = 0x1268;
    private static final long BLKDISCARD = 0x1277;
    private static final long BLKPBSZGET = 0x127b;
    private static final long BLKZEROOUT = 0x127f;
    private static final long BLKGETSIZE64 = 0x8008_1272L;

    /** Locks of an open file, which others of the process's do not drop by closing theirs. */
    private static final int F_OFD_SETLK = 37;

    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final int FLOCK_BYTES = 32;

    private static final int IOVEC_BYTES = 16;
    private static final int RWF_NOWAIT = 8;
    private static final int SEEK_END = 2;

    /** Where a thread puts the pieces of a call; it lives as long as the thread. */
    private static final ThreadLocal<MemorySegment> VECTOR =
            ThreadLocal.withInitial(
                    () -> Arena.ofAuto().allocate((long) MAX_PIECES * IOVEC_BYTES, Long.BYTES));

    private final Descriptor descriptor;
    private final Kind kind;

    private LinuxFile(Descriptor descriptor, Kind kind) {
        this.descriptor = descriptor;
        this.kind = kind;
    }

    /**
     * Opens what there is at a path; nothing is made. A block device that is written must not be in
     * use otherwise: mounted, or opened in the same way.
     *
     * @param path where
     * @param isWritable whether it is opened for writing, too
     * @return the file
     * @throws HostIoException if it cannot be opened
     */
    public static LinuxFile open(Path path, boolean isWritable) throws HostIoException {
        LinuxFile file = open(path, isWritable ? O_RDWR : 0);
        if (!isWritable || file.kind != Kind.BLOCK_DEVICE) {
            return file;
        }
        // Writing below a mounted file system would ruin it: the kernel knows who uses a disk.
        try {
            return open(path, O_RDWR | O_EXCL);
        } finally {
            file.close();
        }
    }

    private static LinuxFile open(Path path, int flags) throws HostIoException {
        String name = path.toString();
        int number;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name, pathCharset());
            do {
                // Not to wait for a writer if it is a pipe; regular files and disks do not care.
                number = Calls.open(text, flags | O_CLOEXEC | O_NONBLOCK, 0);
            } while (number < 0 && Calls.errno() == Errno.EINTR.number());
        }
        if (number < 0) {
            throw new HostIoException("open", name, Calls.errno());
        }
        Descriptor descriptor = Descriptor.of(number, name);
        try {
            return new LinuxFile(descriptor, kind(descriptor));
        } catch (HostIoException | RuntimeException | Error failed) {
            descriptor.close();
            throw failed;
        }
    }

    private static Charset pathCharset() {
        return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
    }

    private static Kind kind(Descriptor descriptor) throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            int mode = stat(descriptor, arena).get(JAVA_SHORT, STX_MODE) & S_IFMT;
            return switch (mode) {
                case S_IFREG -> Kind.REGULAR;
                case S_IFDIR -> Kind.DIRECTORY;
                case S_IFBLK -> Kind.BLOCK_DEVICE;
                default -> Kind.OTHER;
            };
        }
    }

    private static MemorySegment stat(Descriptor descriptor, Arena arena) throws HostIoException {
        MemorySegment out = arena.allocate(STATX_BYTES, Long.BYTES);
        MemorySegment empty = arena.allocateFrom("");
        int number = descriptor.acquire();
        try {
            int result = Calls.statx(number, empty, AT_EMPTY_PATH, STATX_BASIC, out);
            if (result < 0) {
                throw new HostIoException("statx", descriptor.subject(), Calls.errno());
            }
            return out;
        } finally {
            descriptor.release();
        }
    }

    /** {@return what it is} */
    public Kind kind() {
        return kind;
    }

    /** {@return the descriptor} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Says how long it is at this moment.
     *
     * @return bytes; of a block device those of the disk
     * @throws HostIoException if the call fails
     */
    public long size() throws HostIoException {
        if (kind == Kind.REGULAR) {
            return end();
        }
        try (Arena arena = Arena.ofConfined()) {
            if (kind == Kind.BLOCK_DEVICE) {
                MemorySegment out = arena.allocate(JAVA_LONG);
                ioctl("BLKGETSIZE64", BLKGETSIZE64, out);
                return out.get(JAVA_LONG, 0);
            }
            return stat(descriptor, arena).get(JAVA_LONG, STX_SIZE);
        }
    }

    /** Nothing of a regular file is read or written where it stands: its place tells its end. */
    private long end() throws HostIoException {
        int number = descriptor.acquire();
        try {
            long end = Calls.lseek(number, 0, SEEK_END);
            if (end < 0) {
                throw new HostIoException("lseek", descriptor.subject(), Calls.errno());
            }
            return end;
        } finally {
            descriptor.release();
        }
    }

    /**
     * Says how much of a disk a regular file takes: less than its size if it has holes.
     *
     * @return bytes
     * @throws HostIoException if the call fails
     */
    public long allocatedBytes() throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            return stat(descriptor, arena).get(JAVA_LONG, STX_BLOCKS) * BLOCK_BYTES;
        }
    }

    /**
     * Says what a block device reads and writes at least.
     *
     * @return bytes
     * @throws HostIoException if it is no block device
     */
    public int logicalBlockBytes() throws HostIoException {
        return intOf("BLKSSZGET", BLKSSZGET);
    }

    /**
     * Says in what a block device stores.
     *
     * @return bytes
     * @throws HostIoException if it is no block device
     */
    public int physicalBlockBytes() throws HostIoException {
        return intOf("BLKPBSZGET", BLKPBSZGET);
    }

    private int intOf(String name, long request) throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT);
            ioctl(name, request, out);
            return out.get(JAVA_INT, 0);
        }
    }

    private void ioctl(String name, long request, MemorySegment argument) throws HostIoException {
        checked(name, number -> Calls.ioctl(number, request, argument));
    }

    /** A call on the descriptor that gives 0, or a negative number if it fails. */
    @FunctionalInterface
    private interface Call {
        int on(int number);
    }

    private void checked(String name, Call call) throws HostIoException {
        int number = descriptor.acquire();
        try {
            while (call.on(number) < 0) {
                int errno = Calls.errno();
                if (errno != Errno.EINTR.number()) {
                    throw new HostIoException(name, descriptor.subject(), errno);
                }
            }
        } finally {
            descriptor.release();
        }
    }

    // ---------------------------------------------------------------- reading and writing

    /**
     * Reads as much as the kernel gives at once.
     *
     * @param offset where in the file, in bytes
     * @param target where the bytes go; native
     * @return bytes; 0 at the end of the file
     * @throws HostIoException if it fails
     */
    public long read(long offset, MemorySegment target) throws HostIoException {
        int number = descriptor.acquire();
        try {
            while (true) {
                long done = Calls.pread(number, target, target.byteSize(), offset);
                if (done >= 0) {
                    return done;
                }
                throwUnlessInterrupted("pread");
            }
        } finally {
            descriptor.release();
        }
    }

    /**
     * Writes as much as the kernel takes at once.
     *
     * @param offset where in the file, in bytes
     * @param source where the bytes come from; native
     * @return bytes
     * @throws HostIoException if it fails
     */
    public long write(long offset, MemorySegment source) throws HostIoException {
        int number = descriptor.acquire();
        try {
            while (true) {
                long done = Calls.pwrite(number, source, source.byteSize(), offset);
                if (done >= 0) {
                    return done;
                }
                throwUnlessInterrupted("pwrite");
            }
        } finally {
            descriptor.release();
        }
    }

    /**
     * Reads into several pieces of memory, one after the other.
     *
     * @param offset where in the file, in bytes
     * @param targets where the bytes go; 1 to {@link #MAX_PIECES}, native; the list stays as it is
     *     until this returns
     * @return bytes; 0 at the end of the file
     * @throws HostIoException if it fails
     */
    public long read(long offset, List<MemorySegment> targets) throws HostIoException {
        if (targets.size() == 1) {
            return read(offset, targets.getFirst());
        }
        int number = descriptor.acquire();
        try {
            MemorySegment vector = vector(targets);
            while (true) {
                long done = Calls.preadv(number, vector, targets.size(), offset);
                if (done >= 0) {
                    return done;
                }
                throwUnlessInterrupted("preadv");
            }
        } finally {
            Reference.reachabilityFence(targets);
            descriptor.release();
        }
    }

    /**
     * Writes from several pieces of memory, one after the other.
     *
     * @param offset where in the file, in bytes
     * @param sources where the bytes come from; 1 to {@link #MAX_PIECES}, native; the list stays as
     *     it is until this returns
     * @return bytes
     * @throws HostIoException if it fails
     */
    public long write(long offset, List<MemorySegment> sources) throws HostIoException {
        if (sources.size() == 1) {
            return write(offset, sources.getFirst());
        }
        int number = descriptor.acquire();
        try {
            MemorySegment vector = vector(sources);
            while (true) {
                long done = Calls.pwritev(number, vector, sources.size(), offset);
                if (done >= 0) {
                    return done;
                }
                throwUnlessInterrupted("pwritev");
            }
        } finally {
            Reference.reachabilityFence(sources);
            descriptor.release();
        }
    }

    /**
     * Writes down where the pieces are. An address keeps nothing alive: whoever hands this to the
     * kernel keeps the pieces reachable until the call has returned.
     */
    private static MemorySegment vector(List<MemorySegment> pieces) {
        if (pieces.isEmpty() || pieces.size() > MAX_PIECES) {
            throw new IllegalArgumentException(
                    "expected 1..%d pieces of memory, got %d".formatted(MAX_PIECES, pieces.size()));
        }
        MemorySegment vector = VECTOR.get();
        long at = 0;
        for (MemorySegment piece : pieces) {
            if (!piece.isNative()) {
                throw new IllegalArgumentException("expected native memory, got " + piece);
            }
            vector.set(JAVA_LONG, at, piece.address());
            vector.set(JAVA_LONG, at + Long.BYTES, piece.byteSize());
            at += IOVEC_BYTES;
        }
        return vector;
    }

    /**
     * Reads what needs no waiting for the disk, because the kernel has it in memory ({@code
     * RWF_NOWAIT}). Neither the kernel nor every file system can tell.
     *
     * @param offset where in the file, in bytes
     * @param targets where the bytes go; 1 to {@link #MAX_PIECES}, native; the list stays as it is
     *     until this returns
     * @return bytes, maybe fewer than there are; 0 at the end of the file; {@link #WOULD_WAIT}, or
     *     {@link #CANNOT_TELL} for this file for ever
     * @throws HostIoException if it fails
     */
    public long readNow(long offset, List<MemorySegment> targets) throws HostIoException {
        if (!Calls.hasPreadv2()) {
            return CANNOT_TELL;
        }
        int number = descriptor.acquire();
        try {
            MemorySegment vector = vector(targets);
            while (true) {
                long done = Calls.preadv2(number, vector, targets.size(), offset, RWF_NOWAIT);
                if (done >= 0) {
                    return done;
                }
                int errno = Calls.errno();
                if (errno == Errno.EAGAIN.number()) {
                    return WOULD_WAIT;
                }
                if (errno == Errno.EOPNOTSUPP.number() || errno == Errno.ENOSYS.number()) {
                    return CANNOT_TELL;
                }
                throwUnlessInterrupted("preadv2");
            }
        } finally {
            Reference.reachabilityFence(targets);
            descriptor.release();
        }
    }

    private void throwUnlessInterrupted(String call) throws HostIoException {
        int errno = Calls.errno();
        if (errno != Errno.EINTR.number()) {
            throw new HostIoException(call, descriptor.subject(), errno);
        }
    }

    // ---------------------------------------------------------------- space

    /**
     * Has what was written reach the disk, with what is needed to read it again ({@code
     * fdatasync}).
     *
     * @throws HostIoException if it fails: what was written since the last time may be lost
     */
    public void syncData() throws HostIoException {
        checked("fdatasync", Calls::fdatasync);
    }

    /**
     * Has all of the file reach the disk, its times too ({@code fsync}).
     *
     * @throws HostIoException as {@link #syncData}
     */
    public void sync() throws HostIoException {
        checked("fsync", Calls::fsync);
    }

    /**
     * Sets the size of a regular file. What is new reads as zeros and takes no space.
     *
     * @param bytes the size
     * @throws HostIoException if it fails
     */
    public void truncate(long bytes) throws HostIoException {
        checked("ftruncate", number -> Calls.ftruncate(number, bytes));
    }

    /**
     * Gives the space of a range back to the file system; the range then reads as zeros. The size
     * of the file stays.
     *
     * @param offset first byte
     * @param bytes at least 1
     * @throws HostIoException if it fails; see {@link HostIoException#isUnsupported}
     */
    public void punchHole(long offset, long bytes) throws HostIoException {
        int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
        checked("fallocate", number -> Calls.fallocate(number, mode, offset, bytes));
    }

    /**
     * Has a range read as zeros and keep its space. The size of the file stays.
     *
     * @param offset first byte
     * @param bytes at least 1
     * @throws HostIoException if it fails; see {@link HostIoException#isUnsupported}
     */
    public void zeroRange(long offset, long bytes) throws HostIoException {
        int mode = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
        checked("fallocate", number -> Calls.fallocate(number, mode, offset, bytes));
    }

    /**
     * Tells a block device that a range is not needed any more; what it then holds is open.
     *
     * @param offset first byte, a multiple of the logical block
     * @param bytes a multiple of the logical block
     * @throws HostIoException if it fails; see {@link HostIoException#isUnsupported}
     */
    public void discard(long offset, long bytes) throws HostIoException {
        range("BLKDISCARD", BLKDISCARD, offset, bytes);
    }

    /**
     * Writes zeros to a range of a block device, by the device itself where it can.
     *
     * @param offset first byte, a multiple of the logical block
     * @param bytes a multiple of the logical block
     * @throws HostIoException if it fails
     */
    public void zeroOut(long offset, long bytes) throws HostIoException {
        range("BLKZEROOUT", BLKZEROOUT, offset, bytes);
    }

    private void range(String name, long request, long offset, long bytes) throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment range = arena.allocate(JAVA_LONG, 2);
            range.setAtIndex(JAVA_LONG, 0, offset);
            range.setAtIndex(JAVA_LONG, 1, bytes);
            ioctl(name, request, range);
        }
    }

    // ---------------------------------------------------------------- locking

    /**
     * Locks the whole file against others who lock it, in this process or another, until it is
     * closed. Does not wait.
     *
     * @param isExclusive true: nobody else; false: others who do not write
     * @return false if somebody holds a lock that excludes this one
     * @throws HostIoException if there are no locks here; see {@link HostIoException#isUnsupported}
     */
    public boolean tryLock(boolean isExclusive) throws HostIoException {
        try (Arena arena = Arena.ofConfined()) {
            // struct flock: type, whence, from the first byte to the end, no process.
            MemorySegment lock = arena.allocate(FLOCK_BYTES, Long.BYTES);
            lock.set(JAVA_SHORT, 0, isExclusive ? F_WRLCK : F_RDLCK);
            checked("fcntl", number -> Calls.fcntl(number, F_OFD_SETLK, lock));
            return true;
        } catch (HostIoException failed) {
            if (failed.is(Errno.EAGAIN, Errno.EACCES)) {
                return false;
            }
            throw failed;
        }
    }

    /** Closes the file once no call uses it any more. Closing twice does nothing. */
    @Override
    public void close() {
        descriptor.close();
    }

    @Override
    public String toString() {
        return descriptor.toString();
    }
}
