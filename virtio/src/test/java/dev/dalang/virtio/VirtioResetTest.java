package dev.dalang.virtio;

import static dev.dalang.virtio.VirtioFeatures.VIRTIO_F_RING_RESET;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.VirtioPciDriver;
import dev.dalang.virtio.queue.DescriptorChain;
import dev.dalang.virtio.queue.VirtQueue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** A reset ends handlers that would never end by themselves, because the driver keeps at it. */
@Timeout(60)
final class VirtioResetTest {
    private final DeviceExecutor executor = DeviceExecutor.workers(1);
    private final VirtioMachine machine = new VirtioMachine(executor);
    private final CountDownLatch entered = new CountDownLatch(1);
    private DriverQueue queue;
    private DriverBuffer buffer;

    /** Serves a driver that makes a buffer available for each that it gets back. */
    private final class Endless extends TestVirtioDevice implements VirtioQueueReset {
        Endless() {
            super(8);
            bindsHandlers = false;
        }

        @Override
        public void activate(VirtioActivation given) {
            super.activate(given);
            VirtQueue only = given.queue(0);
            given.onNotify(0, () -> serveWithoutEnd(only));
        }

        private void serveWithoutEnd(VirtQueue only) {
            entered.countDown();
            DescriptorChain chain;
            while ((chain = only.pop()) != null) {
                only.complete(chain, 0);
                if (queue.poll()) {
                    queue.add(buffer);
                }
            }
        }

        @Override
        public void queueReset(int index) {
            calls.add("reset " + index);
        }

        @Override
        public void queueEnabled(VirtQueue anew, VirtioActivation now) {}
    }

    private VirtioPciDriver startEndless(Endless device) throws InterruptedException {
        VirtioPciDriver driver = machine.pci(device);
        queue = machine.start(driver, VIRTIO_F_RING_RESET);
        buffer = machine.heap.writable(4);
        queue.add(buffer);
        driver.notifyQueue(0);
        entered.await();
        return driver;
    }

    @AfterEach
    void endThreads() {
        executor.close();
    }

    @Test
    void aDriverThatFeedsADeviceCannotHoldUpItsReset() throws InterruptedException {
        Endless device = new Endless();
        VirtioPciDriver driver = startEndless(device);
        driver.reset();
        assertThat(device.calls).endsWith("reset", "ack 0");
    }

    @Test
    void aDriverThatFeedsAQueueCannotHoldUpItsReset() throws InterruptedException {
        Endless device = new Endless();
        VirtioPciDriver driver = startEndless(device);
        driver.resetQueue(0);
        assertThat(device.calls).endsWith("reset 0");
    }

    @Test
    void aDriverThatFeedsADeviceCannotHoldUpItsRemoval() throws InterruptedException {
        Endless device = new Endless();
        startEndless(device);
        machine.root
                .remove(machine.root.function("00:01.0").orElseThrow())
                .await(Duration.ofSeconds(30));
        assertThat(device.calls).endsWith("reset", "ack 0", "detach");
    }
}
