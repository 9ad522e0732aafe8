package dev.dalang.pci;

import dev.dalang.bus.interrupt.InterruptLine;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A wire that several functions share: active while any of them drives it. Any thread, no lock.
 *
 * <p>Whoever changes an input drives the wire afterwards, and looks again until what it drove is
 * what the inputs say. So the last to drive it has driven the truth, whatever order the calls came
 * in, and when all have returned the wire is right.
 */
public final class SharedInterruptLine {
    private final InterruptLine wire;
    private final AtomicInteger active = new AtomicInteger();

    private SharedInterruptLine(InterruptLine wire) {
        this.wire = wire;
    }

    /**
     * Shares a wire. Nobody else may drive it.
     *
     * @param wire the wire
     * @return a line without inputs
     */
    public static SharedInterruptLine of(InterruptLine wire) {
        return new SharedInterruptLine(wire);
    }

    /** {@return a new input, inactive} */
    public Input input() {
        return new Input();
    }

    /** {@return true while any input is active} */
    public boolean isActive() {
        return active.get() != 0;
    }

    /**
     * Drives the wire again to the level it has: for an interrupt controller that took the level
     * for served when its driver said so, as a hypervisor's does, and asks whether it still holds.
     */
    public void resample() {
        boolean level;
        do {
            level = isActive();
            wire.set(level);
        } while (level != isActive());
    }

    /** One function's end of the wire. */
    public final class Input implements InterruptLine, AutoCloseable {
        private final AtomicBoolean level = new AtomicBoolean();
        private volatile boolean closed;

        private Input() {}

        @Override
        public void raise() {
            if (!closed && level.compareAndSet(false, true)) {
                active.incrementAndGet();
                resample();
                if (closed) {
                    lower();
                }
            }
        }

        @Override
        public void lower() {
            if (level.compareAndSet(true, false)) {
                active.decrementAndGet();
                resample();
            }
        }

        /** The function is gone: its end is inactive for good. Idempotent. */
        @Override
        public void close() {
            closed = true;
            lower();
        }
    }
}
