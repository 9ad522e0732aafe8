package dev.dalang.virtio;

import java.util.ArrayDeque;
import java.util.function.IntConsumer;

/**
 * Holds interrupts back while the driver has suspended the device, and hands them out in order
 * afterwards. Bounded: beyond {@link #CAPACITY}, one that waits already does not wait twice, so
 * that at most each source is added once more. Any thread.
 */
final class InterruptGate {
    /** The source of configuration changes; queues are known by their indexes. */
    static final int CONFIG = -1;

    static final int CAPACITY = 256;

    private final IntConsumer target;
    private final Runnable wakeUp;
    private final CoreCounters counters;
    private final ArrayDeque<Integer> held = new ArrayDeque<>();
    private volatile boolean closed;

    InterruptGate(IntConsumer target, Runnable wakeUp, CoreCounters counters) {
        this.target = target;
        this.wakeUp = wakeUp;
        this.counters = counters;
    }

    void signal(int source) {
        counters.interrupts.increment();
        if (!closed || !hold(source)) {
            target.accept(source);
        }
    }

    private boolean hold(int source) {
        synchronized (held) {
            if (!closed) {
                return false;
            }
            if (held.size() < CAPACITY || !held.contains(source)) {
                held.add(source);
            } else {
                counters.droppedInterrupts.increment();
            }
        }
        wakeUp.run();
        return true;
    }

    boolean isClosed() {
        return closed;
    }

    /** True if an interrupt waits for the gate to open. */
    boolean isHolding() {
        synchronized (held) {
            return !held.isEmpty();
        }
    }

    void close() {
        closed = true;
    }

    /** Hands out what was held back; what comes meanwhile comes after it. */
    void open() {
        synchronized (held) {
            while (!held.isEmpty()) {
                target.accept(held.remove());
            }
            closed = false;
        }
    }

    /** Forgets what was held back. */
    void reset() {
        synchronized (held) {
            held.clear();
            closed = false;
        }
    }

    long[] save() {
        synchronized (held) {
            return held.stream().mapToLong(Integer::longValue).toArray();
        }
    }

    void load(boolean isClosed, long[] sources) {
        synchronized (held) {
            held.clear();
            for (long source : sources) {
                held.add((int) source);
            }
            closed = isClosed;
        }
    }
}
