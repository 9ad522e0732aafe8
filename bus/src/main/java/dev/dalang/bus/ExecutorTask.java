package dev.dalang.bus;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The state of one task. Every change is a compare-and-set, a full fence, so that who signals after
 * having published work either makes the handler run or finds a run that has not begun.
 */
class ExecutorTask implements DeviceTask {
    private static final System.Logger LOG = System.getLogger(DeviceExecutor.class.getName());

    private static final int IDLE = 0;

    /** Waits for its turn. */
    private static final int SIGNALLED = 1;

    private static final int RUNNING = 2;

    /** Runs, and was signalled meanwhile. */
    private static final int RUNNING_AGAIN = 3;

    /** Runs for the last time. */
    private static final int CLOSING = 4;

    private static final int CLOSED = 5;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(ExecutorTask.class, "state", int.class);
        } catch (ReflectiveOperationException impossible) {
            throw new ExceptionInInitializerError(impossible);
        }
    }

    private final AbstractExecutor executor;
    private final String name;
    private final Runnable handler;
    private final AtomicLong failures = new AtomicLong();
    private volatile int state = IDLE;
    private volatile @Nullable Thread runner;

    ExecutorTask(AbstractExecutor executor, String name, Runnable handler) {
        this.executor = executor;
        this.name = name;
        this.handler = handler;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long failures() {
        return failures.get();
    }

    @Override
    public void signal() {
        while (true) {
            int now = state;
            switch (now) {
                case IDLE -> {
                    if (change(IDLE, SIGNALLED)) {
                        executor.dispatch(this);
                        return;
                    }
                }
                case RUNNING -> {
                    if (change(RUNNING, RUNNING_AGAIN)) {
                        return;
                    }
                }
                case SIGNALLED, RUNNING_AGAIN -> {
                    // The run to come must see what the caller published before: the change that
                    // begins it comes after this one.
                    if (change(now, now)) {
                        return;
                    }
                }
                default -> {
                    return;
                }
            }
        }
    }

    boolean isSignalled() {
        return state == SIGNALLED;
    }

    boolean isRunning() {
        return state >= RUNNING && state <= CLOSING;
    }

    /** True if the calling thread is inside the handler. */
    boolean isMine() {
        return runner == Thread.currentThread();
    }

    /**
     * Runs the handler once if the task is signalled, the executor awake, and nobody else does.
     *
     * @return true if the task has been signalled meanwhile and the executor is awake: dispatch it
     */
    boolean runOnce() {
        if (!change(SIGNALLED, RUNNING)) {
            return false;
        }
        // The change is a fence: either this sees that the executor falls asleep, or sleep() sees
        // the run and waits for it.
        if (!executor.isAsleep()) {
            runner = Thread.currentThread();
            try {
                handler.run();
            } catch (RuntimeException | Error failure) {
                failed(failure);
            } finally {
                runner = null;
            }
            if (change(RUNNING, IDLE)) {
                executor.ended();
                return false;
            }
        }
        return again();
    }

    /** Leaves a run with the signal kept. */
    private boolean again() {
        while (true) {
            int now = state;
            if (now == CLOSING) {
                state = CLOSED;
                executor.ended();
                return false;
            }
            if (change(now, SIGNALLED)) {
                executor.ended();
                // Again the fence: who wakes the executor finds the task signalled, or this finds
                // the executor awake.
                return !executor.isAsleep();
            }
        }
    }

    private void failed(Throwable failure) {
        if (failures.incrementAndGet() == 1) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () ->
                            "task "
                                    + name
                                    + " failed; further failures are only counted: "
                                    + failure);
            LOG.log(System.Logger.Level.DEBUG, () -> "where task " + name + " failed", failure);
        }
    }

    @Override
    public void close() {
        endSoon();
        if (!isMine()) {
            executor.await(this);
        }
        executor.forget(this);
    }

    /** After this no run begins. */
    final void endSoon() {
        while (true) {
            int now = state;
            boolean running = now == RUNNING || now == RUNNING_AGAIN;
            if (now >= CLOSING || change(now, running ? CLOSING : CLOSED)) {
                return;
            }
        }
    }

    private boolean change(int from, int to) {
        return STATE.compareAndSet(this, from, to);
    }
}
