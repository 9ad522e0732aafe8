package dev.dalang.storage.internal;

import dev.dalang.storage.StorageEvent;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** One number for each {@link StorageEvent}. Any thread. */
public final class EventCounters {
    private final Map<StorageEvent, LongAdder> counts = new EnumMap<>(StorageEvent.class);

    /** All at 0. */
    public EventCounters() {
        for (StorageEvent event : StorageEvent.values()) {
            counts.put(event, new LongAdder());
        }
    }

    private LongAdder counter(StorageEvent event) {
        LongAdder counter = counts.get(event);
        if (counter == null) {
            throw new AssertionError(event); // there is one for each
        }
        return counter;
    }

    /** Counts an event. */
    public void count(StorageEvent event) {
        counter(event).increment();
    }

    /** How often it was counted. */
    public long get(StorageEvent event) {
        return counter(event).sum();
    }
}
