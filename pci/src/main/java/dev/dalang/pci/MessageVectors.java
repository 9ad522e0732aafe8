package dev.dalang.pci;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * What a device's threads see of a function's message-signalled vectors: one word for each, so that
 * whether a message may be sent, where it goes and whether one is pending change in one step.
 *
 * <p>A trigger takes no lock. It enters the vector (a count in the word), signals, and leaves;
 * whoever closes a vector, because the guest masks it or its handle is to be given back, waits
 * until none is inside. So when a guest's write to a mask has returned, no message of that vector
 * is under way, and the guest may change address and data without one going out half old and half
 * new. (On real hardware the read that flushes the mask write does this.) The wait is bounded: a
 * router that does not return, or one that came back here on the same thread, must not stop a hart;
 * what is still inside then arrives as a message that the fabric delayed.
 *
 * <p>{@link #trigger}, {@link #sendTaken} and {@link #pendingWord}: any thread, no lock. All other
 * methods: under the lock of the function's configuration.
 */
final class MessageVectors {
    /** What became of a trigger. */
    enum Outcome {
        /** The router delivered a message. */
        SENT,
        /** The pending bit is set: the message goes out when the vector opens. */
        PENDED,
        /** Messages are off, and the caller asked not to set the pending bit then. */
        OFF,
        /** The vector is open and has no handle, or a route to nowhere. */
        NO_ROUTE,
        /** The router did not deliver the message. */
        REFUSED
    }

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    /** Words of vectors lie a cache line apart: devices' threads trigger vectors of their own. */
    private static final int STRIDE = 8;

    /** Threads that are signalling at this moment; there are never as many as 2^24. */
    private static final long INSIDE_ONE = 1;

    private static final long INSIDE = 0xff_ffff;
    private static final long PENDING = 1L << 24;

    /** The function may not send messages at all. */
    private static final long OFF = 1L << 25;

    /** This vector may not send: it or the function is masked, or the function asleep. */
    private static final long HELD = 1L << 26;

    /** The handle in the upper half has a route. */
    private static final long ROUTED = 1L << 27;

    private static final int HANDLE_SHIFT = 32;
    private static final long HANDLE = -1L << HANDLE_SHIFT;

    private static final int SPINS = 1_000;
    private static final int PARKS = 170;
    private static final int PARKS_OF_ONE_LENGTH = 8;
    private static final long SHORTEST_PARK_NANOS = 20_000;
    private static final long LONGEST_PARK_NANOS = 2_000_000;

    private final MsiRouter router;
    private final int count;
    private final long[] words;

    /** Makes vectors that are off, held, not pending and without route. */
    MessageVectors(MsiRouter router, int count) {
        this.router = router;
        this.count = count;
        // A line of distance on both sides keeps neighbours in the heap out of the way too.
        words = new long[(count + 2) * STRIDE];
        for (int vector = 0; vector < count; vector++) {
            words[at(vector)] = OFF | HELD;
        }
    }

    private static int at(int vector) {
        return (vector + 1) * STRIDE;
    }

    int count() {
        return count;
    }

    /**
     * The device wants the vector's interrupt.
     *
     * @param vector within 0..count-1
     * @param pendWhileOff whether the pending bit is to be set when messages are off
     */
    Outcome trigger(int vector, boolean pendWhileOff) {
        int at = at(vector);
        while (true) {
            long word = (long) WORD.getAcquire(words, at);
            if ((word & (OFF | HELD)) != 0) {
                if ((word & OFF) != 0 && !pendWhileOff) {
                    return Outcome.OFF;
                }
                // Written even where the bit is set: the exchange orders what the device stored
                // before it against the exchange of whoever opens the vector, so that the handler
                // of the one message that stands for both triggers sees the stores of both.
                if (WORD.compareAndSet(words, at, word, word | PENDING)) {
                    return Outcome.PENDED;
                }
            } else if ((word & ROUTED) == 0) {
                return Outcome.NO_ROUTE;
            } else if (WORD.compareAndSet(words, at, word, word + INSIDE_ONE)) {
                return signalAndLeave(at, (int) (word >>> HANDLE_SHIFT));
            }
        }
    }

    private Outcome signalAndLeave(int at, int handle) {
        try {
            return router.signal(handle) ? Outcome.SENT : Outcome.REFUSED;
        } catch (RuntimeException broken) {
            // A router's fault is not the device's, nor the guest's: whoever asked counts it.
            return Outcome.REFUSED;
        } finally {
            WORD.getAndAdd(words, at, -INSIDE_ONE);
        }
    }

    /**
     * Lets a vector send.
     *
     * @return true if it was pending: the bit is clear now, and the caller has to call {@link
     *     #sendTaken} once it holds no lock
     */
    boolean open(int vector) {
        int at = at(vector);
        while (true) {
            long word = (long) WORD.getVolatile(words, at);
            long opened = word & ~(OFF | HELD);
            boolean taken = (word & PENDING) != 0 && (word & ROUTED) != 0;
            if (taken) {
                opened = (opened & ~PENDING) + INSIDE_ONE;
            }
            if (WORD.compareAndSet(words, at, word, opened)) {
                return taken;
            }
        }
    }

    /** Sends the message that {@link #open} took. */
    Outcome sendTaken(int vector) {
        int at = at(vector);
        // The handle cannot have changed: that waits until this thread has left.
        return signalAndLeave(at, (int) ((long) WORD.getVolatile(words, at) >>> HANDLE_SHIFT));
    }

    /** From here on the vector sends nothing; {@link #awaitQuiet} tells when it has stopped. */
    void close(int vector, boolean off, boolean held) {
        int at = at(vector);
        long set = (off ? OFF : 0) | (held ? HELD : 0);
        while (true) {
            long word = (long) WORD.getVolatile(words, at);
            if (WORD.compareAndSet(words, at, word, word & ~(OFF | HELD) | set)) {
                return;
            }
        }
    }

    /**
     * Waits until no message of a closed vector is under way: hardly ever, and then for the length
     * of a signal, but where that thread has lost its processor up to a quarter of a second.
     */
    void awaitQuiet(int vector) {
        int at = at(vector);
        for (int turn = 0; turn < SPINS + PARKS; turn++) {
            if (((long) WORD.getAcquire(words, at) & INSIDE) == 0) {
                return;
            }
            if (turn < SPINS) {
                Thread.onSpinWait();
            } else {
                int doublings = Math.min((turn - SPINS) / PARKS_OF_ONE_LENGTH, 7);
                LockSupport.parkNanos(
                        Math.min(SHORTEST_PARK_NANOS << doublings, LONGEST_PARK_NANOS));
            }
        }
    }

    /** Sets the handle that the vector signals. */
    void connect(int vector, int handle) {
        int at = at(vector);
        while (true) {
            long word = (long) WORD.getVolatile(words, at);
            long connected = word & ~HANDLE | (long) handle << HANDLE_SHIFT | ROUTED;
            if (WORD.compareAndSet(words, at, word, connected)) {
                return;
            }
        }
    }

    /** From here on the vector has nowhere to send to. */
    void disconnect(int vector) {
        WORD.getAndBitwiseAnd(words, at(vector), ~ROUTED);
    }

    boolean isPending(int vector) {
        return ((long) WORD.getVolatile(words, at(vector)) & PENDING) != 0;
    }

    void setPending(int vector, boolean pending) {
        if (pending) {
            WORD.getAndBitwiseOr(words, at(vector), PENDING);
        } else {
            WORD.getAndBitwiseAnd(words, at(vector), ~PENDING);
        }
    }

    /** The pending bits of vectors {@code 64 * index} and up; 0 for those that do not exist. */
    long pendingWord(int index) {
        long bits = 0;
        int first = index * Long.SIZE;
        for (int vector = first; vector < Math.min(first + Long.SIZE, count); vector++) {
            if (isPending(vector)) {
                bits |= 1L << (vector - first);
            }
        }
        return bits;
    }
}
