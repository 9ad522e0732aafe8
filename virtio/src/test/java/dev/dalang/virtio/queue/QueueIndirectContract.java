package dev.dalang.virtio.queue;

import static dev.dalang.virtio.queue.QueueMachine.INDIRECT;
import static dev.dalang.virtio.queue.QueueMachine.NOTHING;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Indirect descriptors in both layouts, and what all tests of queues use. */
abstract class QueueIndirectContract {
    static final DriverBuffer BUFFER = DriverBuffer.readable(QueueMachine.RAM, 4);

    /** The feature of the layout. */
    abstract long layout();

    final QueueMachine machine(int size, long features) {
        return new QueueMachine(size, layout() | features);
    }

    final void assertBroken(QueueMachine m, QueueError error) {
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.isBroken()).isTrue();
        assertThat(m.queue.error()).isEqualTo(error);
        assertThat(m.signals.errors).containsExactly(error);
        assertThat(m.queue.inFlight()).isZero();
        assertDead(m);
        assertThat(m.signals.errors).hasSize(1);
    }

    final void assertDead(QueueMachine m) {
        m.signals.interrupts = 0;
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.enableNotification()).isFalse();
        m.queue.disableNotification();
        m.queue.publish();
        assertThat(m.queue.needsNotification()).isFalse();
        m.queue.notifyDriver();
        assertThat(m.signals.interrupts).isZero();
    }

    // ---------------------------------------------------------------- indirect

    @Test
    void anIndirectChainComesAsItWasMade() {
        QueueMachine m = machine(4, INDIRECT);
        DriverBuffer[] buffers = m.buffers(16, 3, 4, 5, 6, -512, -1);
        // No alignment is asked of a table.
        int id = m.driver.addIndirect(m.heap.take(7 * 16, 16) + 1, buffers);
        DescriptorChain chain = m.pop();
        assertThat(chain.id()).isEqualTo(id);
        assertThat(chain.buffers()).isEqualTo(7);
        assertThat(chain.readableBuffers()).isEqualTo(5);
        for (int i = 0; i < 7; i++) {
            assertThat(chain.address(i)).isEqualTo(buffers[i].address());
            assertThat(chain.length(i)).isEqualTo(buffers[i].length());
        }
        m.queue.complete(chain, 513);
        assertThat(m.driver.poll()).isTrue();
        assertThat(m.driver.usedId()).isEqualTo(id);
        assertThat(m.driver.free()).isEqualTo(4);
    }

    @Test
    void anIndirectTableMayLieInTwoRegions() {
        QueueMachine m = machine(4, INDIRECT);
        DriverBuffer[] buffers = m.buffers(16, 3, -4);
        m.driver.addIndirect(QueueMachine.NEIGHBOUR - 20, buffers);
        DescriptorChain chain = m.pop();
        assertThat(chain.buffers()).isEqualTo(3);
        assertThat(chain.address(1)).isEqualTo(buffers[1].address());
        assertThat(chain.address(2)).isEqualTo(buffers[2].address());
    }

    @Test
    void anIndirectChainMayBeLongerThanItsQueueButNotWithoutBound() {
        QueueMachine m = machine(4, INDIRECT);
        DriverBuffer[] many = new DriverBuffer[1024];
        Arrays.fill(many, DriverBuffer.readable(QueueMachine.RAM, 1));
        long table = m.heap.take(1025 * 16, 16);
        m.driver.addIndirect(table, many);
        DescriptorChain chain = m.pop();
        assertThat(chain.buffers()).isEqualTo(1024);
        m.queue.complete(chain, 0);
        assertThat(m.driver.poll()).isTrue();

        DriverBuffer[] more = new DriverBuffer[1025];
        Arrays.fill(more, DriverBuffer.readable(QueueMachine.RAM, 1));
        m.driver.addIndirect(table, more);
        assertBroken(m, QueueError.CHAIN_TOO_LONG);
    }

    /** Row 51. */
    @Test
    void anIndirectDescriptorWithoutTheFeatureBreaksTheQueue() {
        QueueMachine m = machine(4, NOTHING);
        m.driver.addIndirect(m.heap.take(16, 16), m.buffers(4));
        assertBroken(m, QueueError.INDIRECT_NOT_NEGOTIATED);
    }

    /** Writes one indirect descriptor, available at the start of the ring. */
    abstract void offerIndirect(QueueMachine m, long table, int bytes, int flags);

    /** Writes a descriptor into a table, in the layout's form. */
    abstract void writeTable(
            QueueMachine m, long table, int entry, long address, int length, int flags, int next);

    /** Rows 43 and 45. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 17, 0x1001, 0x7fff_fff8, 0xffff_fff0, 0x10_0010})
    void anIndirectTableOfAnIllegalLengthBreaksTheQueue(int bytes) {
        QueueMachine m = machine(4, INDIRECT);
        offerIndirect(m, QueueMachine.RAM, bytes, DriverQueue.DESC_INDIRECT);
        assertBroken(m, QueueError.INVALID_INDIRECT_LENGTH);
    }

    /** Row 47. */
    @Test
    void anIndirectDescriptorWithNextBreaksTheQueue() {
        QueueMachine m = machine(4, INDIRECT);
        offerIndirect(m, QueueMachine.RAM, 16, DriverQueue.DESC_INDIRECT | DriverQueue.DESC_NEXT);
        assertBroken(m, QueueError.INDIRECT_WITH_NEXT);
    }

    /** Row 29, for tables. */
    @ParameterizedTest
    @ValueSource(longs = {0, QueueMachine.HOLE, QueueMachine.HOLE - 16, -16})
    void anIndirectTableOutsideMemoryBreaksTheQueue(long table) {
        QueueMachine m = machine(4, INDIRECT);
        offerIndirect(m, table, 32, DriverQueue.DESC_INDIRECT);
        assertBroken(m, QueueError.INDIRECT_UNMAPPED);
    }

    @Test
    void aTableInATableBreaksTheQueue() {
        QueueMachine m = machine(4, INDIRECT);
        long table = m.heap.take(32, 16);
        writeTable(m, table, 0, QueueMachine.RAM, 4, DriverQueue.DESC_NEXT, 1);
        writeTable(m, table, 1, table, 32, DriverQueue.DESC_INDIRECT, 0);
        offerIndirect(m, table, 32, DriverQueue.DESC_INDIRECT);
        assertBroken(m, QueueError.INDIRECT_NESTED);
    }

    @Test
    void theWriteFlagOfAnIndirectDescriptorMeansNothing() {
        QueueMachine m = machine(4, INDIRECT);
        long table = m.heap.take(16, 16);
        writeTable(m, table, 0, QueueMachine.RAM, 4, 0, 0);
        offerIndirect(m, table, 16, DriverQueue.DESC_INDIRECT | DriverQueue.DESC_WRITE);
        DescriptorChain chain = m.pop();
        assertThat(chain.isWritable(0)).isFalse();
    }

    /** Row 35. */
    @Test
    void flagsThatNobodyKnowsAreIgnoredAndCounted() {
        QueueMachine m = machine(4, INDIRECT);
        long table = m.heap.take(16, 16);
        writeTable(m, table, 0, QueueMachine.RAM, 4, 0x7f78, 0);
        offerIndirect(m, table, 16, DriverQueue.DESC_INDIRECT | 0x7f78);
        DescriptorChain chain = m.pop();
        assertThat(chain.buffers()).isEqualTo(1);
        assertThat(m.queue.counts().unknownFlags()).isEqualTo(2);
    }

    /**
     * Chains that share their descriptors would otherwise make the host keep copies of them all.
     */
    @Test
    void theDescriptorsOfAllChainsInFlightAreBounded() {
        QueueMachine m = machine(32_768 / 16, INDIRECT);
        DriverBuffer[] many = new DriverBuffer[1024];
        Arrays.fill(many, DriverBuffer.readable(QueueMachine.RAM, 1));
        long table = m.heap.take(1024 * 16, 16);
        int popped = 0;
        while (m.driver.free() > 0) {
            m.driver.addIndirect(table, many);
            if (m.queue.pop() != null) {
                popped++;
            }
        }
        assertThat(m.queue.error()).isEqualTo(QueueError.TOO_MANY_DESCRIPTORS);
        assertThat(popped).isBetween(1000, 1100);
    }

    @Test
    void longChainsMayComeForEver() {
        QueueMachine m = machine(256, INDIRECT);
        DriverBuffer[] many = new DriverBuffer[1024];
        Arrays.fill(many, DriverBuffer.readable(QueueMachine.RAM, 1));
        long table = m.heap.take(1024 * 16, 16);
        for (int round = 0; round < 20; round++) {
            List<DescriptorChain> popped = new ArrayList<>();
            for (int i = 0; i < 256; i++) {
                m.driver.addIndirect(table, many);
                popped.add(m.pop());
            }
            popped.forEach(chain -> m.queue.complete(chain, 0));
            for (int i = 0; i < 256; i++) {
                assertThat(m.driver.poll()).isTrue();
            }
        }
        assertThat(m.queue.isBroken()).isFalse();
    }
}
