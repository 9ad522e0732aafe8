package dev.dalang.bus.resource;

import dev.dalang.bus.resource.AllocationException.Kind;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * Gives out single ids: interrupt numbers, slots. The lowest id that was released comes first, then
 * the lowest that was never used. Any thread.
 */
public final class IdAllocator {
    private final String what;
    private final long lowest;
    private final long highest;

    /** Ids from here on were never given out, those in {@link #ahead} excepted. */
    private long next;

    /** Ids that are given out though {@link #next} has not come to them. */
    private final Set<Long> ahead = new HashSet<>();

    private final TreeSet<Long> released = new TreeSet<>();

    private IdAllocator(String what, long lowest, long highest) {
        this.what = what;
        this.lowest = lowest;
        this.highest = highest;
        this.next = lowest;
    }

    /**
     * Makes an allocator.
     *
     * @param what what the ids are, for messages
     * @param lowest the lowest id, at least 0
     * @param highest the highest id, at most 2^32 - 1
     * @return the allocator
     * @throws AllocationException if there is no id between the two ({@code INVALID_RANGE})
     */
    public static IdAllocator of(String what, long lowest, long highest) {
        if (lowest < 0 || highest < lowest || highest > 0xffff_ffffL) {
            throw new AllocationException(
                    Kind.INVALID_RANGE,
                    what + ": expected ids within 0..4294967295, got " + lowest + ".." + highest);
        }
        return new IdAllocator(what, lowest, highest);
    }

    /**
     * Gives out an id.
     *
     * @return the id
     * @throws AllocationException if all are given out ({@code EXHAUSTED})
     */
    public synchronized long allocate() {
        Long again = released.pollFirst();
        if (again != null) {
            if (again >= next) {
                ahead.add(again);
            }
            return again;
        }
        while (ahead.remove(next)) {
            next++;
        }
        if (next > highest) {
            throw new AllocationException(
                    Kind.EXHAUSTED,
                    what + ": all of " + lowest + ".." + highest + " are given out");
        }
        return next++;
    }

    /**
     * Gives out one certain id.
     *
     * @param id the id
     * @throws AllocationException with kind {@code OUT_OF_RANGE}, or {@code EXHAUSTED} if it is
     *     given out already
     */
    public synchronized void allocate(long id) {
        requireInRange(id);
        boolean wasReleased = released.remove(id);
        if (!wasReleased && (id < next || ahead.contains(id))) {
            throw new AllocationException(
                    Kind.EXHAUSTED, what + ": " + id + " is given out already");
        }
        if (id >= next) {
            ahead.add(id);
        }
    }

    /**
     * Takes an id back.
     *
     * @param id an id that is given out
     * @throws AllocationException with kind {@code OUT_OF_RANGE}, {@code NEVER_ALLOCATED} or {@code
     *     ALREADY_RELEASED}
     */
    public synchronized void free(long id) {
        requireInRange(id);
        if (released.contains(id)) {
            throw new AllocationException(
                    Kind.ALREADY_RELEASED, what + ": " + id + " is released already");
        }
        if (id >= next && !ahead.remove(id)) {
            throw new AllocationException(
                    Kind.NEVER_ALLOCATED, what + ": " + id + " was never given out");
        }
        released.add(id);
    }

    private void requireInRange(long id) {
        if (id < lowest || id > highest) {
            throw new AllocationException(
                    Kind.OUT_OF_RANGE,
                    what + ": expected " + lowest + ".." + highest + ", got " + id);
        }
    }
}
