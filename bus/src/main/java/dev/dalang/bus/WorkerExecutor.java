package dev.dalang.bus;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs handlers on daemon threads. There is no queue: a worker goes round all tasks, beginning
 * after the one that it ran last, and parks when none is signalled. Tasks are few, so that going
 * round costs less than a queue, needs no memory, and is fair.
 *
 * <p>Memory order: a signal changes the task's state (a fence) and then looks for a parked worker;
 * a worker says that it parks (a fence) and then looks once more for a signalled task. One of the
 * two sees the other.
 */
final class WorkerExecutor extends AbstractExecutor {
    private static final int MAX_THREADS = 256;
    private static final AtomicInteger NEXT_NAME = new AtomicInteger();

    private final Worker[] workers;
    private boolean started;

    WorkerExecutor(int threads) {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException(
                    "expected 1 to " + MAX_THREADS + " threads, got " + threads);
        }
        workers = new Worker[threads];
        for (int i = 0; i < threads; i++) {
            workers[i] = new Worker();
        }
    }

    @Override
    public DeviceTask task(String name, Runnable handler) {
        DeviceTask task = super.task(name, handler);
        start();
        return task;
    }

    private synchronized void start() {
        if (!started && !isClosed()) {
            started = true;
            for (Worker worker : workers) {
                worker.thread.start();
            }
        }
    }

    @Override
    void dispatch(ExecutorTask task) {
        for (Worker worker : workers) {
            if (worker.unpark()) {
                return;
            }
        }
        // All are at work, and each goes round once more before it parks.
    }

    @Override
    void shutDown() {
        for (Worker worker : workers) {
            LockSupport.unpark(worker.thread);
        }
    }

    private final class Worker {
        private static final int WORKING = 0;
        private static final int PARKED = 1;

        final Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("dalang-device-" + NEXT_NAME.getAndIncrement())
                        .unstarted(this::work);
        private final AtomicInteger state = new AtomicInteger(WORKING);
        private int next;

        boolean unpark() {
            if (state.get() == PARKED && state.compareAndSet(PARKED, WORKING)) {
                LockSupport.unpark(thread);
                return true;
            }
            return false;
        }

        private void work() {
            while (!isClosed()) {
                if (goRound()) {
                    continue;
                }
                state.set(PARKED);
                if (hasWork()) {
                    // Whoever signalled may have found this worker and count on it: both ways it
                    // goes round again.
                    state.set(WORKING);
                    continue;
                }
                while (state.get() == PARKED && !isClosed()) {
                    LockSupport.park(this);
                    // A handler's interrupt is not the next one's, and must not make this spin.
                    Thread.interrupted();
                }
            }
        }

        private boolean hasWork() {
            if (isAsleep()) {
                return false;
            }
            for (ExecutorTask task : tasks()) {
                if (task.isSignalled()) {
                    return true;
                }
            }
            return false;
        }

        /** Runs every task once that is signalled when its turn comes. */
        private boolean goRound() {
            ExecutorTask[] all = tasks();
            boolean ran = false;
            int first = next < all.length ? next : 0;
            for (int i = 0; i < all.length && !isAsleep(); i++) {
                int place = first + i < all.length ? first + i : first + i - all.length;
                if (all[place].isSignalled()) {
                    next = place + 1;
                    ran = true;
                    all[place].runOnce();
                }
            }
            return ran;
        }
    }
}
