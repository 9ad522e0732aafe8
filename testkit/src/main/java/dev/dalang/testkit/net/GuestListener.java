package dev.dalang.testkit.net;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** A port of TCP on which the guest listens. Any thread. */
public final class GuestListener {
    private final GuestStack stack;
    private final Deque<GuestTcp> waiting = new ArrayDeque<>();
    private final Condition arrived;

    GuestListener(GuestStack stack) {
        this.stack = stack;
        this.arrived = stack.lock.newCondition();
    }

    /**
     * Waits for a connection.
     *
     * @param timeoutMillis for how long
     * @return it, or null
     */
    public @Nullable GuestTcp accept(long timeoutMillis) {
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

    void established(GuestTcp connection) {
        waiting.add(connection);
        arrived.signalAll();
    }
}
