package dev.dalang.virtio;

import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_RING_RESET;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_SUSPEND;
import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_VERSION_1;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.time.VirtualClock;
import dev.dalang.virtio.queue.QueueConfig;
import dev.dalang.virtio.queue.QueueError;
import dev.dalang.virtio.queue.QueueMemory;
import dev.dalang.virtio.queue.QueueSignals;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * What both transports are: status, feature negotiation, queues, configuration space, interrupts
 * and the device's life. Registers are the transports' own.
 *
 * <p>Registers come from several harts: the lock is held while they change and while the device is
 * activated and reset, which waits for its handlers. So whatever a handler may call (interrupts,
 * {@link #configChanged}, {@link #needsReset}) takes no lock that is held meanwhile; notifications
 * take none at all.
 */
final class VirtioCore implements VirtioHost {
    private static final System.Logger LOG = System.getLogger(VirtioDevice.class.getName());
    private static final int MAX_QUEUES = 1 << 16;
    private static final int VERSION = 1;

    /** What a transport does for the core. */
    interface Wiring {
        /**
         * Says what an interrupt is: {@link InterruptGate#CONFIG} or a queue's index. Any thread.
         */
        void interrupt(int source);

        /** An interrupt came while the driver has suspended the device. Any thread. */
        void wakeUp();

        /** Makes the wire active. Any thread. */
        void raise();

        /** Makes the wire inactive. Any thread. */
        void lower();

        /** Clears what a reset clears of the transport's own registers; with the lock. */
        void resetRegisters();

        /** What kind of transport a snapshot is of. */
        String snapshotType();

        /** How many vectors there are for queues to have; 0 if they have none. */
        int vectors();

        /** Saves the transport's own registers; with the lock. */
        void save(Snapshot.Builder into);

        /**
         * Reads the transport's own registers from a snapshot; with the lock.
         *
         * @return sets them; does not fail
         */
        Runnable parse(Snapshot snapshot);

        VirtualClock clock();

        DeviceExecutor executor();

        /** The memory that the device may reach at this moment. */
        QueueMemory memory();

        /** True while a queue is made: whether the device may reach its memory shows later. */
        void setMemoryUnchecked(boolean unchecked);

        /** Called before each activation. */
        void beforeActivation();
    }

    final VirtioDevice device;
    final VirtioLifeCycle life;
    final QueueConfig[] queues;
    final CoreCounters counters = new CoreCounters();
    final InterruptGate gate;
    final InterruptStatus isr;

    private final long offered;
    private final Wiring wiring;
    private final @Nullable VirtioConfigSpace config;
    private final @Nullable VirtioQueueReset queueReset;
    private final PendingQueues pending;
    private final QueueSignals signals = new Signals();
    private final VirtioInterrupt interrupt = new Interrupt();

    /** Guards what the driver's registers set. */
    final Object lock = new Object();

    final AtomicInteger status = new AtomicInteger();
    private final AtomicInteger generation = new AtomicInteger();
    int deviceFeatureSelect;
    int driverFeatureSelect;
    int queueSelect;
    long driverFeatures;

    /** Written under the lock, read by handlers' calls. */
    private volatile long negotiated;

    /** The active queues of a device that sleeps. */
    @Nullable SortedMap<Integer, VirtQueue> asleepQueues;

    private final AtomicBoolean isDetached = new AtomicBoolean();
    private volatile boolean hasToldOfNeed;

    VirtioCore(VirtioDevice device, long transportFeatures, Wiring wiring) {
        this.device = device;
        this.wiring = wiring;
        life = new VirtioLifeCycle(device);
        config = device instanceof VirtioConfigSpace space ? space : null;
        queueReset = device instanceof VirtioQueueReset able ? able : null;
        offered = offered(device, transportFeatures);
        List<Integer> sizes = device.queueMaxSizes();
        if (sizes.size() > MAX_QUEUES) {
            throw new VirtioException(
                    "%s: expected at most %d queues, got %d"
                            .formatted(device.label(), MAX_QUEUES, sizes.size()));
        }
        if (config != null && (config.configBytes() < 1 || config.configBytes() > 4096)) {
            throw new VirtioException(
                    "%s: expected a configuration space of 1..4096 bytes, got %d"
                            .formatted(device.label(), config.configBytes()));
        }
        queues =
                IntStream.range(0, sizes.size())
                        .mapToObj(index -> QueueConfig.of(index, sizes.get(index)))
                        .toArray(QueueConfig[]::new);
        pending = new PendingQueues(queues.length);
        gate = new InterruptGate(wiring::interrupt, wiring::wakeUp, counters);
        isr = new InterruptStatus(wiring::raise, wiring::lower);
    }

    private static long offered(VirtioDevice device, long transportFeatures) {
        if ((device.features() & VirtioFeatures.TRANSPORT) != 0
                || (transportFeatures & ~VirtioFeatures.TRANSPORT) != 0
                || (transportFeatures & VIRTIO_F_VERSION_1) == 0) {
            throw new VirtioException(
                    "%s: expected features 0x%x of the device's own and of the transport with"
                                    .formatted(device.label(), ~VirtioFeatures.TRANSPORT)
                            + " VIRTIO_F_VERSION_1, got 0x%x and 0x%x"
                                    .formatted(device.features(), transportFeatures));
        }
        long able =
                device instanceof VirtioQueueReset
                        ? transportFeatures
                        : transportFeatures & ~VIRTIO_F_RING_RESET;
        return device.features() | able;
    }

    // ---------------------------------------------------------------- features and status

    long offeredFeatures() {
        return offered;
    }

    long negotiatedFeatures() {
        return negotiated;
    }

    boolean hasNegotiated(long feature) {
        return (negotiated & feature) != 0;
    }

    /** Reads 32 of the device's features; 0 beyond those that there are. */
    int deviceFeatures() {
        return page(offered, deviceFeatureSelect);
    }

    int driverFeatures() {
        return page(driverFeatures, driverFeatureSelect);
    }

    private static int page(long features, int select) {
        return select == 0 ? (int) features : select == 1 ? (int) (features >>> 32) : 0;
    }

    /** Takes 32 of the driver's features, until they are agreed upon. */
    void writeDriverFeatures(int value) {
        if ((status.get() & VirtioStatus.FEATURES_OK) != 0) {
            return;
        }
        if (driverFeatureSelect == 0) {
            driverFeatures = driverFeatures & ~0xffff_ffffL | value & 0xffff_ffffL;
        } else if (driverFeatureSelect == 1) {
            driverFeatures = driverFeatures & 0xffff_ffffL | (long) value << 32;
        }
    }

    boolean accepts(long features) {
        return (features & VIRTIO_F_VERSION_1) != 0
                && (features & ~offered) == 0
                && device.acceptsFeatures(features);
    }

    /** Takes a write to the status; with the lock. */
    void writeStatus(int value) {
        if (value == 0) {
            reset();
            return;
        }
        int before = status.get();
        int wanted = value & 0xff & ~(VirtioStatus.DEVICE_NEEDS_RESET | VirtioStatus.SUSPEND);
        if ((wanted & ~before & VirtioStatus.FEATURES_OK) != 0 && !agree()) {
            wanted &= ~VirtioStatus.FEATURES_OK;
        }
        boolean suspends =
                hasNegotiated(VIRTIO_F_SUSPEND)
                        && ((before | wanted) & VirtioStatus.DRIVER_OK) != 0
                        && (value & VirtioStatus.SUSPEND) != 0;
        int bits = wanted | (suspends ? VirtioStatus.SUSPEND : 0);
        int after = status.updateAndGet(now -> now & ~VirtioStatus.SUSPEND | bits);
        if (VirtioStatus.isReady(after) && !VirtioStatus.isReady(before)) {
            activate();
        }
        if (suspends) {
            gate.close();
        } else if (gate.isClosed()) {
            gate.open();
            pending.drain(this::notifyQueue);
        }
    }

    private boolean agree() {
        boolean agreed;
        try {
            agreed = accepts(driverFeatures);
        } catch (RuntimeException | Error failure) {
            failed("acceptsFeatures", failure);
            agreed = false;
        }
        if (!agreed) {
            counters.refusedFeatures.increment();
            return false;
        }
        setNegotiated(driverFeatures);
        return true;
    }

    void setNegotiated(long features) {
        negotiated = features;
        for (QueueConfig queue : queues) {
            queue.negotiated(features);
        }
        try {
            device.ackFeatures(features);
        } catch (RuntimeException | Error failure) {
            failed("ackFeatures", failure);
        }
    }

    // ---------------------------------------------------------------- life

    private void activate() {
        TreeMap<Integer, VirtQueue> active = new TreeMap<>();
        try {
            for (QueueConfig queue : queues) {
                if (queue.isReady()) {
                    active.put(queue.index(), activateQueue(queue.index()));
                }
            }
            wiring.beforeActivation();
            life.activate(activation(active));
        } catch (RuntimeException | Error failure) {
            active.values().forEach(VirtQueue::retire);
            counters.failedActivations.increment();
            needsReset("it cannot be activated: " + failure);
            return;
        }
        counters.activations.increment();
        pending.drain(this::notifyQueue);
    }

    VirtioActivation activation(SortedMap<Integer, VirtQueue> active) {
        return VirtioActivation.of(
                device.label(),
                negotiated,
                queues.length,
                active,
                wiring.memory(),
                interrupt,
                counters.failedCalls::increment,
                wiring.executor());
    }

    /** Makes a queue of what its driver has said of it. */
    VirtQueue activateQueue(int index) {
        wiring.setMemoryUnchecked(true);
        try {
            return queues[index].activate(wiring.memory(), signals);
        } finally {
            wiring.setMemoryUnchecked(false);
        }
    }

    /** Back to how the driver found the device; with the lock. */
    void reset() {
        if (life.state() == VirtioState.ACTIVE) {
            counters.resets.increment();
            try {
                life.reset();
            } catch (RuntimeException | Error failure) {
                counters.failedResets.increment();
                warn("its reset failed: " + failure);
            }
        }
        deviceFeatureSelect = 0;
        driverFeatureSelect = 0;
        queueSelect = 0;
        driverFeatures = 0;
        setNegotiated(0);
        for (QueueConfig queue : queues) {
            queue.reset();
        }
        pending.clear();
        gate.reset();
        isr.load(0);
        wiring.resetRegisters();
        status.set(0);
    }

    /** Ends the device's life; nobody is inside the transport any more. Twice is fine. */
    void detach() {
        if (!isDetached.compareAndSet(false, true)) {
            return;
        }
        synchronized (lock) {
            if (life.state() == VirtioState.ACTIVE) {
                reset();
            }
        }
        device.detach();
    }

    // ---------------------------------------------------------------- suspending

    private boolean isAsleep() {
        return life.state().isAsleep();
    }

    /** Idempotent, other than the device's own. */
    void sleep() {
        synchronized (lock) {
            if (!isAsleep()) {
                asleepQueues = life.sleep().orElse(null);
            }
        }
    }

    /** Idempotent, other than the device's own. */
    void wake() {
        synchronized (lock) {
            if (!isAsleep()) {
                return;
            }
            SortedMap<Integer, VirtQueue> active = asleepQueues;
            if (active == null) {
                life.wake(Optional.empty());
                return;
            }
            wiring.beforeActivation();
            life.wake(Optional.of(activation(active)));
            asleepQueues = null;
            // What came while nobody listened, and what a snapshot does not say.
            active.keySet().forEach(this::notifyQueue);
            pending.drain(this::notifyQueue);
        }
    }

    /** {@return the state of the transport and its device} Asleep only. */
    Snapshot snapshot() {
        synchronized (lock) {
            Snapshot.Builder builder =
                    Snapshot.builder(wiring.snapshotType(), VERSION)
                            .put("core", CoreSnapshots.save(this))
                            .put("interrupt-status", isr.get());
            wiring.save(builder);
            return builder.build();
        }
    }

    /** Takes what {@link #snapshot} gave, all or nothing. Asleep only, and not active. */
    void restore(Snapshot snapshot) {
        synchronized (lock) {
            snapshot.expect(wiring.snapshotType(), VERSION);
            int bits = snapshot.getInt("interrupt-status", 0, InterruptStatus.ALL);
            Runnable registers = wiring.parse(snapshot);
            CoreSnapshots.restore(this, snapshot.getSnapshot("core"), wiring.vectors());
            registers.run();
            isr.load(bits);
        }
    }

    // ---------------------------------------------------------------- queues

    @Nullable QueueConfig selected() {
        return queueSelect >= 0 && queueSelect < queues.length ? queues[queueSelect] : null;
    }

    /** The driver has set up a queue; with the lock. */
    void enableQueue(QueueConfig queue) {
        if (queue.isReady()) {
            return;
        }
        VirtioActivation active = life.current();
        if ((status.get() & VirtioStatus.DRIVER_OK) == 0) {
            queue.setReady(true);
            return;
        }
        if (active == null || queueReset == null || !hasNegotiated(VIRTIO_F_RING_RESET)) {
            return;
        }
        queue.setReady(true);
        VirtQueue made;
        try {
            made = activateQueue(queue.index());
        } catch (RuntimeException failure) {
            counters.failedActivations.increment();
            needsReset("a queue cannot be enabled: " + failure);
            return;
        }
        active.addQueue(made);
        try {
            queueReset.queueEnabled(made, active);
        } catch (RuntimeException | Error failure) {
            counters.failedCalls.increment();
            needsReset("it cannot enable queue " + queue.index() + ": " + failure);
            return;
        }
        notifyQueue(queue.index());
    }

    /** The driver does not want a queue after all; with the lock. */
    void disableQueue(QueueConfig queue) {
        if ((status.get() & VirtioStatus.DRIVER_OK) == 0) {
            queue.setReady(false);
        }
    }

    /** The driver wants one queue back (virtio 1.3 §2.6.1); with the lock. */
    void resetQueue(QueueConfig queue) {
        if (hasNegotiated(VIRTIO_F_RING_RESET)) {
            stopQueue(queue);
        }
    }

    /** Takes a queue from the device; nothing happens if the device has not that ability. */
    void stopQueue(QueueConfig queue) {
        if (queueReset == null) {
            return;
        }
        VirtioActivation active = life.current();
        if (active != null) {
            VirtQueue removed = active.removeQueue(queue.index());
            if (removed != null) {
                try {
                    queueReset.queueReset(queue.index());
                } catch (RuntimeException | Error failure) {
                    counters.failedResets.increment();
                    needsReset("it cannot reset queue " + queue.index() + ": " + failure);
                }
                active.restartPaused();
            }
        }
        pending.remove(queue.index());
        queue.reset();
    }

    /** The driver has made buffers available. Never waits. */
    void notifyQueue(int queue) {
        counters.notifications.increment();
        VirtioActivation active = life.current();
        if (active != null && !gate.isClosed()) {
            if (!active.notifyQueue(queue)) {
                counters.droppedNotifications.increment();
            }
            return;
        }
        if (!pending.add(queue)) {
            counters.droppedNotifications.increment();
        } else if (life.current() != null && !gate.isClosed()) {
            // Activated meanwhile: whoever did it may have looked already.
            pending.drain(this::notifyQueue);
        }
    }

    /** Has every handler look: the device may reach memory again. */
    void notifyAllQueues() {
        VirtioActivation active = life.current();
        if (active != null && !gate.isClosed()) {
            active.notifyAllQueues();
        }
    }

    PendingQueues pending() {
        return pending;
    }

    // ---------------------------------------------------------------- configuration space

    long readConfig(long offset, int size) {
        VirtioConfigSpace space = config;
        if (space == null || offset >= space.configBytes()) {
            return 0;
        }
        try {
            if (offset + size <= space.configBytes()) {
                return space.readConfig((int) offset, size);
            }
            long value = 0;
            for (int k = 0; offset + k < space.configBytes(); k++) {
                value |= (space.readConfig((int) offset + k, 1) & 0xff) << 8 * k;
            }
            return value;
        } catch (RuntimeException | Error failure) {
            failed("readConfig", failure);
            return 0;
        }
    }

    void writeConfig(long offset, int size, long value) {
        VirtioConfigSpace space = config;
        if (space == null || offset >= space.configBytes()) {
            return;
        }
        try {
            if (offset + size <= space.configBytes()) {
                space.writeConfig((int) offset, size, value);
                return;
            }
            for (int k = 0; offset + k < space.configBytes(); k++) {
                space.writeConfig((int) offset + k, 1, value >>> 8 * k & 0xff);
            }
        } catch (RuntimeException | Error failure) {
            failed("writeConfig", failure);
        }
    }

    int generation() {
        return generation.get() & 0xff;
    }

    void setGeneration(int value) {
        generation.set(value);
    }

    // ---------------------------------------------------------------- the device's side

    @Override
    public VirtualClock clock() {
        return wiring.clock();
    }

    @Override
    public void configChanged() {
        generation.incrementAndGet();
        if ((status.get() & VirtioStatus.DRIVER_OK) != 0) {
            gate.signal(InterruptGate.CONFIG);
        }
    }

    /** The device works no more until the driver resets it. Any thread, no lock. */
    void needsReset(String reason) {
        counters.needsResets.increment();
        warn("needs a reset: " + reason);
        int before =
                status.getAndUpdate(now -> now == 0 ? 0 : now | VirtioStatus.DEVICE_NEEDS_RESET);
        if ((before & VirtioStatus.DEVICE_NEEDS_RESET) == 0
                && (before & VirtioStatus.DRIVER_OK) != 0) {
            gate.signal(InterruptGate.CONFIG);
        }
    }

    private void failed(String call, Throwable failure) {
        counters.failedCalls.increment();
        warn(call + " failed: " + failure);
    }

    /** Once: a guest can cause it as often as it likes. */
    private void warn(String what) {
        if (!hasToldOfNeed) {
            hasToldOfNeed = true;
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> device.label() + " " + what + "; more of this is only counted");
        }
    }

    private final class Signals implements QueueSignals {
        @Override
        public void used(int queue) {
            gate.signal(queue);
        }

        @Override
        public void broken(int queue, QueueError error) {
            counters.brokenQueues.increment();
            needsReset("queue " + queue + " " + error.text());
        }
    }

    private final class Interrupt implements VirtioInterrupt {
        @Override
        public void queue(int queue) {
            if (queue >= 0 && queue < queues.length) {
                gate.signal(queue);
            }
        }

        @Override
        public void config() {
            configChanged();
        }

        @Override
        public void needsReset(String reason) {
            VirtioCore.this.needsReset(reason);
        }
    }
}
