package dev.dalang.bus;

import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.interrupt.MsiTarget;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.trace.DeviceTrace;
import dev.dalang.bus.trace.IoTracer;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Pattern;

/**
 * Accesses, failures and interrupts, by device. A device is known by its label, never by the order
 * of registration; what was counted stays when it is removed, and goes on when it comes back. Any
 * thread; numbers read while harts run are a moment old.
 */
public final class IoCounters implements Suspendable {
    private static final String TYPE = "io-counters";
    private static final int VERSION = 1;
    private static final int MAX_LABEL_LENGTH = 128;

    /** So far from overflow that no run reaches it. */
    private static final long MAX_COUNT = 1L << 62;

    private static final Pattern TYPE_ID = Pattern.compile("[a-z0-9.-]{1,128}");
    private static final VarHandle COUNT = MethodHandles.arrayElementVarHandle(long[].class);

    /** What one hart counts: its thread alone writes, so that an access pays no locked add. */
    static final class HartCounts {
        // Two per device: reads at twice the device's index, writes behind.
        private volatile long[] accesses = new long[32];
        private volatile long[] misses = new long[2];

        void access(int index) {
            long[] counts = accesses;
            if (index >= counts.length) {
                counts = Arrays.copyOf(counts, Math.max(index + 1, counts.length * 2));
                accesses = counts;
            }
            COUNT.setOpaque(counts, index, (long) COUNT.getOpaque(counts, index) + 1);
        }

        void miss(int direction) {
            long[] counts = misses;
            COUNT.setOpaque(counts, direction, (long) COUNT.getOpaque(counts, direction) + 1);
        }

        /** Accesses of the device whose reads are counted at an index. */
        long accesses(int index) {
            return at(index + READ) + at(index + WRITE);
        }

        private long at(int index) {
            long[] counts = accesses;
            return index < counts.length ? (long) COUNT.getOpaque(counts, index) : 0;
        }
    }

    static final int READ = 0;
    static final int WRITE = 1;

    private final Map<String, DeviceSlot> slots = new HashMap<>();
    private final List<HartCounts> harts = new ArrayList<>();
    private final LongAdder unmappedReads = new LongAdder();
    private final LongAdder unmappedWrites = new LongAdder();

    private final IoTracer tracer;

    IoCounters(IoTracer tracer) {
        this.tracer = tracer;
    }

    /** The slot of a device, made when it is first asked for. */
    DeviceSlot slot(BusDevice device) {
        String label = device.label();
        String typeId = device.typeId();
        if (label.isBlank() || label.length() > MAX_LABEL_LENGTH) {
            throw new IllegalArgumentException(
                    "a device's label: expected 1.."
                            + MAX_LABEL_LENGTH
                            + " characters, got \""
                            + label
                            + "\" of "
                            + device.getClass().getName());
        }
        if (!TYPE_ID.matcher(typeId).matches()) {
            throw new IllegalArgumentException(
                    "the type of device "
                            + label
                            + ": expected "
                            + TYPE_ID
                            + ", got \""
                            + typeId
                            + "\"");
        }
        return slot(label, typeId);
    }

    private synchronized DeviceSlot slot(String label, String typeId) {
        DeviceSlot slot =
                slots.computeIfAbsent(label, key -> new DeviceSlot(slots.size(), key, typeId));
        slot.typeId = typeId;
        return slot;
    }

    /** The slot whose reads are counted at an index. */
    synchronized DeviceSlot slotAt(int index) {
        return slots.values().stream()
                .filter(slot -> 2 * slot.index == index)
                .findFirst()
                .orElseThrow();
    }

    synchronized HartCounts newHart() {
        HartCounts counts = new HartCounts();
        harts.add(counts);
        return counts;
    }

    void missedRead() {
        unmappedReads.increment();
    }

    void missedWrite() {
        unmappedWrites.increment();
    }

    /**
     * Counts something that a device failed outside an access to its ranges, and logs the first
     * failure of the device, as for an access. Any thread.
     *
     * @param device the device
     * @param what what it was asked to do, for the log
     * @param failure what it threw
     */
    public void failed(BusDevice device, String what, Throwable failure) {
        slot(device).failed(what, failure);
    }

    /** {@return the counts of every device there is or was, ordered by id} */
    public synchronized List<DeviceCounts> devices() {
        return new TreeMap<>(slots).values().stream().map(this::counts).toList();
    }

    private DeviceCounts counts(DeviceSlot slot) {
        long reads = slot.reads.sum();
        long writes = slot.writes.sum();
        for (HartCounts hart : harts) {
            reads += hart.at(2 * slot.index + READ);
            writes += hart.at(2 * slot.index + WRITE);
        }
        return new DeviceCounts(
                slot.id, slot.typeId, reads, writes, slot.errors.sum(), slot.interrupts.sum());
    }

    /** {@return reads that no device could take, and that gave all ones or an error} */
    public long unmappedReads() {
        return misses(unmappedReads, READ);
    }

    /** {@return writes that no device could take, and that were dropped or gave an error} */
    public long unmappedWrites() {
        return misses(unmappedWrites, WRITE);
    }

    private synchronized long misses(LongAdder shared, int direction) {
        long sum = shared.sum();
        for (HartCounts hart : harts) {
            sum += (long) COUNT.getOpaque(hart.misses, direction);
        }
        return sum;
    }

    /**
     * Counts a wire's rises as interrupts of a device.
     *
     * @param device whose wire it is
     * @param line where it leads
     * @return a wire for the device that leads there
     */
    public InterruptLine counting(BusDevice device, InterruptLine line) {
        LongAdder interrupts = slot(device).interrupts;
        AtomicBoolean raised = new AtomicBoolean();
        DeviceTrace trace = tracer.trace(device).orElse(null);
        return new InterruptLine() {
            @Override
            public void raise() {
                if (!raised.getPlain() && raised.compareAndSet(false, true)) {
                    interrupts.increment();
                    if (trace != null) {
                        trace.event(() -> "wire raised");
                    }
                }
                line.raise();
            }

            @Override
            public void lower() {
                if (trace != null && raised.get()) {
                    trace.event(() -> "wire lowered");
                }
                raised.set(false);
                line.lower();
            }
        };
    }

    /**
     * Counts the messages that are taken as interrupts of a device.
     *
     * @param device who sends them
     * @param target where they go
     * @return a target for the device that leads there
     */
    public MsiTarget counting(BusDevice device, MsiTarget target) {
        LongAdder interrupts = slot(device).interrupts;
        return (address, data) -> {
            boolean taken = target.signal(address, data);
            if (taken) {
                interrupts.increment();
            }
            return taken;
        };
    }

    /** Does nothing: counters count only what others do. */
    @Override
    public void sleep() {}

    @Override
    public Snapshot snapshot() {
        List<Snapshot> saved = new ArrayList<>();
        for (DeviceCounts counts : devices()) {
            if (counts.isZero()) {
                continue; // so that a device that came after the snapshot makes no difference
            }
            saved.add(
                    Snapshot.builder("device-counts", VERSION)
                            .put("id", counts.id())
                            .put("type", counts.typeId())
                            .put("reads", counts.reads())
                            .put("writes", counts.writes())
                            .put("errors", counts.errors())
                            .put("interrupts", counts.interrupts())
                            .build());
        }
        return Snapshot.builder(TYPE, VERSION)
                .put("devices", saved)
                .put("unmapped-reads", unmappedReads())
                .put("unmapped-writes", unmappedWrites())
                .build();
    }

    @Override
    public synchronized void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        long reads = count(snapshot, "unmapped-reads");
        long writes = count(snapshot, "unmapped-writes");
        Map<String, DeviceCounts> saved = new HashMap<>();
        for (Snapshot device : snapshot.getList("devices")) {
            DeviceCounts counts = load(device);
            if (saved.put(counts.id(), counts) != null) {
                throw new SnapshotException(TYPE + ": device " + counts.id() + " is given twice");
            }
        }
        set(unmappedReads, misses(unmappedReads, READ), reads);
        set(unmappedWrites, misses(unmappedWrites, WRITE), writes);
        for (DeviceCounts counts : saved.values()) {
            if (!slots.containsKey(counts.id())) {
                slot(counts.id(), counts.typeId());
            }
        }
        // What is not in the snapshot had not been counted when it was taken.
        for (DeviceSlot slot : slots.values()) {
            DeviceCounts now = counts(slot);
            DeviceCounts then =
                    saved.getOrDefault(slot.id, new DeviceCounts(slot.id, slot.typeId, 0, 0, 0, 0));
            set(slot.reads, now.reads(), then.reads());
            set(slot.writes, now.writes(), then.writes());
            set(slot.errors, now.errors(), then.errors());
            set(slot.interrupts, now.interrupts(), then.interrupts());
        }
    }

    /** Makes {@code adder}, and what harts count beside it, sum up to {@code wanted}. */
    private static void set(LongAdder adder, long present, long wanted) {
        adder.add(wanted - present);
    }

    private static DeviceCounts load(Snapshot device) {
        device.expect("device-counts", VERSION);
        String id = device.getString("id");
        String typeId = device.getString("type");
        if (id.isBlank() || id.length() > MAX_LABEL_LENGTH || !TYPE_ID.matcher(typeId).matches()) {
            throw new SnapshotException(
                    TYPE + ": no device is called " + id + " of type " + typeId);
        }
        return new DeviceCounts(
                id,
                typeId,
                count(device, "reads"),
                count(device, "writes"),
                count(device, "errors"),
                count(device, "interrupts"));
    }

    private static long count(Snapshot snapshot, String name) {
        long value = snapshot.getLong(name);
        if (value < 0 || value > MAX_COUNT) {
            throw new SnapshotException(
                    TYPE + "." + name + ": expected 0.." + MAX_COUNT + ", got " + value);
        }
        return value;
    }

    /** Does nothing. */
    @Override
    public void wake() {}
}
