package dev.dalang.virtio.queue;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.testkit.virtio.DriverBuffer;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.management.ManagementFactory;

/** A request costs no allocation once the queue is warm: neither its chain nor its bytes. */
class QueueAllocationTest {
    private static final int REQUESTS = 100_000;
    private static final int WARM_UP = 3 * REQUESTS;

    private final com.sun.management.ThreadMXBean threads =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final byte[] bytes = new byte[64];

    @ParameterizedTest
    @ValueSource(
            longs = {
                0,
                QueueMachine.EVENT_IDX,
                QueueMachine.IN_ORDER,
                QueueMachine.PACKED,
                QueueMachine.PACKED | QueueMachine.EVENT_IDX,
                QueueMachine.PACKED | QueueMachine.IN_ORDER
            })
    void aRequestAllocatesNothing(long features) {
        QueueMachine m = new QueueMachine(64, features | QueueMachine.INDIRECT);
        DriverBuffer[] buffers = m.buffers(16, 64, -64, -1);
        long table = m.heap.take(64, 16);
        run(m, WARM_UP, buffers, table);
        long before = threads.getCurrentThreadAllocatedBytes();
        run(m, REQUESTS, buffers, table);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        System.out.printf(
                "features 0x%x: %d bytes for %d requests%n", features, allocated, REQUESTS);
        // What the JVM does beside may cost something; one object for each request is 1.6 million.
        assertThat(allocated).isLessThan(REQUESTS);
        assertThat(m.queue.isBroken()).isFalse();
    }

    private void run(QueueMachine m, int requests, DriverBuffer[] buffers, long table) {
        for (int i = 0; i < requests; i += 4) {
            m.driver.add(buffers);
            m.driver.add(buffers);
            m.driver.addIndirect(table, buffers);
            m.driver.add(buffers);
            m.queue.disableNotification();
            DescriptorChain first = m.pop();
            DescriptorChain undone = m.pop();
            m.queue.undoPop(undone);
            DescriptorChain second = m.pop();
            serve(m, second);
            serve(m, first);
            serve(m, m.pop());
            serve(m, m.pop());
            if (m.queue.needsNotification()) {
                m.queue.notifyDriver();
            }
            m.queue.enableNotification();
            m.takeBack(4);
        }
    }

    private void serve(QueueMachine m, DescriptorChain chain) {
        long sum = chain.readLong() + chain.readInt() + chain.readShort() + chain.readByte();
        chain.skipReadable(1);
        chain.read(bytes);
        chain.write(bytes);
        chain.writeByte((byte) sum);
        m.queue.complete(chain, chain.bytesWritten());
    }
}
