package dev.dalang.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

@Timeout(value = 20, unit = TimeUnit.MINUTES)
class RemovalTest {
    private static final Duration NOT_LONG = Duration.ofMillis(1);
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final MmioRange RANGE = new MmioRange(0x1000, 0x10);

    private final IoManager io = IoManager.create();

    /** A device whose reads wait until they are let go. */
    private static final class SlowDevice extends TestDevice {
        final CountDownLatch entered = new CountDownLatch(1);
        final CountDownLatch mayLeave = new CountDownLatch(1);
        volatile boolean left;

        SlowDevice() {
            super("slow0");
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            entered.countDown();
            try {
                mayLeave.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            left = true;
            return 1;
        }
    }

    @Test
    void removalWaitsForAnAccessOfAnyThread() throws Exception {
        SlowDevice slow = new SlowDevice();
        io.registerMmio(RANGE, slow);
        Thread other = Thread.ofPlatform().start(() -> io.mmioRead(0x1000, 4));
        slow.entered.await();
        Removal removal = io.deregister(slow);
        List<Boolean> leftWhenDone = new ArrayList<>();
        removal.whenDone(() -> leftWhenDone.add(slow.left));
        assertThat(removal.isDone()).isFalse();
        assertThat(removal.await(NOT_LONG)).isFalse();
        assertThat(io.mmioDevice(0x1000)).isEmpty();
        slow.mayLeave.countDown();
        assertThat(removal.await(LONG)).isTrue();
        assertThat(slow.left).isTrue();
        other.join();
        assertThat(leftWhenDone).containsExactly(true);
    }

    @Test
    void whoAwaitsARemovalFindsItsActionsDone() throws Exception {
        SlowDevice slow = new SlowDevice();
        io.registerMmio(RANGE, slow);
        Thread other = Thread.ofPlatform().start(() -> io.mmioRead(0x1000, 4));
        slow.entered.await();
        Removal removal = io.deregister(slow);
        CountDownLatch acting = new CountDownLatch(1);
        CountDownLatch mayAct = new CountDownLatch(1);
        AtomicBoolean hasActed = new AtomicBoolean();
        removal.whenDone(
                () -> {
                    acting.countDown();
                    try {
                        mayAct.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    hasActed.set(true);
                });
        slow.mayLeave.countDown();
        acting.await();
        assertThat(removal.isDone()).isTrue();
        assertThat(removal.await(NOT_LONG)).isFalse();
        mayAct.countDown();
        assertThat(removal.await(LONG)).isTrue();
        assertThat(hasActed).isTrue();
        other.join();
    }

    @Test
    void removalWaitsForAHartUntilItPolls() throws Exception {
        SlowDevice slow = new SlowDevice();
        io.registerMmio(RANGE, slow);
        CountDownLatch accessed = new CountDownLatch(1);
        CountDownLatch mayPoll = new CountDownLatch(1);
        Thread hart =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    GuestIo mine = io.hartIo();
                                    mine.attach();
                                    mine.load(0x1000, 4);
                                    accessed.countDown();
                                    try {
                                        mayPoll.await();
                                    } catch (InterruptedException e) {
                                        throw new IllegalStateException(e);
                                    }
                                    mine.poll();
                                });
        slow.entered.await();
        Removal removal = io.deregister(slow);
        assertThat(removal.isDone()).isFalse();
        slow.mayLeave.countDown();
        accessed.await();
        assertThat(removal.isDone()).isFalse();
        mayPoll.countDown();
        assertThat(removal.await(LONG)).isTrue();
        hart.join();
    }

    @Test
    void aHartThatIsDetachedHoldsNothingUp() {
        TestDevice device = new TestDevice("dev0");
        io.registerMmio(RANGE, device);
        GuestIo never = io.hartIo();
        never.poll();
        GuestIo detached = io.hartIo();
        detached.attach();
        detached.load(0x1000, 4);
        detached.detach();
        assertThat(io.deregister(device).isDone()).isTrue();
    }

    @Test
    void detachingIsLeaving() {
        TestDevice device = new TestDevice("dev0");
        io.registerMmio(RANGE, device);
        GuestIo hart = io.hartIo();
        hart.attach();
        Removal first = io.deregister(device);
        Removal second = io.deregister(device);
        assertThat(first.isDone()).isFalse();
        assertThat(second.isDone()).isFalse();
        hart.detach();
        assertThat(first.isDone()).isTrue();
        assertThat(second.isDone()).isTrue();
    }

    @Test
    void aHartThatAttachesLaterDoesNotDelayARemoval() {
        TestDevice device = new TestDevice("dev0");
        io.registerMmio(RANGE, device);
        GuestIo early = io.hartIo();
        early.attach();
        Removal removal = io.deregister(device);
        GuestIo late = io.hartIo();
        late.attach();
        early.poll();
        assertThat(removal.isDone()).isTrue();
        late.detach();
        early.detach();
    }

    @Test
    void awaitingFromInsideAnAccessIsAnError() {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicBoolean doneInside = new AtomicBoolean();
        AtomicReference<Removal> removal = new AtomicReference<>();
        TestDevice removesItself =
                new TestDevice("gone0") {
                    @Override
                    public void mmioWrite(long base, long offset, int size, long value) {
                        Removal mine = io.deregister(this);
                        removal.set(mine);
                        doneInside.set(mine.isDone());
                        try {
                            mine.await(LONG);
                        } catch (IllegalStateException | InterruptedException e) {
                            thrown.set(e);
                        }
                    }
                };
        io.registerMmio(RANGE, removesItself);
        io.mmioWrite(0x1000, 4, 1);
        assertThat(thrown.get()).isInstanceOf(IllegalStateException.class);
        assertThat(doneInside).isFalse();
        assertThat(removal.get().isDone()).isTrue();

        io.registerMmio(RANGE, removesItself);
        thrown.set(null);
        GuestIo hart = io.hartIo();
        hart.attach();
        hart.store(0x1000, 4, 1);
        assertThat(thrown.get()).isInstanceOf(IllegalStateException.class);
        assertThat(removal.get().isDone()).isFalse();
        hart.poll();
        assertThat(removal.get().isDone()).isTrue();
        hart.detach();
    }

    @Test
    void actionsRunOnceAndAFailingOneHarmsNobody() {
        TestDevice device = new TestDevice("dev0");
        io.registerMmio(RANGE, device);
        GuestIo hart = io.hartIo();
        hart.attach();
        Removal removal = io.deregister(device);
        AtomicInteger ran = new AtomicInteger();
        removal.whenDone(
                () -> {
                    throw new IllegalStateException("an action that fails, for a test");
                });
        removal.whenDone(ran::incrementAndGet);
        hart.poll();
        removal.whenDone(ran::incrementAndGet);
        hart.poll();
        hart.detach();
        assertThat(ran).hasValue(2);
    }

    @Test
    void aDeviceMayMoveItselfFromInsideItsOwnWrite() {
        TestDevice mover =
                new TestDevice("mover0") {
                    @Override
                    public synchronized void mmioWrite(
                            long base, long offset, int size, long value) {
                        io.moveMmio(new MmioRange(base, 0x10), this, value);
                    }
                };
        io.registerMmio(RANGE, mover);
        GuestIo hart = io.hartIo();
        hart.attach();
        long at = 0x1000;
        for (int round = 1; round <= 1000; round++) {
            long next = 0x1000 + (round % 7) * 8L;
            hart.store(at, 4, next);
            assertThat(io.mmioMappings()).extracting(m -> m.range().base()).containsExactly(next);
            at = next;
        }
        hart.detach();
    }

    @Test
    void twoHartsMoveEachOthersRangesForAMillionRounds() throws Exception {
        // Each device's write moves the other's range, each under its own monitor: with a lock
        // held during an access, or a wait in a move, the two would deadlock.
        int rounds = 1_000_000;
        MovingDevice[] devices = {
            new MovingDevice("a", 0x10_0000), new MovingDevice("b", 0x20_0000)
        };
        devices[0].other = devices[1];
        devices[1].other = devices[0];
        DeviceMmio[] registered = {Synchronized.mmio(devices[0]), Synchronized.mmio(devices[1])};
        for (int i = 0; i < 2; i++) {
            devices[i].registered = registered[i];
            io.registerMmio(new MmioRange(devices[i].home, 0x10), registered[i]);
        }
        List<CompletableFuture<Long>> taken = new ArrayList<>();
        for (MovingDevice device : devices) {
            CompletableFuture<Long> result = new CompletableFuture<>();
            taken.add(result);
            Thread.ofPlatform()
                    .start(
                            () -> {
                                GuestIo hart = io.hartIo();
                                hart.attach();
                                for (int round = 0; round < rounds; round++) {
                                    hart.store(device.home, 4, round);
                                    hart.store(device.home + 0x10, 4, round);
                                    hart.poll();
                                }
                                hart.detach();
                                result.complete(device.writes.get());
                            });
        }
        for (CompletableFuture<Long> result : taken) {
            // A device is at one of its two places: of two stores one finds it, unless it moves
            // between them, and then both or none may.
            assertThat(result.get()).isBetween(1L, 2L * rounds);
        }
        assertThat(io.mmioMappings()).hasSize(2);
        assertThat(devices[0].failures.get() + devices[1].failures.get()).isZero();
        assertThat(io.counters().devices()).allMatch(counts -> counts.errors() == 0);
        assertThat(io.deregister(registered[0]).isDone()).isTrue();
    }

    private final class MovingDevice extends TestDevice {
        final long home;
        final AtomicLong writes = new AtomicLong();
        final AtomicLong failures = new AtomicLong();
        MovingDevice other;
        DeviceMmio registered;
        private boolean away;

        MovingDevice(String label, long home) {
            super(label);
            this.home = home;
        }

        @Override
        public void mmioWrite(long base, long offset, int size, long value) {
            writes.incrementAndGet();
            other.hop();
        }

        /** Only the other device calls this, on one hart: its own state needs no lock. */
        void hop() {
            MmioRange here = new MmioRange(away ? home + 0x10 : home, 0x10);
            try {
                io.moveMmio(here, registered, away ? home : home + 0x10);
                away = !away;
            } catch (BusException unexpected) {
                failures.incrementAndGet();
            }
        }
    }

    @Test
    void removedDevicesAreNeverEnteredAfterTheirRemovalIsDone() throws Exception {
        // Devices come and go under two harts; each is closed when its removal is done, and an
        // access to a closed one is counted as a fault.
        AtomicInteger faults = new AtomicInteger();
        AtomicBoolean stop = new AtomicBoolean();
        List<Thread> harts = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            boolean attached = i == 0;
            harts.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        GuestIo hart = io.hartIo();
                                        if (attached) {
                                            hart.attach();
                                        }
                                        for (int n = 0; !stop.get(); n++) {
                                            hart.load(0x1000, 4);
                                            hart.poll();
                                            if (attached && n % 64 == 0) {
                                                hart.detach();
                                                hart.attach();
                                            }
                                        }
                                        hart.detach();
                                    }));
        }
        AtomicInteger closed = new AtomicInteger();
        int rounds = 20_000;
        for (int round = 0; round < rounds; round++) {
            ClosableDevice device = new ClosableDevice(faults);
            io.registerMmio(RANGE, device);
            Removal removal = io.deregister(device);
            removal.whenDone(
                    () -> {
                        device.closed = true;
                        closed.incrementAndGet();
                    });
            if (round % 16 == 0) {
                assertThat(removal.await(LONG)).isTrue();
            }
        }
        assertThat(io.deregister(new TestDevice("none")).await(LONG)).isTrue();
        stop.set(true);
        for (Thread hart : harts) {
            hart.join();
        }
        assertThat(closed).hasValue(rounds);
        assertThat(faults).hasValue(0);
    }

    private static final class ClosableDevice extends TestDevice {
        private final AtomicInteger faults;
        private volatile boolean closed;

        ClosableDevice(AtomicInteger faults) {
            super("closable0");
            this.faults = faults;
        }

        @Override
        public long mmioRead(long base, long offset, int size) {
            if (closed) {
                faults.incrementAndGet();
            }
            return 0;
        }
    }

    @Test
    void accessesWithinAccessesAreFollowedBeyondTheSlots() {
        AtomicInteger deepest = new AtomicInteger();
        AtomicReference<Removal> removal = new AtomicReference<>();
        TestDevice nesting =
                new TestDevice("nest0") {
                    @Override
                    public long mmioRead(long base, long offset, int size) {
                        if (deepest.incrementAndGet() < 100) {
                            return io.mmioRead(base + offset, size);
                        }
                        Removal mine = io.deregister(this);
                        removal.set(mine);
                        assertThatExceptionOfType(IllegalStateException.class)
                                .isThrownBy(() -> mine.await(NOT_LONG));
                        return 7;
                    }
                };
        io.registerMmio(RANGE, nesting);
        assertThat(io.mmioRead(0x1000, 4)).isEqualTo(7);
        assertThat(deepest).hasValue(100);
        assertThat(removal.get().isDone()).isTrue();
    }
}
