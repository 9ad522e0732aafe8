package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** What every executor does. */
abstract class DeviceExecutorContract {
    private static final int ROUNDS = Integer.getInteger("dalang.executor.rounds", 50_000);
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    DeviceExecutor executor;

    abstract DeviceExecutor create();

    /** Lets time pass for executors that need it. */
    void pass() {
        Thread.onSpinWait();
    }

    @BeforeEach
    final void makeExecutor() {
        executor = create();
    }

    @AfterEach
    final void closeExecutor() {
        executor.close();
    }

    final void waitUntil(BooleanSupplier condition) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        for (int turn = 0; !condition.getAsBoolean(); turn++) {
            pass();
            if ((turn & 0xff) == 0) {
                LockSupport.parkNanos(1000);
                assertThat(System.nanoTime()).as("waited too long").isLessThan(end);
            }
        }
    }

    static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(PATIENCE.toMinutes(), TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    /** Starts a thread that must be joined with {@link #join}. */
    static Thread start(Runnable work) {
        return Thread.ofPlatform().daemon().start(work);
    }

    static void join(Thread thread) {
        try {
            assertThat(thread.join(PATIENCE)).isTrue();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    @Test
    void aSignalRunsTheHandler() {
        AtomicInteger runs = new AtomicInteger();
        DeviceTask task = executor.task("one", runs::incrementAndGet);
        assertThat(task.name()).isEqualTo("one");
        assertThat(runs).hasValue(0);

        task.signal();

        waitUntil(() -> runs.get() == 1);
        task.signal();
        waitUntil(() -> runs.get() == 2);
    }

    @Test
    void aHandlerThatSignalsItselfRunsOnceMore() {
        AtomicInteger runs = new AtomicInteger();
        DeviceTask[] task = new DeviceTask[1];
        task[0] =
                executor.task(
                        "again",
                        () -> {
                            if (runs.incrementAndGet() < 10) {
                                task[0].signal();
                                task[0].signal();
                            }
                        });

        task[0].signal();

        waitUntil(() -> runs.get() >= 10);
        executor.sleep();
        assertThat(runs).hasValue(10);
    }

    @Test
    void aSignalWhileTheHandlerRunsMakesItRunOnceMore() {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger runs = new AtomicInteger();
        DeviceTask task =
                executor.task(
                        "slow",
                        () -> {
                            if (runs.incrementAndGet() == 1) {
                                inside.countDown();
                                await(go);
                            }
                        });
        Thread signaller = start(task::signal);
        waitUntil(() -> inside.getCount() == 0);

        for (int i = 0; i < 5; i++) {
            task.signal();
        }
        assertThat(runs).hasValue(1);
        go.countDown();

        join(signaller);
        waitUntil(() -> runs.get() == 2);
        executor.sleep();
        assertThat(runs).hasValue(2);
    }

    @Test
    void noWakeUpIsLostAndNoRunOverlapsAnother() {
        AtomicLong published = new AtomicLong();
        AtomicLong seen = new AtomicLong();
        AtomicInteger inside = new AtomicInteger();
        AtomicBoolean overlapped = new AtomicBoolean();
        DeviceTask task =
                executor.task(
                        "stress",
                        () -> {
                            if (inside.incrementAndGet() != 1) {
                                overlapped.set(true);
                            }
                            seen.setRelease(published.getOpaque());
                            inside.decrementAndGet();
                        });
        Runnable producer =
                () -> {
                    for (int round = 0; round < ROUNDS; round++) {
                        long mine = published.incrementAndGet();
                        task.signal();
                        waitUntil(() -> seen.getAcquire() >= mine);
                    }
                };
        Thread other = start(producer);
        producer.run();
        join(other);

        assertThat(seen).hasValue(2L * ROUNDS);
        assertThat(overlapped).isFalse();
    }

    @Test
    void noWakeUpIsLostWhileTheExecutorFallsAsleepAndWakes() {
        AtomicLong published = new AtomicLong();
        AtomicLong seen = new AtomicLong();
        AtomicBoolean end = new AtomicBoolean();
        DeviceTask task = executor.task("sleepy", () -> seen.setRelease(published.getOpaque()));
        Thread sleeper =
                start(
                        () -> {
                            while (!end.get()) {
                                executor.sleep();
                                long before = seen.get();
                                LockSupport.parkNanos(1000);
                                if (seen.get() != before) {
                                    return; // a handler ran: the assertion below fails
                                }
                                executor.wake();
                            }
                            executor.wake();
                        });
        for (int round = 1; round <= ROUNDS / 10; round++) {
            published.set(round);
            task.signal();
            long mine = round;
            waitUntil(() -> seen.getAcquire() >= mine || !sleeper.isAlive());
            assertThat(sleeper.isAlive()).as("no handler runs asleep").isTrue();
        }
        end.set(true);
        join(sleeper);
    }

    @Test
    void sleepWaitsForTheHandlerThatRuns() {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicBoolean out = new AtomicBoolean();
        DeviceTask task =
                executor.task(
                        "slow",
                        () -> {
                            inside.countDown();
                            await(go);
                            out.set(true);
                        });
        Thread signaller = start(task::signal);
        waitUntil(() -> inside.getCount() == 0);
        AtomicBoolean wasOut = new AtomicBoolean();
        Thread sleeper =
                start(
                        () -> {
                            executor.sleep();
                            wasOut.set(out.get());
                        });
        waitUntil(() -> sleeper.getState() == Thread.State.WAITING);

        go.countDown();

        join(sleeper);
        join(signaller);
        assertThat(wasOut).isTrue();
    }

    @Test
    void aSignalWhileAsleepIsKeptForTheWaking() {
        AtomicInteger runs = new AtomicInteger();
        DeviceTask task = executor.task("kept", runs::incrementAndGet);
        executor.sleep();
        executor.sleep();

        task.signal();
        task.signal();
        for (int i = 0; i < 100; i++) {
            pass();
        }
        assertThat(runs).hasValue(0);

        executor.wake();
        executor.wake();
        waitUntil(() -> runs.get() == 1);
        executor.sleep();
        assertThat(runs).hasValue(1);
    }

    @Test
    void aTaskMadeWhileAsleepRunsAfterTheWaking() {
        executor.sleep();
        AtomicInteger runs = new AtomicInteger();
        executor.task("late", runs::incrementAndGet).signal();
        executor.wake();
        waitUntil(() -> runs.get() == 1);
    }

    @Test
    void aHandlerMayNotPutItsExecutorToSleepNorCloseIt() {
        AtomicInteger refused = new AtomicInteger();
        DeviceTask task =
                executor.task(
                        "deadlock",
                        () -> {
                            assertThatIllegalStateException()
                                    .isThrownBy(executor::sleep)
                                    .withMessageContaining("deadlock");
                            assertThatIllegalStateException()
                                    .isThrownBy(executor::close)
                                    .withMessageContaining("deadlock");
                            refused.incrementAndGet();
                        });
        task.signal();
        waitUntil(() -> refused.get() == 1);
        assertThat(task.failures()).isZero();
    }

    @Test
    void aHandlerThatFailsIsCountedAndRunsAgain() {
        AtomicInteger runs = new AtomicInteger();
        DeviceTask task =
                executor.task(
                        "failing",
                        () -> {
                            if (runs.incrementAndGet() < 3) {
                                throw new IllegalStateException("on purpose");
                            }
                        });
        for (int run = 1; run <= 3; run++) {
            int expected = run;
            task.signal();
            waitUntil(() -> runs.get() == expected);
            executor.sleep();
            executor.wake();
        }
        assertThat(task.failures()).isEqualTo(2);
    }

    @Test
    void closingATaskWaitsUntilItIsOutOfItsHandler() {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        AtomicBoolean out = new AtomicBoolean();
        AtomicInteger runs = new AtomicInteger();
        DeviceTask task =
                executor.task(
                        "closing",
                        () -> {
                            runs.incrementAndGet();
                            inside.countDown();
                            await(go);
                            out.set(true);
                        });
        Thread signaller = start(task::signal);
        waitUntil(() -> inside.getCount() == 0);
        task.signal();
        AtomicBoolean wasOut = new AtomicBoolean();
        Thread closer =
                start(
                        () -> {
                            task.close();
                            wasOut.set(out.get());
                        });
        waitUntil(() -> closer.getState() == Thread.State.WAITING);
        go.countDown();
        join(closer);
        join(signaller);
        assertThat(wasOut).isTrue();

        task.close();
        task.signal();
        for (int i = 0; i < 100; i++) {
            pass();
        }
        executor.sleep();
        assertThat(runs).hasValue(1);
    }

    @Test
    void aHandlerMayCloseItsOwnTask() {
        AtomicInteger runs = new AtomicInteger();
        DeviceTask[] task = new DeviceTask[1];
        task[0] =
                executor.task(
                        "once",
                        () -> {
                            task[0].signal();
                            task[0].close();
                            runs.incrementAndGet();
                        });
        task[0].signal();
        waitUntil(() -> runs.get() == 1);
        task[0].signal();
        executor.sleep();
        executor.wake();
        assertThat(runs).hasValue(1);
    }

    @Test
    void aClosedExecutorRunsNothingAndMakesNothing() {
        AtomicInteger runs = new AtomicInteger();
        DeviceTask task = executor.task("closed", runs::incrementAndGet);
        executor.close();
        executor.close();

        task.signal();
        executor.sleep();
        executor.wake();

        assertThat(runs).hasValue(0);
        assertThatIllegalStateException()
                .isThrownBy(() -> executor.task("more", () -> {}))
                .withMessageContaining("more");
    }

    @Test
    void manyTasksAllHaveTheirTurn() {
        int count = 100;
        List<AtomicInteger> runs = new ArrayList<>();
        List<DeviceTask> tasks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            AtomicInteger mine = new AtomicInteger();
            DeviceTask[] task = new DeviceTask[1];
            // Each keeps itself signalled for a while: nobody starves the others.
            task[0] =
                    executor.task(
                            "task" + i,
                            () -> {
                                if (mine.incrementAndGet() < 50) {
                                    task[0].signal();
                                }
                            });
            runs.add(mine);
            tasks.add(task[0]);
        }
        tasks.forEach(DeviceTask::signal);
        waitUntil(() -> runs.stream().allMatch(mine -> mine.get() == 50));
    }

    @Test
    void aSignalAllocatesNothing() {
        var threads =
                (com.sun.management.ThreadMXBean)
                        java.lang.management.ManagementFactory.getThreadMXBean();
        AtomicInteger runs = new AtomicInteger();
        DeviceTask task = executor.task("lean", runs::incrementAndGet);
        for (int i = 0; i < 20_000; i++) {
            task.signal();
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 10_000; i++) {
            task.signal();
        }
        // A constant is for what the JVM does beside; one object for each signal would be 160,000.
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);
    }
}
