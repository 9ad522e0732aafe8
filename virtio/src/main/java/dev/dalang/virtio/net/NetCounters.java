package dev.dalang.virtio.net;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** One number for each {@link VirtioNetEvent}. Any thread. */
final class NetCounters {
    private final Map<VirtioNetEvent, LongAdder> counts = new EnumMap<>(VirtioNetEvent.class);

    NetCounters() {
        for (VirtioNetEvent event : VirtioNetEvent.values()) {
            counts.put(event, new LongAdder());
        }
    }

    private LongAdder counter(VirtioNetEvent event) {
        LongAdder counter = counts.get(event);
        if (counter == null) {
            throw new AssertionError(event); // there is one for each
        }
        return counter;
    }

    void count(VirtioNetEvent event) {
        counter(event).increment();
    }

    long get(VirtioNetEvent event) {
        return counter(event).sum();
    }
}
