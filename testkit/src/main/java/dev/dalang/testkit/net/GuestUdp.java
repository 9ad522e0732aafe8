package dev.dalang.testkit.net;

import org.jspecify.annotations.Nullable;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** A port of UDP of the guest's. Any thread. */
public final class GuestUdp implements AutoCloseable {
    private static final int MAX_WAITING = 1024;

    /**
     * What came.
     *
     * @param source who sent it
     * @param port from which port
     * @param payload what
     */
    public record Datagram(InetAddress source, int port, ByteBuffer payload) {
        /** {@return the payload} */
        public byte[] bytes() {
            byte[] copy = new byte[payload.capacity()];
            payload.get(0, copy);
            return copy;
        }
    }

    private final GuestStack stack;
    private final int port;
    private final Deque<Datagram> waiting = new ArrayDeque<>();
    private final Condition arrived;
    private int unreachable;

    GuestUdp(GuestStack stack, int port) {
        this.stack = stack;
        this.port = port;
        this.arrived = stack.lock.newCondition();
    }

    /** {@return the guest's port} */
    public int port() {
        return port;
    }

    /**
     * Sends a datagram, in fragments if it is long.
     *
     * @param target to whom
     * @param targetPort to which port
     * @param payload what
     */
    public void send(InetAddress target, int targetPort, byte[] payload) {
        stack.lock.lock();
        try {
            stack.sendUdp(port, target, targetPort, payload);
        } finally {
            stack.lock.unlock();
        }
    }

    /**
     * Waits for a datagram.
     *
     * @param timeoutMillis for how long
     * @return it, or null
     */
    public @Nullable Datagram receive(long timeoutMillis) {
        stack.lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
            while (waiting.isEmpty() && left > 0) {
                left = stack.await(arrived, left);
            }
            return waiting.poll();
        } finally {
            stack.lock.unlock();
        }
    }

    /**
     * Waits until the network has said that something cannot be reached.
     *
     * @param timeoutMillis for how long
     * @return whether it has
     */
    public boolean awaitUnreachable(long timeoutMillis) {
        stack.lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
            while (unreachable == 0 && left > 0) {
                left = stack.await(arrived, left);
            }
            return unreachable > 0;
        } finally {
            stack.lock.unlock();
        }
    }

    void deliver(Datagram datagram) {
        if (waiting.size() < MAX_WAITING) {
            waiting.add(datagram);
            arrived.signalAll();
        }
    }

    void unreachable() {
        unreachable++;
        arrived.signalAll();
    }

    @Override
    public void close() {
        stack.lock.lock();
        try {
            stack.ports.remove(port);
        } finally {
            stack.lock.unlock();
        }
    }
}
