package dev.dalang.bus.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.dalang.bus.snapshot.Snapshot;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.management.ManagementFactory;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class SystemVirtualClockTest {
    private final SystemVirtualClock clock = SystemVirtualClock.asleep();

    @AfterEach
    void close() {
        clock.close();
        clock.close();
    }

    @Test
    void itStandsAtZeroUntilItIsWoken() {
        assertThat(clock.nanos()).isZero();
        long wall = clock.wallClockNanos();
        assertThat(wall).isEqualTo(clock.wallClockNanos());
        clock.wake();
        while (clock.nanos() < 1000) {
            Thread.onSpinWait();
        }
        clock.sleep();
        long stopped = clock.nanos();
        assertThat(stopped).isGreaterThanOrEqualTo(1000).isEqualTo(clock.nanos());
        assertThat(clock.wallClockNanos()).isEqualTo(wall + stopped);
        clock.wake();
        assertThat(clock.nanos()).isGreaterThanOrEqualTo(stopped);
    }

    @Test
    void aTimerExpiresOnceAndNotBeforeItsDeadline() throws Exception {
        clock.wake();
        CompletableFuture<Long> when = new CompletableFuture<>();
        AtomicInteger count = new AtomicInteger();
        VirtualClock.Timer timer =
                clock.newTimer(
                        () -> {
                            count.incrementAndGet();
                            when.complete(clock.nanos());
                        });
        long deadline = clock.nanos() + 2_000_000;
        timer.arm(deadline);
        assertThat(when.get()).isGreaterThanOrEqualTo(deadline);
        assertThat(expireAfter(deadline + 1_000_000)).isTrue();
        assertThat(count).hasValue(1);
    }

    @Test
    void anEarlierTimerOvertakesTheOneWaitedFor() throws Exception {
        clock.wake();
        clock.newTimer(() -> {}).arm(Long.MAX_VALUE);
        clock.newTimer(() -> {}).arm(TimeUnit.HOURS.toNanos(1));
        assertThat(expireAfter(clock.nanos() + 1_000)).isTrue();
        assertThat(expireAfter(Long.MIN_VALUE)).isTrue();
    }

    @Test
    void armingForTheSameDeadlineAgainDoesNotWakeTheThread() throws Exception {
        clock.wake();
        VirtualClock.Timer timer = clock.newTimer(() -> {});
        long deadline = clock.nanos() + TimeUnit.HOURS.toNanos(1);
        timer.arm(deadline);
        while (!clock.isWaiting()) {
            Thread.onSpinWait();
        }
        long before = clock.wakeUps();

        timer.arm(deadline);
        timer.arm(deadline + 1);
        timer.arm(deadline);
        assertThat(clock.wakeUps()).isEqualTo(before);

        timer.arm(deadline - 1);
        assertThat(clock.wakeUps()).isEqualTo(before + 1);
    }

    @Test
    void nothingExpiresAsleep() throws Exception {
        AtomicInteger count = new AtomicInteger();
        VirtualClock.Timer timer = clock.newTimer(count::incrementAndGet);
        timer.arm(0);
        timer.arm(5);
        assertThat(clock.nanos()).isZero();
        CountDownLatch fired = new CountDownLatch(1);
        clock.newTimer(fired::countDown).arm(6);
        assertThat(count).hasValue(0);
        clock.wake();
        fired.await();
        assertThat(count).hasValue(1);
    }

    @Test
    void sleepWaitsForAnExpiryThatHasBegun() throws Exception {
        clock.wake();
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        AtomicInteger ended = new AtomicInteger();
        clock.newTimer(
                        () -> {
                            begun.countDown();
                            try {
                                mayEnd.await();
                            } catch (InterruptedException e) {
                                throw new IllegalStateException(e);
                            }
                            ended.incrementAndGet();
                        })
                .arm(0);
        begun.await();
        CompletableFuture<Integer> endedAtSleep = new CompletableFuture<>();
        Thread sleeper =
                new Thread(
                        () -> {
                            clock.sleep();
                            endedAtSleep.complete(ended.get());
                        });
        sleeper.start();
        while (sleeper.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        mayEnd.countDown();
        assertThat(endedAtSleep.get()).isEqualTo(1);
    }

    @Test
    void aTimerMayPutTheClockToSleep() throws Exception {
        clock.wake();
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        clock.newTimer(
                        () -> {
                            clock.sleep();
                            done.complete(true);
                        })
                .arm(0);
        assertThat(done.get()).isTrue();
        long stopped = clock.nanos();
        assertThat(clock.nanos()).isEqualTo(stopped);
    }

    @Test
    void aFailingActionDoesNotEndTime() throws Exception {
        clock.wake();
        CountDownLatch failed = new CountDownLatch(1);
        clock.newTimer(
                        () -> {
                            failed.countDown();
                            throw new IllegalStateException("a timer that fails, for a test");
                        })
                .arm(0);
        failed.await();
        assertThat(expireAfter(0)).isTrue();
    }

    @Test
    void aSnapshotCarriesTheTime() {
        clock.wake();
        while (clock.nanos() < 1000) {
            Thread.onSpinWait();
        }
        assertThatIllegalStateException().isThrownBy(clock::snapshot);
        clock.sleep();
        Snapshot saved = clock.snapshot();
        ManualVirtualClock manual = new ManualVirtualClock();
        manual.sleep();
        manual.restore(saved);
        assertThat(manual.nanos()).isEqualTo(clock.nanos());
        assertThat(manual.wallClockNanos()).isEqualTo(clock.wallClockNanos());
        try (SystemVirtualClock other = SystemVirtualClock.asleep()) {
            other.restore(saved);
            assertThat(other.nanos()).isEqualTo(clock.nanos());
            other.wake();
            assertThatIllegalStateException().isThrownBy(() -> other.restore(saved));
        }
    }

    @Test
    void armingAgainDoesNotAllocate() {
        clock.wake();
        VirtualClock.Timer timer = clock.newTimer(() -> {});
        long far = TimeUnit.HOURS.toNanos(1);
        for (int i = 0; i < 20_000; i++) {
            timer.arm(far + i);
        }
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 20_000; i++) {
            timer.arm(far + i);
        }
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(allocated).isLessThan(20_000);
    }

    /** Waits until a timer of that deadline has expired. */
    private boolean expireAfter(long deadline) throws Exception {
        CompletableFuture<Boolean> expired = new CompletableFuture<>();
        clock.newTimer(() -> expired.complete(true)).arm(deadline);
        return expired.get();
    }
}
