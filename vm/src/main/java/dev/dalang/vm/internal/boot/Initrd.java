package dev.dalang.vm.internal.boot;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.vm.ConfigurationException;
import dev.dalang.vm.internal.guest.HostFiles;

import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The initial RAM disk that a kernel gets: the file that the user names, behind it the files that
 * are added to it, or either alone. Linux takes several archives, one after the other, of which
 * each begins at a multiple of four bytes.
 */
public final class Initrd implements Closeable {
    private static final int BUFFER_BYTES = 1 << 16;

    private final Optional<BootFile> file;
    private final Optional<HostFiles> added;

    private Initrd(Optional<BootFile> file, Optional<HostFiles> added) {
        this.file = file;
        this.added = added;
    }

    /**
     * Opens what it is made of.
     *
     * @param path the file, if there is one
     * @param directory the directory whose files are added, if there is one
     * @return the RAM disk; empty if it would be made of nothing
     */
    public static Optional<Initrd> open(Optional<Path> path, Optional<Path> directory) {
        if (path.isEmpty() && directory.isEmpty()) {
            return Optional.empty();
        }
        // Files first: there is nothing to close if that fails.
        Optional<HostFiles> added = directory.map(HostFiles::of);
        return Optional.of(new Initrd(path.map(name -> BootFile.open("--initrd", name)), added));
    }

    /** Bytes of all of it. */
    public long size() {
        return added.map(files -> addedOffset() + files.size()).orElseGet(this::fileSize);
    }

    private long fileSize() {
        return file.map(BootFile::size).orElse(0L);
    }

    private long addedOffset() {
        return fileSize() + 3 & -4;
    }

    /** A failure that names what is to blame. */
    ConfigurationException failure(String problem) {
        return file.map(name -> name.failure(problem))
                .orElseGet(() -> new ConfigurationException("--initrd-add: " + problem));
    }

    /** Puts it into guest memory, which has room. */
    void load(GuestMemory memory, long address) {
        file.ifPresent(
                source -> source.load(0, source.size(), memory, address, "the initial RAM disk"));
        if (added.isPresent()) {
            memory.fill(address + fileSize(), addedOffset() - fileSize(), (byte) 0);
        }
        long behind = address + addedOffset();
        add(
                (source, offset, length, place) ->
                        memory.copyIn(behind + place, source, offset, length));
    }

    /**
     * Puts it into memory.
     *
     * @param target of {@link #size} bytes, which are zero
     */
    public void copyTo(MemorySegment target) {
        file.ifPresent(source -> source.copyTo(target));
        MemorySegment behind = target.asSlice(Math.min(addedOffset(), target.byteSize()));
        add(
                (source, offset, length, place) ->
                        MemorySegment.copy(
                                source, offset, behind, ValueLayout.JAVA_BYTE, place, length));
    }

    private void add(MemoryOutput.Target target) {
        if (added.isEmpty()) {
            return;
        }
        HostFiles files = added.get();
        try (OutputStream out =
                new BufferedOutputStream(new MemoryOutput(target, files.size()), BUFFER_BYTES)) {
            files.writeTo(out);
        } catch (IOException e) {
            throw new ConfigurationException("--initrd-add: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        file.ifPresent(BootFile::close);
    }
}
