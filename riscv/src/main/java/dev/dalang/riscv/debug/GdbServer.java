package dev.dalang.riscv.debug;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * Waits on a port of the loopback interface for a debugger that speaks GDB's remote serial
 * protocol: {@code target remote :PORT}. One at a time; the next may come when the one before has
 * left. While none is connected the harts are free and pay nothing.
 */
public final class GdbServer implements AutoCloseable {
    private static final int BACKLOG = 1;

    private final DebuggedMachine machine;
    private final ServerSocket listener;
    private final @Nullable HartControl waiting;
    private final Object lock = new Object();

    // Guarded by lock.
    private @Nullable GdbSession session;
    private @Nullable Socket connection;
    private boolean closed;

    private GdbServer(DebuggedMachine machine, ServerSocket listener, boolean waits) {
        this.machine = machine;
        this.listener = listener;
        this.waiting = waits ? new HartControl(machine.harts(), _ -> {}) : null;
    }

    /**
     * Opens the port; who connects is served from {@link #start} on.
     *
     * @param machine what is debugged
     * @param port 1..65,535, or 0 for any that is free
     * @param waits true: the harts execute nothing until a debugger has come and lets them
     * @return the server
     * @throws IOException if the port cannot be had
     */
    public static GdbServer open(DebuggedMachine machine, int port, boolean waits)
            throws IOException {
        ServerSocket socket = new ServerSocket();
        try {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        return new GdbServer(machine, socket, waits);
    }

    /** Serves debuggers, once; before the harts' threads begin, so that these can be held. */
    public void start() {
        if (waiting != null) {
            waiting.attachHalted();
            machine.paused();
        }
        Thread.ofPlatform().daemon().name("dalang-gdb").start(this::accept);
    }

    /** {@return the port that is open} */
    public int port() {
        return listener.getLocalPort();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try (Socket socket = listener.accept()) {
                socket.setTcpNoDelay(true);
                GdbSession next = new GdbSession(machine, socket);
                synchronized (lock) {
                    if (closed) {
                        return;
                    }
                    session = next;
                    connection = socket;
                }
                next.serve();
            } catch (IOException _) {
                // The connection or the listener is closed; the loop's condition tells which.
            } finally {
                synchronized (lock) {
                    session = null;
                    connection = null;
                }
            }
        }
    }

    /**
     * The machine has ended: a debugger that is connected is told, and nobody else is served. Any
     * thread.
     *
     * @param status what the debugger shows as the exit status, 0..255
     */
    public void machineEnded(int status) {
        synchronized (lock) {
            closed = true;
            closeQuietly(listener);
            if (session != null) {
                session.machineEnded(status);
            }
        }
    }

    /** Closes the port and the connection; the harts are free. Idempotent. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            closeQuietly(listener);
            if (connection != null) {
                closeQuietly(connection);
            } else if (waiting != null) {
                waiting.detach();
                machine.resumed();
            }
        }
    }

    private static void closeQuietly(AutoCloseable open) {
        try {
            open.close();
        } catch (Exception _) {
            // Closed as far as anybody can tell.
        }
    }
}
