package dev.dalang.virtio.block;

import static dev.dalang.virtio.block.DriverDisk.IN;
import static dev.dalang.virtio.block.DriverDisk.NONE;
import static dev.dalang.virtio.block.DriverDisk.OK;
import static dev.dalang.virtio.block.DriverDisk.OUT;
import static dev.dalang.virtio.block.DriverDisk.filled;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.time.RateLimiter;
import dev.dalang.storage.BlockRequest;
import dev.dalang.storage.DiskFormat;
import dev.dalang.storage.ImageBackend;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.virtio.VirtioFeatures;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Resets, sleep and snapshots, with requests in flight. */
@Timeout(120)
final class VirtioBlockLifeTest {
    private static final long ALL = -1L;
    private static final long SPLIT = ALL & ~VirtioFeatures.VIRTIO_F_RING_PACKED;
    private static final int SECTORS = 64;

    private final MemoryImage image = new MemoryImage(SECTORS, false);
    private final ScriptedBackend backend = new ScriptedBackend(image);
    private final DriverDisk disk = new DriverDisk(VirtioBlockDevice.builder(backend).build());

    /** Runs something that has to wait for the back end, and sees that it does. */
    private void waitsForTheBackEnd(Runnable call, Runnable whileItWaits) throws Exception {
        Thread thread = Thread.ofPlatform().start(call);
        while (thread.getState() != Thread.State.WAITING) {
            assertThat(thread.isAlive()).isTrue();
            Thread.onSpinWait();
        }
        whileItWaits.run();
        backend.release();
        thread.join();
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void aResetTakesBackWhatHasNotBegunAndWaitsForTheRest(long wanted) throws Exception {
        disk.start(wanted);
        backend.hold();
        DriverBuffer status = disk.submit(OUT, 0, disk.readable(filled(512, 1)));
        DriverBuffer data = disk.writable(512);
        disk.submit(IN, 1, data);
        waitsForTheBackEnd(
                disk.driver::reset,
                () -> assertThat(backend.held()).allMatch(BlockRequest::isCancelled));
        assertThat(disk.status(status)).as("nothing more is written").isEqualTo(NONE);
        assertThat(disk.bytes(data)).containsOnly(NONE);
        assertThat(image.content).containsOnly(0);
        assertThat(disk.device.count(VirtioBlockEvent.ABANDONED)).isEqualTo(2);
        disk.recycle();
        disk.start(wanted);
        assertThat(disk.write(0, filled(512, 1))).isEqualTo(OK);
    }

    @Test
    void aQueueThatIsResetLeavesTheOthersAlone() throws Exception {
        DriverDisk two =
                new DriverDisk(VirtioBlockDevice.builder(backend).queues(2).build()).start(SPLIT);
        backend.hold();
        DriverBuffer gone = two.submit(0, OUT, 0, two.readable(filled(512, 1)));
        DriverBuffer stays = two.submit(1, OUT, 1, two.readable(filled(512, 2)));
        waitsForTheBackEnd(() -> two.driver.resetQueue(0), () -> {});
        assertThat(two.queues.get(1).poll()).isTrue();
        assertThat(two.status(stays)).isEqualTo(OK);
        assertThat(two.status(gone)).isEqualTo(NONE);
        two.queues.set(0, two.place(0));
        assertThat(two.write(5, filled(512, 3))).isEqualTo(OK);
        assertThat(image.content[5 * 512]).isEqualTo((byte) 3);
        assertThat(image.content[0]).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void sleepWaitsUntilAllIsGivenBack(long wanted) throws Exception {
        disk.start(wanted);
        backend.hold();
        DriverBuffer status = disk.submit(OUT, 0, disk.readable(filled(512, 1)));
        waitsForTheBackEnd(
                disk.transport::sleep,
                () -> assertThat(backend.held()).noneMatch(BlockRequest::isCancelled));
        assertThat(disk.queue().poll()).isTrue();
        assertThat(disk.status(status)).isEqualTo(OK);
        DriverBuffer later = disk.submit(OUT, 1, disk.readable(filled(512, 2)));
        assertThat(disk.status(later)).as("it sleeps").isEqualTo(NONE);
        disk.transport.wake();
        assertThat(disk.queue().poll()).isTrue();
        assertThat(disk.status(later)).isEqualTo(OK);
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void aSnapshotGoesOnElsewhere(long wanted) {
        disk.start(wanted);
        disk.driver.writeConfig(32, 1, 0);
        assertThat(disk.write(3, filled(512, 9))).isEqualTo(OK);
        disk.transport.sleep();
        Snapshot snapshot = disk.transport.snapshot();

        MemoryImage copy = new MemoryImage(SECTORS, false);
        copy.content = image.content.clone();
        DriverDisk to =
                new DriverDisk(
                        VirtioBlockDevice.builder(new ScriptedBackend(copy)).build(),
                        disk.memory,
                        DeviceExecutor.inline());
        to.transport.sleep();
        to.transport.restore(snapshot);
        assertThat(to.transport.snapshot()).isEqualTo(snapshot);
        to.transport.wake();
        to.queues.addAll(disk.queues);
        to.take(64 << 10); // the other driver's buffers
        assertThat(to.driver.readConfig(32, 1)).as("the choice of how to write").isZero();
        assertThat(to.read(3, 1)).isEqualTo(filled(512, 9));
        assertThat(to.write(4, filled(512, 8))).isEqualTo(OK);
        assertThat(copy.flushes).isEqualTo(1);
    }

    @Test
    void aSnapshotOfAnotherDiskIsRefused() {
        disk.start(SPLIT);
        disk.transport.sleep();
        Snapshot snapshot = disk.transport.snapshot();
        for (MemoryImage other :
                new MemoryImage[] {
                    new MemoryImage(SECTORS + 1, false), new MemoryImage(SECTORS, true)
                }) {
            DriverDisk to =
                    new DriverDisk(VirtioBlockDevice.builder(new ScriptedBackend(other)).build());
            to.transport.sleep();
            Snapshot before = to.transport.snapshot();
            assertThatThrownBy(() -> to.transport.restore(snapshot))
                    .isInstanceOf(SnapshotException.class);
            assertThat(to.transport.snapshot()).isEqualTo(before);
        }
    }

    @Test
    void aDiskThatWaitsForItsRateGoesOnAfterASnapshot() {
        RateLimiter.Rate one = new RateLimiter.Rate(1, 1);
        DriverDisk from =
                new DriverDisk(
                                VirtioBlockDevice.builder(backend)
                                        .rate(one, RateLimiter.Rate.UNLIMITED)
                                        .build())
                        .start(SPLIT);
        assertThat(from.write(0, filled(512, 1))).isEqualTo(OK);
        DriverBuffer waits = from.submit(OUT, 1, from.readable(filled(512, 2)));
        from.transport.sleep();
        Snapshot snapshot = from.transport.snapshot();
        MemoryImage copy = new MemoryImage(SECTORS, false);
        DriverDisk to =
                new DriverDisk(
                        VirtioBlockDevice.builder(new ScriptedBackend(copy))
                                .rate(one, RateLimiter.Rate.UNLIMITED)
                                .build(),
                        from.memory,
                        DeviceExecutor.inline());
        to.transport.sleep();
        to.transport.restore(snapshot);
        assertThat(to.transport.snapshot()).isEqualTo(snapshot);
        to.transport.wake();
        to.clock.advance(2_000_000_000L);
        assertThat(from.queue().poll()).isTrue();
        assertThat(from.status(waits)).isEqualTo(OK);
        assertThat(copy.content[512]).isEqualTo((byte) 2);
    }

    @Test
    void whoIsDetachedGivesUpItsDisk() {
        disk.start(SPLIT);
        disk.transport.detach();
        assertThat(image.isClosed).isTrue();
    }

    /** Two queues of a real file, threads everywhere: each finds what it wrote. */
    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void manyRequestsOfSeveralQueuesOnARealFile(long wanted, @TempDir Path directory)
            throws Exception {
        int sectors = 512;
        Path file = Files.write(directory.resolve("disk"), new byte[sectors * 512]);
        byte[] model = new byte[sectors * 512];
        try (DeviceExecutor executor = DeviceExecutor.workers(2)) {
            DriverDisk real =
                    new DriverDisk(
                            VirtioBlockDevice.builder(
                                            ImageBackend.threaded(
                                                    DiskFormat.RAW.open(file, false), 4))
                                    .queues(2)
                                    .build(),
                            GuestMemory.of(
                                    new MemoryRegion(
                                            DriverDisk.RAM,
                                            Arena.ofShared().allocate(DriverDisk.RAM_BYTES, 4096))),
                            executor);
            real.start(wanted);
            SplittableRandom random = new SplittableRandom(5);
            for (int round = 0; round < 400; round++) {
                real.recycle();
                writeBatch(real, model, random, sectors);
                checkBatch(real, model, random, sectors);
            }
            real.transport.detach();
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(model);
    }

    /** Four writes that do not touch each other, two in each queue. */
    private static void writeBatch(
            DriverDisk real, byte[] model, SplittableRandom random, int sectors) {
        DriverBuffer[] statuses = new DriverBuffer[4];
        for (int i = 0; i < 4; i++) {
            int span = sectors / 4;
            int count = random.nextInt(1, 9);
            int sector = i * span + random.nextInt(span - count);
            byte[] content = new byte[count * 512];
            random.nextBytes(content);
            System.arraycopy(content, 0, model, sector * 512, content.length);
            int cut = random.nextInt(content.length);
            statuses[i] =
                    real.submit(
                            i & 1,
                            OUT,
                            sector,
                            real.readable(java.util.Arrays.copyOf(content, cut)),
                            real.readable(
                                    java.util.Arrays.copyOfRange(content, cut, content.length)));
        }
        collect(real, 2);
        for (DriverBuffer status : statuses) {
            assertThat(real.status(status)).isEqualTo(OK);
        }
    }

    private static void checkBatch(
            DriverDisk real, byte[] model, SplittableRandom random, int sectors) {
        int[] places = new int[4];
        DriverBuffer[] buffers = new DriverBuffer[4];
        for (int i = 0; i < 4; i++) {
            places[i] = random.nextInt(sectors - 4);
            buffers[i] = real.writable(4 * 512);
            real.submit(i & 1, IN, places[i], buffers[i]);
        }
        collect(real, 2);
        for (int i = 0; i < 4; i++) {
            assertThat(real.bytes(buffers[i]))
                    .isEqualTo(
                            java.util.Arrays.copyOfRange(
                                    model, places[i] * 512, places[i] * 512 + 2048));
        }
    }

    private static void collect(DriverDisk real, int each) {
        for (int queue = 0; queue < 2; queue++) {
            for (int i = 0; i < each; ) {
                if (real.queues.get(queue).poll()) {
                    i++;
                } else {
                    Thread.onSpinWait();
                }
            }
        }
    }
}
