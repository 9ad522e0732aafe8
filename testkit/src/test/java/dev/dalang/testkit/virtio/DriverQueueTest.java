package dev.dalang.testkit.virtio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** The driver's side against a device that is played by hand. */
class DriverQueueTest {
    private static final long RAM = 0x8000_0000L;
    private static final DriverBuffer IN = DriverBuffer.readable(RAM + 0x8000, 16);
    private static final DriverBuffer OUT = DriverBuffer.writable(RAM + 0x9000, 32);

    private final GuestMemory memory =
            GuestMemory.of(new MemoryRegion(RAM, Arena.ofAuto().allocate(0x10000, 4096)));

    private SplitDriverQueue split(int size, long features) {
        return (SplitDriverQueue) DriverQueue.of(memory, RAM, size, features);
    }

    private PackedDriverQueue packed(int size, long features) {
        return (PackedDriverQueue)
                DriverQueue.of(memory, RAM, size, features | DriverQueue.RING_PACKED);
    }

    private static int unsigned(short value) {
        return Short.toUnsignedInt(value);
    }

    /** The areas hold what the specification says, and none lies in another. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 16, 256})
    void theAreasOfASplitQueueDoNotOverlap(int size) {
        DriverQueue queue = split(size, 0);
        assertThat(queue.descriptorAddress() % 16).isZero();
        assertThat(queue.driverAddress())
                .isGreaterThanOrEqualTo(queue.descriptorAddress() + 16L * size);
        assertThat(queue.deviceAddress())
                .isGreaterThanOrEqualTo(queue.driverAddress() + 6 + 2L * size);
        assertThat(RAM + DriverQueue.bytes(size, 0))
                .isGreaterThanOrEqualTo(queue.deviceAddress() + 6 + 8L * size);
    }

    @Test
    void aSplitChainIsWrittenAsTheSpecificationSays() {
        SplitDriverQueue queue = split(8, 0);
        int head = queue.add(IN, OUT);
        long first = queue.descriptorAddress() + 16L * head;
        int next = unsigned(memory.readShort(first + 14));
        long second = queue.descriptorAddress() + 16L * next;
        assertThat(memory.readLong(first)).isEqualTo(IN.address());
        assertThat(memory.readInt(first + 8)).isEqualTo(16);
        assertThat(memory.readShort(first + 12)).isEqualTo((short) DriverQueue.DESC_NEXT);
        assertThat(memory.readLong(second)).isEqualTo(OUT.address());
        assertThat(memory.readInt(second + 8)).isEqualTo(32);
        assertThat(memory.readShort(second + 12)).isEqualTo((short) DriverQueue.DESC_WRITE);
        assertThat(memory.readShort(queue.driverAddress() + 2)).isEqualTo((short) 1);
        assertThat(memory.readShort(queue.driverAddress() + 4)).isEqualTo((short) head);
        assertThat(queue.free()).isEqualTo(6);
        assertThat(queue.owned()).isEqualTo(1);
    }

    /** Two chains that the device owns never share a descriptor. */
    @Test
    void chainsDoNotShareDescriptors() {
        SplitDriverQueue queue = split(8, 0);
        List<Integer> used = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int at = queue.add(IN, OUT);
            used.add(at);
            used.add(unsigned(memory.readShort(queue.descriptorAddress() + 16L * at + 14)));
        }
        assertThat(used).doesNotHaveDuplicates().hasSize(8);
        assertThatIllegalStateException()
                .isThrownBy(() -> queue.add(IN))
                .withMessageContaining("got 1");
    }

    private void useSplit(SplitDriverQueue queue, int id, int length) {
        int idx = queue.usedIndex();
        long element = queue.deviceAddress() + 4 + 8L * (idx % queue.size());
        memory.writeInt(element, id);
        memory.writeInt(element + 4, length);
        memory.setShortRelease(queue.deviceAddress() + 2, (short) (idx + 1));
    }

    @Test
    void aUsedSplitChainIsTakenBackAndItsDescriptorsAreFree() {
        SplitDriverQueue queue = split(4, 0);
        for (int round = 0; round < 70_000; round++) {
            int a = queue.add(IN, OUT);
            int b = queue.add(IN);
            assertThat(queue.poll()).isFalse();
            useSplit(queue, b, 0);
            useSplit(queue, a, 32);
            assertThat(queue.poll()).isTrue();
            assertThat(queue.usedId()).isEqualTo(b);
            assertThat(queue.poll()).isTrue();
            assertThat(queue.usedId()).isEqualTo(a);
            assertThat(queue.usedLength()).isEqualTo(32);
            assertThat(queue.free()).isEqualTo(4);
        }
    }

    @Test
    void aDeviceThatUsesWhatItDoesNotOwnIsCaught() {
        SplitDriverQueue queue = split(4, 0);
        int id = queue.add(IN);
        useSplit(queue, id, 0);
        useSplit(queue, id, 0);
        assertThat(queue.poll()).isTrue();
        assertThatExceptionOfType(AssertionError.class).isThrownBy(queue::poll);

        SplitDriverQueue other = split(4, 0);
        other.add(IN);
        useSplit(other, 77, 0);
        assertThatExceptionOfType(AssertionError.class).isThrownBy(other::poll);
    }

    @Test
    void aDeviceThatUsesOutOfOrderIsCaughtWhereOrderWasPromised() {
        SplitDriverQueue queue = split(4, DriverQueue.IN_ORDER);
        queue.add(IN);
        int second = queue.add(IN);
        useSplit(queue, second, 0);
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(queue::poll)
                .withMessageContaining("before");
    }

    @Test
    void aSplitQueueKicksAsTheDeviceAsks() {
        SplitDriverQueue queue = split(8, 0);
        queue.add(IN);
        assertThat(queue.needsKick()).isTrue();
        memory.writeShort(queue.deviceAddress(), (short) 1);
        queue.add(IN);
        assertThat(queue.needsKick()).isFalse();

        SplitDriverQueue events = split(8, DriverQueue.EVENT_IDX);
        long event = events.deviceAddress() + 4 + 8 * 8;
        memory.writeShort(event, (short) 2);
        events.add(IN);
        events.add(IN);
        assertThat(events.needsKick()).isFalse();
        events.add(IN);
        assertThat(events.needsKick()).isTrue();
        assertThat(events.availableEvent()).isEqualTo(2);
        events.add(IN);
        assertThat(events.needsKick()).isFalse();
    }

    @Test
    void aSplitQueueAsksForInterrupts() {
        SplitDriverQueue queue = split(8, 0);
        queue.disableInterrupts();
        assertThat(memory.readShort(queue.driverAddress())).isEqualTo((short) 1);
        assertThat(queue.enableInterrupts()).isFalse();
        assertThat(memory.readShort(queue.driverAddress())).isZero();
        int id = queue.add(IN);
        useSplit(queue, id, 0);
        assertThat(queue.enableInterrupts()).isTrue();
        assertThatIllegalStateException().isThrownBy(() -> queue.enableInterruptsAfter(1));

        SplitDriverQueue events = split(8, DriverQueue.EVENT_IDX);
        events.enableInterruptsAfter(5);
        assertThat(memory.readShort(events.driverAddress() + 4 + 2 * 8)).isEqualTo((short) 5);
    }

    @Test
    void anIndirectSplitChainIsATableOfLinkedDescriptors() {
        SplitDriverQueue queue = split(8, DriverQueue.INDIRECT_DESC);
        long table = RAM + 0xa000;
        int head = queue.addIndirect(table, IN, OUT);
        long at = queue.descriptorAddress() + 16L * head;
        assertThat(memory.readLong(at)).isEqualTo(table);
        assertThat(memory.readInt(at + 8)).isEqualTo(32);
        assertThat(memory.readShort(at + 12)).isEqualTo((short) DriverQueue.DESC_INDIRECT);
        assertThat(memory.readInt(table + 12)).isEqualTo(DriverQueue.DESC_NEXT | 1 << 16);
        assertThat(memory.readLong(table + 16)).isEqualTo(OUT.address());
        assertThat(memory.readInt(table + 28)).isEqualTo(DriverQueue.DESC_WRITE);
        assertThat(queue.free()).isEqualTo(7);
    }

    // ---------------------------------------------------------------- packed

    @Test
    void aPackedChainIsWrittenAsTheSpecificationSays() {
        PackedDriverQueue queue = packed(3, 0);
        int id = queue.add(IN, OUT);
        long ring = queue.descriptorAddress();
        assertThat(memory.readLong(ring)).isEqualTo(IN.address());
        assertThat(memory.readInt(ring + 8)).isEqualTo(16);
        assertThat(queue.flags(0)).isEqualTo(DriverQueue.DESC_NEXT | PackedDriverQueue.DESC_AVAIL);
        assertThat(queue.id(1)).isEqualTo(id);
        assertThat(queue.length(1)).isEqualTo(32);
        assertThat(queue.flags(1)).isEqualTo(DriverQueue.DESC_WRITE | PackedDriverQueue.DESC_AVAIL);
        assertThat(queue.nextSlot()).isEqualTo(2);
        assertThat(queue.wrap()).isTrue();
        assertThat(queue.free()).isEqualTo(1);
    }

    @Test
    void ofSeveralPackedChainsTheFirstIsShownLast() {
        PackedDriverQueue queue = packed(4, 0);
        queue.addLater(IN);
        queue.addLater(IN, OUT);
        assertThat(queue.flags(0)).isZero();
        assertThat(queue.flags(1)).isNotZero();
        queue.publish();
        assertThat(queue.flags(0)).isEqualTo(PackedDriverQueue.DESC_AVAIL);
    }

    @Test
    void aUsedPackedChainIsTakenBackInEveryRound() {
        PackedDriverQueue queue = packed(3, 0);
        int slot = 0;
        boolean wrap = true;
        for (int round = 0; round < 1000; round++) {
            int id = queue.add(IN, OUT);
            assertThat(queue.poll()).isFalse();
            int flags = wrap ? PackedDriverQueue.DESC_AVAIL | PackedDriverQueue.DESC_USED : 0;
            queue.writeDescriptor(slot, 0, round, id, flags);
            assertThat(queue.poll()).isTrue();
            assertThat(queue.usedId()).isEqualTo(id);
            assertThat(queue.usedLength()).isEqualTo(round);
            assertThat(queue.free()).isEqualTo(3);
            slot += 2;
            if (slot >= 3) {
                slot -= 3;
                wrap = !wrap;
            }
        }
    }

    @Test
    void aPackedQueueKicksAsTheDeviceAsks() {
        PackedDriverQueue queue = packed(4, DriverQueue.EVENT_IDX);
        queue.add(IN);
        assertThat(queue.needsKick()).isTrue();
        memory.writeInt(queue.deviceAddress(), PackedDriverQueue.EVENT_DISABLE << 16);
        queue.add(IN);
        assertThat(queue.needsKick()).isFalse();
        int event = 3 | 1 << 15 | PackedDriverQueue.EVENT_DESC << 16;
        memory.writeInt(queue.deviceAddress(), event);
        assertThat(queue.deviceEvent()).isEqualTo(event);
        queue.add(IN);
        assertThat(queue.needsKick()).isFalse();
        queue.add(IN);
        assertThat(queue.needsKick()).isTrue();
    }

    @Test
    void aPackedQueueAsksForInterrupts() {
        PackedDriverQueue queue = packed(4, DriverQueue.EVENT_IDX);
        queue.disableInterrupts();
        assertThat(memory.readInt(queue.driverAddress()))
                .isEqualTo(PackedDriverQueue.EVENT_DISABLE << 16);
        assertThat(queue.enableInterrupts()).isFalse();
        assertThat(memory.readInt(queue.driverAddress()))
                .isEqualTo(1 << 15 | PackedDriverQueue.EVENT_DESC << 16);
        queue.enableInterruptsAfter(5);
        assertThat(memory.readInt(queue.driverAddress()))
                .isEqualTo(1 | PackedDriverQueue.EVENT_DESC << 16);
        assertThat(packed(4, 0).enableInterrupts()).isFalse();
        assertThat(memory.readInt(queue.driverAddress())).isZero();
    }

    @Test
    void anIndirectPackedChainIsATableInOrder() {
        PackedDriverQueue queue = packed(4, DriverQueue.INDIRECT_DESC);
        long table = RAM + 0xa000;
        queue.addIndirect(table, IN, OUT);
        assertThat(queue.flags(0))
                .isEqualTo(DriverQueue.DESC_INDIRECT | PackedDriverQueue.DESC_AVAIL);
        assertThat(queue.length(0)).isEqualTo(32);
        assertThat(memory.readInt(table + 12)).isZero();
        assertThat(memory.readInt(table + 28)).isEqualTo(DriverQueue.DESC_WRITE << 16);
    }

    // ---------------------------------------------------------------- the heap

    @Test
    void theHeapGivesNothingTwiceAndNoMoreThanItHas() {
        GuestHeap heap = new GuestHeap(memory, RAM + 0x100, 0x100);
        assertThat(heap.take(3, 1)).isEqualTo(RAM + 0x100);
        assertThat(heap.take(16, 16)).isEqualTo(RAM + 0x110);
        DriverBuffer buffer = heap.readable((byte) 1, (byte) 2);
        assertThat(memory.readShort(buffer.address())).isEqualTo((short) 0x201);
        assertThat(heap.writable(5)).isEqualTo(DriverBuffer.writable(RAM + 0x130, 5));
        assertThat(heap.memory()).isSameAs(memory);
        assertThatIllegalStateException().isThrownBy(() -> heap.take(0x100, 1));
    }
}
