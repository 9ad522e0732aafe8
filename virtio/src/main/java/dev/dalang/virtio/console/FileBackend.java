package dev.dalang.virtio.console;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.LongAdder;

/**
 * A file that takes what the guest writes; there is nothing to read. A file that cannot be written
 * any more, because the disk is full, loses what comes: it is counted, logged once, and the guest
 * sees the port closed. Any thread.
 */
public final class FileBackend implements PortBackend {
    private static final System.Logger LOG = System.getLogger(FileBackend.class.getName());

    private final Path path;
    private final FileChannel file;
    private final LongAdder lost = new LongAdder();

    // Guarded by this.
    private PortPeer peer = NoPeer.INSTANCE;
    private boolean isBroken;

    /** For a file that is open for writing, whatever it is. */
    FileBackend(Path path, FileChannel file) {
        this.path = path;
        this.file = file;
    }

    /**
     * Opens a file for what the guest writes.
     *
     * @param path a regular file, which is emptied, or one that is not there yet
     * @return the back end
     * @throws IOException if it is something else, or cannot be written
     */
    public static FileBackend open(Path path) throws IOException {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            // A pipe, for one, would hold us up until somebody reads it.
            throw new IOException("expected a regular file, found something else");
        }
        return new FileBackend(
                path,
                FileChannel.open(
                        path,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING));
    }

    /** {@return bytes that could not be written} */
    public long lost() {
        return lost.sum();
    }

    @Override
    public void start(PortPeer given) {
        synchronized (this) {
            peer = given;
        }
        given.opened(true);
    }

    @Override
    public int write(byte[] source, int offset, int length) {
        PortPeer told;
        synchronized (this) {
            ByteBuffer bytes = ByteBuffer.wrap(source, offset, length);
            if (!isBroken) {
                try {
                    while (bytes.hasRemaining()) {
                        file.write(bytes);
                    }
                    return length;
                } catch (IOException failure) {
                    isBroken = true;
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "{0}: {1}; what the guest writes to it is lost from now on",
                            path,
                            failure.getMessage());
                }
            }
            lost.add(bytes.remaining());
            told = peer;
        }
        told.opened(false);
        return length;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        return 0;
    }

    @Override
    public synchronized void close() {
        isBroken = true;
        peer = NoPeer.INSTANCE;
        try {
            file.close();
        } catch (IOException failure) {
            LOG.log(System.Logger.Level.WARNING, "{0} did not close: {1}", path, failure);
        }
    }
}
