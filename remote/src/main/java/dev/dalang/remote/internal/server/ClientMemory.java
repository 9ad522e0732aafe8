package dev.dalang.remote.internal.server;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.GuestMemoryException.Kind;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.linux.Descriptor;
import dev.dalang.linux.Errno;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.SharedMemory;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.Request.DmaMap;
import dev.dalang.remote.internal.wire.Request.DmaUnmap;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * The memory that a client lets its device use, in pieces. Those that came with a descriptor are
 * mapped, and are guest memory like any other; the others are remote: every access is a message.
 *
 * <p>The session's thread changes it, any thread uses it. A piece that is taken back is unmapped
 * when the call returns: who is inside an access gets an exception, and nobody is left.
 */
final class ClientMemory {
    private static final System.Logger LOG = System.getLogger(ClientMemory.class.getName());

    /** The most pieces at a time. */
    static final int MAX_PIECES = 65_535;

    /**
     * The most that is mapped at a time: for each page there are flags here, which a client that
     * names a huge file without content would have us make. What is beyond is remote.
     */
    private static final long MAX_MAPPED_BYTES = 1L << 38;

    private static final int PAGE_MASK = GuestMemory.PAGE_BYTES - 1;

    /** A piece; without a region it is remote. */
    private record Piece(
            DmaMap map,
            Optional<Object> file,
            @Nullable MemoryRegion region,
            @Nullable Arena arena) {
        long last() {
            return map.address() + (map.size() - 1);
        }

        boolean holds(long address) {
            return Long.compareUnsigned(address - map.address(), map.size()) < 0;
        }
    }

    private final ConcurrentSkipListMap<Long, Piece> pieces =
            new ConcurrentSkipListMap<>(Long::compareUnsigned);

    private final DirtyLog log = new DirtyLog();

    /** What is mapped; null if it has to be put together anew. Written under this object's lock. */
    private volatile @Nullable GuestMemory memory;

    private volatile @Nullable RemoteAccess remote;
    private long mappedBytes;

    /** Says how remote pieces are reached from now on; null if they are not. */
    void connect(@Nullable RemoteAccess access) {
        remote = access;
    }

    /** The mapped pieces. */
    GuestMemory memory() {
        GuestMemory now = memory;
        return now != null ? now : assemble();
    }

    /** Many pieces may come in a row: memory is put together when somebody wants it. */
    private synchronized GuestMemory assemble() {
        GuestMemory now = memory;
        if (now == null) {
            List<MemoryRegion> regions =
                    pieces.values().stream().map(Piece::region).filter(Objects::nonNull).toList();
            now = GuestMemory.of(regions);
            log.replace(now);
            memory = now;
        }
        return now;
    }

    // ---------------------------------------------------------------- the client's requests

    /**
     * Adds a piece.
     *
     * @param map where, and what of the file
     * @param file the file; null for a remote piece. It stays the caller's
     * @throws Refusal if it cannot be
     */
    synchronized void map(DmaMap map, @Nullable Descriptor file) {
        if (((map.address() | map.size()) & PAGE_MASK) != 0) {
            throw Refusal.invalid("DMA_MAP: not of whole pages");
        }
        Optional<BasicFileAttributes> attributes =
                file == null ? Optional.empty() : Optional.of(attributes(file));
        Optional<Object> key = attributes.map(BasicFileAttributes::fileKey);
        if (isThere(map, key)) {
            return;
        }
        if (pieces.size() >= MAX_PIECES) {
            throw Refusal.invalid("DMA_MAP: there are " + MAX_PIECES + " pieces");
        }
        Piece piece = new Piece(map, key, null, null);
        if (file != null && map.size() > 0 && map.size() <= MAX_MAPPED_BYTES - mappedBytes) {
            if ((map.offset() & PAGE_MASK) != 0 || map.offset() < 0) {
                throw Refusal.invalid("DMA_MAP: an offset within a page");
            }
            requireLength(map, attributes.orElseThrow());
            piece = mapped(map, key, file);
            mappedBytes += map.size();
        }
        pieces.put(map.address(), piece);
        memory = null;
    }

    /** True if it is there already, as one library's clients may ask again. */
    private boolean isThere(DmaMap map, Optional<Object> key) {
        Piece below = below(map.address() + (map.size() - 1));
        if (below == null || Long.compareUnsigned(below.last(), map.address()) < 0) {
            return false;
        }
        if (below.map.equals(map) && below.file.equals(key)) {
            return true;
        }
        throw new Refusal(
                Errno.EEXIST,
                "DMA_MAP: 0x%x..0x%x overlaps with what is mapped at 0x%x"
                        .formatted(
                                map.address(),
                                map.address() + (map.size() - 1),
                                below.map.address()));
    }

    /** The piece that begins at an address, or the nearest below; null if there is none. */
    private @Nullable Piece below(long address) {
        Map.Entry<Long, Piece> found = pieces.floorEntry(address);
        return found == null ? null : found.getValue();
    }

    private static BasicFileAttributes attributes(Descriptor file) {
        try {
            int number = file.acquire();
            try {
                return Files.readAttributes(
                        Path.of("/proc/self/fd/" + number), BasicFileAttributes.class);
            } finally {
                file.release();
            }
        } catch (IOException unknown) {
            throw Refusal.invalid("DMA_MAP: " + unknown.getMessage());
        }
    }

    /** Beyond the end of a file an access fails: better to be told now. */
    private static void requireLength(DmaMap map, BasicFileAttributes file) {
        if (file.isRegularFile() && file.size() - map.offset() < map.size()) {
            throw Refusal.invalid(
                    "DMA_MAP: %d bytes from %d on of a file of %d"
                            .formatted(map.size(), map.offset(), file.size()));
        }
    }

    private static Piece mapped(DmaMap map, Optional<Object> key, Descriptor file) {
        boolean isWritable = (map.flags() & DmaMap.WRITE) != 0;
        Arena arena = Arena.ofShared();
        try {
            MemorySegment view =
                    SharedMemory.map(file, map.offset(), map.size(), isWritable, arena);
            return new Piece(map, key, new MemoryRegion(map.address(), view), arena);
        } catch (HostIoException refused) {
            arena.close();
            throw new Refusal(
                    refused.errno().orElse(Errno.EINVAL), "DMA_MAP: " + refused.getMessage());
        } catch (RuntimeException | Error failed) {
            arena.close();
            throw failed;
        }
    }

    /**
     * Takes a piece back, or all of them.
     *
     * @throws Refusal if there is no such piece
     */
    void unmap(DmaUnmap unmap) {
        if (unmap.flags() == DmaUnmap.ALL) {
            clear();
            return;
        }
        Piece piece;
        synchronized (this) {
            piece = below(unmap.address());
            if (piece == null
                    || piece.map.address() != unmap.address()
                    || piece.map.size() != unmap.size()) {
                throw new Refusal(Errno.ENOENT, "DMA_UNMAP: nothing was mapped so");
            }
            remove(piece);
        }
        close(piece);
    }

    /** Takes all pieces back. */
    void clear() {
        List<Piece> all;
        synchronized (this) {
            all = List.copyOf(pieces.values());
            all.forEach(this::remove);
        }
        all.forEach(ClientMemory::close);
    }

    private void remove(Piece piece) {
        pieces.remove(piece.map.address());
        if (piece.region != null) {
            mappedBytes -= piece.map.size();
        }
        log.forget(piece.map.address(), piece.map.size());
        memory = null;
    }

    private static void close(Piece piece) {
        if (piece.arena == null) {
            return;
        }
        try {
            piece.arena.close();
        } catch (IllegalStateException inUse) {
            // A device that does not sleep when it is told to: the piece stays, out of reach.
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> "memory of a client is still in use: " + inUse.getMessage());
        }
    }

    /** How many pieces there are. */
    int pieces() {
        return pieces.size();
    }

    // ---------------------------------------------------------------- what is not all mapped

    /** Reads what is not in {@link #memory} as a whole. */
    void read(long address, MemorySegment target) {
        require(address, target.byteSize(), false);
        long length = target.byteSize();
        for (long done = 0; done < length; ) {
            Piece piece = pieceAt(address + done, length);
            long step = step(piece, address + done, length - done);
            MemorySegment part = target.asSlice(done, step);
            if (piece.region != null) {
                memory().copyOut(address + done, part);
            } else {
                byte[] came = remote(address, length).read(address + done, (int) step);
                MemorySegment.copy(MemorySegment.ofArray(came), 0, part, 0, step);
            }
            done += step;
        }
    }

    /** Writes what is not in {@link #memory} as a whole. */
    void write(long address, MemorySegment source) {
        require(address, source.byteSize(), true);
        long length = source.byteSize();
        for (long done = 0; done < length; ) {
            Piece piece = pieceAt(address + done, length);
            long step = step(piece, address + done, length - done);
            MemorySegment part = source.asSlice(done, step);
            if (piece.region != null) {
                memory().copyIn(address + done, part);
            } else {
                byte[] goes = part.toArray(ValueLayout.JAVA_BYTE);
                remote(address, length).write(address + done, goes);
                log.written(address + done, step);
            }
            done += step;
        }
    }

    /** Nothing is moved unless all of it is there. */
    private void require(long address, long length, boolean isWrite) {
        int flag = isWrite ? DmaMap.WRITE : DmaMap.READ;
        for (long done = 0; done < length; ) {
            Piece piece = pieceAt(address + done, length);
            if ((piece.map.flags() & flag) == 0) {
                throw new GuestMemoryException(
                        isWrite ? Kind.READ_ONLY : Kind.UNMAPPED, address, length);
            }
            done += Math.min(length - done, piece.last() - (address + done) + 1);
        }
    }

    private Piece pieceAt(long address, long length) {
        Piece piece = below(address);
        if (piece == null || !piece.holds(address)) {
            throw new GuestMemoryException(Kind.UNMAPPED, address, length);
        }
        return piece;
    }

    private long step(Piece piece, long address, long left) {
        long room = piece.last() - address + 1;
        // A piece may be the whole of the address space but a page.
        long step = room > 0 ? Math.min(left, room) : left;
        RemoteAccess access = remote;
        return piece.region != null || access == null ? step : Math.min(step, access.maxBytes());
    }

    private RemoteAccess remote(long address, long length) {
        RemoteAccess access = remote;
        if (access == null) {
            throw new GuestMemoryException(Kind.UNMAPPED, address, length);
        }
        return access;
    }

    // ---------------------------------------------------------------- the log of dirty pages

    /** Begins to log what the device writes. */
    synchronized void startLog() {
        log.start(memory());
    }

    synchronized void stopLog() {
        log.stop();
    }

    /** The log of a range as bits, each for a page of so many bytes; they are clear afterwards. */
    synchronized long[] takeLog(long address, long length, long pageBytes) {
        memory();
        return log.take(address, length, pageBytes);
    }

    boolean isLogging() {
        return log.isOn();
    }
}
