package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.dalang.bus.time.ManualVirtualClock;
import dev.dalang.bus.time.SystemVirtualClock;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

class DeviceExecutorTest {
    @Nested
    class Inline extends DeviceExecutorContract {
        @Override
        DeviceExecutor create() {
            return DeviceExecutor.inline();
        }

        @Test
        void theHandlerRunsOnTheSignallersThread() {
            AtomicReference<Thread> ran = new AtomicReference<>();
            executor.task("here", () -> ran.set(Thread.currentThread())).signal();
            assertThat(ran).hasValue(Thread.currentThread());
        }
    }

    @Nested
    class OneWorker extends DeviceExecutorContract {
        @Override
        DeviceExecutor create() {
            return DeviceExecutor.workers(1);
        }
    }

    @Nested
    class ThreeWorkers extends DeviceExecutorContract {
        @Override
        DeviceExecutor create() {
            return DeviceExecutor.workers(3);
        }

        @Test
        void aHandlerThatBlocksHoldsUpNoOther() {
            CountDownLatch go = new CountDownLatch(1);
            AtomicInteger runs = new AtomicInteger();
            executor.task("blocked", () -> await(go)).signal();
            executor.task("blocked too", () -> await(go)).signal();
            DeviceTask free = executor.task("free", runs::incrementAndGet);
            for (int round = 1; round <= 100; round++) {
                int expected = round;
                free.signal();
                waitUntil(() -> runs.get() == expected);
            }
            go.countDown();
        }

        @Test
        void closingEndsTheThreads() {
            AtomicReference<Thread> ran = new AtomicReference<>();
            executor.task("where", () -> ran.set(Thread.currentThread())).signal();
            waitUntil(() -> ran.get() != null);
            assertThat(ran.get().isDaemon()).isTrue();
            executor.close();
            join(ran.get());
        }

        @Test
        void anInterruptOfAHandlerHarmsNobody() {
            AtomicInteger runs = new AtomicInteger();
            DeviceTask task =
                    executor.task(
                            "interrupted",
                            () -> {
                                runs.incrementAndGet();
                                Thread.currentThread().interrupt();
                            });
            for (int round = 1; round <= 100; round++) {
                int expected = round;
                task.signal();
                waitUntil(() -> runs.get() == expected);
            }
        }
    }

    @Nested
    class RealVirtualTime extends DeviceExecutorContract {
        private final SystemVirtualClock clock = SystemVirtualClock.running();

        @Override
        DeviceExecutor create() {
            return DeviceExecutor.virtualTime(clock, 1);
        }

        @AfterEach
        void closeClock() {
            clock.close();
        }
    }

    /** With a clock that moves only when told to. */
    @Nested
    class ManualVirtualTime {
        private final ManualVirtualClock clock = new ManualVirtualClock();
        private final DeviceExecutor executor = DeviceExecutor.virtualTime(clock, 1000);
        private final List<String> log = new ArrayList<>();

        private DeviceTask task(String name) {
            return executor.task(name, () -> log.add(name + "@" + clock.nanos()));
        }

        @Test
        void handlersRunAtTheirPointOfTimeInTheOrderOfTheirSignals() {
            DeviceTask a = task("a");
            DeviceTask b = task("b");
            b.signal();
            a.signal();
            b.signal();
            clock.advance(999);
            assertThat(log).isEmpty();
            clock.advance(1);
            a.signal();
            clock.advance(500);
            b.signal();
            clock.advance(10_000);
            assertThat(log).containsExactly("b@1000", "a@1000", "a@2000", "b@2500");
        }

        @Test
        void aHandlerThatSignalsItselfDoesNotHoldTimeStill() {
            DeviceTask[] self = new DeviceTask[1];
            self[0] =
                    executor.task(
                            "self",
                            () -> {
                                log.add("self@" + clock.nanos());
                                self[0].signal();
                            });
            self[0].signal();
            clock.advance(3500);
            assertThat(log).containsExactly("self@1000", "self@2000", "self@3000");
        }

        @Test
        void aSleepBeforeTheDeadlineChangesNothing() {
            task("a").signal();
            clock.advance(400);
            executor.sleep();
            executor.wake();
            clock.advance(600);
            assertThat(log).containsExactly("a@1000");
        }

        @Test
        void whatBecameDueDuringSleepRunsAtTheWaking() {
            task("a").signal();
            executor.sleep();
            clock.advance(5000);
            assertThat(log).isEmpty();
            executor.wake();
            clock.advance(0);
            assertThat(log).containsExactly("a@5000");
        }

        @Test
        void aClosedTaskLeavesNoTimerBehind() {
            DeviceTask task = task("a");
            task.signal();
            task.close();
            assertThat(clock.nextDeadlineNanos()).isEqualTo(Long.MAX_VALUE);
        }
    }

    @Test
    void impossibleArgumentsAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceExecutor.workers(0))
                .withMessageContaining("got 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceExecutor.workers(257))
                .withMessageContaining("got 257");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DeviceExecutor.virtualTime(new ManualVirtualClock(), 0))
                .withMessageContaining("got 0");
    }
}
