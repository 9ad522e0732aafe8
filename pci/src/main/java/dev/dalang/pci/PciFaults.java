package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What goes wrong between a function and its machine because somebody tests a driver. Each kind of
 * fault is armed for a number of events and then over. A device does not notice. Any thread.
 */
public final class PciFaults implements Suspendable {
    /** What can go wrong. Where several are armed for one interrupt, the first of these happens. */
    public enum Kind {
        /** An interrupt, message or wire, does not arrive. */
        DROP_INTERRUPT,
        /** An interrupt arrives later, by {@link PciFaults#delayNanos}. */
        DELAY_INTERRUPT,
        /** A message arrives twice. */
        DUPLICATE_INTERRUPT,
        /** A transfer of the device finds no memory. */
        FAIL_TRANSFER
    }

    /** The longest delay: an hour. */
    public static final long MAX_DELAY_NANOS = 3_600_000_000_000L;

    private static final String TYPE = "pci-faults";
    private static final int VERSION = 1;
    private static final List<Kind> KINDS = List.of(Kind.values());

    /** So many interrupts may be late at a time; more are not delayed. */
    private static final int MAX_LATE = 1024;

    /** Stands for the wired interrupt among the vectors. */
    private static final int WIRE = -1;

    private record Late(long deadlineNanos, int vector) {}

    private final VirtualClock clock;
    private final Map<Kind, AtomicInteger> armed = new EnumMap<>(Kind.class);

    /** False while nothing is armed: all that the usual case looks at. */
    private volatile boolean active;

    private volatile long delayNanos = 1_000_000;

    /** In the order in which they were delayed. Under this object's lock, as is the next. */
    private final ArrayDeque<Late> late = new ArrayDeque<>();

    private VirtualClock.@Nullable Timer timer;
    private volatile @Nullable PciInterrupts interrupts;

    PciFaults(VirtualClock clock) {
        this.clock = clock;
        KINDS.forEach(kind -> armed.put(kind, new AtomicInteger()));
    }

    /**
     * Arms a kind of fault.
     *
     * @param kind what goes wrong
     * @param events for how many events from now on; 0 for no more. Replaces what was left
     * @throws IllegalArgumentException if it is negative
     */
    public void arm(Kind kind, int events) {
        if (events < 0) {
            throw new IllegalArgumentException("expected 0 or more events, got " + events);
        }
        left(kind).set(events);
        updateActive();
    }

    /**
     * Tells how many events are still to go wrong.
     *
     * @param kind in which way
     * @return how many
     */
    public int armed(Kind kind) {
        return left(kind).get();
    }

    private AtomicInteger left(Kind kind) {
        return Objects.requireNonNull(armed.get(kind));
    }

    /** {@return by how much virtual time interrupts are late; a millisecond unless set} */
    public long delayNanos() {
        return delayNanos;
    }

    /**
     * Sets by how much virtual time interrupts are late from now on.
     *
     * @param nanos 0..{@link #MAX_DELAY_NANOS}
     * @throws IllegalArgumentException if it is outside that range
     */
    public void delayNanos(long nanos) {
        if (nanos < 0 || nanos > MAX_DELAY_NANOS) {
            throw new IllegalArgumentException(
                    "expected a delay of 0.." + MAX_DELAY_NANOS + " ns, got " + nanos);
        }
        delayNanos = nanos;
    }

    private void updateActive() {
        boolean any;
        do {
            any = isAnyArmed();
            active = any;
            // Whoever arms meanwhile comes here too: the last to look has seen it.
        } while (any != isAnyArmed());
    }

    private boolean isAnyArmed() {
        return KINDS.stream().anyMatch(kind -> armed(kind) > 0);
    }

    private boolean take(Kind kind) {
        if (!active) {
            return false;
        }
        int before = left(kind).getAndUpdate(events -> Math.max(0, events - 1));
        if (before == 1) {
            updateActive();
        }
        return before > 0;
    }

    /** True if a transfer that begins now is to fail. */
    boolean takeTransfer() {
        return take(Kind.FAIL_TRANSFER);
    }

    /** Puts the faults between a device and its interrupts. */
    PciInterrupts over(PciInterrupts real) {
        interrupts = real;
        return new Faulty(real);
    }

    private final class Faulty implements PciInterrupts {
        private final PciInterrupts real;

        Faulty(PciInterrupts real) {
            this.real = real;
        }

        @Override
        public boolean triggerMessage(int vector) {
            boolean exists = vector >= 0 && vector < real.vectors();
            if (!active || !exists || !real.isMessageSignalled()) {
                return real.triggerMessage(vector);
            }
            if (take(Kind.DROP_INTERRUPT) || take(Kind.DELAY_INTERRUPT) && delay(vector)) {
                return true;
            }
            if (!real.triggerMessage(vector)) {
                return false;
            }
            if (take(Kind.DUPLICATE_INTERRUPT)) {
                real.triggerMessage(vector);
            }
            return true;
        }

        @Override
        public void raise() {
            if (!take(Kind.DROP_INTERRUPT) && !(take(Kind.DELAY_INTERRUPT) && delay(WIRE))) {
                real.raise();
            }
        }

        @Override
        public void lower() {
            forgetLateWire();
            real.lower();
        }

        @Override
        public boolean isMessageSignalled() {
            return real.isMessageSignalled();
        }

        @Override
        public int vectors() {
            return real.vectors();
        }
    }

    private synchronized boolean delay(int vector) {
        if (late.size() >= MAX_LATE) {
            return false;
        }
        late.add(new Late(clock.nanos() + delayNanos, vector));
        armTimer();
        return true;
    }

    /** With the lock held. */
    private void armTimer() {
        long first = late.stream().mapToLong(Late::deadlineNanos).min().orElse(Long.MAX_VALUE);
        VirtualClock.Timer alarm = timer;
        if (alarm == null) {
            alarm = clock.newTimer(this::deliver);
            timer = alarm;
        }
        alarm.arm(first);
    }

    private void deliver() {
        PciInterrupts real = interrupts;
        ArrayDeque<Late> due = new ArrayDeque<>();
        synchronized (this) {
            long now = clock.nanos();
            late.removeIf(each -> each.deadlineNanos <= now && due.add(each));
            armTimer();
        }
        for (Late each : due) {
            if (real != null && each.vector == WIRE) {
                real.raise();
            } else if (real != null) {
                real.trigger(each.vector);
            }
        }
    }

    private void forgetLateWire() {
        if (timer != null) {
            synchronized (this) {
                late.removeIf(each -> each.vector == WIRE);
            }
        }
    }

    /** Nothing goes wrong any more, and what is late never comes. */
    public void clear() {
        synchronized (this) {
            late.clear();
            if (timer != null) {
                timer.cancel();
            }
        }
        KINDS.forEach(kind -> left(kind).set(0));
        updateActive();
    }

    /** Does nothing: the clock stands still meanwhile. */
    @Override
    public void sleep() {}

    /** Does nothing. */
    @Override
    public void wake() {}

    @Override
    public synchronized Snapshot snapshot() {
        long[] left = KINDS.stream().mapToLong(this::armed).toArray();
        return Snapshot.builder(TYPE, VERSION)
                .put("armed", left)
                .put("delay", delayNanos)
                .put("late", late.size())
                .put("deadlines", late.stream().mapToLong(Late::deadlineNanos).toArray())
                .put("vectors", late.stream().mapToLong(Late::vector).toArray())
                .build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        long[] left = snapshot.expect(TYPE, VERSION).getLongs("armed", KINDS.size());
        long delay = snapshot.getLong("delay");
        int count = snapshot.getInt("late", 0, MAX_LATE);
        long[] deadlines = snapshot.getLongs("deadlines", count);
        long[] vectors = snapshot.getLongs("vectors", count);
        require(delay, 0, MAX_DELAY_NANOS);
        for (long number : left) {
            require(number, 0, Integer.MAX_VALUE);
        }
        for (long vector : vectors) {
            require(vector, WIRE, MsixConfig.MAX_VECTORS - 1);
        }
        delayNanos = delay;
        for (int kind = 0; kind < left.length; kind++) {
            left(KINDS.get(kind)).set((int) left[kind]);
        }
        updateActive();
        synchronized (this) {
            late.clear();
            for (int i = 0; i < count; i++) {
                late.add(new Late(deadlines[i], (int) vectors[i]));
            }
            if (timer != null || !late.isEmpty()) {
                armTimer();
            }
        }
    }

    private static void require(long number, long least, long greatest) {
        if (number < least || number > greatest) {
            throw new SnapshotException(
                    TYPE + ": expected " + least + ".." + greatest + ", got " + number);
        }
    }
}
