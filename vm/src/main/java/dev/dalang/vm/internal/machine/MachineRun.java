package dev.dalang.vm.internal.machine;

import dev.dalang.vm.VmExit;
import dev.dalang.vm.internal.board.BoardListener;
import dev.dalang.vm.internal.board.VirtBoard;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Runs a board from its start to its end, over reboots: a thread of its own starts the harts, waits
 * for what ends or restarts the run, and stops them. The first event of a run decides; what other
 * harts still ask for until they stand is forgotten.
 */
public final class MachineRun implements BoardListener {
    private static final long TO_HOST_POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Options options;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final AtomicLong resets = new AtomicLong();

    /** Whether a device keeps a hart's thread of the run that has ended. */
    private volatile boolean heldUp;

    // Guarded by lock.
    private @Nullable HartThreads threads;
    private @Nullable Event event;
    private @Nullable VmExit exit;
    private long startedNanos;
    private long endedNanos;
    private long instructionsBefore;
    private @Nullable Thread thread;

    /**
     * What a run is bound by.
     *
     * @param name the machine's name, for its threads
     * @param reboot whether a reset restarts the machine; otherwise it ends the run
     * @param timeout after which host time the run ends
     * @param maxInstructions after how many instructions of a hart between two resets it ends
     */
    public record Options(
            String name, boolean reboot, Optional<Duration> timeout, long maxInstructions) {}

    private sealed interface Event {
        record Ended(VmExit exit) implements Event {}

        record Reset() implements Event {}
    }

    /**
     * Makes a run.
     *
     * @param options what bounds it
     */
    public MachineRun(Options options) {
        this.options = options;
    }

    // ---- events: any thread -----------------------------------------------------------------

    @Override
    public void poweredOff() {
        end(new VmExit.PoweredOff());
    }

    @Override
    public void resetRequested() {
        post(options.reboot ? new Event.Reset() : new Event.Ended(new VmExit.ResetRequested()));
    }

    @Override
    public void failed(long code) {
        end(new VmExit.Failed(code == 0 ? 1 : code));
    }

    @Override
    public void stuck(int hart, String reason) {
        end(new VmExit.Stuck(hart, reason));
    }

    /**
     * Linux has panicked.
     *
     * @param reason what it gave as the reason
     */
    public void panicked(String reason) {
        end(new VmExit.Panicked(reason));
    }

    /**
     * Ends the run.
     *
     * @param reason why
     */
    public void end(VmExit reason) {
        post(new Event.Ended(reason));
    }

    private void post(Event what) {
        HartThreads running;
        lock.lock();
        try {
            // An end that comes while the machine reboots must not be lost with the reboot's event.
            if (event == null || event instanceof Event.Reset && what instanceof Event.Ended) {
                event = what;
                changed.signalAll();
            }
            running = threads;
        } finally {
            lock.unlock();
        }
        if (running != null) {
            // Before the thread of this run gets to it: the hart that asked should not go far.
            running.requestStop();
        }
    }

    // ---- the run ----------------------------------------------------------------------------

    /**
     * Starts the run, once.
     *
     * @param board a board that has been booted
     * @param time passes while the board runs
     * @param htif polled while the harts run, if the program has it
     * @param atEnd told once that the run has ended, before those who wait for it
     */
    public void start(
            VirtBoard board, MachineTime time, Optional<HtifPort> htif, Consumer<VmExit> atEnd) {
        lock.lock();
        try {
            startedNanos = System.nanoTime();
            thread =
                    Thread.ofPlatform()
                            .daemon()
                            .name(options.name)
                            .start(() -> runToEnd(board, time, htif, atEnd));
        } finally {
            lock.unlock();
        }
    }

    private void runToEnd(
            VirtBoard board, MachineTime time, Optional<HtifPort> htif, Consumer<VmExit> atEnd) {
        VmExit result;
        try (var _ = AccessWatchdog.start(options.name, board.io())) {
            time.begin();
            result = run(board, time, htif);
        } catch (Throwable e) { // the machine's owner waits for an answer, whatever it is
            result = new VmExit.Crashed(e);
        }
        time.end();
        atEnd.accept(result);
        lock.lock();
        try {
            endedNanos = System.nanoTime();
            exit = result;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private VmExit run(VirtBoard board, MachineTime time, Optional<HtifPort> htif) {
        while (true) {
            var harts = new HartThreads(board.harts(), new HartsListener());
            lock.lock();
            try {
                threads = harts;
            } finally {
                lock.unlock();
            }
            Event what;
            Optional<VmExit.Blocked> blocked = Optional.empty();
            try {
                harts.start(options.name, options.maxInstructions);
                what = awaitEvent(htif);
            } finally {
                blocked = harts.stopAndJoin(board.io().watchAccesses());
                heldUp = blocked.isPresent();
            }
            if (blocked.isPresent()) {
                // Neither can such a machine reboot, nor did it end as it was asked to.
                return what instanceof Event.Ended(VmExit.Crashed crash) ? crash : blocked.get();
            }
            switch (what) {
                case Event.Ended(VmExit result) -> {
                    return result;
                }
                case Event.Reset() -> reboot(board, time);
            }
        }
    }

    private void reboot(VirtBoard board, MachineTime time) {
        long executed = board.harts().stream().mapToLong(hart -> hart.instructionsRetired()).sum();
        time.boot(true);
        board.boot();
        time.boot(false);
        resets.incrementAndGet();
        lock.lock();
        try {
            instructionsBefore += executed;
            if (event instanceof Event.Reset) {
                event = null;
            }
        } finally {
            lock.unlock();
        }
    }

    private Event awaitEvent(Optional<HtifPort> htif) {
        while (true) {
            if (htif.isPresent()) {
                OptionalLong code = htif.get().poll();
                if (code.isPresent()) {
                    long value = code.getAsLong();
                    return new Event.Ended(
                            value == 0 ? new VmExit.PoweredOff() : new VmExit.Failed(value));
                }
            }
            lock.lock();
            try {
                if (event != null) {
                    return event;
                }
                long left = remainingNanos();
                if (left <= 0) {
                    return new Event.Ended(new VmExit.TimedOut(options.timeout.orElseThrow()));
                }
                changed.awaitNanos(htif.isPresent() ? Math.min(left, TO_HOST_POLL_NANOS) : left);
            } catch (InterruptedException e) {
                return new Event.Ended(new VmExit.Stopped());
            } finally {
                lock.unlock();
            }
        }
    }

    private long remainingNanos() {
        if (options.timeout.isEmpty()) {
            return Long.MAX_VALUE;
        }
        return saturatedNanos(options.timeout.get()) - (System.nanoTime() - startedNanos);
    }

    private static long saturatedNanos(Duration duration) {
        try {
            return duration.toNanos();
        } catch (ArithmeticException e) {
            return duration.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
    }

    private final class HartsListener implements HartThreads.Listener {
        @Override
        public void limitReached() {
            end(new VmExit.InstructionLimitReached(options.maxInstructions));
        }

        @Override
        public void crashed(Throwable cause) {
            end(new VmExit.Crashed(cause));
        }
    }

    // ---- seen from outside: any thread --------------------------------------------------------

    /** Why the run ended, once it has. */
    public Optional<VmExit> exit() {
        lock.lock();
        try {
            return Optional.ofNullable(exit);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for the end of the run, which was started.
     *
     * @param timeout at most so long
     * @return why it ended, or empty if it has not
     * @throws InterruptedException if the calling thread is interrupted
     */
    public Optional<VmExit> awaitExit(Duration timeout) throws InterruptedException {
        long left = saturatedNanos(timeout);
        lock.lock();
        try {
            while (exit == null && left > 0) {
                left = changed.awaitNanos(left);
            }
            return Optional.ofNullable(exit);
        } finally {
            lock.unlock();
        }
    }

    /** Waits for the run's own thread to be gone, whatever interrupts. */
    public void join() {
        Thread running;
        lock.lock();
        try {
            running = thread;
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (running != null && running.isAlive()) {
            try {
                running.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Does something as soon as no hart's thread can touch the machine any more: at once, on the
     * calling thread, unless a device holds one up; then on a thread of its own when the device
     * lets go of it, which may be never. Only behind {@link #join}.
     *
     * @param name of that thread
     * @param action what to do
     */
    public void whenHartsAreGone(String name, Runnable action) {
        HartThreads left;
        lock.lock();
        try {
            left = threads;
        } finally {
            lock.unlock();
        }
        if (left == null || !heldUp) {
            action.run();
            return;
        }
        Thread.ofPlatform()
                .daemon()
                .name(name)
                .start(
                        () -> {
                            try {
                                left.join();
                            } catch (InterruptedException _) {
                                // Nobody else knows this thread; what is held stays held.
                                return;
                            }
                            action.run();
                        });
    }

    /** Host time since the start, until now or until the end. */
    public Duration wallTime() {
        lock.lock();
        try {
            if (thread == null) {
                return Duration.ZERO;
            }
            long end = exit == null ? System.nanoTime() : endedNanos;
            return Duration.ofNanos(end - startedNanos);
        } finally {
            lock.unlock();
        }
    }

    /** Host time from the start to a moment of {@link System#nanoTime}. */
    public Duration sinceStart(long nanoTime) {
        lock.lock();
        try {
            return Duration.ofNanos(nanoTime - startedNanos);
        } finally {
            lock.unlock();
        }
    }

    /** Instructions of all harts before the last reset. */
    public long instructionsBeforeReset() {
        lock.lock();
        try {
            return instructionsBefore;
        } finally {
            lock.unlock();
        }
    }

    /** How often the guest rebooted. */
    public long resets() {
        return resets.get();
    }
}
