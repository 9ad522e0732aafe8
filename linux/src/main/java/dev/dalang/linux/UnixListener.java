package dev.dalang.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Waits for connections at a path. One thread accepts; any thread may close. */
public final class UnixListener implements AutoCloseable {
    private static final int BACKLOG = 16;

    private final Descriptor descriptor;
    private final Path path;
    private volatile boolean isClosed;

    private UnixListener(Descriptor descriptor, Path path) {
        this.descriptor = descriptor;
        this.path = path;
    }

    /**
     * Listens at a path. A socket that an earlier process left there, and that nobody listens at,
     * is replaced; anything else is left alone.
     *
     * @param path where; its directory must exist
     * @return the listener
     * @throws HostIoException if somebody listens there ({@link Errno#EADDRINUSE}), something else
     *     is in the way, or the directory does not allow it
     */
    public static UnixListener listen(Path path) throws HostIoException {
        Descriptor made = UnixSocket.create(path.toString());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = UnixSocket.address(path, "bind", arena);
            int number = made.acquire();
            try {
                if (SocketCalls.bind(number, address, UnixSocket.addressBytes()) < 0) {
                    int errno = Calls.errno();
                    if (errno != Errno.EADDRINUSE.number()
                            || !isLeftBehind(path)
                            || SocketCalls.bind(number, address, UnixSocket.addressBytes()) < 0) {
                        throw new HostIoException("bind", made.subject(), errno);
                    }
                }
                if (SocketCalls.listen(number, BACKLOG) < 0) {
                    throw new HostIoException("listen", made.subject(), Calls.errno());
                }
            } finally {
                made.release();
            }
        } catch (HostIoException | RuntimeException | Error failed) {
            made.close();
            throw failed;
        }
        return new UnixListener(made, path);
    }

    /** Removes a socket that nobody listens at; false if there is none. */
    private static boolean isLeftBehind(Path path) {
        try {
            UnixSocket.connect(path).close();
            return false;
        } catch (HostIoException refused) {
            if (!refused.is(Errno.ECONNREFUSED) || Files.isRegularFile(path)) {
                return false;
            }
        }
        try {
            return Files.deleteIfExists(path);
        } catch (IOException notAllowed) {
            return false;
        }
    }

    /**
     * Waits for the next connection.
     *
     * @return it; empty if the listener was closed
     * @throws HostIoException if the host cannot give a descriptor for it
     */
    public Optional<UnixSocket> accept() throws HostIoException {
        while (!isClosed) {
            int number;
            int made;
            try {
                number = descriptor.acquire();
            } catch (HostIoException closed) {
                return Optional.empty();
            }
            try {
                made = SocketCalls.accept(number, UnixSocket.SOCK_CLOEXEC);
            } finally {
                descriptor.release();
            }
            if (made >= 0) {
                return Optional.of(new UnixSocket(Descriptor.of(made, descriptor.subject())));
            }
            int errno = Calls.errno();
            // A peer that has gone again is none; a listener that was shut down says EINVAL.
            if (!isClosed
                    && errno != Errno.EINTR.number()
                    && errno != Errno.ECONNABORTED.number()) {
                throw new HostIoException("accept", descriptor.subject(), errno);
            }
        }
        return Optional.empty();
    }

    /** {@return where it listens} */
    public Path path() {
        return path;
    }

    /** Listens no more, and removes the socket's file. Who waits in {@link #accept} goes on. */
    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        UnixSocket.shutdown(descriptor);
        descriptor.close();
        try {
            Files.deleteIfExists(path);
        } catch (IOException _) {
            // Somebody moved it: no concern of ours any more.
        }
    }
}
