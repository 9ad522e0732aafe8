package dev.dalang.pci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.interrupt.MsiTarget;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Devices' threads trigger while a guest's thread masks, unmasks, masks the function, disables and
 * enables, and re-routes. The number of triggers is the system property {@code dalang.msix.rounds};
 * it is in the millions, which takes a few seconds.
 */
class MsixStressTest {
    private static final long ROUNDS = Long.getLong("dalang.msix.rounds", 2_000_000);
    private static final int DEVICES = 3;
    private static final long BASE = 0x2800_0000L;
    private static final int EPOCHS = 1 << 16;

    /** For a message that must come, on whatever machine. */
    private static final long PATIENCE_NANOS = TimeUnit.MINUTES.toNanos(5);

    /** Less than a write that closes vectors waits for messages before it gives up. */
    private static final long CLOSING_NANOS = 200_000_000;

    /**
     * Closes vectors; false if a message may be under way yet, because the thread that sends it has
     * lost its processor for so long.
     */
    private static boolean isQuietAfter(Runnable closing) {
        long before = System.nanoTime();
        closing.run();
        return System.nanoTime() - before < CLOSING_NANOS;
    }

    /** What arrives: the address names an epoch, the data the same epoch and the vector. */
    private static final class Inbox implements MsiTarget {
        final AtomicLongArray delivered = new AtomicLongArray(DEVICES);
        final AtomicLongArray offered = new AtomicLongArray(DEVICES);
        final AtomicLongArray seen = new AtomicLongArray(DEVICES);
        final AtomicIntegerArray silent = new AtomicIntegerArray(DEVICES);
        final AtomicLong torn = new AtomicLong();
        final AtomicLong whileSilent = new AtomicLong();

        @Override
        public boolean signal(long address, int data) {
            int vector = data & 0xff;
            if ((address - BASE) >>> 12 != data >>> 8) {
                torn.incrementAndGet();
            }
            if (silent.get(vector) != 0) {
                whileSilent.incrementAndGet();
            }
            // What the handler of this message finds the device to have offered.
            long found = offered.get(vector);
            seen.accumulateAndGet(vector, found, Math::max);
            delivered.incrementAndGet(vector);
            return true;
        }
    }

    /** A guest that does one random thing after another to the vectors' masks and routes. */
    private static final class Guest {
        private final MsixConfig msix;
        private final Inbox inbox;
        private final SplittableRandom random;
        private int epoch;
        private final AtomicLong steps;

        Guest(MsixConfig msix, Inbox inbox, AtomicLong steps, long seed) {
            this.msix = msix;
            this.inbox = inbox;
            this.steps = steps;
            random = new SplittableRandom(seed);
        }

        void setUp() {
            for (int vector = 0; vector < DEVICES; vector++) {
                route(vector);
                mask(vector, 0);
            }
            msix.writeMsixCapability(2, 2, 0x8000);
        }

        private void mask(int vector, int bit) {
            msix.writeMsixTable(16L * vector + 12, 4, bit);
        }

        /** As Linux does when it moves an interrupt: a dword at a time. */
        private void route(int vector) {
            epoch = (epoch + 1) % EPOCHS;
            msix.writeMsixTable(16L * vector, 4, BASE + ((long) epoch << 12));
            msix.writeMsixTable(16L * vector + 4, 4, 0);
            msix.writeMsixTable(16L * vector + 8, 4, epoch << 8 | vector);
        }

        private void silent(int from, int to, boolean silent) {
            for (int vector = from; vector < to; vector++) {
                inbox.silent.set(vector, silent ? 1 : 0);
            }
        }

        /** Nothing comes from closed vectors, and where one goes may change. */
        private void useSilence(int from, int to, int vector) {
            silent(from, to, true);
            if (random.nextBoolean()) {
                route(vector);
            }
            silent(from, to, false);
        }

        void step() {
            steps.incrementAndGet();
            int vector = random.nextInt(DEVICES);
            switch (random.nextInt(8)) {
                case 0 -> {
                    if (isQuietAfter(() -> msix.writeMsixCapability(2, 2, 0xc000))) {
                        useSilence(0, DEVICES, vector);
                    }
                    msix.writeMsixCapability(2, 2, 0x8000);
                }
                case 1 -> {
                    if (isQuietAfter(() -> msix.writeMsixCapability(2, 2, 0))) {
                        useSilence(0, DEVICES, vector);
                    }
                    msix.writeMsixCapability(2, 2, 0x8000);
                }
                case 2 -> {
                    if (isQuietAfter(msix::sleep)) {
                        silent(0, DEVICES, true);
                        msix.readPbaEntries(0, 8);
                        silent(0, DEVICES, false);
                    }
                    msix.wake();
                }
                default -> {
                    if (isQuietAfter(() -> mask(vector, 1))) {
                        useSilence(vector, vector + 1, vector);
                    }
                    mask(vector, 0);
                }
            }
        }
    }

    private final Inbox inbox = new Inbox();
    private final AtomicLong guestSteps = new AtomicLong();
    private final AtomicLong triggers = new AtomicLong();
    private final MsixConfig msix =
            MsixConfig.create(
                    DEVICES, MsiTargetRouter.create(inbox, DEVICES), new MsiSource("d", 0, 0));

    private void run(List<Runnable> devices, TestReporter reporter) throws InterruptedException {
        long seed = Long.getLong("dalang.seed", System.nanoTime());
        reporter.publishEntry("dalang.seed", Long.toString(seed));
        Guest guest = new Guest(msix, inbox, guestSteps, seed);
        guest.setUp();
        AtomicBoolean done = new AtomicBoolean();
        Thread guestThread =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    while (!done.get()) {
                                        guest.step();
                                    }
                                });
        List<Thread> threads = new ArrayList<>();
        devices.forEach(device -> threads.add(Thread.ofPlatform().start(device)));
        for (Thread thread : threads) {
            thread.join();
        }
        done.set(true);
        guestThread.join();
        reporter.publishEntry("messages", inbox.delivered.toString());
        reporter.publishEntry("guest's steps", guestSteps.toString());
        assertThat(inbox.torn).hasValue(0);
        assertThat(inbox.whileSilent).hasValue(0);
        assertThat(msix.readPbaEntries(0, 8)).isZero();
        assertThat(msix.droppedTriggers()).isZero();
    }

    /** A device goes on for its rounds, and until the guest has had its turns too. */
    private boolean goesOn(long round, long rounds) {
        return round < rounds || guestSteps.get() < ROUNDS / 20;
    }

    /** Each trigger waits for its message: exactly one comes, whatever the guest does meanwhile. */
    @Test
    void eachTriggerIsDeliveredExactlyOnce(TestReporter reporter) throws InterruptedException {
        AtomicLong lost = new AtomicLong();
        List<Runnable> devices = new ArrayList<>();
        for (int device = 0; device < DEVICES; device++) {
            int vector = device;
            devices.add(
                    () -> {
                        for (long round = 0; goesOn(round, ROUNDS / DEVICES); round++) {
                            triggers.incrementAndGet();
                            msix.trigger(vector);
                            if (!await(vector, round + 1)) {
                                lost.incrementAndGet();
                                return;
                            }
                        }
                    });
        }
        run(devices, reporter);
        assertThat(lost).hasValue(0);
        long delivered = 0;
        for (int vector = 0; vector < DEVICES; vector++) {
            delivered += inbox.delivered.get(vector);
        }
        assertThat(triggers).hasValue(delivered);
    }

    private boolean await(int vector, long count) {
        long start = System.nanoTime();
        for (long turn = 1; inbox.delivered.get(vector) != count; turn++) {
            if (turn % 4096 == 0 && System.nanoTime() - start > PATIENCE_NANOS) {
                return false;
            }
            Thread.onSpinWait();
        }
        return true;
    }

    /**
     * Triggers as fast as they come, several threads to a vector: the handler of the last message
     * has seen all that was offered before the last trigger, and there are no more messages than
     * triggers.
     */
    @Test
    void floodOfTriggersLosesNothingAndInventsNothing(TestReporter reporter)
            throws InterruptedException {
        List<Runnable> devices = new ArrayList<>();
        for (int device = 0; device < DEVICES; device++) {
            int first = device;
            devices.add(
                    () -> {
                        for (long round = 0; goesOn(round, ROUNDS); round++) {
                            int vector = (int) ((first + round) % DEVICES);
                            inbox.offered.incrementAndGet(vector);
                            msix.trigger(vector);
                        }
                    });
        }
        run(devices, reporter);
        for (int vector = 0; vector < DEVICES; vector++) {
            assertThat(inbox.seen.get(vector)).isEqualTo(inbox.offered.get(vector));
            assertThat(inbox.delivered.get(vector)).isBetween(1L, inbox.offered.get(vector));
        }
    }

    /** A function that goes away while its device triggers signals no handle of another. */
    @Test
    void destroyedFunctionSignalsNobodyElsesHandle() throws InterruptedException {
        AtomicLong strangers = new AtomicLong();
        MsiTargetRouter router =
                MsiTargetRouter.create(
                        (_, data) -> {
                            if (data == 0xbad) {
                                strangers.incrementAndGet();
                            }
                            return true;
                        },
                        1);
        MsiSource source = new MsiSource("d", 0, 0);
        for (int round = 0; round < Math.max(100, ROUNDS / 1000); round++) {
            MsixConfig mortal = MsixConfig.create(1, router, source);
            mortal.writeMsixCapability(2, 2, 0x8000);
            mortal.writeMsixTable(0, 8, BASE);
            mortal.writeMsixTable(8, 8, 1);
            assertThat(mortal.handle(0)).hasValue(0);
            AtomicBoolean gone = new AtomicBoolean();
            Thread device =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        while (!gone.get()) {
                                            mortal.trigger(0);
                                        }
                                    });
            if (!isQuietAfter(mortal::destroy)) {
                gone.set(true);
                device.join();
            }
            MsixConfig heir = MsixConfig.create(1, router, source);
            heir.writeMsixCapability(2, 2, 0x8000);
            heir.writeMsixTable(0, 8, BASE);
            heir.writeMsixTable(8, 8, 0xbad);
            assertThat(heir.handle(0)).hasValue(0);
            gone.set(true);
            device.join();
            heir.destroy();
        }
        assertThat(strangers).hasValue(0);
    }
}
