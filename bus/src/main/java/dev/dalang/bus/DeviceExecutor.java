package dev.dalang.bus;

import dev.dalang.bus.time.VirtualClock;

/**
 * Runs the handlers of a machine's devices: the one mechanism by which a device works outside of
 * the guest's access. Where handlers run is the machine's choice and not the device's; each behaves
 * as {@link DeviceTask} says.
 *
 * <p>Made awake. Any thread may call any method; {@link #sleep} and {@link #close} must not be
 * called by a handler, nor with a lock that a handler takes.
 */
public interface DeviceExecutor extends AutoCloseable {
    /**
     * An executor that runs a handler inside {@link DeviceTask#signal}, on the thread that calls
     * it. If the handler runs already, there or on another thread, that run is followed by one
     * more.
     *
     * @return the executor
     */
    static DeviceExecutor inline() {
        return new InlineExecutor();
    }

    /**
     * An executor with daemon threads of its own. Tasks take turns; a handler that blocks holds up
     * its thread alone. The threads start with the first task.
     *
     * @param threads how many threads, 1 to 256
     * @return the executor
     * @throws IllegalArgumentException if {@code threads} is out of range
     */
    static DeviceExecutor workers(int threads) {
        return new WorkerExecutor(threads);
    }

    /**
     * An executor that runs a handler at a point of virtual time, {@code delayNanos} after the
     * signal that asks for it, on the clock's thread. With a clock that moves only when told to,
     * the same signals give the same run.
     *
     * @param clock whose time counts
     * @param delayNanos from the signal to the run; at least 1, or a handler that signals itself
     *     would hold time still
     * @return the executor
     * @throws IllegalArgumentException if {@code delayNanos} is less than 1
     */
    static DeviceExecutor virtualTime(VirtualClock clock, long delayNanos) {
        return new VirtualTimeExecutor(clock, delayNanos);
    }

    /**
     * Makes a task.
     *
     * @param name for logs: the device and what of it
     * @param handler the work; an exception that leaves it is counted, see {@link
     *     DeviceTask#failures}
     * @return the task, not signalled
     * @throws IllegalStateException if the executor is closed
     */
    DeviceTask task(String name, Runnable handler);

    /**
     * Drains: when this returns no handler runs, and none begins before {@link #wake}. Signals that
     * have not been served, and those that come meanwhile, are kept. Idempotent.
     *
     * @throws IllegalStateException if a handler calls it
     */
    void sleep();

    /** Resumes: runs what was signalled. Idempotent. */
    void wake();

    /**
     * Closes all tasks and ends the threads; waits for the handlers that run. Closing twice does
     * nothing.
     *
     * @throws IllegalStateException if a handler calls it
     */
    @Override
    void close();
}
