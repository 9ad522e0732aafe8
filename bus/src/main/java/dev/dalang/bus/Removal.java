package dev.dalang.bus;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ranges that were taken off their buses. New accesses no longer find them; the removal is
 * <em>done</em> when no access that began before can still be inside the device, so that the device
 * may then be closed. Any thread.
 */
public final class Removal {
    private static final System.Logger LOG = System.getLogger(Removal.class.getName());

    private final Quiescence quiescence;
    private final List<BusMapping<MmioRange, DeviceMmio>> mmio;
    private final List<BusMapping<PioRange, DevicePio>> pio;
    private final CountDownLatch acted = new CountDownLatch(1);

    /** Guarded by itself. */
    private final List<Runnable> actions = new ArrayList<>();

    /** Written with the actions' lock: whoever finds it false there has his action run. */
    private volatile boolean isDone;

    Removal(
            Quiescence quiescence,
            List<BusMapping<MmioRange, DeviceMmio>> mmio,
            List<BusMapping<PioRange, DevicePio>> pio) {
        this.quiescence = quiescence;
        this.mmio = List.copyOf(mmio);
        this.pio = List.copyOf(pio);
    }

    /** {@return what was removed from the memory bus} */
    public List<BusMapping<MmioRange, DeviceMmio>> mmio() {
        return mmio;
    }

    /** {@return what was removed from the port bus} */
    public List<BusMapping<PioRange, DevicePio>> pio() {
        return pio;
    }

    /** {@return true if no access can still be inside} */
    public boolean isDone() {
        return isDone;
    }

    /**
     * Runs an action when the removal is done: at once, on the calling thread, if it is; else on
     * the thread whose progress makes it so, which may be a hart. The action is short, does not
     * block and does not throw.
     *
     * @param action what to do; once
     */
    public void whenDone(Runnable action) {
        synchronized (actions) {
            if (!isDone) {
                actions.add(action);
                return;
            }
        }
        run(action);
    }

    /**
     * Waits until the removal is done, and what was to be run then has been. An action must not
     * wait so.
     *
     * @param timeout how long at most
     * @return false if the time ran out
     * @throws IllegalStateException if the calling thread is inside an access, for which the
     *     removal itself may have to wait
     * @throws InterruptedException if the calling thread is interrupted
     */
    public boolean await(Duration timeout) throws InterruptedException {
        if (quiescence.isInsideAccess()) {
            throw new IllegalStateException(
                    "a removal cannot be awaited from inside an access; use whenDone");
        }
        return acted.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    void complete() {
        List<Runnable> toRun;
        synchronized (actions) {
            isDone = true;
            toRun = List.copyOf(actions);
            actions.clear();
        }
        toRun.forEach(Removal::run);
        acted.countDown();
    }

    private static void run(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error broken) {
            // The thread that makes progress is somebody else's, possibly a hart's.
            LOG.log(System.Logger.Level.ERROR, "an action after a device's removal failed", broken);
        }
    }
}
