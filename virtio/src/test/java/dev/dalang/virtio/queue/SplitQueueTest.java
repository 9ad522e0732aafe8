package dev.dalang.virtio.queue;

import static dev.dalang.virtio.queue.QueueMachine.EVENT_IDX;
import static dev.dalang.virtio.queue.QueueMachine.INDIRECT;
import static dev.dalang.virtio.queue.QueueMachine.NOTHING;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;
import dev.dalang.testkit.virtio.SplitDriverQueue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is of split rings alone, with the driver writing its rings by hand. */
class SplitQueueTest extends VirtQueueContract {
    private static final int NEXT = DriverQueue.DESC_NEXT;
    private static final int WRITE = DriverQueue.DESC_WRITE;
    private static final long BUFFER = QueueMachine.RAM;

    @Override
    long layout() {
        return 0;
    }

    @Override
    void offerIndirect(QueueMachine m, long table, int bytes, int flags) {
        m.split().writeDescriptor(0, table, bytes, flags, 0);
        offer(m, 0);
    }

    @Override
    void writeTable(
            QueueMachine m, long table, int entry, long address, int length, int flags, int next) {
        long at = table + 16L * entry;
        m.memory.writeLong(at, address);
        m.memory.writeInt(at + 8, length);
        m.memory.writeInt(at + 12, flags | next << 16);
    }

    /** Publishes heads from the start of the available ring. */
    private static void offer(QueueMachine m, int... heads) {
        for (int i = 0; i < heads.length; i++) {
            m.split().writeAvailable(i, heads[i]);
        }
        m.split().writeAvailableIndex(heads.length);
    }

    /** A queue whose next available and next used index are these. */
    private static QueueMachine at(int size, long features, int nextAvail, int nextUsed) {
        QueueMachine m = new QueueMachine(size, features);
        m.queue.restore(
                Snapshot.builder("virtqueue-split", 1)
                        .put("size", size)
                        .put("unsignalled", 0)
                        .put("error", "")
                        .put("next-avail", nextAvail)
                        .put("next-used", nextUsed)
                        .build());
        return m;
    }

    // ---------------------------------------------------------------- indexes

    /** Rows 17, 19, 21, 22: how far the index may be ahead, also where it wraps. */
    @ParameterizedTest
    @CsvSource({
        "16, 0, 0, 0",
        "16, 0, 1, 1",
        "16, 0, 16, 16",
        "16, 0, 17, -1",
        "16, 0, 65535, -1",
        "2, 65535, 65535, 0",
        "2, 65535, 0, 1",
        "2, 65535, 1, 2",
        "2, 65535, 2, -1",
        "16, 65530, 10, 16",
        "16, 65530, 11, -1",
        "16, 100, 99, -1",
        "16, 100, 116, 16",
        "32768, 1, 32769, 32768",
        "32768, 1, 32770, -1",
    })
    void theAvailableIndexIsAtMostTheSizeAhead(int size, int nextAvail, int index, int chains) {
        QueueMachine m = at(size, NOTHING, nextAvail, 0);
        m.split().writeDescriptor(0, BUFFER, 4, 0, 0);
        m.split().writeAvailableIndex(index);
        if (chains < 0) {
            assertBroken(m, QueueError.INVALID_AVAILABLE_INDEX);
        } else {
            assertThat(m.serve(0)).isEqualTo(chains);
            assertThat(m.queue.isBroken()).isFalse();
        }
    }

    @Test
    void anIndexTooFarAheadIsFoundWhileEnablingNotifications() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.split().writeAvailableIndex(17);
        assertThat(m.queue.enableNotification()).isFalse();
        assertBroken(m, QueueError.INVALID_AVAILABLE_INDEX);
    }

    /** Row 24: what was never written is head 0, and an empty chain. */
    @Test
    void staleEntriesOfTheRingAreTakenForHeads() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.split().writeAvailable(0, 3);
        m.split().writeAvailableIndex(3);
        assertThat(m.pop().id()).isEqualTo(3);
        assertThat(m.pop().id()).isEqualTo(0);
        assertThat(m.pop().id()).isEqualTo(0);
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.isBroken()).isFalse();
    }

    /** Row 25. */
    @Test
    void aHeadThatIsPublishedTwiceIsTwoChains() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.split().writeDescriptor(5, BUFFER, 4, WRITE, 0);
        offer(m, 5, 5);
        DescriptorChain first = m.pop();
        DescriptorChain second = m.pop();
        m.queue.complete(first, 1);
        m.queue.complete(second, 2);
        assertThat(m.split().usedIndex()).isEqualTo(2);
        assertThat(m.split().usedElement(0)).isEqualTo(5 | 1L << 32);
        assertThat(m.split().usedElement(1)).isEqualTo(5 | 2L << 32);
    }

    @Test
    void moreChainsInFlightThanEntriesBreakTheQueue() {
        QueueMachine m = new QueueMachine(2, NOTHING);
        m.split().writeDescriptor(0, BUFFER, 4, 0, 0);
        m.split().writeAvailableIndex(2);
        m.pop();
        m.pop();
        m.split().writeAvailableIndex(3);
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.error()).isEqualTo(QueueError.TOO_MANY_CHAINS);
    }

    /** Rows 26 and 27: nothing is consumed again and again; the device needs a reset. */
    @ParameterizedTest
    @ValueSource(ints = {16, 17, 65535})
    void aHeadThatIsNoDescriptorBreaksTheQueue(int head) {
        QueueMachine m = new QueueMachine(16, NOTHING);
        offer(m, head, 0);
        assertBroken(m, QueueError.INVALID_DESCRIPTOR_INDEX);
    }

    // ---------------------------------------------------------------- chains

    /** Row 30. */
    @ParameterizedTest
    @ValueSource(ints = {16, 65535})
    void aNextThatIsNoDescriptorBreaksTheQueue(int next) {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.split().writeDescriptor(0, BUFFER, 4, NEXT, next);
        offer(m, 0);
        assertBroken(m, QueueError.INVALID_DESCRIPTOR_INDEX);
    }

    /** Row 32. */
    @Test
    void aLoopBreaksTheQueue() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.split().writeDescriptor(0, BUFFER, 4, NEXT, 1);
        m.split().writeDescriptor(1, BUFFER, 4, NEXT, 0);
        offer(m, 0);
        assertBroken(m, QueueError.CHAIN_TOO_LONG);
    }

    /** Row 38. */
    @Test
    void aLoopOfOneDescriptorWith4GiBBreaksTheQueue() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.split().writeDescriptor(0, BUFFER, -1, NEXT, 0);
        offer(m, 0);
        assertBroken(m, QueueError.CHAIN_TOO_LARGE);
    }

    /** Row 33. */
    @Test
    void asManyLinkedDescriptorsAsEntriesAreOneChain() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        for (int i = 0; i < 16; i++) {
            m.split().writeDescriptor(i, BUFFER, 4, i < 15 ? NEXT : 0, i + 1);
        }
        offer(m, 0);
        assertThat(m.pop().buffers()).isEqualTo(16);
    }

    /** Row 34. */
    @Test
    void aNextWithoutItsFlagMeansNothing() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.split().writeDescriptor(0, BUFFER, 4, 0, 0xffff);
        offer(m, 0);
        assertThat(m.pop().buffers()).isEqualTo(1);
        assertThat(m.queue.isBroken()).isFalse();
    }

    /** Row 35. */
    @Test
    void unknownFlagsOfADescriptorAreIgnoredAndCounted() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.split().writeDescriptor(0, BUFFER, 4, 0xfff8, 0);
        offer(m, 0);
        assertThat(m.pop().buffers()).isEqualTo(1);
        assertThat(m.queue.counts().unknownFlags()).isEqualTo(1);
    }

    /** Row 49. */
    @Test
    void aNextBeyondItsTableBreaksTheQueue() {
        QueueMachine m = new QueueMachine(16, INDIRECT);
        long table = m.heap.take(32, 16);
        writeTable(m, table, 0, BUFFER, 4, NEXT, 2);
        offerIndirect(m, table, 32, DriverQueue.DESC_INDIRECT);
        assertBroken(m, QueueError.INVALID_DESCRIPTOR_INDEX);
    }

    @Test
    void aLoopInATableBreaksTheQueue() {
        QueueMachine m = new QueueMachine(16, INDIRECT);
        long table = m.heap.take(32, 16);
        writeTable(m, table, 0, BUFFER, 4, NEXT, 1);
        writeTable(m, table, 1, BUFFER, 4, NEXT, 0);
        offerIndirect(m, table, 32, DriverQueue.DESC_INDIRECT);
        assertBroken(m, QueueError.CHAIN_TOO_LONG);
    }

    @Test
    void aTableIsLinkedInAnyOrder() {
        QueueMachine m = new QueueMachine(16, INDIRECT);
        long table = m.heap.take(48, 16);
        writeTable(m, table, 0, BUFFER, 1, NEXT, 2);
        writeTable(m, table, 2, BUFFER, 2, NEXT, 1);
        writeTable(m, table, 1, BUFFER, 3, 0, 0);
        offerIndirect(m, table, 48, DriverQueue.DESC_INDIRECT);
        DescriptorChain chain = m.pop();
        assertThat(chain.buffers()).isEqualTo(3);
        assertThat(chain.length(1)).isEqualTo(2);
        assertThat(chain.length(2)).isEqualTo(3);
    }

    /** §2.7.5.3.2: descriptors, and then one that is indirect. */
    @Test
    void aTableMayFollowOtherDescriptors() {
        QueueMachine m = new QueueMachine(16, INDIRECT);
        long table = m.heap.take(16, 16);
        writeTable(m, table, 0, BUFFER, 8, WRITE, 0);
        m.split().writeDescriptor(0, BUFFER, 4, NEXT, 7);
        m.split().writeDescriptor(7, table, 16, DriverQueue.DESC_INDIRECT, 0);
        offer(m, 0);
        DescriptorChain chain = m.pop();
        assertThat(chain.buffers()).isEqualTo(2);
        assertThat(chain.readableBytes()).isEqualTo(4);
        assertThat(chain.writableBytes()).isEqualTo(8);
    }

    // ---------------------------------------------------------------- the used ring

    /** Row 55. */
    @Test
    void theUsedIndexWraps() {
        QueueMachine m = at(16, NOTHING, 0, 65535);
        m.split().writeDescriptor(2, BUFFER, 4, WRITE, 0);
        offer(m, 2);
        m.queue.complete(m.pop(), 3);
        assertThat(m.split().usedIndex()).isZero();
        assertThat(m.split().usedElement(15)).isEqualTo(2 | 3L << 32);
    }

    /** Publishes one chain and serves it. */
    private static void use(QueueMachine m, int chains) {
        SplitDriverQueue driver = m.split();
        for (int i = 0; i < chains; i++) {
            driver.add(DriverBuffer.readable(BUFFER, 4));
            m.queue.complete(m.pop(), 0);
            assertThat(driver.poll()).isTrue();
        }
    }

    /** Row 57: once in each round of the index. */
    @Test
    void theDriverIsInterruptedWhenItsEventIsPassed() {
        QueueMachine m = new QueueMachine(16, EVENT_IDX);
        m.split().writeUsedEvent(4);
        for (int used = 1; used <= 2 * 65_536; used++) {
            use(m, 1);
            assertThat(m.queue.needsNotification())
                    .as("used " + used)
                    .isEqualTo((used & 0xffff) == 5);
        }
    }

    /** Row 59. */
    @Test
    void anEventIsPassedOnce() {
        QueueMachine m = new QueueMachine(16, EVENT_IDX);
        m.split().writeUsedEvent(15);
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
        QueueMachine m = new QueueMachine(16, EVENT_IDX);
        m.split().writeUsedEvent(100);
        use(m, 10 - added);
        assertThat(m.queue.needsNotification()).isFalse();
        m.split().writeUsedEvent(6);
        use(m, added);
        assertThat(m.queue.needsNotification()).isEqualTo(isWanted);
    }

    @Test
    void withoutEventIndexesTheFlagsAreWritten() {
        QueueMachine m = new QueueMachine(16, NOTHING);
        m.queue.disableNotification();
        assertThat(m.split().usedFlags()).isEqualTo(1);
        m.queue.enableNotification();
        assertThat(m.split().usedFlags()).isZero();
        assertThat(m.split().availableEvent()).isZero();
    }

    @Test
    void withEventIndexesTheEventIsWrittenAndTheFlagsStay() {
        QueueMachine m = new QueueMachine(16, EVENT_IDX);
        use(m, 3);
        m.queue.disableNotification();
        assertThat(m.split().usedFlags()).isZero();
        m.queue.enableNotification();
        assertThat(m.split().usedFlags()).isZero();
        assertThat(m.split().availableEvent()).isEqualTo(3);
    }

    /** §2.7.7.2: with event indexes the flags of the available ring mean nothing. */
    @Test
    void withEventIndexesTheDriversFlagsMeanNothing() {
        QueueMachine m = new QueueMachine(16, EVENT_IDX);
        m.split().writeAvailableFlags(1);
        use(m, 1);
        assertThat(m.queue.needsNotification()).isTrue();
    }
}
