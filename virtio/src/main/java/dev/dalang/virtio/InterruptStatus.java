package dev.dalang.virtio;

/**
 * The interrupt status and the wire that follows it: active while a bit is set. Any thread; what it
 * holds while it drives the wire is its own.
 */
final class InterruptStatus {
    /** A queue has used buffers. */
    static final int QUEUE = 1;

    /** The configuration has changed. */
    static final int CONFIG = 2;

    static final int ALL = QUEUE | CONFIG;

    private final Runnable raise;
    private final Runnable lower;
    private int bits;

    InterruptStatus(Runnable raise, Runnable lower) {
        this.raise = raise;
        this.lower = lower;
    }

    static int bitOf(int source) {
        return source == InterruptGate.CONFIG ? CONFIG : QUEUE;
    }

    synchronized void set(int bit) {
        bits |= bit;
        raise.run();
    }

    synchronized int get() {
        return bits;
    }

    /** Reads and clears. */
    synchronized int take() {
        int taken = bits;
        load(0);
        return taken;
    }

    synchronized void clear(int mask) {
        load(bits & ~mask);
    }

    /** Sets all bits, and the wire to what they say. */
    synchronized void load(int value) {
        boolean was = bits != 0;
        bits = value;
        if (value != 0) {
            raise.run();
        } else if (was) {
            lower.run();
        }
    }
}
