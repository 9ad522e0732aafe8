package dev.dalang.virtio;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Takes one device through the states of {@link VirtioState}. Every transport, and every server
 * that stands in a transport's place, calls the device through an object of this class; a call that
 * the state does not allow is a {@link VirtioStateException} and reaches nobody.
 *
 * <p>Sleeping and waking are not idempotent here; a transport makes them so.
 *
 * <p>Any thread, one call at a time.
 */
public final class VirtioLifeCycle {
    private static final String TYPE = "virtio-life-cycle";
    private static final int VERSION = 1;
    private static final int MAX_QUEUES = 1 << 16;

    private final VirtioDevice device;
    private volatile VirtioState state = VirtioState.NEW;

    /** What the device works with; null while it is not active, and while it sleeps. */
    private volatile @Nullable VirtioActivation activation;

    /** Which queues it must get when it wakes. */
    private BitSet queuesAsleep = new BitSet();

    /**
     * Begins a device's life.
     *
     * @param device a new device
     */
    public VirtioLifeCycle(VirtioDevice device) {
        this.device = device;
    }

    /** {@return the device} */
    public VirtioDevice device() {
        return device;
    }

    /** {@return the state} */
    public VirtioState state() {
        return state;
    }

    /** {@return what the device works with; empty while it is not active, and while it sleeps} */
    public Optional<VirtioActivation> activation() {
        return Optional.ofNullable(activation);
    }

    /** For hot paths: without an object around it. */
    @Nullable VirtioActivation current() {
        return activation;
    }

    /**
     * Activates the device.
     *
     * @param active what it works with
     * @throws VirtioStateException unless it is new or inactive
     * @throws RuntimeException what the device threw; the state is as before, and the activation
     *     has ended
     */
    public synchronized void activate(VirtioActivation active) {
        require("activate", VirtioState.NEW, VirtioState.INACTIVE);
        begin(active, () -> device.activate(active));
        state = VirtioState.ACTIVE;
    }

    private void begin(VirtioActivation active, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException | Error refused) {
            active.close();
            throw refused;
        }
        activation = active;
    }

    /**
     * Resets the device: its queues end, then its handlers, then it is told.
     *
     * @throws VirtioStateException unless it is active
     * @throws RuntimeException what the device threw; it is inactive all the same
     */
    public synchronized void reset() {
        require("reset", VirtioState.ACTIVE);
        VirtioActivation active = requireActivation();
        // Before the wait for handlers: a driver that feeds them all the time would hold it up.
        active.queues().values().forEach(VirtQueue::retire);
        active.pause();
        try {
            device.reset();
        } finally {
            end(active);
            state = VirtioState.INACTIVE;
        }
    }

    private void end(VirtioActivation active) {
        activation = null;
        active.close();
    }

    /**
     * Puts the device to sleep: its handlers end, then it is told; it has neither queues nor
     * interrupt afterwards.
     *
     * @return the queues that it had, all of them, by index; empty if it was not active
     * @throws VirtioStateException if it sleeps
     * @throws RuntimeException what the device threw; it is awake, and its handlers run
     */
    public synchronized Optional<SortedMap<Integer, VirtQueue>> sleep() {
        require("sleep", VirtioState.NEW, VirtioState.ACTIVE, VirtioState.INACTIVE);
        VirtioActivation active = activation;
        if (active != null) {
            active.pause();
        }
        try {
            device.sleep();
        } catch (RuntimeException | Error refused) {
            if (active != null) {
                active.resume();
            }
            throw refused;
        }
        state = state.asleep();
        queuesAsleep = new BitSet();
        if (active == null) {
            return Optional.empty();
        }
        SortedMap<Integer, VirtQueue> queues = active.queues();
        end(active);
        queues.keySet().forEach(queuesAsleep::set);
        return Optional.of(Collections.unmodifiableSortedMap(new TreeMap<>(queues)));
    }

    /**
     * Wakes the device.
     *
     * @param active what it works with: with the queues that it had, or that the restored snapshot
     *     names; empty if it was not active
     * @throws VirtioStateException unless it sleeps, or if the queues are not those
     * @throws RuntimeException what the device threw; it sleeps, and the activation has ended
     */
    public synchronized void wake(Optional<VirtioActivation> active) {
        require(
                "wake",
                VirtioState.ASLEEP_NEW,
                VirtioState.ASLEEP_ACTIVE,
                VirtioState.ASLEEP_INACTIVE);
        if (active.isPresent() != state.isActive()) {
            throw illegal(
                    "wake",
                    state.isActive() ? "expected its queues, got none" : "expected no queues");
        }
        if (active.isEmpty()) {
            device.wake(active);
        } else {
            VirtioActivation given = active.get();
            BitSet queues = new BitSet();
            given.queues().keySet().forEach(queues::set);
            if (!queues.equals(queuesAsleep)) {
                throw illegal(
                        "wake", "expected the queues %s, got %s".formatted(queuesAsleep, queues));
            }
            begin(given, () -> device.wake(active));
        }
        state = state.awake();
    }

    /**
     * {@return the state of the device: that of its life, which queues it had, and its own}
     *
     * @throws VirtioStateException unless it sleeps
     */
    public synchronized Snapshot snapshot() {
        require(
                "snapshot",
                VirtioState.ASLEEP_NEW,
                VirtioState.ASLEEP_ACTIVE,
                VirtioState.ASLEEP_INACTIVE);
        return Snapshot.builder(TYPE, VERSION)
                .put("state", state.name())
                .put("queues", queuesAsleep.toByteArray())
                .put("device", device.snapshot())
                .build();
    }

    /**
     * Takes the state of a snapshot.
     *
     * @param snapshot what {@link #snapshot} gave
     * @throws VirtioStateException unless it sleeps and is not active
     * @throws SnapshotException if the snapshot is of another kind, or the device cannot be what it
     *     says; nothing has changed then
     */
    public synchronized void restore(Snapshot snapshot) {
        require("restore", VirtioState.ASLEEP_NEW, VirtioState.ASLEEP_INACTIVE);
        VirtioState saved = stateOf(snapshot);
        BitSet queues = queuesOf(snapshot, saved);
        device.restore(snapshot.getSnapshot("device"));
        state = saved;
        queuesAsleep = queues;
    }

    /** The state that a snapshot would restore into. */
    static VirtioState stateOf(Snapshot snapshot) {
        String name = snapshot.expect(TYPE, VERSION).getString("state");
        for (VirtioState candidate : VirtioState.values()) {
            if (candidate.isAsleep() && candidate.name().equals(name)) {
                return candidate;
            }
        }
        throw new SnapshotException(
                TYPE + ".state: expected the name of a sleeping state, got \"" + name + "\"");
    }

    /** The queues that a snapshot says were active. */
    static BitSet queuesOf(Snapshot snapshot, VirtioState saved) {
        BitSet queues = BitSet.valueOf(snapshot.getBytes("queues", MAX_QUEUES / Byte.SIZE));
        if (!saved.isActive() && !queues.isEmpty()) {
            throw new SnapshotException(
                    TYPE + ".queues: expected none of a device that is " + saved);
        }
        return queues;
    }

    private VirtioActivation requireActivation() {
        VirtioActivation active = activation;
        if (active == null) {
            throw new AssertionError(state + " without an activation");
        }
        return active;
    }

    private void require(String call, VirtioState... allowed) {
        for (VirtioState candidate : allowed) {
            if (state == candidate) {
                return;
            }
        }
        throw illegal(call, "");
    }

    private VirtioStateException illegal(String call, String why) {
        return new VirtioStateException(device.label(), state, call, why);
    }

    @Override
    public String toString() {
        return device.label() + ", " + state;
    }
}
