package dev.dalang.passthrough;

import dev.dalang.linux.Errno;

import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * The interrupts of a {@link ScriptedBackend}: what of them is armed and masked, and the level of
 * its wire. Any thread; sinks are called without a lock.
 */
final class ScriptedInterrupts {
    /** One kind of interrupts, as far as it is armed. */
    private static final class Armed {
        final Map<Integer, InterruptSink> sinks = new TreeMap<>();
        final BitSet masked = new BitSet();
    }

    private final Map<InterruptKind, InterruptInfo> infos;

    // Guarded by this object's lock.
    private final Map<InterruptKind, Armed> all = new EnumMap<>(InterruptKind.class);
    private boolean wire;

    ScriptedInterrupts(Map<InterruptKind, InterruptInfo> infos) {
        this.infos = infos;
        for (InterruptKind kind : InterruptKind.values()) {
            all.put(kind, new Armed());
        }
    }

    private Armed of(InterruptKind kind) {
        return Objects.requireNonNull(all.get(kind));
    }

    InterruptInfo info(InterruptKind kind) {
        return infos.getOrDefault(kind, InterruptInfo.NONE);
    }

    /** The vectors of a kind that are armed. */
    synchronized List<Integer> armed(InterruptKind kind) {
        return List.copyOf(of(kind).sinks.keySet());
    }

    /** Raises one; false if it is not armed. */
    boolean signal(InterruptKind kind, int vector) {
        InterruptSink sink;
        synchronized (this) {
            sink = of(kind).sinks.get(vector);
        }
        if (sink != null) {
            sink.signal(vector);
        }
        return sink != null;
    }

    /** Drives the wire. */
    void wire(boolean level) {
        synchronized (this) {
            wire = level;
        }
        tellWire();
    }

    private void tellWire() {
        InterruptSink sink;
        synchronized (this) {
            Armed lines = of(InterruptKind.INTX);
            sink = wire && !lines.masked.get(0) ? lines.sinks.get(0) : null;
            if (sink != null && info(InterruptKind.INTX).isAutoMasked()) {
                lines.masked.set(0);
            }
        }
        if (sink != null) {
            sink.signal(0);
        }
    }

    void arm(InterruptKind kind, int start, int count, InterruptSink sink) throws BackendException {
        requireVectors("arm", kind, start, count);
        synchronized (this) {
            for (int vector = start; vector < start + count; vector++) {
                of(kind).sinks.put(vector, sink);
            }
        }
        if (kind == InterruptKind.INTX) {
            tellWire();
        }
    }

    private void requireVectors(String what, InterruptKind kind, int start, int count)
            throws BackendException {
        if (start < 0 || count < 1 || start > info(kind).count() - count) {
            throw new BackendException(
                    "%s %s %d+%d".formatted(what, kind, start, count),
                    Errno.EINVAL.number(),
                    "there are " + info(kind).count());
        }
    }

    void disarm(InterruptKind kind, int start, int count) throws BackendException {
        requireVectors("disarm", kind, start, count);
        synchronized (this) {
            for (int vector = start; vector < start + count; vector++) {
                of(kind).sinks.remove(vector);
            }
        }
    }

    synchronized void disarmAll() {
        all.values().forEach(each -> each.sinks.clear());
    }

    synchronized void disable(InterruptKind kind) {
        of(kind).sinks.clear();
        of(kind).masked.clear();
    }

    synchronized void mask(InterruptKind kind, int start, int count) {
        of(kind).masked.set(start, start + count);
    }

    void unmask(InterruptKind kind, int start, int count) {
        synchronized (this) {
            of(kind).masked.clear(start, start + count);
        }
        if (kind == InterruptKind.INTX) {
            tellWire();
        }
    }
}
