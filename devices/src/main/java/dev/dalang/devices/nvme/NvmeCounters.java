package dev.dalang.devices.nvme;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** One number for each {@link NvmeEvent}. Any thread. */
final class NvmeCounters {
    private final Map<NvmeEvent, LongAdder> counts = new EnumMap<>(NvmeEvent.class);

    NvmeCounters() {
        for (NvmeEvent event : NvmeEvent.values()) {
            counts.put(event, new LongAdder());
        }
    }

    private LongAdder counter(NvmeEvent event) {
        LongAdder counter = counts.get(event);
        if (counter == null) {
            throw new AssertionError(event); // there is one for each
        }
        return counter;
    }

    void count(NvmeEvent event) {
        counter(event).increment();
    }

    long get(NvmeEvent event) {
        return counter(event).sum();
    }
}
