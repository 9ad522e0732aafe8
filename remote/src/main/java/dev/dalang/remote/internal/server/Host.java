package dev.dalang.remote.internal.server;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import dev.dalang.linux.Errno;
import dev.dalang.linux.HostIoException;
import dev.dalang.linux.UnixListener;
import dev.dalang.linux.UnixSocket;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciFunction;
import dev.dalang.remote.internal.wire.Connection;
import dev.dalang.remote.internal.wire.FramingException;
import dev.dalang.remote.internal.wire.Header;
import dev.dalang.remote.internal.wire.Message;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Lets clients in, one at a time, and serves them. One thread accepts, each client has a thread; so
 * has, for a moment, a client that is told that there is one already.
 */
public final class Host implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Host.class.getName());

    private static final long RETRY_NANOS = 100_000_000;

    /** So many clients are told at a time; who comes then takes the place of the oldest. */
    private static final int MAX_TURNED_AWAY = 4;

    private final UnixListener listener;
    private final ServedDevice device;
    private final int patience;
    private final String name;
    private final Thread accepting;
    private final LongAdder refusals = new LongAdder();
    private final LongAdder clients = new LongAdder();
    private final LongAdder turnedAway = new LongAdder();
    private final CountDownLatch closed = new CountDownLatch(1);

    private final Object lock = new Object();

    // Guarded by the lock.
    private final ArrayDeque<Connection> leaving = new ArrayDeque<>();
    private @Nullable Session session;
    private boolean isClosing;

    private Host(UnixListener listener, ServedDevice device, int patience) {
        this.listener = listener;
        this.device = device;
        this.patience = patience;
        name = "vfio-user " + device.function().typeId();
        accepting = Thread.ofPlatform().daemon().name(name).unstarted(this::accept);
    }

    /**
     * Listens, and serves whoever comes.
     *
     * @param patience milliseconds that a client may take to say what it speaks, to finish a
     *     message, and to read one
     * @throws HostIoException if the path cannot be listened at
     */
    public static Host start(PciDevice device, Path path, int patience) throws HostIoException {
        UnixListener listener = UnixListener.listen(path);
        try {
            Host host = new Host(listener, new ServedDevice(device), patience);
            host.accepting.start();
            return host;
        } catch (HostIoException | RuntimeException | Error failed) {
            listener.close();
            throw failed;
        }
    }

    public PciFunction function() {
        return device.function();
    }

    public Path path() {
        return listener.path();
    }

    public boolean isConnected() {
        synchronized (lock) {
            return session != null;
        }
    }

    /** How many clients there have been. */
    public long clients() {
        return clients.sum();
    }

    /** How many were told that there is one already. */
    public long turnedAway() {
        return turnedAway.sum();
    }

    /** How many requests were refused. */
    public long refusals() {
        return refusals.sum();
    }

    /** How many interrupt messages reached a client. */
    public long messages() {
        return device.messages();
    }

    /** How many pieces of memory the client lets the device use. */
    public int memoryPieces() {
        return device.memory().pieces();
    }

    // ---------------------------------------------------------------- clients

    private void accept() {
        while (true) {
            try {
                Optional<UnixSocket> next = listener.accept();
                if (next.isEmpty()) {
                    return;
                }
                admit(new Connection(next.get(), patience));
            } catch (HostIoException failed) {
                if (!failed.is(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM)) {
                    LOG.log(WARNING, "{0}: no more clients: {1}", name, failed.getMessage());
                    return;
                }
                // Who waits is let in when there is room again.
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    private void admit(Connection connection) {
        Session before;
        synchronized (lock) {
            before = session;
            if (before != null && !before.isHungUp()) {
                turnAway(connection);
                return;
            }
        }
        if (before != null) {
            // Its client is gone; whoever was serving it will see it in a moment.
            before.end();
            await(() -> session == null);
        }
        synchronized (lock) {
            if (isClosing) {
                connection.close();
                return;
            }
            Session made = new Session(connection, device, refusals, patience);
            session = made;
            clients.increment();
            Thread.ofPlatform().daemon().name(name + " client").start(() -> serve(made));
        }
    }

    private void serve(Session served) {
        try {
            served.run();
        } finally {
            synchronized (lock) {
                session = null;
                lock.notifyAll();
            }
        }
    }

    /** Waits, whatever interrupts, until something holds; it is looked at with the lock. */
    private void await(BooleanSupplier condition) {
        boolean isInterrupted = false;
        synchronized (lock) {
            while (!condition.getAsBoolean()) {
                try {
                    lock.wait();
                } catch (InterruptedException told) {
                    isInterrupted = true;
                }
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Answers the first request of a client that comes while there is one. With the lock. */
    private void turnAway(Connection connection) {
        turnedAway.increment();
        leaving.add(connection);
        if (leaving.size() > MAX_TURNED_AWAY) {
            leaving.remove().shutdown();
        }
        if (isClosing) {
            connection.shutdown();
        }
        Thread.ofPlatform().daemon().name(name + " busy").start(() -> answerBusy(connection));
    }

    private void answerBusy(Connection connection) {
        try (connection) {
            Optional<Message> first =
                    connection.await(patience) ? connection.receive() : Optional.empty();
            if (first.isPresent()) {
                try (Message message = first.get()) {
                    Header header = message.header();
                    if (header.isRequest() && header.wantsReply()) {
                        connection.send(
                                Header.refusal(header, Errno.EBUSY.number()),
                                new byte[0],
                                List.of());
                    }
                }
            }
        } catch (HostIoException | FramingException gone) {
            LOG.log(DEBUG, "a second client is gone: {0}", gone.getMessage());
        } finally {
            synchronized (lock) {
                leaving.remove(connection);
                lock.notifyAll();
            }
        }
    }

    // ---------------------------------------------------------------- the end

    /** Waits until it is closed. */
    public void awaitClosed() throws InterruptedException {
        closed.await();
    }

    /** Lets nobody in any more, ends the session, and gives up the device; twice is fine. */
    @Override
    public void close() {
        Session last;
        synchronized (lock) {
            if (isClosing) {
                return;
            }
            isClosing = true;
            last = session;
            leaving.forEach(Connection::shutdown);
        }
        listener.close();
        if (last != null) {
            last.end();
        }
        await(() -> session == null && leaving.isEmpty());
        device.close();
        closed.countDown();
    }
}
