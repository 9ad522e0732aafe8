package dev.dalang.virtio.queue;

import static dev.dalang.testkit.virtio.PackedDriverQueue.DESC_AVAIL;
import static dev.dalang.testkit.virtio.PackedDriverQueue.DESC_USED;
import static dev.dalang.testkit.virtio.PackedDriverQueue.EVENT_DESC;
import static dev.dalang.testkit.virtio.PackedDriverQueue.EVENT_DISABLE;
import static dev.dalang.testkit.virtio.PackedDriverQueue.EVENT_ENABLE;
import static dev.dalang.virtio.queue.QueueMachine.EVENT_IDX;
import static dev.dalang.virtio.queue.QueueMachine.INDIRECT;
import static dev.dalang.virtio.queue.QueueMachine.NOTHING;
import static dev.dalang.virtio.queue.QueueMachine.PACKED;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;

/** What is of packed rings alone, with the driver writing its ring by hand. */
class PackedQueueTest extends VirtQueueContract {
    private static final int NEXT = DriverQueue.DESC_NEXT;
    private static final int WRITE = DriverQueue.DESC_WRITE;
    private static final long BUFFER = QueueMachine.RAM;

    @Override
    long layout() {
        return PACKED;
    }

    @Override
    void offerIndirect(QueueMachine m, long table, int bytes, int flags) {
        m.packed().writeDescriptor(0, table, bytes, 0, flags | DESC_AVAIL);
    }

    @Override
    void writeTable(
            QueueMachine m, long table, int entry, long address, int length, int flags, int next) {
        long at = table + 16L * entry;
        m.memory.writeLong(at, address);
        m.memory.writeInt(at + 8, length);
        m.memory.writeInt(at + 12, flags << 16);
    }

    // ---------------------------------------------------------------- available and not

    /** Row 18 and its kin: only one combination of the two bits is available. */
    @ParameterizedTest
    @CsvSource({"true", "false"})
    void onlyTheBitsOfTheRoundAreAvailable(boolean wrap) {
        for (int bits = 0; bits < 4; bits++) {
            QueueMachine m = at(16, NOTHING, 3, wrap, 3, wrap);
            int flags = ((bits & 1) != 0 ? DESC_AVAIL : 0) | ((bits & 2) != 0 ? DESC_USED : 0);
            m.packed().writeDescriptor(3, BUFFER, 4, 9, flags);
            boolean isAvailable = bits == (wrap ? 1 : 2);
            assertThat(m.queue.pop() != null).as("bits " + bits).isEqualTo(isAvailable);
            assertThat(m.queue.isBroken()).isFalse();
        }
    }

    private static QueueMachine at(
            int size, long features, int avail, boolean availWrap, int used, boolean usedWrap) {
        QueueMachine m = new QueueMachine(size, PACKED | features, 16);
        m.queue.restore(
                Snapshot.builder("virtqueue-packed", 1)
                        .put("size", size)
                        .put("unsignalled", 0)
                        .put("error", "")
                        .put("next-avail", avail)
                        .put("avail-wrap", availWrap)
                        .put("next-used", used)
                        .put("used-wrap", usedWrap)
                        .build());
        return m;
    }

    /** Row 22: the ring is full, and the driver's next descriptor is the device's to use. */
    @Test
    void aFullRingIsTakenOnce() {
        QueueMachine m = new QueueMachine(4, PACKED);
        for (int i = 0; i < 4; i++) {
            m.driver.add(DriverBuffer.readable(BUFFER, 4));
        }
        for (int i = 0; i < 4; i++) {
            m.pop();
        }
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.isBroken()).isFalse();
    }

    /** Row 21's kin: the driver offers again what the device has not used. */
    @Test
    void aDescriptorThatIsOfferedAgainWhileInFlightBreaksTheQueue() {
        QueueMachine m = new QueueMachine(2, PACKED);
        m.packed().writeDescriptor(0, BUFFER, 4, 0, DESC_AVAIL | NEXT);
        m.packed().writeDescriptor(1, BUFFER, 4, 0, DESC_AVAIL);
        m.pop();
        m.packed().writeFlags(0, DESC_USED);
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.error()).isEqualTo(QueueError.TOO_MANY_CHAINS);
    }

    @Test
    void aChainThatGoesIntoOneInFlightBreaksTheQueue() {
        QueueMachine m = new QueueMachine(4, PACKED);
        m.packed().writeDescriptor(0, BUFFER, 4, 0, DESC_AVAIL | NEXT);
        m.packed().writeDescriptor(1, BUFFER, 4, 0, DESC_AVAIL);
        m.pop();
        m.packed().writeDescriptor(3, BUFFER, 4, 1, DESC_AVAIL | NEXT);
        m.packed().writeDescriptor(2, BUFFER, 4, 1, DESC_AVAIL | NEXT);
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.error()).isEqualTo(QueueError.CHAIN_TOO_LONG);
    }

    // ---------------------------------------------------------------- chains

    /** Rows 30 and 32: a chain without an end. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 16})
    void aChainWithoutAnEndBreaksTheQueue(int size) {
        QueueMachine m = new QueueMachine(size, PACKED, 16);
        for (int i = 0; i < size; i++) {
            m.packed().writeDescriptor(i, BUFFER, 4, 0, DESC_AVAIL | NEXT);
        }
        assertBroken(m, QueueError.CHAIN_TOO_LONG);
    }

    /** Row 33. */
    @Test
    void asManyDescriptorsAsEntriesAreOneChain() {
        QueueMachine m = new QueueMachine(16, PACKED);
        for (int i = 15; i >= 0; i--) {
            m.packed().writeDescriptor(i, BUFFER, 4, i, DESC_AVAIL | (i < 15 ? NEXT : 0));
        }
        DescriptorChain chain = m.pop();
        assertThat(chain.buffers()).isEqualTo(16);
        assertThat(chain.id()).as("of the last descriptor").isEqualTo(15);
    }

    /** Row 27: an id is the driver's own, and comes back as it is. */
    @Test
    void anyIdIsGivenBack() {
        QueueMachine m = new QueueMachine(16, PACKED);
        m.packed().writeDescriptor(0, BUFFER, 4, 0xffff, DESC_AVAIL | WRITE);
        m.queue.complete(m.pop(), 3);
        assertThat(m.packed().id(0)).isEqualTo(0xffff);
        assertThat(m.packed().length(0)).isEqualTo(3);
        assertThat(m.packed().flags(0)).isEqualTo(DESC_AVAIL | DESC_USED | WRITE);
    }

    /** Row 35. */
    @Test
    void unknownFlagsOfADescriptorAreIgnoredAndCounted() {
        QueueMachine m = new QueueMachine(16, PACKED);
        m.packed().writeDescriptor(0, BUFFER, 4, 0, DESC_AVAIL | 0x7f78);
        assertThat(m.pop().buffers()).isEqualTo(1);
        assertThat(m.queue.counts().unknownFlags()).isEqualTo(1);
    }

    @Test
    void aTableMayFollowOtherDescriptors() {
        QueueMachine m = new QueueMachine(16, PACKED | INDIRECT);
        long table = m.heap.take(16, 16);
        writeTable(m, table, 0, BUFFER, 8, WRITE, 0);
        m.packed().writeDescriptor(1, table, 16, 6, DESC_AVAIL | DriverQueue.DESC_INDIRECT);
        m.packed().writeDescriptor(0, BUFFER, 4, 5, DESC_AVAIL | NEXT);
        DescriptorChain chain = m.pop();
        assertThat(chain.id()).isEqualTo(6);
        assertThat(chain.buffers()).isEqualTo(2);
        assertThat(chain.writableBytes()).isEqualTo(8);
    }

    // ---------------------------------------------------------------- used descriptors

    /** Rows 53 and 55: the used bits follow the device's wrap counter. */
    @Test
    void usedDescriptorsFollowTheWrapCounter() {
        QueueMachine m = at(3, NOTHING, 0, true, 2, true);
        m.packed().writeDescriptor(0, BUFFER, 4, 7, DESC_AVAIL | WRITE);
        m.packed().writeDescriptor(1, BUFFER, 4, 8, DESC_AVAIL | WRITE);
        m.queue.complete(m.pop(), 4);
        m.queue.complete(m.pop(), 0);
        assertThat(m.packed().flags(2)).isEqualTo(DESC_AVAIL | DESC_USED | WRITE);
        assertThat(m.packed().id(2)).isEqualTo(7);
        assertThat(m.packed().flags(0)).as("next round, nothing written").isZero();
        assertThat(m.packed().id(0)).isEqualTo(8);
    }

    /** A chain is used with one descriptor, and skips as many as it had. */
    @Test
    void aUsedChainSkipsItsDescriptors() {
        QueueMachine m = new QueueMachine(5, PACKED, 8);
        int first = m.driver.add(m.buffers(1, 2, 3));
        int second = m.driver.add(m.buffers(1));
        DescriptorChain a = m.pop();
        DescriptorChain b = m.pop();
        m.queue.complete(b, 0);
        assertThat(m.packed().id(0)).isEqualTo(second);
        m.queue.complete(a, 0);
        assertThat(m.packed().id(1)).isEqualTo(first);
        assertThat(m.driver.poll()).isTrue();
        assertThat(m.driver.poll()).isTrue();
        assertThat(m.driver.free()).isEqualTo(5);
    }

    /** §2.8.21.3.1: of several used descriptors the first becomes visible last. */
    @Test
    void theFirstOfSeveralUsedDescriptorsIsShownLast() {
        QueueMachine m = new QueueMachine(4, PACKED);
        for (int i = 0; i < 3; i++) {
            m.driver.add(m.buffers(4));
            m.queue.completeLater(m.pop(), 0);
        }
        assertThat(m.packed().flags(0) & DESC_USED).isZero();
        assertThat(m.packed().flags(1)).isEqualTo(DESC_AVAIL | DESC_USED);
        assertThat(m.packed().flags(2)).isEqualTo(DESC_AVAIL | DESC_USED);
        m.queue.publish();
        assertThat(m.packed().flags(0)).isEqualTo(DESC_AVAIL | DESC_USED);
    }

    // ---------------------------------------------------------------- events

    private static void use(QueueMachine m, int chains) {
        for (int i = 0; i < chains; i++) {
            m.driver.add(DriverBuffer.readable(BUFFER, 4));
            m.queue.complete(m.pop(), 0);
            assertThat(m.driver.poll()).isTrue();
        }
    }

    /** Row 57: once in two rounds of the ring, which the wrap counter tells apart. */
    @Test
    void theDriverIsInterruptedWhenItsEventIsPassed() {
        QueueMachine m = new QueueMachine(16, PACKED | EVENT_IDX);
        for (int round = 0; round < 100; round++) {
            m.packed().writeDriverEvent(4, true, EVENT_DESC);
            for (int slot = 0; slot < 16; slot++) {
                use(m, 1);
                assertThat(m.queue.needsNotification()).isEqualTo(slot == 4);
            }
            m.packed().writeDriverEvent(4, false, EVENT_DESC);
            for (int slot = 0; slot < 16; slot++) {
                use(m, 1);
                assertThat(m.queue.needsNotification()).isEqualTo(slot == 4);
            }
        }
    }

    /** Row 59. */
    @Test
    void anEventIsPassedOnce() {
        QueueMachine m = new QueueMachine(16, PACKED | EVENT_IDX);
        m.packed().writeDriverEvent(15, true, EVENT_DESC);
        use(m, 15);
        assertThat(m.queue.needsNotification()).isFalse();
        use(m, 1);
        assertThat(m.queue.needsNotification()).isTrue();
        assertThat(m.queue.needsNotification()).isFalse();
    }

    /** Row 61. */
    @ParameterizedTest
    @CsvSource({"5, true", "4, true", "3, false"})
    void anEventBeforeWhatWasAddedIsNoReason(int added, boolean isWanted) {
        QueueMachine m = new QueueMachine(16, PACKED | EVENT_IDX);
        m.packed().writeDriverEvent(15, true, EVENT_DESC);
        use(m, 10 - added);
        assertThat(m.queue.needsNotification()).isFalse();
        m.packed().writeDriverEvent(6, true, EVENT_DESC);
        use(m, added);
        assertThat(m.queue.needsNotification()).isEqualTo(isWanted);
    }

    /** T35. */
    @ParameterizedTest
    @CsvSource({
        "0, true, false",
        "1, false, false",
        "2, true, false",
        "3, true, false",
        "0, true, true",
        "1, false, true",
        "3, true, true",
    })
    void theDriversFlagsAreFollowed(int flags, boolean isWanted, boolean hasEventIdx) {
        QueueMachine m = new QueueMachine(16, PACKED | (hasEventIdx ? EVENT_IDX : 0));
        m.packed().writeDriverEvent(9, true, flags);
        use(m, 1);
        assertThat(m.queue.needsNotification()).isEqualTo(isWanted);
    }

    @Test
    void whatTheDeviceAsksForIsWritten() {
        QueueMachine m = new QueueMachine(16, PACKED);
        m.queue.disableNotification();
        assertThat(m.packed().deviceEvent()).isEqualTo(EVENT_DISABLE << 16);
        m.queue.enableNotification();
        assertThat(m.packed().deviceEvent()).isEqualTo(EVENT_ENABLE << 16);

        m = new QueueMachine(16, PACKED | EVENT_IDX);
        use(m, 3);
        m.queue.enableNotification();
        assertThat(m.packed().deviceEvent()).isEqualTo(3 | 1 << 15 | EVENT_DESC << 16);
        use(m, 13);
        m.queue.enableNotification();
        assertThat(m.packed().deviceEvent()).isEqualTo(EVENT_DESC << 16);
        m.queue.disableNotification();
        assertThat(m.packed().deviceEvent()).isEqualTo(EVENT_DISABLE << 16);
    }

    /** Row 63, where the ring wraps. */
    @Test
    void sizesThatAreNoPowerOfTwoWrapWhereTheyEnd() {
        QueueMachine m = new QueueMachine(7, PACKED | EVENT_IDX, 8);
        for (int round = 0; round < 10_000; round++) {
            assertThat(m.queue.enableNotification()).isFalse();
            m.driver.enableInterrupts();
            int length = 1 + round % 7;
            DriverBuffer[] buffers = new DriverBuffer[length];
            Arrays.fill(buffers, DriverBuffer.readable(BUFFER, 4));
            int id = m.driver.add(buffers);
            assertThat(m.driver.needsKick()).isTrue();
            assertThat(m.queue.enableNotification()).isTrue();
            DescriptorChain chain = m.pop();
            assertThat(chain.id()).isEqualTo(id);
            assertThat(chain.buffers()).isEqualTo(length);
            m.queue.complete(chain, 0);
            assertThat(m.queue.needsNotification()).isTrue();
            assertThat(m.driver.poll()).isTrue();
        }
    }
}
