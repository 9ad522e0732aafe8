package dev.dalang.testkit;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.interrupt.MsiTarget;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/**
 * Takes messages, remembers them, and refuses those that the script says. Made to accept all. Any
 * thread.
 */
public final class ScriptedMsiTarget implements MsiTarget {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final List<MsiMessage> accepted = new ArrayList<>();
    private final List<MsiMessage> refused = new ArrayList<>();
    private Predicate<MsiMessage> script = _ -> true;

    /** Makes a target that accepts all messages. */
    public ScriptedMsiTarget() {}

    /**
     * Says which messages are accepted from now on.
     *
     * @param accepts true for a message that is accepted; called under this object's lock
     */
    public void script(Predicate<MsiMessage> accepts) {
        lock.lock();
        try {
            script = accepts;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean signal(long address, int data) {
        MsiMessage message = new MsiMessage(address, data);
        lock.lock();
        try {
            boolean accept = script.test(message);
            (accept ? accepted : refused).add(message);
            arrived.signalAll();
            return accept;
        } finally {
            lock.unlock();
        }
    }

    /** {@return the messages accepted so far, in order} */
    public List<MsiMessage> accepted() {
        lock.lock();
        try {
            return List.copyOf(accepted);
        } finally {
            lock.unlock();
        }
    }

    /** {@return the messages refused so far, in order} */
    public List<MsiMessage> refused() {
        lock.lock();
        try {
            return List.copyOf(refused);
        } finally {
            lock.unlock();
        }
    }

    /** Forgets all messages; the script stays. */
    public void clear() {
        lock.lock();
        try {
            accepted.clear();
            refused.clear();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until so many messages have been accepted.
     *
     * @param count how many
     * @param timeoutSeconds how long to wait at most
     * @return false if the time ran out
     * @throws InterruptedException if the waiting thread is interrupted
     */
    public boolean awaitAccepted(int count, long timeoutSeconds) throws InterruptedException {
        long left = TimeUnit.SECONDS.toNanos(timeoutSeconds);
        lock.lock();
        try {
            while (accepted.size() < count) {
                if (left <= 0) {
                    return false;
                }
                left = arrived.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }
}
