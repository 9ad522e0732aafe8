package dev.dalang.bus.time;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * Armed timers, soonest first, those of one deadline in the order in which they were armed. A
 * binary heap in which each timer knows its place, so that arming again and cancelling neither
 * search nor allocate. Guarded by its owner.
 */
final class TimerHeap {
    private static final int NOT_ARMED = -1;

    /** What a clock keeps of one timer. */
    static final class Entry {
        final Runnable onExpiry;
        private long deadlineNanos;
        private long sequence;
        private int place = NOT_ARMED;

        Entry(Runnable onExpiry) {
            this.onExpiry = onExpiry;
        }

        long deadlineNanos() {
            return deadlineNanos;
        }

        private boolean isBefore(Entry other) {
            return deadlineNanos < other.deadlineNanos
                    || (deadlineNanos == other.deadlineNanos && sequence < other.sequence);
        }
    }

    private @Nullable Entry[] heap = new @Nullable Entry[16];
    private int size;
    private long nextSequence;

    /** The timer that is due first, or null. */
    @Nullable Entry first() {
        return size == 0 ? null : at(0);
    }

    /** Arms {@code entry}, or moves it to another deadline. */
    void arm(Entry entry, long deadlineNanos) {
        entry.deadlineNanos = deadlineNanos;
        entry.sequence = nextSequence++;
        if (entry.place == NOT_ARMED) {
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, size * 2);
            }
            put(size++, entry);
        }
        siftUp(entry.place);
        siftDown(entry.place);
    }

    /** Takes {@code entry} out, if it is in. */
    void cancel(Entry entry) {
        int place = entry.place;
        if (place == NOT_ARMED) {
            return;
        }
        entry.place = NOT_ARMED;
        Entry last = at(--size);
        heap[size] = null;
        if (last != entry) {
            put(place, last);
            siftUp(place);
            siftDown(last.place);
        }
    }

    private void siftUp(int start) {
        int place = start;
        Entry entry = at(place);
        while (place > 0) {
            int parent = (place - 1) >>> 1;
            if (!entry.isBefore(at(parent))) {
                break;
            }
            put(place, at(parent));
            place = parent;
        }
        put(place, entry);
    }

    private void siftDown(int start) {
        int place = start;
        Entry entry = at(place);
        while (true) {
            int child = 2 * place + 1;
            if (child >= size) {
                break;
            }
            if (child + 1 < size && at(child + 1).isBefore(at(child))) {
                child++;
            }
            if (!at(child).isBefore(entry)) {
                break;
            }
            put(place, at(child));
            place = child;
        }
        put(place, entry);
    }

    private Entry at(int place) {
        Entry entry = heap[place];
        if (entry == null) {
            throw new AssertionError("no timer at " + place + " of " + size);
        }
        return entry;
    }

    private void put(int place, Entry entry) {
        heap[place] = entry;
        entry.place = place;
    }
}
