package dev.dalang.virtio.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A driver and a device on a thread each, which tell each other of progress only when the other has
 * asked for it, and otherwise wait for ever: a lost wake-up is a test that does not end.
 *
 * <p>{@code -Ddalang.queue.rounds=N} sets the number of chains for each layout and feature.
 */
class QueueStressTest {
    private static final int ROUNDS = Integer.getInteger("dalang.queue.rounds", 100_000);
    private static final int PATIENCE_SECONDS = 40;
    private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** A wake-up that is kept until it is taken. */
    private static final class Bell {
        private final AtomicBoolean rung = new AtomicBoolean();
        private volatile Thread listener;
        long rings;

        void ring() {
            rings++;
            if (!rung.getAndSet(true)) {
                LockSupport.unpark(listener);
            }
        }

        /** Waits for a ring; false if none comes in a very long time. */
        boolean await() {
            // Mostly the other side is about to ring: give it a moment before parking.
            for (int spin = 0; spin < 200; spin++) {
                if (rung.compareAndSet(true, false)) {
                    return true;
                }
                Thread.onSpinWait();
            }
            // Counted in turns and not by the clock: both sides may be stopped for a while
            // together. Nor is a turn one that ends at once, as all do while the other side is
            // stopped
            // in the middle of waking us for what we have seen already.
            int turn = 0;
            while (turn < PATIENCE_SECONDS) {
                long began = System.nanoTime();
                LockSupport.parkNanos(this, SECOND_NANOS);
                if (rung.compareAndSet(true, false)) {
                    return true;
                }
                if (System.nanoTime() - began >= SECOND_NANOS / 2) {
                    turn++;
                }
            }
            return false;
        }
    }

    private static final long BUFFERS = QueueMachine.RAM + 0x20000;

    private final GuestMemory memory = QueueMachine.newMemory();
    private final Bell doorbell = new Bell();
    private final Bell interrupt = new Bell();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile boolean isOver;

    /** Rings of few entries make both sides wait for each other all the time. */
    @ParameterizedTest
    @CsvSource({
        "1, 0, 0",
        "2, 0, 0",
        "16, 0, 0",
        "1, 1, 0",
        "2, 1, 0",
        "16, 1, 0",
        "1, 0, 1",
        "3, 0, 1",
        "16, 0, 1",
        "1, 1, 1",
        "3, 1, 1",
        "16, 1, 1",
        "16, 2, 0",
        "16, 2, 1",
    })
    void noWakeUpIsLost(int size, int notifications, int packed) throws InterruptedException {
        long features =
                (notifications == 1 ? QueueMachine.EVENT_IDX : 0)
                        | (notifications == 2 ? QueueMachine.IN_ORDER : 0)
                        | (packed != 0 ? QueueMachine.PACKED : 0);
        DriverQueue driver = DriverQueue.of(memory, QueueMachine.RAM + 0x1000, size, features);
        VirtQueue queue = activate(driver, features);
        Thread device = new Thread(() -> guard(() -> device(queue)), "device");
        doorbell.listener = device;
        interrupt.listener = Thread.currentThread();
        device.start();
        guard(() -> drive(driver));
        isOver = true;
        doorbell.ring();
        device.join();

        assertThat(failure.get()).isNull();
        assertThat(queue.isBroken()).isFalse();
        assertThat(queue.counts().completions()).isEqualTo(ROUNDS);
        System.out.printf(
                "size %d%s%s: %d chains, %d kicks, %d interrupts, %d not wanted%n",
                size,
                packed != 0 ? ", packed" : "",
                new String[] {"", ", event indexes", ", in order"}[notifications],
                ROUNDS,
                doorbell.rings,
                interrupt.rings,
                queue.counts().suppressed());
    }

    private VirtQueue activate(DriverQueue driver, long features) {
        QueueConfig config = QueueConfig.of(0, 16);
        config.negotiated(features);
        config.setSize(driver.size());
        config.setDescriptorAddress(driver.descriptorAddress());
        config.setDriverAddress(driver.driverAddress());
        config.setDeviceAddress(driver.deviceAddress());
        config.setReady(true);
        return config.activate(
                QueueMemory.of(memory),
                new QueueSignals() {
                    @Override
                    public void used(int index) {
                        interrupt.ring();
                    }

                    @Override
                    public void broken(int index, QueueError error) {
                        throw new AssertionError("broken: " + error);
                    }
                });
    }

    private void guard(Runnable side) {
        try {
            side.run();
        } catch (RuntimeException | Error thrown) {
            failure.compareAndSet(null, thrown);
            isOver = true;
            doorbell.ring();
            interrupt.ring();
        }
    }

    /** Echoes: what it reads it writes, one more. */
    private void device(VirtQueue queue) {
        while (true) {
            do {
                queue.disableNotification();
                DescriptorChain chain;
                while ((chain = queue.pop()) != null) {
                    if (chain.writableBytes() != 0) {
                        chain.writeInt(chain.readInt() + 1);
                    }
                    queue.complete(chain, chain.bytesWritten());
                }
                if (queue.needsNotification()) {
                    queue.notifyDriver();
                }
            } while (queue.enableNotification());
            if (!doorbell.await()) {
                throw new AssertionError("the device waits in vain for a notification");
            }
            if (isOver) {
                return;
            }
        }
    }

    private void drive(DriverQueue driver) {
        Echoes echoes = new Echoes(driver);
        Random random = new Random(driver.size());
        int taken = 0;
        while (taken < ROUNDS) {
            // Sometimes one chain, sometimes as many as there is room for.
            int most = random.nextInt(4) == 0 ? driver.size() : 1 + random.nextInt(2);
            while (most-- > 0 && echoes.sent < ROUNDS && driver.free() >= echoes.descriptors) {
                echoes.send();
                if (driver.needsKick()) {
                    doorbell.ring();
                }
            }
            int before = taken;
            while (driver.poll()) {
                echoes.take();
                taken++;
            }
            if (taken == before && driver.owned() > 0) {
                if (!driver.enableInterrupts() && !interrupt.await()) {
                    throw new AssertionError("the driver waits in vain for an interrupt");
                }
                driver.disableInterrupts();
            }
            if (failure.get() != null) {
                return;
            }
        }
    }

    /** Chains that ask for an echo, each in memory of its own while the device owns it. */
    private final class Echoes {
        final int descriptors;
        int sent;

        private final DriverQueue driver;
        private final DriverBuffer[][] chains;
        private final int[] values;
        private final int[] chainOf;
        private final int[] unused;
        private int unusedCount;

        Echoes(DriverQueue driver) {
            this.driver = driver;
            int size = driver.size();
            descriptors = Math.min(size, 2);
            chains = new DriverBuffer[size][];
            values = new int[size];
            chainOf = new int[size];
            unused = new int[size];
            unusedCount = size;
            for (int i = 0; i < size; i++) {
                DriverBuffer question = DriverBuffer.readable(BUFFERS + 64L * i, 4);
                DriverBuffer answer = DriverBuffer.writable(BUFFERS + 64L * i + 4, 4);
                chains[i] =
                        descriptors == 1
                                ? new DriverBuffer[] {question}
                                : new DriverBuffer[] {question, answer};
                unused[i] = i;
            }
        }

        void send() {
            int mine = unused[--unusedCount];
            values[mine] = sent++;
            memory.writeInt(chains[mine][0].address(), values[mine]);
            chainOf[driver.addLater(chains[mine])] = mine;
            driver.publish();
        }

        void take() {
            int mine = chainOf[driver.usedId()];
            if (descriptors > 1) {
                int answer = memory.readInt(chains[mine][1].address());
                if (driver.usedLength() != 4 || answer != values[mine] + 1) {
                    throw new AssertionError(
                            "sent "
                                    + values[mine]
                                    + ", got "
                                    + answer
                                    + " in "
                                    + driver.usedLength()
                                    + " bytes");
                }
            }
            unused[unusedCount++] = mine;
        }
    }
}
