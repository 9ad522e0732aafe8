package dev.dalang.vm.internal.machine;

import dev.dalang.riscv.Hart;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The threads on which a board's harts run, from one start to the next stop. */
final class HartThreads {
    private static final long STOP_AGAIN_MILLIS = 20;

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

    /** Stops the harts and waits until their threads have ended. */
    void stopAndJoin() {
        requestStop();
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    if (!thread.join(Duration.ofMillis(STOP_AGAIN_MILLIS))) {
                        // A request that came before the thread had entered run() may be lost.
                        harts.forEach(Hart::stop);
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        threads.clear();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
