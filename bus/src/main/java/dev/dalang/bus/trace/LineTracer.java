package dev.dalang.bus.trace;

import dev.dalang.bus.BusDevice;
import dev.dalang.bus.time.VirtualClock;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Tells of some devices in lines of text, with virtual time in seconds:
 *
 * <pre>
 *    1.204518100 edu: write 4 BAR0+0x60 raise = 0x1
 *    1.204520300 edu: interrupt, vector 1
 * </pre>
 *
 * <p>A line that repeats the one before but for its time, as of a driver that polls, is counted,
 * and the count is told once another line comes. Any thread; lines come one at a time.
 */
public final class LineTracer implements IoTracer {
    private static final long NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Set<String> names;
    private final VirtualClock clock;
    private final Consumer<String> sink;
    private final Map<String, DeviceTrace> traces = new HashMap<>();
    private final Set<String> used = new LinkedHashSet<>();
    private final Set<String> seen = new LinkedHashSet<>();

    // Guarded by this, as is all above that changes.
    private String last = "";
    private long repeats;

    private LineTracer(Collection<String> names, VirtualClock clock, Consumer<String> sink) {
        this.names = Set.copyOf(names);
        this.clock = clock;
        this.sink = sink;
    }

    /**
     * Makes a tracer.
     *
     * @param names labels or types of the devices to trace
     * @param clock the machine's time
     * @param sink gets each line, without its end; called by harts, so that what it waits for holds
     *     them up
     * @return the tracer
     */
    public static LineTracer of(
            Collection<String> names, VirtualClock clock, Consumer<String> sink) {
        return new LineTracer(names, clock, sink);
    }

    @Override
    public synchronized Optional<DeviceTrace> trace(BusDevice device) {
        String label = device.label();
        seen.add(label);
        boolean wanted = false;
        for (String name : names) {
            if (name.equals(label) || name.equals(device.typeId())) {
                used.add(name);
                wanted = true;
            }
        }
        return wanted ? Optional.of(traces.computeIfAbsent(label, Lines::new)) : Optional.empty();
    }

    /** {@return the names that no device has had so far} */
    public synchronized Set<String> unusedNames() {
        Set<String> unused = new LinkedHashSet<>(names);
        unused.removeAll(used);
        return unused;
    }

    /** {@return the labels of all devices that were asked about so far} */
    public synchronized Set<String> labels() {
        return new LinkedHashSet<>(seen);
    }

    private synchronized void line(String text) {
        if (text.equals(last)) {
            repeats++;
            return;
        }
        finish();
        last = text;
        long nanos = clock.nanos();
        sink.accept("%5d.%09d %s".formatted(nanos / NANOS, nanos % NANOS, text));
    }

    /** Tells how often the last line was repeated, if it was. */
    public synchronized void finish() {
        if (repeats > 0) {
            sink.accept("                the same again, %,d times".formatted(repeats));
            repeats = 0;
        }
        last = "";
    }

    private final class Lines implements DeviceTrace {
        private final String label;

        Lines(String label) {
            this.label = label;
        }

        @Override
        public void read(String register, long size, long value) {
            access("read ", register, size, value);
        }

        @Override
        public void write(String register, long size, long value) {
            access("write", register, size, value);
        }

        private void access(String what, String register, long size, long value) {
            line("%s: %s %d %s = 0x%x".formatted(label, what, size, register, value));
        }

        @Override
        public void event(Supplier<String> text) {
            line(label + ": " + text.get());
        }
    }
}
