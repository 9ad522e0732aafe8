package dev.dalang.riscv.internal.core;

import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * Where control goes when it leaves a region for other code, by the samples that an engine takes,
 * and how often. Harts lose each other's notes, which does no harm.
 */
public final class Departures {
    private static final int TARGETS = 16;

    /** Samples after which it is told for the first time that there are many. */
    private static final int MANY = 256;

    /**
     * What is between two samples at the most, on average, where there are many: a hart comes by
     * half a million times in a second.
     */
    private static final long NANOS = 500_000;

    /** A ring, of which the next place to write is kept. */
    private final int[] targets = new int[TARGETS];

    private int next;
    private int known;
    private int samples;
    private int wanted = MANY;
    private final LongSupplier clock;
    private long since;

    /** Nothing noted yet. */
    Departures() {
        this(System::nanoTime);
    }

    /**
     * For tests.
     *
     * @param clock nanoseconds
     */
    Departures(LongSupplier clock) {
        this.clock = clock;
        this.since = clock.getAsLong();
    }

    /**
     * Notes a departure.
     *
     * @param distance of where control goes from the region's first page, in bytes
     * @return true if there are many, for which there was no answer yet: each time it takes twice
     *     as many as before
     */
    public boolean note(long distance) {
        int slot = (int) (distance >> 1);
        if (2L * slot == distance && !knows(slot)) {
            int place = next;
            targets[place] = slot;
            next = (place + 1) % TARGETS;
            known = Math.max(known, place + 1);
        }
        if (++samples < wanted) {
            return false;
        }
        samples = 0;
        long now = clock.getAsLong();
        boolean areMany = now - since < wanted * NANOS;
        since = now;
        if (areMany && wanted < 1 << 20) {
            wanted *= 2;
        }
        return areMany;
    }

    private boolean knows(int slot) {
        for (int i = 0; i < known; i++) {
            if (targets[i] == slot) {
                return true;
            }
        }
        return false;
    }

    /** The last slots that control went to, counted from the beginning of the first page. */
    public int[] targets() {
        return Arrays.copyOf(targets, known);
    }
}
