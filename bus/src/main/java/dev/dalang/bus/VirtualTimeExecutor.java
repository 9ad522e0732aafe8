package dev.dalang.bus;

import dev.dalang.bus.time.VirtualClock;

/** Runs a handler when a timer expires that the signal armed. */
final class VirtualTimeExecutor extends AbstractExecutor {
    private final VirtualClock clock;
    private final long delayNanos;

    VirtualTimeExecutor(VirtualClock clock, long delayNanos) {
        if (delayNanos < 1) {
            throw new IllegalArgumentException(
                    "expected a delay of at least 1 ns, got " + delayNanos);
        }
        this.clock = clock;
        this.delayNanos = delayNanos;
    }

    @Override
    ExecutorTask newTask(String name, Runnable handler) {
        return new Timed(name, handler);
    }

    @Override
    void dispatch(ExecutorTask task) {
        ((Timed) task).arm();
    }

    @Override
    void resume(ExecutorTask task) {
        ((Timed) task).resume();
    }

    private final class Timed extends ExecutorTask {
        private final VirtualClock.Timer timer = clock.newTimer(this::expire);

        /** The timer expired while the executor slept. */
        private volatile boolean missed;

        Timed(String name, Runnable handler) {
            super(VirtualTimeExecutor.this, name, handler);
        }

        void arm() {
            long now = clock.nanos();
            long deadline = now + delayNanos;
            timer.arm(deadline < now ? Long.MAX_VALUE : deadline);
        }

        private void expire() {
            if (runOnce()) {
                arm();
            } else if (isSignalled()) {
                missed = true;
                if (!isAsleep()) {
                    resume();
                }
            }
        }

        /** A timer that is still armed keeps its deadline. */
        void resume() {
            if (missed) {
                missed = false;
                timer.arm(clock.nanos());
            }
        }

        @Override
        public void close() {
            timer.cancel();
            super.close();
        }
    }
}
