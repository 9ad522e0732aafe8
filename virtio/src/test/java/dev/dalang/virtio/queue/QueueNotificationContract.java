package dev.dalang.virtio.queue;

import static dev.dalang.virtio.queue.QueueMachine.EVENT_IDX;
import static dev.dalang.virtio.queue.QueueMachine.NOTHING;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a queue and its driver notify each other, in both layouts. */
abstract class QueueNotificationContract extends QueueIndirectContract {
    // ---------------------------------------------------------------- notifications

    /** The driver's kicks: none while the device looks by itself, one for the next chain after. */
    @ParameterizedTest
    @ValueSource(longs = {NOTHING, EVENT_IDX})
    void theDriverNotifiesAsTheDeviceAsks(long features) {
        QueueMachine m = machine(4, features);
        for (int round = 0; round < 40_000; round++) {
            assertThat(m.queue.enableNotification()).isFalse();
            m.driver.add(BUFFER);
            assertThat(m.driver.needsKick()).isTrue();
            m.queue.disableNotification();
            m.driver.add(BUFFER);
            assertThat(m.driver.needsKick()).as("round " + round).isFalse();
            assertThat(m.serve(0)).isEqualTo(2);
            m.takeBack(2);
        }
    }

    /** Row 63. */
    @ParameterizedTest
    @ValueSource(longs = {NOTHING, EVENT_IDX})
    void enablingNotificationsTellsOfChainsThatCameMeanwhile(long features) {
        for (int ahead : new int[] {1, 2, 8}) {
            QueueMachine m = machine(16, features);
            for (int i = 0; i < ahead; i++) {
                m.driver.add(BUFFER);
            }
            assertThat(m.queue.enableNotification()).isTrue();
            assertThat(m.serve(0)).isEqualTo(ahead);
            assertThat(m.queue.enableNotification()).isFalse();
        }
    }

    /** T34 and T35: the driver hears of used buffers as it asks. */
    @ParameterizedTest
    @ValueSource(longs = {NOTHING, EVENT_IDX})
    void theDeviceInterruptsAsTheDriverAsks(long features) {
        QueueMachine m = machine(4, features);
        int suppressed = 0;
        for (int round = 0; round < 40_000; round++) {
            m.driver.enableInterrupts();
            m.driver.add(BUFFER);
            m.driver.add(BUFFER);
            m.queue.complete(m.pop(), 0);
            assertThat(m.queue.needsNotification()).as("round " + round).isTrue();
            assertThat(m.queue.needsNotification()).isFalse();
            m.queue.notifyDriver();
            m.driver.disableInterrupts();
            m.queue.complete(m.pop(), 0);
            assertThat(m.queue.needsNotification()).as("round " + round).isFalse();
            suppressed++;
            m.takeBack(2);
        }
        assertThat(m.signals.interrupts).isEqualTo(40_000);
        assertThat(m.queue.counts().interrupts()).isEqualTo(40_000);
        assertThat(m.queue.counts().suppressed()).isEqualTo(suppressed);
    }

    @Test
    void nothingUsedNeedsNoInterrupt() {
        QueueMachine m = machine(4, NOTHING);
        m.driver.enableInterrupts();
        assertThat(m.queue.needsNotification()).isFalse();
        m.driver.add(BUFFER);
        m.queue.completeLater(m.pop(), 0);
        assertThat(m.queue.needsNotification()).as("not published").isFalse();
        m.queue.publish();
        assertThat(m.queue.needsNotification()).isTrue();
    }

    @Test
    void enablingInterruptsTellsOfChainsThatWereUsedMeanwhile() {
        for (long features : new long[] {NOTHING, EVENT_IDX}) {
            QueueMachine m = machine(4, features);
            m.driver.disableInterrupts();
            assertThat(m.driver.enableInterrupts()).isFalse();
            m.driver.disableInterrupts();
            m.driver.add(BUFFER);
            m.serve(0);
            assertThat(m.driver.enableInterrupts()).isTrue();
        }
    }

    /** The driver asks to hear of the n-th chain only; it hears once, wherever the ring wraps. */
    @Test
    void withEventIndexesTheDriverHearsOfTheChainThatItNames() {
        QueueMachine m = machine(8, EVENT_IDX);
        for (int round = 0; round < 20_000; round++) {
            int later = round % 7;
            m.driver.enableInterruptsAfter(later);
            for (int i = 0; i < 8; i++) {
                m.driver.add(BUFFER);
                m.queue.complete(m.pop(), 0);
                assertThat(m.queue.needsNotification())
                        .as("round " + round + ", chain " + i)
                        .isEqualTo(i == later);
            }
            for (int i = 0; i < 8; i++) {
                assertThat(m.driver.poll()).isTrue();
            }
        }
    }

    /** The same when several chains are published between two questions. */
    @Test
    void withEventIndexesABatchThatPassesTheNamedChainIsHeardOf() {
        QueueMachine m = machine(8, EVENT_IDX);
        for (int round = 0; round < 20_000; round++) {
            int later = round % 8;
            int batch = 1 + round / 8 % 8;
            m.driver.enableInterruptsAfter(later);
            for (int i = 0; i < batch; i++) {
                m.driver.add(BUFFER);
                m.queue.completeLater(m.pop(), 0);
            }
            m.queue.publish();
            assertThat(m.queue.needsNotification()).as("round " + round).isEqualTo(later < batch);
            for (int i = 0; i < batch; i++) {
                assertThat(m.driver.poll()).isTrue();
            }
        }
    }

    @Test
    void aVeryLongTimeWithoutAQuestionMakesAnInterrupt() {
        QueueMachine m = machine(8, EVENT_IDX);
        m.driver.enableInterruptsAfter(3);
        for (int i = 0; i < 65_536 + 16; i++) {
            m.driver.add(BUFFER);
            m.queue.complete(m.pop(), 0);
            assertThat(m.driver.poll()).isTrue();
        }
        assertThat(m.queue.needsNotification()).isTrue();
    }

    /** What is not published yet is no reason, wherever the ring wraps. */
    @Test
    void withEventIndexesChainsThatAreHeldBackAreNotHeardOf() {
        QueueMachine m = machine(4, EVENT_IDX);
        for (int round = 0; round < 1000; round++) {
            m.driver.enableInterruptsAfter(1);
            m.driver.add(BUFFER);
            m.driver.add(BUFFER);
            m.driver.add(BUFFER);
            m.queue.complete(m.pop(), 0);
            m.queue.completeLater(m.pop(), 0);
            m.queue.completeLater(m.pop(), 0);
            assertThat(m.queue.needsNotification()).as("round " + round).isFalse();
            m.queue.publish();
            assertThat(m.queue.needsNotification()).as("round " + round).isTrue();
            m.takeBack(3);
        }
    }
}
