package dev.dalang.virtio;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.DeviceTask;
import dev.dalang.virtio.queue.QueueMemory;
import dev.dalang.virtio.queue.VirtQueue;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * What an active device works with: its queues, memory, the way to interrupt, and the handlers that
 * it binds to notifications. Lives from activation to reset, or to sleep.
 *
 * <p>A handler runs on the machine's {@link DeviceExecutor}, outside of the driver's access, never
 * concurrently with itself; a notification that comes while it runs makes it run again. What it
 * throws is counted, and leaves the device in need of a reset. Before the device is reset or put to
 * sleep, handlers of queues have ended for good.
 *
 * <p>Any thread.
 */
public final class VirtioActivation {
    /** What is to be run for which queues. */
    private static final class Binding {
        final String name;
        final Runnable handler;
        final boolean inline;
        final List<Integer> queues;
        @Nullable DeviceTask task;

        Binding(String name, Runnable handler, boolean inline, List<Integer> queues) {
            this.name = name;
            this.handler = handler;
            this.inline = inline;
            this.queues = queues;
        }
    }

    private final String label;
    private final long features;
    private final QueueMemory memory;
    private final DeviceExecutor executor;
    private final VirtioInterrupt interrupt;
    private final Runnable onFailure;
    private final AtomicReferenceArray<@Nullable DeviceTask> doorbells;

    /** Guards what follows; never held while a handler or the device is called. */
    private final Object lock = new Object();

    private final TreeMap<Integer, VirtQueue> queues;
    private final List<Binding> bindings = new ArrayList<>();
    private final List<DeviceTask> tasks = new ArrayList<>();
    private boolean paused;
    private volatile boolean closed;

    private VirtioActivation(
            String label,
            long features,
            int queueCount,
            SortedMap<Integer, VirtQueue> queues,
            QueueMemory memory,
            VirtioInterrupt interrupt,
            Runnable onFailure,
            DeviceExecutor executor) {
        this.label = label;
        this.features = features;
        this.queues = new TreeMap<>(queues);
        this.memory = memory;
        this.executor = executor;
        this.interrupt = new Gate(interrupt);
        this.onFailure = onFailure;
        this.doorbells = new AtomicReferenceArray<>(queueCount);
    }

    /**
     * Makes one; a transport's business.
     *
     * @param label the device, for the names of tasks
     * @param features the features in use
     * @param queueCount how many queues the device has, enabled or not
     * @param queues those that the driver enabled, by index
     * @param memory what they lie in
     * @param interrupt where interrupts go
     * @param executor what runs handlers
     * @return the activation
     * @throws VirtioException if there is a queue that the device does not have
     */
    public static VirtioActivation of(
            String label,
            long features,
            int queueCount,
            SortedMap<Integer, VirtQueue> queues,
            QueueMemory memory,
            VirtioInterrupt interrupt,
            DeviceExecutor executor) {
        return of(label, features, queueCount, queues, memory, interrupt, () -> {}, executor);
    }

    /** As above, with what is to be done when a handler fails, beside giving up. */
    static VirtioActivation of(
            String label,
            long features,
            int queueCount,
            SortedMap<Integer, VirtQueue> queues,
            QueueMemory memory,
            VirtioInterrupt interrupt,
            Runnable onFailure,
            DeviceExecutor executor) {
        if (!queues.isEmpty() && (queues.firstKey() < 0 || queues.lastKey() >= queueCount)) {
            throw new VirtioException(
                    "%s: expected queues of 0..%d, got %s"
                            .formatted(label, queueCount - 1, queues.keySet()));
        }
        return new VirtioActivation(
                label, features, queueCount, queues, memory, interrupt, onFailure, executor);
    }

    // ---------------------------------------------------------------- what the device works with

    /** {@return the features in use, transport's included} */
    public long features() {
        return features;
    }

    /**
     * Tells whether features are in use.
     *
     * @param mask such as {@link VirtioFeatures#VIRTIO_F_RING_PACKED}
     * @return true if all of them are
     */
    public boolean hasFeatures(long mask) {
        return (features & mask) == mask;
    }

    /** {@return the queues that the driver enabled, by index; a copy} */
    public SortedMap<Integer, VirtQueue> queues() {
        synchronized (lock) {
            return Collections.unmodifiableSortedMap(new TreeMap<>(queues));
        }
    }

    /**
     * Gives a queue.
     *
     * @param index its index
     * @return the queue
     * @throws VirtioException if the driver has not enabled it
     */
    public VirtQueue queue(int index) {
        VirtQueue queue;
        synchronized (lock) {
            queue = queues.get(index);
        }
        if (queue == null) {
            throw new VirtioException(label + ": the driver has not enabled queue " + index);
        }
        return queue;
    }

    /** {@return the memory, as far as the device may reach it at this moment} */
    public QueueMemory memory() {
        return memory;
    }

    /** {@return the way to the driver} */
    public VirtioInterrupt interrupt() {
        return interrupt;
    }

    // ---------------------------------------------------------------- handlers

    /**
     * Binds a handler to a queue: it runs when the driver has notified.
     *
     * @param queue the queue's index
     * @param handler the work
     * @throws VirtioException if the driver has not enabled the queue, it has a handler, or the
     *     activation has ended
     */
    public void onNotify(int queue, Runnable handler) {
        bind(label + " queue " + queue, handler, false, queue);
    }

    /**
     * Binds a handler to several queues, which it serves by turns.
     *
     * @param name what of the device it is, for logs
     * @param handler the work
     * @param queueIndexes the queues' indexes, at least one
     * @throws VirtioException as {@link #onNotify(int, Runnable)}
     */
    public void onNotify(String name, Runnable handler, int... queueIndexes) {
        bind(label + " " + name, handler, false, queueIndexes);
    }

    /**
     * Binds a handler that runs at once, inside the driver's notification, on the hart's thread:
     * for what is so short that handing it over would cost more.
     *
     * @param queue the queue's index
     * @param handler the work, which must not wait for anything
     * @throws VirtioException as {@link #onNotify(int, Runnable)}
     */
    public void onNotifyInline(int queue, Runnable handler) {
        bind(label + " queue " + queue, handler, true, queue);
    }

    /**
     * Makes a task for what is not a queue's: back ends, timers. It ends with the activation, after
     * {@link VirtioDevice#reset} or {@link VirtioDevice#sleep} has returned.
     *
     * @param name what of the device it is, for logs
     * @param handler the work
     * @return the task
     * @throws VirtioException if the activation has ended
     */
    public DeviceTask task(String name, Runnable handler) {
        synchronized (lock) {
            requireOpen();
            DeviceTask task = executor.task(label + " " + name, () -> run(handler));
            tasks.add(task);
            return task;
        }
    }

    private void bind(String name, Runnable handler, boolean inline, int... queueIndexes) {
        synchronized (lock) {
            requireOpen();
            for (int queue : queueIndexes) {
                if (!queues.containsKey(queue)) {
                    throw new VirtioException(
                            label + ": the driver has not enabled queue " + queue);
                }
                if (bindings.stream().anyMatch(binding -> binding.queues.contains(queue))) {
                    throw new VirtioException(label + ": queue " + queue + " has a handler");
                }
            }
            List<Integer> indexes = Arrays.stream(queueIndexes).boxed().toList();
            Binding binding = new Binding(name, handler, inline, indexes);
            bindings.add(binding);
            if (!paused) {
                start(binding);
            }
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new VirtioException(label + ": its activation has ended");
        }
    }

    private void start(Binding binding) {
        DeviceExecutor on = binding.inline ? DeviceExecutor.inline() : executor;
        DeviceTask task = on.task(binding.name, () -> run(binding.handler));
        binding.task = task;
        binding.queues.forEach(queue -> doorbells.set(queue, task));
    }

    private void run(Runnable handler) {
        try {
            handler.run();
        } catch (RuntimeException | Error failure) {
            if (!closed) {
                onFailure.run();
            }
            interrupt.needsReset("a handler failed: " + failure);
        }
    }

    // ---------------------------------------------------------------- the transport's side

    /**
     * The driver has notified a queue. Never waits, but for an inline handler.
     *
     * @param queue the queue's index; one that has no handler, or is none, is dropped
     * @return false if it was dropped
     */
    public boolean notifyQueue(int queue) {
        DeviceTask task = queue >= 0 && queue < doorbells.length() ? doorbells.get(queue) : null;
        if (task == null) {
            return false;
        }
        task.signal();
        return true;
    }

    /** Has every handler of a queue look at it. */
    public void notifyAllQueues() {
        for (int queue = 0; queue < doorbells.length(); queue++) {
            notifyQueue(queue);
        }
    }

    /** Ends handlers of queues, and waits for those that run. Without a lock that they take. */
    void pause() {
        List<DeviceTask> ending = new ArrayList<>();
        synchronized (lock) {
            paused = true;
            bindings.forEach(binding -> end(binding, ending));
        }
        ending.forEach(DeviceTask::close);
    }

    private void end(Binding binding, List<DeviceTask> ending) {
        DeviceTask task = binding.task;
        binding.task = null;
        binding.queues.forEach(queue -> doorbells.set(queue, null));
        if (task != null) {
            ending.add(task);
        }
    }

    /** Begins again what {@link #pause} ended. */
    void resume() {
        synchronized (lock) {
            paused = false;
            bindings.forEach(this::start);
        }
        notifyAllQueues();
    }

    /**
     * Takes a queue out and ends it, before the wait for its handler: a driver that feeds it all
     * the time would hold that up. The handler goes on for the other queues that it has.
     */
    @Nullable VirtQueue removeQueue(int index) {
        List<DeviceTask> ending = new ArrayList<>();
        List<Integer> others = List.of();
        VirtQueue removed;
        synchronized (lock) {
            removed = queues.remove(index);
            if (removed != null) {
                removed.retire();
            }
            Binding found = null;
            for (Binding binding : bindings) {
                found = binding.queues.contains(index) ? binding : found;
            }
            if (found != null) {
                bindings.remove(found);
                end(found, ending);
                others = found.queues.stream().filter(queue -> queue != index).toList();
                if (!others.isEmpty()) {
                    bindings.add(new Binding(found.name, found.handler, found.inline, others));
                }
            }
        }
        ending.forEach(DeviceTask::close);
        return removed;
    }

    /** Begins again what {@link #removeQueue} left standing, once the device knows of it. */
    void restartPaused() {
        List<Integer> restarted = new ArrayList<>();
        synchronized (lock) {
            for (Binding binding : bindings) {
                if (binding.task == null && !paused) {
                    start(binding);
                    restarted.addAll(binding.queues);
                }
            }
        }
        restarted.forEach(this::notifyQueue);
    }

    void addQueue(VirtQueue queue) {
        synchronized (lock) {
            queues.put(queue.index(), queue);
        }
    }

    /** Ends everything: from now on the device neither runs nor interrupts. */
    void close() {
        pause();
        List<DeviceTask> ending;
        synchronized (lock) {
            closed = true;
            ending = List.copyOf(tasks);
            tasks.clear();
            bindings.clear();
        }
        ending.forEach(DeviceTask::close);
    }

    /** Lets interrupts pass until the end of the activation. */
    private final class Gate implements VirtioInterrupt {
        private final VirtioInterrupt target;

        Gate(VirtioInterrupt target) {
            this.target = target;
        }

        @Override
        public void queue(int queue) {
            if (!closed) {
                target.queue(queue);
            }
        }

        @Override
        public void config() {
            if (!closed) {
                target.config();
            }
        }

        @Override
        public void needsReset(String reason) {
            if (!closed) {
                target.needsReset(reason);
            }
        }
    }

    @Override
    public String toString() {
        Map<Integer, VirtQueue> now = queues();
        return "%s with queues %s".formatted(label, now.keySet());
    }
}
