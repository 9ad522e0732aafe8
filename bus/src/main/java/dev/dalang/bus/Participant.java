package dev.dalang.bus;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** One who accesses devices, as {@link Quiescence} sees it: a hart, or a single access. */
class Participant {
    /** {@link #inside}: in no access. */
    static final int OUTSIDE = 0;

    /** {@link #inside}: in one, of whatever device. */
    static final int SOMEWHERE = -1;

    private static final VarHandle SEEN;
    private static final VarHandle INSIDE;

    static {
        try {
            SEEN = MethodHandles.lookup().findVarHandle(Participant.class, "seen", long.class);
            INSIDE = MethodHandles.lookup().findVarHandle(Participant.class, "inside", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Quiescence quiescence;

    // Written by its thread, read by removers.
    private volatile long seen = Quiescence.AT_REST;

    // Its own thread's business, from here on: another that looks learns only that it is another.
    private @Nullable Thread thread;

    /**
     * What the thread accesses: {@link Port#counter} of the device and 1, or {@link #SOMEWHERE}.
     */
    int inside;

    Participant(Quiescence quiescence) {
        this.quiescence = quiescence;
    }

    final long seen() {
        return seen;
    }

    final boolean isInside(Thread current) {
        return thread == current && inside != OUTSIDE;
    }

    /** {@link #inside} for others, a moment old. */
    final int lastInside() {
        return (int) INSIDE.getOpaque(this);
    }

    /** The thread that accesses, for others, a moment old. */
    final @Nullable Thread lastThread() {
        return thread;
    }

    /** The calling thread begins to access devices. */
    final void begin() {
        thread = Thread.currentThread();
        inside = OUTSIDE;
        seen = quiescence.epoch(); // volatile: a full fence before the next load of the map
    }

    /** The thread is outside any access. */
    final void announce() {
        long now = quiescence.epoch();
        long mine = (long) SEEN.getOpaque(this);
        if (now != mine && mine != Quiescence.AT_REST) {
            seen = now;
            quiescence.advance();
        }
    }

    /** The thread has ended its accesses. */
    final void end() {
        seen = Quiescence.AT_REST;
        thread = null;
        if (quiescence.hasPending()) {
            quiescence.advance();
        }
    }
}
