package dev.dalang.bus;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Knows when accesses that began before a change of a bus have ended. Each removal publishes the
 * new map and then begins a new epoch. A hart announces the epoch that it sees when it is outside
 * any access; once every hart has announced a removal's epoch, or is detached, nobody can still use
 * the old map. Threads that are no hart announce themselves for one access at a time, in a slot.
 *
 * <p>Memory order. An announcement loads the epoch (acquire) before the next access loads the map:
 * who has seen the epoch finds the new map. Going from "not accessing" to "accessing" is a store, a
 * full fence, and the load of the map; the remover stores map and epoch, fences, and looks at the
 * announcements: either it sees the access, or the access sees the new map.
 *
 * <p>Lock order: the manager's lock, then this object's. Actions run under neither.
 */
final class Quiescence {
    /** The announcement of who is not accessing. */
    static final long AT_REST = Long.MAX_VALUE;

    private static final int SLOTS = 64;

    /** Slots lie two cache lines apart, or threads would slow each other. */
    private static final int STRIDE = 16;

    private record Pending(long epoch, Removal removal) {}

    private volatile long epoch = 1;
    private volatile boolean hasPending;
    private volatile Participant[] participants = {};
    private final ArrayDeque<Pending> pending = new ArrayDeque<>();
    private final AtomicLongArray slots = new AtomicLongArray(SLOTS * STRIDE);
    private final AtomicReferenceArray<@Nullable Thread> slotThreads =
            new AtomicReferenceArray<>(SLOTS);

    Quiescence() {
        for (int slot = 0; slot < SLOTS; slot++) {
            slots.set(slot * STRIDE, AT_REST);
        }
    }

    synchronized void join(Participant joining) {
        Participant[] grown = Arrays.copyOf(participants, participants.length + 1);
        grown[participants.length] = joining;
        participants = grown;
    }

    /** The present epoch; what this reads is older than the map that a later load finds. */
    long epoch() {
        return epoch;
    }

    boolean hasPending() {
        return hasPending;
    }

    private synchronized void part(Participant leaving) {
        participants =
                Arrays.stream(participants)
                        .filter(participant -> participant != leaving)
                        .toArray(Participant[]::new);
    }

    /** Begins an access of a thread that is no attached hart; gives a ticket for {@link #exit}. */
    Object enter() {
        long now = epoch;
        Thread thread = Thread.currentThread();
        int start = Long.hashCode(thread.threadId() * 0x9e3779b97f4a7c15L);
        for (int probe = 0; probe < SLOTS; probe++) {
            int slot = (start + probe) & (SLOTS - 1);
            if (slots.getPlain(slot * STRIDE) == AT_REST
                    && slots.compareAndSet(slot * STRIDE, AT_REST, now)) {
                slotThreads.setPlain(slot, thread);
                return slot; // small numbers are boxed without allocating
            }
        }
        Participant extra = new Participant(this);
        join(extra);
        extra.begin();
        extra.inside = Participant.SOMEWHERE;
        return extra;
    }

    void exit(Object ticket) {
        if (ticket instanceof Integer slot) {
            slotThreads.setPlain(slot, null);
            slots.set(slot * STRIDE, AT_REST);
            if (hasPending) {
                advance();
            }
        } else {
            Participant extra = (Participant) ticket;
            part(extra);
            extra.end();
        }
    }

    /** Called when the new map is published. */
    void begin(Removal removal) {
        synchronized (this) {
            long mine = epoch + 1;
            epoch = mine; // volatile, and so is the next store: fenced before the announcements
            hasPending = true;
            pending.add(new Pending(mine, removal));
        }
        advance();
    }

    /** Completes the removals that everybody has left behind. */
    void advance() {
        List<Removal> done = new ArrayList<>();
        synchronized (this) {
            long least = leastSeen();
            Pending first = pending.peek();
            while (first != null && first.epoch <= least) {
                done.add(first.removal);
                pending.remove();
                first = pending.peek();
            }
            hasPending = !pending.isEmpty();
        }
        done.forEach(Removal::complete);
    }

    private long leastSeen() {
        long least = AT_REST;
        for (Participant participant : participants) {
            least = Math.min(least, participant.seen());
        }
        for (int slot = 0; slot < SLOTS; slot++) {
            least = Math.min(least, slots.get(slot * STRIDE));
        }
        return least;
    }

    /** True if the calling thread is inside an access. */
    boolean isInsideAccess() {
        Thread current = Thread.currentThread();
        for (Participant participant : participants) {
            if (participant.isInside(current)) {
                return true;
            }
        }
        for (int slot = 0; slot < SLOTS; slot++) {
            if (slotThreads.get(slot) == current) {
                return true;
            }
        }
        return false;
    }
}
