package dev.dalang.bus;

import java.util.Arrays;

/**
 * What executors have in common: their tasks, and how to wait for those that run.
 *
 * <p>The lock is held while waiting and while tasks are added and removed, never while a handler
 * runs and never by a signal.
 */
abstract class AbstractExecutor implements DeviceExecutor {
    private static final ExecutorTask[] NONE = {};

    private final Object lock = new Object();
    private volatile ExecutorTask[] tasks = NONE;
    private volatile boolean asleep;
    private volatile boolean closed;

    /** Threads that wait in {@link #await}; who ends a run tells them. */
    private volatile int waiting;

    /** Brings a task that is signalled to run. Never blocks, never allocates. */
    abstract void dispatch(ExecutorTask task);

    /** Brings a task to run that was signalled before or while the executor slept. */
    void resume(ExecutorTask task) {
        dispatch(task);
    }

    /** Makes the task of an executor's own kind. */
    ExecutorTask newTask(String name, Runnable handler) {
        return new ExecutorTask(this, name, handler);
    }

    /** Called once, when all tasks are closed. */
    void shutDown() {}

    final boolean isAsleep() {
        return asleep;
    }

    final boolean isClosed() {
        return closed;
    }

    final ExecutorTask[] tasks() {
        return tasks;
    }

    @Override
    public DeviceTask task(String name, Runnable handler) {
        ExecutorTask task = newTask(name, handler);
        synchronized (lock) {
            if (closed) {
                throw new IllegalStateException("the executor is closed; task " + name);
            }
            ExecutorTask[] grown = Arrays.copyOf(tasks, tasks.length + 1);
            grown[tasks.length] = task;
            tasks = grown;
        }
        return task;
    }

    final void forget(ExecutorTask task) {
        synchronized (lock) {
            tasks = Arrays.stream(tasks).filter(t -> t != task).toArray(ExecutorTask[]::new);
        }
    }

    @Override
    public void sleep() {
        requireOutside("sleep");
        asleep = true;
        for (ExecutorTask task : tasks) {
            await(task);
        }
    }

    @Override
    public void wake() {
        if (!asleep) {
            return;
        }
        asleep = false;
        for (ExecutorTask task : tasks) {
            if (task.isSignalled()) {
                resume(task);
            }
        }
    }

    @Override
    public void close() {
        requireOutside("close");
        synchronized (lock) {
            if (closed) {
                return;
            }
            closed = true;
        }
        ExecutorTask[] last = tasks;
        for (ExecutorTask task : last) {
            task.endSoon();
        }
        for (ExecutorTask task : last) {
            task.close();
        }
        shutDown();
    }

    private void requireOutside(String call) {
        for (ExecutorTask task : tasks) {
            if (task.isMine()) {
                throw new IllegalStateException(
                        "task " + task.name() + " called " + call + ", which would wait for it");
            }
        }
    }

    /** Called after every run, when the state has changed. */
    final void ended() {
        if (waiting != 0) {
            synchronized (lock) {
                lock.notifyAll();
            }
        }
    }

    /** Waits until the task does not run. */
    final void await(ExecutorTask task) {
        if (!task.isRunning()) {
            return;
        }
        boolean interrupted = false;
        synchronized (lock) {
            waiting++;
            while (task.isRunning()) {
                try {
                    lock.wait();
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
            waiting--;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
