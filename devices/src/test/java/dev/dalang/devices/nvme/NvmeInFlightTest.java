package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.devices.nvme.NvmeRig.Done;
import dev.dalang.storage.BlockRequest;
import dev.dalang.testkit.SnapshotMutations;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** What becomes of commands that are under way when something else happens. */
class NvmeInFlightTest {
    private final NvmeRig rig = new NvmeRig();
    private NvmeRig.Queue queue;

    @BeforeEach
    void start() {
        rig.start();
        queue = rig.queue(1, 64);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private List<Integer> reads(int count) {
        List<Integer> ids = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            ids.add(queue.submit(rig.read(n, 1, rig.pages(512), 512)));
        }
        return ids;
    }

    /** Lets held requests go as soon as something holds, beside the thread that waits for that. */
    private Thread releaseWhenCancelled() {
        return Thread.ofPlatform()
                .start(
                        () -> {
                            while (rig.disk.held().isEmpty()
                                    || !rig.disk.held().stream()
                                            .allMatch(BlockRequest::isCancelled)) {
                                Thread.onSpinWait();
                            }
                            rig.disk.release();
                        });
    }

    @Test
    void theyAreDoneInAnyOrder() {
        rig.disk.hold();
        List<Integer> ids = reads(10);
        assertThat(queue.poll()).isNull();
        rig.disk.release();
        for (int id : ids.reversed()) {
            Done done = queue.poll();
            assertThat(done.id()).isEqualTo(id);
            assertThat(done.status()).isZero();
            assertThat(done.sqHead()).isEqualTo(10);
        }
    }

    @Test
    void thereAreNoMoreThanThereIsRoomFor() {
        rig.disk.hold();
        for (int round = 0; round < 3; round++) {
            reads(63);
        }
        assertThat(rig.disk.held()).hasSize(128);
        rig.recycle();
        rig.disk.release();
        for (int n = 0; n < 63; n++) {
            assertThat(queue.poll()).isNotNull();
        }
    }

    @Test
    void aResetTakesThemBackAndNothingIsCompleted() {
        rig.disk.hold();
        reads(5);
        rig.stop();
        assertThat(rig.status() & NvmeRegisters.CSTS_RDY).as("still busy").isNotZero();
        assertThat(rig.disk.held()).allMatch(BlockRequest::isCancelled);
        rig.ringTail(1, 10);
        assertThat(rig.device.count(NvmeEvent.UNREADY_DOORBELL)).isEqualTo(1);
        rig.disk.release();
        assertThat(rig.status()).isZero();
        assertThat(queue.poll()).isNull();
        assertThat(rig.device.count(NvmeEvent.ABANDONED)).isEqualTo(5);
        start();
        queue.ok(rig.read(0, 1, rig.pages(512), 512));
    }

    @Test
    void anEnableThatComesTooSoonWaitsForTheReset() {
        rig.disk.hold();
        reads(5);
        rig.stop();
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE);
        rig.disk.release();
        assertThat(rig.status()).isEqualTo(NvmeRegisters.CSTS_RDY);
        assertThat(rig.device.count(NvmeEvent.ABANDONED)).isEqualTo(5);
    }

    @Test
    void aBusResetWaitsForThem() throws InterruptedException {
        rig.disk.hold();
        reads(5);
        Thread releaser = releaseWhenCancelled();
        rig.device.reset();
        releaser.join();
        assertThat(rig.status()).isZero();
        assertThat(rig.device.count(NvmeEvent.ABANDONED)).isEqualTo(5);
        start();
        queue.ok(rig.read(0, 1, rig.pages(512), 512));
    }

    @Test
    void deletingTheirQueueAbortsThem() {
        rig.disk.hold();
        reads(3);
        int delete = rig.admin.submit(NvmeEntry.of(AdminCommands.DELETE_SUBMISSIONS).word(10, 1));
        assertThat(rig.admin.poll()).isNull();
        assertThat(rig.admin.run(NvmeEntry.of(AdminCommands.DELETE_COMPLETIONS).word(10, 1)).code())
                .isEqualTo(0x10c);
        rig.disk.release();
        for (int n = 0; n < 3; n++) {
            assertThat(queue.poll().code()).isEqualTo(0x008);
        }
        assertThat(rig.admin.poll().id()).isEqualTo(delete);
        rig.admin.ok(NvmeEntry.of(AdminCommands.DELETE_COMPLETIONS).word(10, 1));
    }

    @Test
    void deletingTheirQueueDropsWhatHadNoRoom() {
        NvmeRig.Queue narrow = rig.queue(2, 16, 2, 0);
        for (int n = 0; n < 5; n++) {
            narrow.add(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        }
        narrow.ring();
        assertThat(rig.device.count(NvmeEvent.QUEUE_FULL)).isEqualTo(4);
        rig.admin.ok(NvmeEntry.of(AdminCommands.DELETE_SUBMISSIONS).word(10, 2));
        rig.admin.ok(NvmeEntry.of(AdminCommands.DELETE_COMPLETIONS).word(10, 2));
    }

    @Test
    void aShutdownWaitsForThem() {
        rig.disk.hold();
        reads(2);
        rig.write(NvmeRegisters.CC, NvmeRig.ENABLE | 1 << 14);
        rig.disk.release();
        assertThat(queue.poll().status()).isZero();
        assertThat(queue.poll().status()).isZero();
        assertThat(rig.status() & NvmeRegisters.CSTS_SHST_MASK)
                .isEqualTo(NvmeRegisters.CSTS_SHST_COMPLETE);
        assertThat(rig.disk.flushes).isEqualTo(1);
    }

    @Test
    void buffersAreSharedByThoseThatNeedThem() {
        rig.disk.hold();
        for (int n = 0; n < 20; n++) {
            queue.add(NvmeRig.blocks(NvmCommands.VERIFY, n, 1));
        }
        queue.ring();
        assertThat(rig.disk.held()).hasSize(BouncePool.BUFFERS);
        assertThat(rig.device.count(NvmeEvent.HELD_BACK)).isEqualTo(12);
        rig.disk.release();
        for (int n = 0; n < 20; n++) {
            assertThat(queue.poll().status()).isZero();
        }
        rig.disk.hold();
        for (int n = 0; n < 20; n++) {
            queue.add(NvmeRig.blocks(NvmCommands.VERIFY, n, 1));
        }
        queue.ring();
        rig.stop();
        rig.disk.release();
        assertThat(rig.status()).as("also those that waited").isZero();
        assertThat(rig.device.count(NvmeEvent.ABANDONED)).isEqualTo(20);
    }

    // ---------------------------------------------------------------- sleep and snapshots

    @Test
    void sleepWaitsForThemAndWhatComesThenWaitsToo() throws InterruptedException {
        rig.disk.hold();
        List<Integer> ids = reads(3);
        Thread sleeper = Thread.ofPlatform().start(rig.device::sleep);
        while (sleeper.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        rig.disk.release();
        sleeper.join();
        for (int n = 0; n < 3; n++) {
            assertThat(ids).contains(queue.poll().id());
        }
        int late = queue.submit(rig.read(0, 1, rig.pages(512), 512));
        assertThat(queue.poll()).isNull();
        rig.device.wake();
        assertThat(queue.poll().id()).isEqualTo(late);
    }

    @Test
    void aSnapshotGoesOnInAnotherDevice() {
        rig.admin.ok(NvmeEntry.of(AdminCommands.SET_FEATURES).word(10, 11).word(11, 1 << 8));
        int request = rig.admin.submit(NvmeEntry.of(AdminCommands.ASYNCHRONOUS_EVENT));
        NvmeRig.Queue narrow = rig.queue(2, 16, 2, 0);
        List<Integer> flushes = new ArrayList<>();
        for (int n = 0; n < 4; n++) {
            flushes.add(narrow.submit(NvmeEntry.of(NvmCommands.FLUSH).namespace(1)));
        }
        rig.root.sleep();
        Snapshot saved = rig.root.snapshot();
        int waiting = queue.submit(rig.read(0, 1, rig.pages(512), 512));
        byte[] memory = rig.get(NvmeRig.RAM, NvmeRig.RAM_BYTES);
        try (NvmeRig other = new NvmeRig()) {
            other.root.sleep();
            other.root.restore(saved);
            assertThat(other.root.snapshot()).isEqualTo(saved);
            other.memory.copyIn(NvmeRig.RAM, memory);
            other.root.wake();
            NvmeRig.Queue same = other.new Queue(2, narrow.submissions, 16, narrow.completions, 2);
            for (int id : flushes) {
                assertThat(same.poll().id()).isEqualTo(id);
            }
            // The doorbell was rung when the snapshot was taken: it is rung again.
            NvmeRig.Queue one =
                    other
                    .new Queue(
                            1, queue.submissions, 64, queue.completions, queue.completionEntries);
            one.tail = queue.tail;
            one.ring();
            assertThat(one.poll().id()).isEqualTo(waiting);
            other.admin =
                    other
                    .new Queue(
                            0,
                            rig.admin.submissions,
                            NvmeRig.ADMIN_ENTRIES,
                            rig.admin.completions,
                            NvmeRig.ADMIN_ENTRIES);
            other.admin.tail = rig.admin.tail;
            other.admin.head = rig.admin.head;
            other.disk.resize(2 << 20);
            assertThat(other.admin.poll().id()).isEqualTo(request);
        }
    }

    @Test
    void aMangledSnapshotOfALiveControllerDoesNoHarm() {
        rig.admin.submit(NvmeEntry.of(AdminCommands.ASYNCHRONOUS_EVENT));
        NvmeRig.Queue narrow = rig.queue(2, 16, 2, 0);
        for (int n = 0; n < 4; n++) {
            narrow.submit(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        }
        rig.device.sleep();
        Snapshot good = rig.device.snapshot();
        int refused = 0;
        for (SnapshotMutations.Mutation mutation : SnapshotMutations.of(good)) {
            try {
                rig.device.restore(mutation.snapshot());
                rig.device.wake();
                rig.ringTail(1, 5);
                rig.ringHead(2, 1);
                rig.device.sleep();
            } catch (SnapshotException wrong) {
                refused++;
                assertThat(rig.device.snapshot()).as(mutation.what()).isEqualTo(good);
            }
            rig.device.restore(good);
            assertThat(rig.device.snapshot()).isEqualTo(good);
        }
        assertThat(refused).isGreaterThan(20);
    }

    @Test
    void anotherDiskIsRefused() {
        rig.device.sleep();
        Snapshot saved = rig.device.snapshot();
        try (NvmeRig other = new NvmeRig(new ScriptedDisk(1 << 19))) {
            other.device.sleep();
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> other.device.restore(saved))
                    .hasMessageContaining("expected a disk of 1048576 bytes, found one of 524288");
        }
        try (NvmeRig other = new NvmeRig(new ScriptedDisk(1 << 20, true, 512))) {
            other.device.sleep();
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> other.device.restore(saved))
                    .hasMessageContaining("read-only");
        }
    }

    @Test
    void theDiskIsClosedWithItsFunction() {
        rig.disk.hold();
        reads(1);
        rig.disk.release();
        rig.root.close();
        assertThat(rig.disk.isClosed).isTrue();
    }
}
