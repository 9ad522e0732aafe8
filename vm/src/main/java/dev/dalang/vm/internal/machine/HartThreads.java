package dev.dalang.vm.internal.machine;

import dev.dalang.bus.AccessWatch;
import dev.dalang.riscv.Hart;
import dev.dalang.vm.VmExit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The threads on which a board's harts run, from one start to the next stop. */
final class HartThreads {
    private static final long STOP_AGAIN_MILLIS = 20;

    /** How long one access to a device may last when the harts are to stop. */
    static final Duration ACCESS_LIMIT = Duration.ofSeconds(3);

    private final List<Hart> harts;
    private final Listener listener;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopping;

    /** Hears of harts that end without having been stopped. On the hart's thread. */
    interface Listener {
        /** A hart has executed all that it may. */
        void limitReached();

        /** A hart's thread failed. */
        void crashed(Throwable cause);
    }

    HartThreads(List<Hart> harts, Listener listener) {
        this.harts = harts;
        this.listener = listener;
    }

    void start(String machine, long maxInstructions) {
        stopping = false;
        for (Hart hart : harts) {
            threads.add(
                    Thread.ofPlatform()
                            .daemon()
                            .name(machine + "-hart-" + hart.id())
                            .start(() -> run(hart, maxInstructions)));
        }
    }

    private void run(Hart hart, long maxInstructions) {
        try {
            while (!stopping) {
                hart.run();
                if (!stopping && hart.instructionsRetired() >= maxInstructions) {
                    listener.limitReached();
                    return;
                }
            }
        } catch (Throwable e) { // whatever it is, the machine's run ends with it, and says so
            listener.crashed(e);
        }
    }

    /** Asks the harts to stop, and waits for none of them. Any thread. */
    void requestStop() {
        stopping = true;
        harts.forEach(Hart::stop);
    }

    /**
     * Stops the harts and waits until their threads have ended, unless a device keeps one of them
     * from that: Java has no way to end a thread that does not want to.
     *
     * @param watch sees the accesses of these harts
     * @return empty if all threads have ended; else who is held up, by whom, and then threads may
     *     go on until the device returns
     */
    Optional<VmExit.Blocked> stopAndJoin(AccessWatch watch) {
        requestStop();
        watch.look();
        long looked = System.nanoTime();
        boolean interrupted = false;
        Optional<VmExit.Blocked> blocked = Optional.empty();
        for (Thread thread : threads) {
            while (thread.isAlive() && blocked.isEmpty()) {
                try {
                    if (!thread.join(Duration.ofMillis(STOP_AGAIN_MILLIS))) {
                        // A request that came before the thread had entered run() may be lost.
                        harts.forEach(Hart::stop);
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
                if (System.nanoTime() - looked >= ACCESS_LIMIT.toNanos()) {
                    blocked = watch.look().stream().findFirst().map(this::blocked);
                    looked = System.nanoTime();
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return blocked;
    }

    private VmExit.Blocked blocked(AccessWatch.Stall stall) {
        // A hart's thread is where the hart is in the list.
        int at = threads.indexOf(stall.hart());
        return new VmExit.Blocked(at < 0 ? at : harts.get(at).id(), stall.device());
    }

    /** Waits, however long it takes, until all threads have ended. */
    void join() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
