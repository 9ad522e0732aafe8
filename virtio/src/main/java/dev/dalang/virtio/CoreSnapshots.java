package dev.dalang.virtio;

import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_SUSPEND;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.virtio.queue.QueueConfig;
import dev.dalang.virtio.queue.QueueError;
import dev.dalang.virtio.queue.VirtQueue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Saves and restores what both transports have. The order of a restore is that in which each step
 * needs those before it: registers, the queues' configuration, the active queues, and the device
 * last; notifications follow when it wakes.
 */
final class CoreSnapshots {
    private static final String TYPE = "virtio-core";
    private static final int VERSION = 1;

    private CoreSnapshots() {}

    /** The registers and all that a driver set, as they can be taken back. */
    private record State(
            int status,
            int deviceFeatureSelect,
            int driverFeatureSelect,
            int queueSelect,
            int generation,
            long driverFeatures,
            List<Long> pending,
            List<Long> held,
            List<Snapshot> queues) {

        static State of(VirtioCore core) {
            return new State(
                    core.status.get(),
                    core.deviceFeatureSelect,
                    core.driverFeatureSelect,
                    core.queueSelect,
                    core.generation(),
                    core.driverFeatures,
                    longs(core.pending().save()),
                    longs(core.gate.save()),
                    Arrays.stream(core.queues).map(QueueConfig::snapshot).toList());
        }

        boolean has(int bits) {
            return (status & bits) == bits;
        }

        long negotiated() {
            return has(VirtioStatus.FEATURES_OK) ? driverFeatures : 0;
        }
    }

    static Snapshot save(VirtioCore core) {
        Snapshot life = core.life.snapshot();
        State state = State.of(core);
        SortedMap<Integer, VirtQueue> active = core.asleepQueues;
        if (active != null && state.has(VirtioStatus.DEVICE_NEEDS_RESET)) {
            active.values().forEach(CoreSnapshots::giveUp);
        }
        List<Snapshot> rings =
                active == null
                        ? List.of()
                        : active.values().stream().map(VirtQueue::snapshot).toList();
        return Snapshot.builder(TYPE, VERSION)
                .put("status", state.status)
                .put("device-feature-select", state.deviceFeatureSelect)
                .put("driver-feature-select", state.driverFeatureSelect)
                .put("queue-select", state.queueSelect)
                .put("generation", state.generation)
                .put("driver-features", state.driverFeatures)
                .put("pending", array(state.pending))
                .put("held-count", state.held.size())
                .put("held", array(state.held))
                .put("queues", state.queues)
                .put("rings", rings)
                .put("life", life)
                .build();
    }

    /** What a handler left half done when it failed is not done any more. */
    private static void giveUp(VirtQueue queue) {
        if (queue.inFlight() != 0) {
            queue.fail(QueueError.DEVICE_FAILED);
        }
    }

    private static State parse(VirtioCore core, Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        int count = core.queues.length;
        State state =
                new State(
                        snapshot.getInt("status", 0, 0xff),
                        anyInt(snapshot, "device-feature-select"),
                        anyInt(snapshot, "driver-feature-select"),
                        anyInt(snapshot, "queue-select"),
                        snapshot.getInt("generation", 0, 0xff),
                        snapshot.getLong("driver-features"),
                        longs(snapshot.getLongs("pending", (count + 63) / 64)),
                        longs(
                                snapshot.getLongs(
                                        "held",
                                        snapshot.getInt(
                                                "held-count",
                                                0,
                                                InterruptGate.CAPACITY + count + 1))),
                        snapshot.getList("queues", count));
        if (state.has(VirtioStatus.FEATURES_OK) && !core.accepts(state.driverFeatures)) {
            throw new SnapshotException(
                    "%s.driver-features: %s offers 0x%x, expected no others, got 0x%x"
                            .formatted(
                                    TYPE,
                                    core.device.label(),
                                    core.offeredFeatures(),
                                    state.driverFeatures));
        }
        if (state.has(VirtioStatus.SUSPEND)
                && ((state.negotiated() & VIRTIO_F_SUSPEND) == 0
                        || !state.has(VirtioStatus.DRIVER_OK))) {
            throw new SnapshotException(
                    "%s.status: 0x%x is suspended without a right to be"
                            .formatted(TYPE, state.status));
        }
        for (long source : state.held) {
            if (source < InterruptGate.CONFIG || source >= count) {
                throw new SnapshotException(
                        "%s.held: expected queues of -1..%d, got %d"
                                .formatted(TYPE, count - 1, source));
            }
        }
        return state;
    }

    private static List<Long> longs(long[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    private static long[] array(List<Long> values) {
        return values.stream().mapToLong(Long::longValue).toArray();
    }

    private static int anyInt(Snapshot snapshot, String name) {
        return snapshot.getInt(name, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    /**
     * Restores, all or nothing.
     *
     * @param vectors how many vectors there are; 0 if queues have none
     */
    static void restore(VirtioCore core, Snapshot snapshot, int vectors) {
        VirtioState now = core.life.state();
        if (!now.isAsleep() || now.isActive()) {
            throw new SnapshotException(
                    "%s is %s: expected it to be asleep and not active"
                            .formatted(core.device.label(), now));
        }
        State state = parse(core, snapshot);
        Snapshot life = snapshot.getSnapshot("life");
        VirtioState saved = VirtioLifeCycle.stateOf(life);
        BitSet active = VirtioLifeCycle.queuesOf(life, saved);
        if (saved.isActive() && !state.has(VirtioStatus.READY)) {
            throw new SnapshotException(
                    "%s.status: 0x%x is not that of an active device"
                            .formatted(TYPE, state.status));
        }
        List<Snapshot> rings = snapshot.getList("rings", active.cardinality());
        State before = State.of(core);
        TreeMap<Integer, VirtQueue> made = new TreeMap<>();
        try {
            apply(core, state);
            requireVectors(core, vectors);
            List<Snapshot> left = new ArrayList<>(rings);
            for (int index = active.nextSetBit(0); index >= 0; ) {
                made.put(index, ring(core, index, left.removeFirst()));
                index = active.nextSetBit(index + 1);
            }
            core.life.restore(life);
        } catch (RuntimeException | Error refused) {
            made.values().forEach(VirtQueue::retire);
            apply(core, before);
            throw refused instanceof SnapshotException told
                    ? told
                    : asSnapshotException(core, refused);
        }
        core.asleepQueues = saved.isActive() ? made : null;
    }

    private static SnapshotException asSnapshotException(VirtioCore core, Throwable refused) {
        SnapshotException told =
                new SnapshotException(core.device.label() + " cannot be restored: " + refused);
        told.addSuppressed(refused);
        return told;
    }

    private static VirtQueue ring(VirtioCore core, int index, Snapshot saved) {
        if (index >= core.queues.length) {
            throw new SnapshotException(
                    "%s.life: expected queues of 0..%d, got %d"
                            .formatted(TYPE, core.queues.length - 1, index));
        }
        VirtQueue queue = core.activateQueue(index);
        queue.restore(saved);
        return queue;
    }

    private static void requireVectors(VirtioCore core, int vectors) {
        for (QueueConfig queue : core.queues) {
            if (queue.vector() != QueueConfig.NO_VECTOR && queue.vector() >= vectors) {
                throw new SnapshotException(
                        "%s.queues: expected a vector below %d for queue %d, got %d"
                                .formatted(TYPE, vectors, queue.index(), queue.vector()));
            }
        }
    }

    private static void apply(VirtioCore core, State state) {
        core.deviceFeatureSelect = state.deviceFeatureSelect;
        core.driverFeatureSelect = state.driverFeatureSelect;
        core.queueSelect = state.queueSelect;
        core.driverFeatures = state.driverFeatures;
        core.setGeneration(state.generation);
        for (int index = 0; index < core.queues.length; index++) {
            core.queues[index].reset();
            core.queues[index].restore(state.queues.get(index));
        }
        core.setNegotiated(state.negotiated());
        core.pending().load(array(state.pending));
        core.gate.load(state.has(VirtioStatus.SUSPEND), array(state.held));
        core.status.set(state.status);
    }
}
