package dev.dalang.vm.device;

import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.vm.ConfigurationException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The bytes of a flash bank: in memory, of which the host pays what is not zero, and, if there is a
 * file, written through to it. The file is read once; what happens to it behind our back (it is cut
 * short, its disk fails) is seen when something is written, and cannot crash the machine. Not
 * thread-safe.
 */
final class FlashStore implements AutoCloseable {
    private static final int CHUNK_BYTES = 64 << 10;

    private final Arena arena = Arena.ofShared();
    private final byte[] chunk = new byte[CHUNK_BYTES];
    private final MemorySegment bytes;
    private final boolean readOnly;
    private final @Nullable RandomAccessFile file;
    private boolean dirty;
    private boolean closed;
    private long failures;

    private FlashStore(long size, @Nullable RandomAccessFile file, boolean readOnly)
            throws IOException {
        this.bytes = MemoryRegion.reserve(0, size, arena).segment();
        this.file = file;
        this.readOnly = readOnly;
    }

    /** A bank of zeros that lives as long as the machine. */
    static FlashStore inMemory(long size) {
        try {
            return new FlashStore(size, null, false);
        } catch (IOException e) {
            throw new ConfigurationException(
                    "flash: expected %d bytes of memory, and the host refuses: %s"
                            .formatted(size, e.getMessage()),
                    e);
        }
    }

    /** A bank of a file's bytes. */
    static FlashStore ofFile(Path path, long size, boolean readOnly) {
        try {
            if (!Files.isRegularFile(path)) {
                throw new ConfigurationException(
                        "flash file %s: expected a file of %d bytes, found %s"
                                .formatted(path, size, Files.exists(path) ? "no file" : "nothing"));
            }
            long found = Files.size(path);
            if (found != size) {
                throw new ConfigurationException(
                        "flash file %s: expected %d bytes, found %d".formatted(path, size, found));
            }
            return readOnly ? openReadOnly(path, size) : openWritable(path, size);
        } catch (IOException e) {
            throw new ConfigurationException(
                    "flash file %s: expected a file that can be %s, found: %s"
                            .formatted(
                                    path, readOnly ? "read" : "read and written", e.getMessage()),
                    e);
        }
    }

    /** A bank that begins with a file's bytes and goes on with zeros; the file is not changed. */
    static FlashStore ofCopy(Path path, long size, boolean readOnly) {
        try {
            if (!Files.isRegularFile(path)) {
                throw new ConfigurationException(
                        "firmware file %s: expected a file, found %s"
                                .formatted(path, Files.exists(path) ? "none" : "nothing"));
            }
            long found = Files.size(path);
            if (found == 0 || found > size) {
                throw new ConfigurationException(
                        "firmware file %s: expected 1 to %d bytes, which a bank of flash holds,"
                                        .formatted(path, size)
                                + " found %d".formatted(found));
            }
            return openCopy(path, size, found, readOnly);
        } catch (IOException e) {
            throw new ConfigurationException(
                    "firmware file %s: expected a file that can be read, found: %s"
                            .formatted(path, e.getMessage()),
                    e);
        }
    }

    private static FlashStore openCopy(Path path, long size, long bytes, boolean readOnly)
            throws IOException {
        try (var file = new RandomAccessFile(path.toFile(), "r")) {
            var store = new FlashStore(size, null, readOnly);
            try {
                store.load(file, bytes);
                return store;
            } catch (IOException e) {
                store.close();
                throw e;
            }
        }
    }

    private static FlashStore openReadOnly(Path path, long size) throws IOException {
        return openCopy(path, size, size, true);
    }

    private static FlashStore openWritable(Path path, long size) throws IOException {
        var file = new RandomAccessFile(path.toFile(), "rw");
        try {
            if (!lock(file)) {
                throw new ConfigurationException(
                        "flash file %s: expected a file of this machine's own, found one that is in"
                                        .formatted(path)
                                + " use by another machine");
            }
            var store = new FlashStore(size, file, false);
            store.load(file, size);
            return store;
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static boolean lock(RandomAccessFile file) throws IOException {
        try {
            return file.getChannel().tryLock() != null;
        } catch (OverlappingFileLockException _) {
            return false;
        }
    }

    private void load(RandomAccessFile source, long length) throws IOException {
        MemorySegment zeros = MemorySegment.ofArray(new byte[CHUNK_BYTES]);
        MemorySegment read = MemorySegment.ofArray(chunk);
        for (long at = 0; at < length; at += CHUNK_BYTES) {
            int part = (int) Math.min(CHUNK_BYTES, length - at);
            source.readFully(chunk, 0, part);
            if (read.asSlice(0, part).mismatch(zeros.asSlice(0, part)) >= 0) {
                MemorySegment.copy(read, 0, bytes, at, part);
            }
        }
    }

    MemorySegment bytes() {
        return bytes;
    }

    boolean isReadOnly() {
        return readOnly;
    }

    /** How many writes the host refused; what was to be written is in memory only. */
    long failures() {
        return failures;
    }

    /** Brings a changed range to the file; false if the host refuses. */
    boolean changed(long offset, long length) {
        if (file == null) {
            return true;
        }
        try {
            dirty = true;
            file.seek(offset);
            for (long done = 0; done < length; ) {
                int step = (int) Math.min(CHUNK_BYTES, length - done);
                MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, offset + done, chunk, 0, step);
                file.write(chunk, 0, step);
                done += step;
            }
            return true;
        } catch (IOException _) {
            failures++;
            return false;
        }
    }

    /** Waits until the host has what was written on its disk. */
    void sync() {
        if (file == null || !dirty) {
            return;
        }
        try {
            file.getFD().sync();
            dirty = false;
        } catch (IOException _) {
            failures++;
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        sync();
        try {
            if (file != null) {
                file.close();
            }
        } catch (IOException _) {
            failures++;
        }
        arena.close();
    }
}
