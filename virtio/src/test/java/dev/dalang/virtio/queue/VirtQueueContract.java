package dev.dalang.virtio.queue;

import static dev.dalang.virtio.queue.QueueMachine.EVENT_IDX;
import static dev.dalang.virtio.queue.QueueMachine.IN_ORDER;
import static dev.dalang.virtio.queue.QueueMachine.NOTHING;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SnapshotMutations;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.DriverQueue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/** What a queue does in both layouts. */
abstract class VirtQueueContract extends QueueNotificationContract {
    // ---------------------------------------------------------------- chains

    /** Row 18. */
    @Test
    void anEmptyQueueGivesNoChain() {
        QueueMachine m = machine(16, NOTHING);
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.isBroken()).isFalse();
        assertThat(m.queue.index()).isZero();
        assertThat(m.queue.size()).isEqualTo(16);
    }

    @Test
    void aChainComesAsItWasMade() {
        QueueMachine m = machine(16, NOTHING);
        DriverBuffer[] buffers = m.buffers(16, 100, -512, -1);
        int id = m.driver.add(buffers);

        DescriptorChain chain = m.pop();

        assertThat(chain.id()).isEqualTo(id);
        assertThat(chain.buffers()).isEqualTo(4);
        assertThat(chain.readableBuffers()).isEqualTo(2);
        assertThat(chain.readableBytes()).isEqualTo(116);
        assertThat(chain.writableBytes()).isEqualTo(513);
        for (int i = 0; i < 4; i++) {
            assertThat(chain.address(i)).isEqualTo(buffers[i].address());
            assertThat(chain.length(i)).isEqualTo(buffers[i].length());
            assertThat(chain.isWritable(i)).isEqualTo(i >= 2);
        }
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.inFlight()).isEqualTo(1);
    }

    /** Row 53. */
    @Test
    void aCompletedChainComesBackWithItsLength() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(m.buffers(16));
        int id = m.driver.add(m.buffers(8, -0x1000));
        m.queue.complete(m.pop(), 0);
        DescriptorChain chain = m.pop();
        assertThat(m.driver.poll()).isTrue();

        m.queue.complete(chain, 0x1000);

        assertThat(m.driver.poll()).isTrue();
        assertThat(m.driver.usedId()).isEqualTo(id);
        assertThat(m.driver.usedLength()).isEqualTo(0x1000);
        assertThat(m.driver.poll()).isFalse();
        assertThat(m.driver.free()).isEqualTo(16);
        assertThat(m.queue.inFlight()).isZero();
    }

    /** Rows 22 and 33: as many chains as there are entries, and as many descriptors in one. */
    @Test
    void aFullRingIsServed() {
        QueueMachine m = machine(8, NOTHING);
        for (int i = 0; i < 8; i++) {
            m.driver.add(m.buffers(4));
        }
        assertThat(m.serve(0)).isEqualTo(8);
        for (int i = 0; i < 8; i++) {
            assertThat(m.driver.poll()).isTrue();
        }
        m.driver.add(m.buffers(1, 2, 3, 4, -5, -6, -7, -8));
        assertThat(m.pop().buffers()).isEqualTo(8);
        assertThat(m.queue.isBroken()).isFalse();
    }

    /** Rows 19 and 55: places wrap around, with chains of every length at every place. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8, 256})
    void placesWrapAround(int size) {
        QueueMachine m = machine(size, NOTHING);
        DriverBuffer[][] chains = new DriverBuffer[Math.min(size, 5)][];
        for (int i = 0; i < chains.length; i++) {
            int[] lengths = new int[i + 1];
            Arrays.fill(lengths, 4);
            chains[i] = m.buffers(lengths);
        }
        for (int round = 0; round < 70_000; round++) {
            int id = m.driver.add(chains[round % chains.length]);
            DescriptorChain chain = m.pop();
            assertThat(chain.id()).isEqualTo(id);
            m.queue.complete(chain, 0);
            assertThat(m.driver.poll()).isTrue();
        }
        assertThat(m.queue.pop()).isNull();
    }

    @Test
    void chainsAreCompletedInAnyOrder() {
        QueueMachine m = machine(16, NOTHING);
        List<DescriptorChain> popped = new ArrayList<>();
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            ids.add(m.driver.add(m.buffers(4, -64)));
            popped.add(m.pop());
        }
        for (int i : new int[] {3, 0, 4, 2, 1}) {
            m.queue.complete(popped.get(i), i);
            assertThat(m.driver.poll()).isTrue();
            assertThat(m.driver.usedId()).isEqualTo(ids.get(i));
            assertThat(m.driver.usedLength()).isEqualTo(i);
        }
        // And the ring goes on as if they had been in order.
        m.driver.add(m.buffers(4));
        assertThat(m.serve(0)).isEqualTo(1);
        assertThat(m.driver.poll()).isTrue();
    }

    /** Row 36; T36: a chain without any bytes is the device's to answer. */
    @Test
    void emptyBuffersAreGivenWithTheOthers() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(
                DriverBuffer.readable(QueueMachine.RAM, 4),
                DriverBuffer.readable(QueueMachine.RAM, 0),
                DriverBuffer.writable(QueueMachine.RAM, 4));
        m.driver.add(DriverBuffer.readable(0, 0));
        DescriptorChain chain = m.pop();
        assertThat(chain.buffers()).isEqualTo(3);
        assertThat(chain.length(1)).isZero();
        assertThat(chain.readableBytes()).isEqualTo(4);
        m.queue.complete(chain, 0);
        chain = m.pop();
        assertThat(chain.buffers()).isEqualTo(1);
        assertThat(chain.readableBytes() + chain.writableBytes()).isZero();
        m.queue.complete(chain, 0);
        m.takeBack(2);
        assertThat(m.queue.isBroken()).isFalse();
    }

    /** Row 39: a buffer outside memory is the device's error, when it uses it. */
    @Test
    void aBufferOutsideMemoryIsGivenAndFailsAtItsUse() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(DriverBuffer.readable(QueueMachine.HOLE, 4));
        DescriptorChain chain = m.pop();
        assertThat(chain.address(0)).isEqualTo(QueueMachine.HOLE);
        assertThatExceptionOfType(GuestMemoryException.class).isThrownBy(chain::readInt);
        assertThat(chain.readableLeft()).isEqualTo(4);
        m.queue.complete(chain, 0);
        assertThat(m.driver.poll()).isTrue();
        assertThat(m.queue.isBroken()).isFalse();
    }

    // ---------------------------------------------------------------- chains no driver may send

    /** Row 41. */
    @Test
    void aBufferPastTheTopOfTheAddressSpaceBreaksTheQueue() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(DriverBuffer.readable(-4, 4));
        DescriptorChain chain = m.pop();
        assertThat(chain.address(0)).isEqualTo(-4);
        m.queue.complete(chain, 0);
        assertThat(m.driver.poll()).isTrue();
        m.driver.add(DriverBuffer.readable(-4, 5));
        assertBroken(m, QueueError.BUFFER_WRAPS);
    }

    /** Row 42; §2.7.4.2. */
    @Test
    void aReadableBufferAfterAWritableOneBreaksTheQueue() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(m.buffers(4, -4, 4));
        assertBroken(m, QueueError.READABLE_AFTER_WRITABLE);
    }

    /** Row 38, and the total of D.3. */
    @Test
    void aChainOf4GiBBreaksTheQueue() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(
                DriverBuffer.readable(QueueMachine.RAM, -1),
                DriverBuffer.writable(QueueMachine.RAM, 1));
        assertBroken(m, QueueError.CHAIN_TOO_LARGE);
    }

    @Test
    void aChainOfOneByteLessThan4GiBIsGiven() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(
                DriverBuffer.readable(QueueMachine.RAM, -2),
                DriverBuffer.writable(QueueMachine.RAM, 1));
        DescriptorChain chain = m.pop();
        assertThat(chain.readableBytes() + chain.writableBytes()).isEqualTo(0xffff_ffffL);
        assertThat(chain.length(0)).isEqualTo(0xffff_fffeL);
    }

    @Test
    void aQueueBreaksOnceAndTheDeviceMayBreakIt() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(m.buffers(4));
        DescriptorChain chain = m.pop();
        m.queue.fail(QueueError.CHAIN_TOO_LARGE);
        m.queue.fail(QueueError.CHAIN_TOO_LONG);
        m.queue.complete(chain, 0);
        assertThat(m.driver.poll()).isFalse();
        assertBroken(m, QueueError.CHAIN_TOO_LARGE);
    }

    // ---------------------------------------------------------------- giving back

    @Test
    void aChainThatIsNotInFlightIsNotCompleted() {
        QueueMachine m = machine(16, NOTHING);
        QueueMachine other = machine(16, NOTHING);
        m.driver.add(m.buffers(4));
        DescriptorChain chain = m.pop();
        assertThatIllegalStateException().isThrownBy(() -> other.queue.complete(chain, 0));
        m.queue.complete(chain, 0);
        assertThatIllegalStateException().isThrownBy(() -> m.queue.complete(chain, 0));
        assertThatIllegalStateException().isThrownBy(() -> m.queue.undoPop(chain));
        assertThat(m.driver.poll()).isTrue();
        assertThat(m.driver.poll()).isFalse();
    }

    @Test
    void aChainIsNotCompletedWithMoreThanItHolds() {
        QueueMachine m = machine(16, NOTHING);
        m.driver.add(m.buffers(4, -8));
        DescriptorChain chain = m.pop();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> m.queue.complete(chain, 9))
                .withMessageContaining("at most 8");
        assertThatIllegalArgumentException().isThrownBy(() -> m.queue.complete(chain, -1));
        m.queue.complete(chain, 8);
        assertThat(m.driver.poll()).isTrue();
    }

    @Test
    void severalChainsAreShownAtOnce() {
        QueueMachine m = machine(16, NOTHING);
        for (int i = 0; i < 4; i++) {
            m.driver.add(m.buffers(4, 4, -8));
        }
        for (int i = 0; i < 4; i++) {
            m.queue.completeLater(m.pop(), i);
            assertThat(m.driver.poll()).isFalse();
        }
        m.queue.publish();
        for (int i = 0; i < 4; i++) {
            assertThat(m.driver.poll()).isTrue();
            assertThat(m.driver.usedLength()).isEqualTo(i);
        }
        m.queue.publish();
        assertThat(m.driver.poll()).isFalse();
    }

    @Test
    void anUndonePopIsPoppedAgain() {
        QueueMachine m = machine(4, NOTHING);
        for (int round = 0; round < 1000; round++) {
            int first = m.driver.add(m.buffers(4));
            int second = m.driver.add(m.buffers(4, 4));
            DescriptorChain a = m.pop();
            DescriptorChain b = m.pop();
            assertThatIllegalStateException().isThrownBy(() -> m.queue.undoPop(a));
            m.queue.undoPop(b);
            m.queue.undoPop(a);
            assertThat(m.queue.inFlight()).isZero();
            DescriptorChain again = m.pop();
            assertThat(again.id()).isEqualTo(first);
            m.queue.complete(again, 0);
            again = m.pop();
            assertThat(again.id()).isEqualTo(second);
            m.queue.complete(again, 0);
            assertThat(m.queue.pop()).isNull();
            m.takeBack(2);
        }
        assertThat(m.queue.counts().chains()).isEqualTo(4000);
        assertThat(m.queue.counts().completions()).isEqualTo(2000);
    }

    // ---------------------------------------------------------------- in order

    @Test
    void withInOrderChainsComeBackInTheirOrder() {
        QueueMachine m = machine(8, IN_ORDER);
        for (int round = 0; round < 1000; round++) {
            List<DescriptorChain> popped = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                m.driver.add(m.buffers(4, -8));
                popped.add(m.pop());
            }
            m.queue.complete(popped.get(2), 2);
            m.queue.complete(popped.get(1), 1);
            assertThat(m.driver.poll()).isFalse();
            assertThatIllegalStateException().isThrownBy(() -> m.queue.complete(popped.get(1), 1));
            m.queue.complete(popped.get(0), 0);
            for (int i = 0; i < 3; i++) {
                assertThat(m.driver.poll()).isTrue();
                assertThat(m.driver.usedLength()).isEqualTo(i);
            }
            assertThat(m.driver.poll()).isFalse();
            m.queue.undoPop(popped.get(3));
            assertThat(m.serve(8)).isEqualTo(1);
            assertThat(m.driver.poll()).isTrue();
        }
        assertThat(m.queue.inFlight()).isZero();
    }

    @Test
    void chainsHeldBackByABrokenQueueAreDropped() {
        QueueMachine m = machine(8, IN_ORDER);
        m.driver.add(m.buffers(4));
        m.driver.add(m.buffers(4));
        DescriptorChain first = m.pop();
        m.queue.complete(m.pop(), 0);
        m.queue.fail(QueueError.CHAIN_TOO_LONG);
        m.queue.complete(first, 0);
        assertThat(m.driver.poll()).isFalse();
        Snapshot taken = m.queue.snapshot();
        assertThat(m.queue.inFlight()).isZero();
        m.queue.restore(taken);
        assertThat(m.queue.isBroken()).isTrue();
    }

    // ---------------------------------------------------------------- memory that goes and comes

    @Test
    void aDeviceWithoutAccessPopsNothingAndGoesOnAfterwards() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        m.accessible = null;
        assertThat(m.queue.pop()).isNull();
        assertThat(m.queue.counts().refused()).isEqualTo(1);
        assertThat(m.queue.isBroken()).isFalse();
        m.accessible = m.memory;
        assertThat(m.serve(0)).isEqualTo(1);
    }

    @Test
    void aChainThatCannotBeGivenBackBreaksTheQueue() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        DescriptorChain chain = m.pop();
        m.accessible = null;
        m.queue.complete(chain, 0);
        m.accessible = m.memory;
        assertBroken(m, QueueError.ACCESS_REFUSED);
        assertThat(m.driver.poll()).isFalse();
    }

    @Test
    void aNewMemoryMapWithTheSameRingsIsFollowed() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        DescriptorChain chain = m.pop();
        m.accessible = GuestMemory.of(m.memory.regions().subList(0, 1));
        m.queue.complete(chain, 0);
        assertThat(m.driver.poll()).isTrue();
        m.driver.add(BUFFER);
        assertThat(m.pop().memory()).isSameAs(m.accessible);
    }

    /** The same memory once more, at another place of the host's. */
    private static GuestMemory copyOf(GuestMemory memory) {
        return GuestMemory.of(
                memory.regions().stream()
                        .map(
                                region ->
                                        new MemoryRegion(
                                                region.base(),
                                                Arena.ofAuto()
                                                        .allocate(region.size(), 4096)
                                                        .copyFrom(region.segment())))
                        .toList());
    }

    private static boolean isEqual(GuestMemory one, GuestMemory other) {
        return one.regions().get(0).segment().mismatch(other.regions().get(0).segment()) < 0;
    }

    @Test
    void notificationsAreAskedForWhereTheRingsAreNow() {
        QueueMachine m = machine(8, NOTHING);
        GuestMemory before = copyOf(m.memory);
        GuestMemory now = copyOf(m.memory);
        m.accessible = now;

        m.queue.disableNotification();
        assertThat(isEqual(m.memory, before)).isTrue();
        assertThat(isEqual(now, before)).isFalse();

        m.accessible = m.memory;
        m.queue.disableNotification();
        m.accessible = now;
        assertThat(m.queue.enableNotification()).isFalse();
        assertThat(isEqual(now, before)).isTrue();
        assertThat(isEqual(m.memory, before)).isFalse();
    }

    @Test
    void chainsArePublishedWhereTheRingsAreNow() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        m.queue.completeLater(m.pop(), 0);
        GuestMemory before = copyOf(m.memory);
        GuestMemory now = copyOf(m.memory);
        m.accessible = now;

        m.queue.publish();
        assertThat(isEqual(m.memory, before)).isTrue();
        assertThat(isEqual(now, before)).isFalse();
        assertThat(m.queue.needsNotification()).isTrue();
    }

    @Test
    void aNewMemoryMapWithoutTheRingsBreaksTheQueue() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        m.accessible = GuestMemory.of(m.memory.regions().subList(1, 3));
        assertBroken(m, QueueError.DESCRIPTOR_AREA_UNMAPPED);
    }

    @Test
    void ringsMayLieInTwoRegions() {
        for (long features : new long[] {NOTHING, EVENT_IDX}) {
            QueueMachine m = machine(64, features);
            long before = QueueMachine.NEIGHBOUR;
            // Each area in turn begins in one region and ends in the other.
            for (int area = 0; area < 3; area++) {
                DriverQueue driver =
                        DriverQueue.at(
                                m.memory,
                                64,
                                layout() | features,
                                area == 0 ? before - 32 * 16 : QueueMachine.RAM + 0x40000,
                                area == 1 ? before - 4 : QueueMachine.RAM + 0x50000,
                                area == 2 ? before - 4 : QueueMachine.RAM + 0x60000);
                QueueConfig config = QueueConfig.of(0, 64);
                config.negotiated(layout() | features);
                config.setDescriptorAddress(driver.descriptorAddress());
                config.setDriverAddress(driver.driverAddress());
                config.setDeviceAddress(driver.deviceAddress());
                config.setReady(true);
                VirtQueue queue = config.activate(QueueMemory.of(m.memory), m.signals);
                for (int round = 0; round < 1000; round++) {
                    assertThat(queue.enableNotification()).isFalse();
                    int id = driver.add(BUFFER, BUFFER, BUFFER);
                    assertThat(driver.needsKick()).isTrue();
                    queue.disableNotification();
                    DescriptorChain chain = queue.pop();
                    assertThat(chain).isNotNull();
                    assertThat(chain.id()).isEqualTo(id);
                    driver.enableInterrupts();
                    queue.complete(chain, 0);
                    assertThat(queue.needsNotification()).isTrue();
                    assertThat(driver.poll()).isTrue();
                }
            }
        }
    }

    /** Every page that the device writes is reported, and no write is missed. */
    @Test
    void whatTheDeviceWritesIsMarkedDirty() {
        QueueMachine m = machine(256, NOTHING);
        m.memory.startDirtyTracking();
        TreeSet<Long> expected = new TreeSet<>();
        TreeSet<Long> dirty = new TreeSet<>();
        for (int round = 0; round < 3; round++) {
            expected.clear();
            dirty.clear();
            for (int i = 0; i < 256; i++) {
                m.driver.add(BUFFER);
            }
            m.memory.harvestDirtyPages(_ -> {});
            byte[] before = new byte[(int) QueueMachine.RAM_BYTES];
            byte[] after = new byte[(int) QueueMachine.RAM_BYTES];
            m.memory.copyOut(QueueMachine.RAM, before);
            m.queue.disableNotification();
            m.serve(0);
            m.queue.enableNotification();
            m.memory.copyOut(QueueMachine.RAM, after);
            for (int page = 0; page < before.length; page += 4096) {
                if (!Arrays.equals(before, page, page + 4096, after, page, page + 4096)) {
                    expected.add(QueueMachine.RAM + page);
                }
            }
            m.memory.harvestDirtyPages(dirty::add);
            assertThat(expected).isNotEmpty();
            assertThat(dirty).containsAll(expected);
            while (m.driver.poll()) {
                // Take all back.
            }
        }
    }

    // ---------------------------------------------------------------- retiring and saving

    @Test
    void aRetiredQueueTouchesNothing() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        m.driver.add(BUFFER);
        DescriptorChain chain = m.pop();
        byte[] before = new byte[(int) QueueMachine.RAM_BYTES];
        byte[] after = new byte[(int) QueueMachine.RAM_BYTES];
        m.memory.copyOut(QueueMachine.RAM, before);
        m.queue.retire();
        m.queue.retire();
        m.queue.complete(chain, 0);
        assertDead(m);
        assertThat(m.queue.isBroken()).isFalse();
        m.queue.fail(QueueError.CHAIN_TOO_LONG);
        assertThat(m.signals.errors).isEmpty();
        m.memory.copyOut(QueueMachine.RAM, after);
        assertThat(after).isEqualTo(before);
    }

    /** The feature {@code RING_RESET}: the driver resets one queue and sets it up anew. */
    @Test
    void aQueueThatWasResetWorksAnew() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        DescriptorChain late = m.pop();
        VirtQueue old = m.queue;
        m.config.reset();
        DriverQueue anew = DriverQueue.of(m.memory, QueueMachine.NEIGHBOUR, 4, layout());
        m.config.setSize(4);
        m.config.setDescriptorAddress(anew.descriptorAddress());
        m.config.setDriverAddress(anew.driverAddress());
        m.config.setDeviceAddress(anew.deviceAddress());
        m.config.setReady(true);
        m.queue = m.config.activate(() -> m.accessible, m.signals);
        anew.add(BUFFER);
        old.complete(late, 0);
        assertThat(m.serve(0)).isEqualTo(1);
        assertThat(anew.poll()).isTrue();
        assertThat(m.driver.poll()).isFalse();
    }

    /** A queue is saved and restored at every place of its ring; the driver notices nothing. */
    @ParameterizedTest
    @ValueSource(longs = {NOTHING, EVENT_IDX, IN_ORDER})
    void aRestoredQueueGoesOn(long features) {
        QueueMachine m = machine(8, features);
        for (int round = 0; round < 100; round++) {
            m.driver.enableInterrupts();
            m.driver.add(BUFFER, BUFFER, BUFFER);
            m.queue.complete(m.pop(), 0);
            m.driver.add(BUFFER);
            Snapshot taken = m.queue.snapshot();
            m.queue.retire();

            Snapshot configuration = m.config.snapshot();
            QueueConfig config = QueueConfig.of(0, 8);
            config.restore(configuration);
            m.queue = config.activate(() -> m.accessible, m.signals);
            m.queue.restore(taken);

            assertThat(m.queue.snapshot()).isEqualTo(taken);
            assertThat(m.queue.needsNotification()).as("published before the snapshot").isTrue();
            assertThat(m.serve(0)).isEqualTo(1);
            m.takeBack(2);
            assertThat(m.queue.enableNotification()).isFalse();
        }
    }

    @Test
    void whatWasNotPublishedIsPublishedBySaving() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        m.queue.completeLater(m.pop(), 0);
        m.queue.snapshot();
        assertThat(m.driver.poll()).isTrue();
    }

    @Test
    void aBrokenQueueIsRestoredBroken() {
        QueueMachine m = machine(8, NOTHING);
        m.queue.fail(QueueError.CHAIN_TOO_LONG);
        QueueMachine other = machine(8, NOTHING);
        m.restoreInto(other);
        assertThat(other.queue.error()).isEqualTo(QueueError.CHAIN_TOO_LONG);
        assertThat(other.signals.errors).isEmpty();
        other.driver.add(BUFFER);
        assertThat(other.queue.pop()).isNull();
    }

    @Test
    void aQueueWithChainsInFlightIsNeitherSavedNorRestored() {
        QueueMachine m = machine(8, NOTHING);
        Snapshot taken = m.queue.snapshot();
        m.driver.add(BUFFER);
        DescriptorChain chain = m.pop();
        assertThatIllegalStateException()
                .isThrownBy(() -> m.queue.snapshot())
                .withMessageContaining("1 chains in flight");
        assertThatIllegalStateException().isThrownBy(() -> m.queue.restore(taken));
        m.queue.undoPop(chain);
        assertThat(m.queue.snapshot()).isEqualTo(taken);
    }

    @Test
    void aForeignOrMangledSnapshotIsRefusedAndChangesNothing() {
        QueueMachine m = machine(8, NOTHING);
        m.driver.add(BUFFER);
        m.serve(0);
        Snapshot before = m.queue.snapshot();
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(() -> m.queue.restore(machine(16, NOTHING).queue.snapshot()));
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(
                        () ->
                                m.queue.restore(
                                        new QueueMachine(8, layout() ^ QueueMachine.PACKED)
                                                .queue.snapshot()));
        assertThat(m.queue.snapshot()).isEqualTo(before);
        for (SnapshotMutations.Mutation mutation : SnapshotMutations.of(before)) {
            try {
                m.queue.restore(mutation.snapshot());
            } catch (SnapshotException refused) {
                assertThat(m.queue.snapshot()).as(mutation.what()).isEqualTo(before);
                continue;
            }
            m.serve(0);
            m.queue.enableNotification();
            m.queue.needsNotification();
            m.queue.restore(before);
        }
    }
}
