package dev.dalang.riscv.debug;

import dev.dalang.riscv.Hart;
import dev.dalang.riscv.HartDebugger;
import dev.dalang.riscv.HartTraps;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Stops and moves all harts of a machine together. What a debugger does to a hart's state runs on
 * the hart's own thread. One debugger's thread; the methods of {@link HartDebugger} come on the
 * harts'.
 */
final class HartControl implements HartDebugger {
    private static final long ANSWER_SECONDS = 5;
    private static final long NOWHERE = -1;

    /** Why the machine stands. */
    record Event(Hart hart, @Nullable Stop stop) {}

    /** A hart as the debugger has it. */
    private static final class Slot {
        final Hart hart;
        Action plan = Action.RUN;
        boolean stands;
        boolean stepping;

        /** Where the hart stopped at a trap, and the debugger knows: it may pass. */
        long passes = NOWHERE;

        Slot(Hart hart) {
            this.hart = hart;
        }
    }

    private final List<Slot> slots;
    private final Consumer<Event> listener;

    // Guarded by this.
    private boolean running = true;

    /**
     * @param listener told, on some thread, that the harts stop by themselves
     */
    HartControl(List<Hart> harts, Consumer<Event> listener) {
        this.slots = harts.stream().map(Slot::new).toList();
        this.listener = listener;
    }

    /** The harts obey from now on; they go on until {@link #halt}. */
    void attach() {
        slots.forEach(slot -> slot.hart.setDebugger(this));
    }

    /** The harts stand, before they execute anything if they have not begun. */
    void attachHalted() {
        synchronized (this) {
            stopAll();
        }
        attach();
    }

    /** The harts are free, without any traps, and go on. */
    void detach() {
        HartTraps none = HartTraps.of(List.of(), List.of());
        slots.forEach(slot -> slot.hart.post(hart -> hart.setTraps(none)));
        synchronized (this) {
            running = true;
            slots.forEach(slot -> slot.plan = Action.RUN);
        }
        slots.forEach(slot -> slot.hart.setDebugger(null));
    }

    /** Asks all harts to stand; {@link #awaitStanding} waits for it. */
    synchronized void halt() {
        stopAll();
    }

    private void stopAll() {
        running = false;
        for (Slot slot : slots) {
            slot.plan = Action.HOLD;
            slot.hart.callDebugger();
        }
    }

    /**
     * Waits until all harts stand.
     *
     * @return false if one does not within some seconds: a device holds it up
     */
    synchronized boolean awaitStanding() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(ANSWER_SECONDS);
        while (!slots.stream().allMatch(slot -> slot.stands)) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                return false;
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        return true;
    }

    synchronized boolean isRunning() {
        return running;
    }

    /**
     * Lets the harts go on, which stand.
     *
     * @param newTraps what stops them
     * @param plan what each hart does
     */
    void resume(HartTraps newTraps, Function<Hart, Action> plan) {
        List<CompletableFuture<Boolean>> set = new ArrayList<>();
        for (Slot slot : slots) {
            set.add(submit(slot.hart, hart -> setTraps(hart, newTraps)));
        }
        set.forEach(HartControl::await);
        synchronized (this) {
            running = true;
            for (Slot slot : slots) {
                slot.plan = plan.apply(slot.hart);
                slot.stands = slot.plan == Action.HOLD;
                slot.hart.callDebugger();
            }
        }
    }

    private static boolean setTraps(Hart hart, HartTraps newTraps) {
        hart.setTraps(newTraps);
        return true;
    }

    /**
     * Runs something on a hart's thread.
     *
     * @return its result, or null if the hart does not answer
     */
    static <T> @Nullable T ask(Hart hart, Function<Hart, T> question) {
        return await(submit(hart, question));
    }

    private static <T> CompletableFuture<T> submit(Hart hart, Function<Hart, T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        hart.post(
                self -> {
                    try {
                        answer.complete(question.apply(self));
                    } catch (RuntimeException e) {
                        answer.completeExceptionally(e);
                    }
                });
        return answer;
    }

    private static <T> @Nullable T await(CompletableFuture<T> answer) {
        try {
            return answer.get(ANSWER_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    // ---- on the harts' threads -------------------------------------------------------------

    private Slot slot(Hart hart) {
        for (Slot slot : slots) {
            if (slot.hart == hart) {
                return slot;
            }
        }
        throw new IllegalArgumentException("hart " + hart.id() + " is of another machine");
    }

    @Override
    public synchronized void stopped(Hart hart, Stop stop) {
        Slot slot = slot(hart);
        slot.stepping = false;
        // What comes when the harts stand already is met again when they go on.
        if (running) {
            slot.passes = hart.pc();
            stopAll();
            listener.accept(new Event(hart, stop));
        }
    }

    @Override
    public synchronized Action next(Hart hart) {
        Slot slot = slot(hart);
        if (slot.stepping) {
            slot.stepping = false;
            if (slot.plan == Action.STEP && running) {
                stopAll();
                listener.accept(new Event(hart, null));
            }
        }
        boolean passes = slot.passes == hart.pc();
        return switch (slot.plan) {
            case HOLD -> {
                slot.stands = true;
                notifyAll();
                yield Action.HOLD;
            }
            case STEP, PASS -> {
                slot.stepping = true;
                slot.passes = NOWHERE;
                yield passes ? Action.PASS : Action.STEP;
            }
            case RUN -> {
                slot.stands = false;
                slot.passes = NOWHERE;
                yield passes ? Action.PASS : Action.RUN;
            }
        };
    }
}
