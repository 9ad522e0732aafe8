package dev.dalang.virtio.block;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** One number for each {@link VirtioBlockEvent}. Any thread. */
final class BlockCounters {
    private final Map<VirtioBlockEvent, LongAdder> counts = new EnumMap<>(VirtioBlockEvent.class);

    BlockCounters() {
        for (VirtioBlockEvent event : VirtioBlockEvent.values()) {
            counts.put(event, new LongAdder());
        }
    }

    private LongAdder counter(VirtioBlockEvent event) {
        LongAdder counter = counts.get(event);
        if (counter == null) {
            throw new AssertionError(event); // there is one for each
        }
        return counter;
    }

    void count(VirtioBlockEvent event) {
        counter(event).increment();
    }

    long get(VirtioBlockEvent event) {
        return counter(event).sum();
    }
}
