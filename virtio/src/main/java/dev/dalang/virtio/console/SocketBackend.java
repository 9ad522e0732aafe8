package dev.dalang.virtio.console;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * A Unix-domain socket that listens at a path: whoever connects is at the other end of the port,
 * one at a time. Nothing is buffered here but by the host's socket; a side that does not read holds
 * the other up. Who connects while somebody is connected waits until that one has gone; an end of
 * what a client writes counts as its going. What the guest writes while nobody is connected is
 * lost.
 *
 * <p>Any thread; one of its own waits for the socket.
 */
public final class SocketBackend implements PortBackend {
    private static final System.Logger LOG = System.getLogger(SocketBackend.class.getName());

    /** Of a file's mode (POSIX, sys/stat.h). */
    private static final int TYPE_MASK = 0xf000;

    private static final int TYPE_SOCKET = 0xc000;

    private final Path path;
    private final Selector selector;
    private final ServerSocketChannel server;

    /** Guards what follows; nobody is called under it. */
    private final Object lock = new Object();

    private PortPeer peer = NoPeer.INSTANCE;
    private @Nullable SelectionKey client;
    private @Nullable Thread thread;
    private boolean isClosed;

    private SocketBackend(Path path, Selector selector, ServerSocketChannel server) {
        this.path = path;
        this.selector = selector;
        this.server = server;
    }

    /**
     * Begins to listen; connections are taken from {@link #start} on.
     *
     * @param path where; a socket that nobody listens to any more is replaced
     * @return the back end
     * @throws IOException if there is something else, or the path cannot be used
     */
    public static SocketBackend listen(Path path) throws IOException {
        UnixDomainSocketAddress address;
        try {
            address = UnixDomainSocketAddress.of(path);
        } catch (IllegalArgumentException unusable) {
            throw new IOException(unusable.getMessage(), unusable);
        }
        removeStale(path, address);
        Selector selector = Selector.open();
        ServerSocketChannel server = null;
        try {
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            server.configureBlocking(false);
            server.bind(address, 1);
            server.register(selector, SelectionKey.OP_ACCEPT);
            return new SocketBackend(path, selector, server);
        } catch (IOException | RuntimeException failed) {
            if (server != null) {
                server.close();
            }
            selector.close();
            throw failed;
        }
    }

    private static void removeStale(Path path, UnixDomainSocketAddress address) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!isSocket(path)) {
            throw new IOException("expected no file there, or an old socket; found another file");
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(address);
        } catch (IOException nobody) {
            Files.delete(path);
            return;
        }
        throw new IOException("expected an old socket, found that somebody listens to it");
    }

    private static boolean isSocket(Path path) throws IOException {
        try {
            Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
            return mode instanceof Integer bits && (bits & TYPE_MASK) == TYPE_SOCKET;
        } catch (UnsupportedOperationException unknown) {
            return false;
        }
    }

    @Override
    public void start(PortPeer given) {
        synchronized (lock) {
            if (isClosed) {
                return;
            }
            peer = given;
            thread =
                    Thread.ofPlatform()
                            .daemon()
                            .name("dalang-socket-" + path.getFileName())
                            .start(this::serve);
        }
    }

    // ---------------------------------------------------------------- its thread

    private void serve() {
        try {
            while (true) {
                selector.select();
                for (SelectionKey key : selector.selectedKeys()) {
                    try {
                        serve(key);
                    } catch (CancelledKeyException _) {
                        // The client has gone while it was looked at; who noticed has told.
                    }
                }
                selector.selectedKeys().clear();
            }
        } catch (ClosedSelectorException _) {
            // The end, as close() wants it.
        } catch (IOException failure) {
            LOG.log(System.Logger.Level.WARNING, "{0} serves no more: {1}", path, failure);
        }
    }

    private void serve(SelectionKey key) throws IOException {
        PortPeer told;
        synchronized (lock) {
            if (!key.isValid()) {
                return;
            }
            told = peer;
        }
        int ready = key.readyOps();
        if ((ready & SelectionKey.OP_ACCEPT) != 0) {
            if (accept(key)) {
                told.opened(true);
            }
            return;
        }
        // Who was told asks again when there is nothing left, or no room.
        key.interestOpsAnd(~ready);
        if ((ready & SelectionKey.OP_READ) != 0) {
            told.readable();
        }
        if ((ready & SelectionKey.OP_WRITE) != 0) {
            told.writable();
        }
    }

    private boolean accept(SelectionKey listening) throws IOException {
        SocketChannel accepted = server.accept();
        if (accepted == null) {
            return false;
        }
        synchronized (lock) {
            if (isClosed) {
                accepted.close();
                return false;
            }
            accepted.configureBlocking(false);
            // An end is noticed even if the guest never reads.
            client = accepted.register(selector, SelectionKey.OP_READ);
            listening.interestOps(0);
            return true;
        }
    }

    // ---------------------------------------------------------------- the port's side

    @Override
    public int write(byte[] source, int offset, int length) {
        ByteBuffer bytes = ByteBuffer.wrap(source, offset, length);
        synchronized (lock) {
            SelectionKey key = client;
            if (key == null) {
                return length;
            }
            try {
                ((SocketChannel) key.channel()).write(bytes);
                if (bytes.hasRemaining()) {
                    await(key, SelectionKey.OP_WRITE);
                }
                return length - bytes.remaining();
            } catch (IOException gone) {
                disconnect(key);
            }
        }
        tellOfTheEnd();
        return length;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
        synchronized (lock) {
            SelectionKey key = client;
            if (key == null) {
                return 0;
            }
            try {
                int count =
                        ((SocketChannel) key.channel())
                                .read(ByteBuffer.wrap(target, offset, length));
                if (count >= 0) {
                    if (count == 0) {
                        await(key, SelectionKey.OP_READ);
                    }
                    return count;
                }
            } catch (IOException gone) {
                // As if it had ended.
                LOG.log(System.Logger.Level.DEBUG, "{0} lost its client: {1}", path, gone);
            }
            disconnect(key);
        }
        tellOfTheEnd();
        return 0;
    }

    private PortPeer told() {
        synchronized (lock) {
            return peer;
        }
    }

    private void await(SelectionKey key, int what) {
        key.interestOpsOr(what);
        selector.wakeup();
    }

    private void disconnect(SelectionKey key) {
        client = null;
        close(key.channel());
    }

    /** Tells of the client's end, and only then lets the next one in, of which is told, too. */
    private void tellOfTheEnd() {
        told().opened(false);
        synchronized (lock) {
            SelectionKey listening = server.keyFor(selector);
            if (listening != null && listening.isValid()) {
                listening.interestOps(SelectionKey.OP_ACCEPT);
                selector.wakeup();
            }
        }
    }

    private void close(AutoCloseable what) {
        try {
            what.close();
        } catch (Exception failure) {
            LOG.log(System.Logger.Level.WARNING, "{0} did not close: {1}", path, failure);
        }
    }

    @Override
    public void close() {
        Thread waiting;
        synchronized (lock) {
            if (isClosed) {
                return;
            }
            isClosed = true;
            peer = NoPeer.INSTANCE;
            waiting = thread;
            if (client != null) {
                close(client.channel());
                client = null;
            }
            close(server);
            close(selector);
            close(() -> Files.deleteIfExists(path));
        }
        join(waiting);
    }

    private static void join(@Nullable Thread waiting) {
        if (waiting == null || waiting == Thread.currentThread()) {
            return;
        }
        boolean interrupted = false;
        while (waiting.isAlive()) {
            try {
                waiting.join();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "socket " + path;
    }
}
