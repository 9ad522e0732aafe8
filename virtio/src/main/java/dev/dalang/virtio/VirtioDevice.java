package dev.dalang.virtio;

import dev.dalang.bus.BusDevice;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import java.util.List;
import java.util.Optional;

/**
 * A virtio device, as who writes one sees it. A transport carries it: it owns the registers, the
 * negotiation, the queues and the interrupts, and calls the device when something is up.
 *
 * <p>What only some devices have is an interface of its own that a device implements beside this
 * one: {@link VirtioConfigSpace}, {@link VirtioQueueReset}, {@link VirtioSharedMemory}, {@link
 * VirtioPciBars}, {@link VirtioPciCapabilities}, {@link VirtioControlNotify}, {@link
 * VirtioPlacement}, {@link VirtioBootOrder}, {@link VirtioAcpi}, {@link
 * dev.dalang.bus.sandbox.Sandboxed}. A transport that cannot serve one of them refuses the device
 * when it is built.
 *
 * <p>The device goes through the states of {@link VirtioState}; {@link VirtioLifeCycle} makes the
 * calls, never in an order that the states do not allow, and never two at a time. They come on the
 * thread of the hart whose write caused them ({@link #activate}, {@link #reset}, {@link
 * #ackFeatures}), or on the thread that controls the machine ({@link #sleep}, {@link #wake}, {@link
 * #snapshot}, {@link #restore}); a hart waits for them, so they are quick.
 *
 * {@snippet :
 * final class Echo implements VirtioDevice {
 *     public VirtioDeviceType type() {
 *         return VirtioDeviceType.RNG;
 *     }
 *
 *     public List<Integer> queueMaxSizes() {
 *         return List.of(64);
 *     }
 *
 *     public void activate(VirtioActivation active) {
 *         VirtQueue queue = active.queue(0);
 *         active.onNotify(0, () -> serve(queue));
 *     }
 *
 *     public void reset() {}
 *
 *     public void sleep() {}
 * }
 * }
 */
public interface VirtioDevice extends BusDevice {
    /**
     * Says what kind of device this is. Constant.
     *
     * @return the type
     */
    VirtioDeviceType type();

    /**
     * Says how many queues the device has, and how large each may be. Constant.
     *
     * @return the greatest number of entries of each queue, a power of two of 1 to 32768
     */
    List<Integer> queueMaxSizes();

    /**
     * Takes up work: the driver is ready. State new or inactive, then active. What was put into the
     * queues before is told like any notification, once this has returned.
     *
     * @param active the queues that the driver enabled, memory, interrupts; the device's until
     *     {@link #reset} or {@link #sleep}
     * @throws RuntimeException if the device cannot work: the driver sees {@code
     *     DEVICE_NEEDS_RESET}, and the state is as before
     */
    void activate(VirtioActivation active);

    /**
     * Ends all work, and drops what {@link #activate} gave and what the driver set. No handler runs
     * any more. State active, then inactive. If this throws, the device counts as reset all the
     * same.
     */
    void reset();

    /**
     * Pauses all work: when this returns, nothing of the device touches guest memory, its queues or
     * its interrupt until {@link #wake}, and no chain is in flight. No handler runs any more, and
     * {@link VirtioActivation#task tasks} may not: when a whole machine is suspended, its executor
     * sleeps first. What is in flight is completed here. Any waking state.
     */
    void sleep();

    /**
     * Resumes work. Any sleeping state.
     *
     * @param active as for {@link #activate}, with the queues of before {@link #sleep}, or of the
     *     snapshot; empty if the device is not active
     */
    default void wake(Optional<VirtioActivation> active) {
        active.ifPresent(this::activate);
    }

    /**
     * Saves what is the device's own: not features, status, queues, which are the transport's. Any
     * sleeping state.
     *
     * @return the state; nothing but a name and a version unless the device says otherwise
     */
    default Snapshot snapshot() {
        return Snapshot.builder(typeId(), 1).build();
    }

    /**
     * Takes what {@link #snapshot} gave. All or nothing. The features that the driver had chosen
     * have been told before, by {@link #ackFeatures}.
     *
     * @param snapshot the state
     * @throws SnapshotException if it is of another kind, or holds what this device cannot be
     */
    default void restore(Snapshot snapshot) {
        snapshot.expect(typeId(), 1);
    }

    /**
     * Gives the device its surroundings. Called once, before all else but what is constant.
     *
     * @param host time, and where to tell that the configuration has changed
     */
    default void attach(VirtioHost host) {}

    /**
     * Says which features the device has beside those of the transport. Constant.
     *
     * @return bits 0 to 23 and 50 to 63
     */
    default long features() {
        return 0;
    }

    /**
     * Tells whether a choice of features makes sense: some need others. Asked before {@code
     * FEATURES_OK} is granted, of features that were all offered.
     *
     * @param features what the driver chose, transport's features included
     * @return false to refuse it
     */
    default boolean acceptsFeatures(long features) {
        return true;
    }

    /**
     * Tells which features are in use from now on: what the driver chose, when {@code FEATURES_OK}
     * is granted, and 0 at every reset.
     *
     * @param features all features in use, transport's included
     */
    default void ackFeatures(long features) {}

    /**
     * Says how many interrupts the device wants beside that for its configuration. Constant.
     *
     * @return the number of its queues, unless it says otherwise
     */
    default int numInterrupts() {
        return queueMaxSizes().size();
    }

    /**
     * Gives up what the device holds of the host: it was removed, or its machine ends. Called once,
     * last, when the device is not active or sleeps.
     */
    default void detach() {}

    /** {@return the name of the type} */
    @Override
    default String label() {
        return type().label();
    }

    /** {@return the name of the type} */
    @Override
    default String typeId() {
        return type().label();
    }
}
