package dev.dalang.virtio.console;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** One number for each {@link ConsoleEvent}. Any thread. */
final class ConsoleCounters {
    private final Map<ConsoleEvent, LongAdder> counts = new EnumMap<>(ConsoleEvent.class);

    ConsoleCounters() {
        for (ConsoleEvent event : ConsoleEvent.values()) {
            counts.put(event, new LongAdder());
        }
    }

    private LongAdder counter(ConsoleEvent event) {
        LongAdder counter = counts.get(event);
        if (counter == null) {
            throw new AssertionError(event); // there is one for each
        }
        return counter;
    }

    void count(ConsoleEvent event) {
        counter(event).increment();
    }

    void add(ConsoleEvent event, long number) {
        counter(event).add(number);
    }

    long get(ConsoleEvent event) {
        return counter(event).sum();
    }
}
