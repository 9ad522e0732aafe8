package dev.dalang.net.internal.user;

import dev.dalang.net.NetworkEvent;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** One number for each {@link NetworkEvent}; any thread counts and reads. */
public final class Counters {
    private final Map<NetworkEvent, AtomicLong> counts = new EnumMap<>(NetworkEvent.class);

    Counters() {
        for (NetworkEvent event : NetworkEvent.values()) {
            counts.put(event, new AtomicLong());
        }
    }

    private AtomicLong counter(NetworkEvent event) {
        AtomicLong counter = counts.get(event);
        if (counter == null) {
            throw new AssertionError(event); // there is one for each
        }
        return counter;
    }

    void count(NetworkEvent event) {
        counter(event).getAndIncrement();
    }

    /** How often it happened. */
    public long get(NetworkEvent event) {
        return counter(event).get();
    }
}
