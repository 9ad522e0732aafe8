package dev.dalang.vm.internal.boot;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.vm.ConfigurationException;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file that an option names, open for loading. Every failure is a {@link ConfigurationException}
 * whose message begins with the option and the file.
 */
public final class BootFile implements Closeable {
    private static final int CHUNK_BYTES = 1 << 20;

    private final String name;
    private final FileChannel channel;
    private final long size;

    private BootFile(String name, FileChannel channel, long size) {
        this.name = name;
        this.channel = channel;
        this.size = size;
    }

    /**
     * Opens a regular file that is not empty.
     *
     * @param option the option that names it, such as {@code --kernel}
     * @param path the file
     * @return the open file
     */
    public static BootFile open(String option, Path path) {
        String name = option + " " + path;
        if (Files.isDirectory(path)) {
            throw new ConfigurationException(name + ": expected a file, found a directory");
        }
        FileChannel channel;
        try {
            if (Files.exists(path) && !Files.isRegularFile(path)) {
                throw new ConfigurationException(
                        name + ": expected a regular file, found a device or a pipe");
            }
            channel = FileChannel.open(path, StandardOpenOption.READ);
        } catch (NoSuchFileException e) {
            throw new ConfigurationException(name + ": no such file", e);
        } catch (AccessDeniedException e) {
            throw new ConfigurationException(name + ": may not be read", e);
        } catch (IOException e) {
            throw new ConfigurationException(name + ": cannot be opened: " + e.getMessage(), e);
        }
        try {
            long size = channel.size();
            if (size == 0) {
                throw new ConfigurationException(name + ": the file is empty (0 bytes)");
            }
            return new BootFile(name, channel, size);
        } catch (IOException e) {
            throw closing(channel, new ConfigurationException(name + ": " + e.getMessage(), e));
        } catch (ConfigurationException e) {
            throw closing(channel, e);
        }
    }

    private static ConfigurationException closing(
            FileChannel channel, ConfigurationException failure) {
        try {
            channel.close();
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
        return failure;
    }

    /** Size in bytes when it was opened. */
    public long size() {
        return size;
    }

    /**
     * A failure that this file's content is the reason of.
     *
     * @param problem what was expected and what was found
     */
    public ConfigurationException failure(String problem) {
        return new ConfigurationException(name + ": " + problem);
    }

    /**
     * The bytes from {@code position}; the file must have them.
     *
     * @param what names them in the message of a failure
     */
    byte[] read(long position, int length, String what) {
        requireBytes(position, length, what);
        byte[] bytes = new byte[length];
        fill(position, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** The file's first bytes: {@code length} of them, or fewer if it is shorter. */
    byte[] readStart(int length) {
        byte[] bytes = new byte[(int) Math.min(length, size)];
        fill(0, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /**
     * Copies bytes of the file, which must have them, to guest memory, which must have room.
     *
     * @param what names them in the message of a failure
     */
    void load(long position, long length, GuestMemory memory, long address, String what) {
        requireBytes(position, length, what);
        byte[] chunk = new byte[(int) Math.min(length, CHUNK_BYTES)];
        for (long done = 0; done < length; ) {
            int part = (int) Math.min(length - done, chunk.length);
            fill(position + done, ByteBuffer.wrap(chunk, 0, part));
            memory.copyIn(address + done, chunk, 0, part);
            done += part;
        }
    }

    /**
     * Copies the whole file.
     *
     * @param target of the file's size
     */
    public void copyTo(MemorySegment target) {
        byte[] chunk = new byte[(int) Math.min(size, CHUNK_BYTES)];
        for (long done = 0; done < size; ) {
            int part = (int) Math.min(size - done, chunk.length);
            fill(done, ByteBuffer.wrap(chunk, 0, part));
            MemorySegment.copy(chunk, 0, target, ValueLayout.JAVA_BYTE, done, part);
            done += part;
        }
    }

    /** The whole file as a stream; closing it closes the file. */
    InputStream stream() throws IOException {
        channel.position(0);
        return Channels.newInputStream(channel);
    }

    private void requireBytes(long position, long length, String what) {
        if (position < 0 || length < 0 || position > size || length > size - position) {
            throw failure(
                    what
                            + " needs bytes "
                            + Long.toUnsignedString(position)
                            + " to "
                            + Long.toUnsignedString(position + length)
                            + ", but the file has only "
                            + size);
        }
    }

    private void fill(long position, ByteBuffer target) {
        int start = target.position();
        try {
            while (target.hasRemaining()) {
                if (channel.read(target, position + target.position() - start) < 0) {
                    throw failure("the file shrank while it was read, from " + size + " bytes");
                }
            }
        } catch (IOException e) {
            throw new ConfigurationException(name + ": cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new ConfigurationException(name + ": cannot be closed: " + e.getMessage(), e);
        }
    }
}
