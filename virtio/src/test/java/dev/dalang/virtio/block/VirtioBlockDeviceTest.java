package dev.dalang.virtio.block;

import static dev.dalang.virtio.block.DriverDisk.DISCARD;
import static dev.dalang.virtio.block.DriverDisk.FLUSH;
import static dev.dalang.virtio.block.DriverDisk.GET_ID;
import static dev.dalang.virtio.block.DriverDisk.IN;
import static dev.dalang.virtio.block.DriverDisk.IOERR;
import static dev.dalang.virtio.block.DriverDisk.NONE;
import static dev.dalang.virtio.block.DriverDisk.OK;
import static dev.dalang.virtio.block.DriverDisk.OUT;
import static dev.dalang.virtio.block.DriverDisk.UNSUPP;
import static dev.dalang.virtio.block.DriverDisk.WRITE_ZEROES;
import static dev.dalang.virtio.block.DriverDisk.filled;
import static dev.dalang.virtio.block.DriverDisk.header;
import static dev.dalang.virtio.block.DriverDisk.range;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.time.RateLimiter;
import dev.dalang.storage.BlockStatus;
import dev.dalang.storage.BlockTopology;
import dev.dalang.testkit.virtio.DriverBuffer;
import dev.dalang.testkit.virtio.VirtioTransportDriver;
import dev.dalang.virtio.VirtioFeatures;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.List;

/** The disk through its driver's eyes. */
final class VirtioBlockDeviceTest {
    private static final long ALL = -1L;
    private static final long SPLIT = ALL & ~VirtioFeatures.VIRTIO_F_RING_PACKED;
    private static final int SECTORS = 64;

    private final MemoryImage image = new MemoryImage(SECTORS, false);
    private final ScriptedBackend backend = new ScriptedBackend(image);

    private DriverDisk disk(long wanted) {
        return new DriverDisk(VirtioBlockDevice.builder(backend).serial("wayang-1").build())
                .start(wanted);
    }

    private static DriverDisk readOnly() {
        ScriptedBackend fixed = new ScriptedBackend(new MemoryImage(SECTORS, true));
        return new DriverDisk(VirtioBlockDevice.builder(fixed).build()).start(SPLIT);
    }

    private static long has(DriverDisk disk, VirtioBlockEvent event) {
        return disk.device.count(event);
    }

    // ---------------------------------------------------------------- configuration (§5.2.4)

    @Test
    void theConfigurationSaysWhatTheDiskIs() {
        ScriptedBackend large =
                new ScriptedBackend(
                        new MemoryImage(800, false, new BlockTopology(4096, 16384, 65536, 32768)));
        DriverDisk disk =
                new DriverDisk(VirtioBlockDevice.builder(large).queues(3).build()).start(SPLIT);
        assertThat(disk.driver.deviceId()).isEqualTo(2);
        assertThat(disk.driver.readConfig(0, 8)).as("capacity").isEqualTo(800);
        assertThat(disk.driver.readConfig(8, 4)).as("size_max").isEqualTo(65536);
        assertThat(disk.driver.readConfig(12, 4)).as("seg_max").isEqualTo(254);
        assertThat(disk.driver.readConfig(16, 4)).as("geometry").isZero();
        assertThat(disk.driver.readConfig(20, 4)).as("blk_size").isEqualTo(4096);
        assertThat(disk.driver.readConfig(24, 1)).as("physical_block_exp").isEqualTo(2);
        assertThat(disk.driver.readConfig(25, 1)).as("alignment_offset").isZero();
        assertThat(disk.driver.readConfig(26, 2)).as("min_io_size").isEqualTo(4);
        assertThat(disk.driver.readConfig(28, 4)).as("opt_io_size").isEqualTo(16);
        assertThat(disk.driver.readConfig(32, 1)).as("writeback").isEqualTo(1);
        assertThat(disk.driver.readConfig(34, 2)).as("num_queues").isEqualTo(3);
        assertThat(disk.driver.readConfig(36, 4)).as("max_discard_sectors").isEqualTo(1 << 21);
        assertThat(disk.driver.readConfig(40, 4)).as("max_discard_seg").isEqualTo(64);
        assertThat(disk.driver.readConfig(44, 4)).as("discard_sector_alignment").isEqualTo(64);
        assertThat(disk.driver.readConfig(48, 4)).as("max_write_zeroes").isEqualTo(1 << 21);
        assertThat(disk.driver.readConfig(52, 4)).as("max_write_zeroes_seg").isEqualTo(64);
        assertThat(disk.driver.readConfig(56, 1)).as("write_zeroes_may_unmap").isEqualTo(1);
        assertThat(disk.driver.readConfig(2, 4)).as("a part").isZero();
        assertThat(disk.driver.readConfig(0, 2)).isEqualTo(800);
    }

    @Test
    void aDiskThatIsReadOnlyOffersNoChanges() {
        DriverDisk disk = readOnly();
        long changes =
                VirtioBlockFeatures.VIRTIO_BLK_F_DISCARD
                        | VirtioBlockFeatures.VIRTIO_BLK_F_WRITE_ZEROES;
        assertThat(disk.features & changes).isZero();
        assertThat(disk.features & VirtioBlockFeatures.VIRTIO_BLK_F_RO).isNotZero();
        assertThat(disk.driver.readConfig(36, 4)).isZero();
        assertThat(disk.write(0, filled(512, 1))).isEqualTo(IOERR);
        assertThat(disk.run(DISCARD, 0, disk.readable(range(0, 1, 0)))).isEqualTo(UNSUPP);
        assertThat(disk.read(0, 1)).isEqualTo(new byte[512]);
        assertThat(disk.run(FLUSH, 0)).isEqualTo(OK);
        assertThat(has(disk, VirtioBlockEvent.READ_ONLY)).isEqualTo(1);
    }

    @Test
    void severalQueuesAreOfferedOnlyIfThereAre() {
        assertThat(disk(SPLIT).features & VirtioBlockFeatures.VIRTIO_BLK_F_MQ).isZero();
        DriverDisk disk =
                new DriverDisk(VirtioBlockDevice.builder(backend).queues(4).build()).start(SPLIT);
        assertThat(disk.queues).hasSize(4);
        for (int queue = 0; queue < 4; queue++) {
            DriverBuffer status =
                    disk.submit(queue, OUT, queue, disk.readable(filled(512, queue + 1)));
            assertThat(disk.queues.get(queue).poll()).isTrue();
            assertThat(disk.status(status)).isEqualTo(OK);
        }
        assertThat(image.content[3 * 512]).isEqualTo((byte) 4);
    }

    /** Row A1 of the conformance table: how firmware names a disk. */
    @Test
    void firmwareKnowsADiskByItsPlace() {
        VirtioBlockDevice device = VirtioBlockDevice.builder(backend).build();
        assertThat(device.bootorderNode("5")).isEqualTo("scsi@5/disk@0,0");
        assertThat(device.bootorderNode("a,1")).isEqualTo("scsi@a,1/disk@0,0");
    }

    // ---------------------------------------------------------------- requests (§5.2.6)

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void sectorsAreWrittenAndRead(long wanted) {
        DriverDisk disk = disk(wanted);
        byte[] content = new byte[3 * 512];
        new java.util.SplittableRandom(1).nextBytes(content);
        assertThat(disk.write(5, content)).isEqualTo(OK);
        assertThat(disk.queue().usedLength()).as("the status alone").isEqualTo(1);
        assertThat(Arrays.copyOfRange(image.content, 5 * 512, 8 * 512)).isEqualTo(content);
        assertThat(disk.read(5, 3)).isEqualTo(content);
        assertThat(disk.queue().usedLength()).isEqualTo(3 * 512 + 1);
        assertThat(disk.read(SECTORS - 1, 1)).isEqualTo(new byte[512]);
        assertThat(has(disk, VirtioBlockEvent.READ)).isEqualTo(2);
        assertThat(has(disk, VirtioBlockEvent.WRITTEN)).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void theDriversLayoutMeansNothing(long wanted) {
        DriverDisk disk = disk(wanted);
        byte[] header = header(OUT, 2);
        byte[] content = new byte[1024];
        new java.util.SplittableRandom(2).nextBytes(content);
        byte[] all = new byte[16 + 1024];
        System.arraycopy(header, 0, all, 0, 16);
        System.arraycopy(content, 0, all, 16, 1024);
        // The header over two buffers, the second of which holds data as well.
        assertThat(
                        disk.raw(
                                disk.readable(Arrays.copyOf(all, 7)),
                                disk.readable(),
                                disk.readable(Arrays.copyOfRange(all, 7, 100)),
                                disk.readable(Arrays.copyOfRange(all, 100, all.length)),
                                disk.writable(1)))
                .isEqualTo(1);
        // Data and status in one buffer.
        DriverBuffer odd = disk.writable(1);
        DriverBuffer rest = disk.writable(1024);
        assertThat(disk.raw(disk.readable(header(IN, 2)), odd, rest)).isEqualTo(1025);
        byte[] back = new byte[1024];
        back[0] = disk.bytes(odd)[0];
        System.arraycopy(disk.bytes(rest), 0, back, 1, 1023);
        assertThat(back).isEqualTo(content);
        assertThat(disk.bytes(rest)[1023]).isEqualTo((byte) OK);
    }

    @Test
    void requestsInTablesAreServed() {
        DriverDisk disk = disk(SPLIT);
        DriverBuffer data = disk.writable(512);
        DriverBuffer status = disk.writable(1);
        disk.queue()
                .addIndirect(
                        (disk.take(4096 + 64) + 63) & -64,
                        disk.readable(header(IN, 0)),
                        data,
                        status);
        disk.driver.notifyQueue(0);
        assertThat(disk.queue().poll()).isTrue();
        assertThat(disk.status(status)).isEqualTo(OK);
        assertThat(disk.bytes(data)).isEqualTo(new byte[512]);
    }

    @Test
    void nothingIsReadOrWrittenIfNothingIsAskedFor() {
        DriverDisk disk = disk(SPLIT);
        assertThat(disk.run(IN, SECTORS)).isEqualTo(OK);
        assertThat(disk.run(OUT, SECTORS)).isEqualTo(OK);
        assertThat(disk.run(IN, SECTORS + 1)).isEqualTo(IOERR);
    }

    @Test
    void theSerialIsTold() {
        DriverDisk disk = disk(SPLIT);
        DriverBuffer id = disk.writable(20);
        assertThat(disk.run(GET_ID, 0, id)).isEqualTo(OK);
        assertThat(disk.queue().usedLength()).isEqualTo(21);
        assertThat(new String(disk.bytes(id), java.nio.charset.StandardCharsets.US_ASCII))
                .isEqualTo("wayang-1" + "\0".repeat(12));
        DriverBuffer large = disk.writable(30);
        assertThat(disk.run(GET_ID, 7, large)).isEqualTo(OK);
        assertThat(disk.queue().usedLength()).as("what is sure").isEqualTo(20);
        assertThat(disk.run(GET_ID, 0, disk.writable(19))).isEqualTo(IOERR);
        assertThat(has(disk, VirtioBlockEvent.IDENTIFIED)).isEqualTo(2);
    }

    @Test
    void rangesAreDiscardedAndMadeZero() {
        DriverDisk disk = disk(SPLIT);
        Arrays.fill(image.content, (byte) 7);
        byte[] two = new byte[32];
        System.arraycopy(range(1, 2, 0), 0, two, 0, 16);
        System.arraycopy(range(10, 1, 0), 0, two, 16, 16);
        assertThat(disk.run(DISCARD, 0, disk.readable(two))).isEqualTo(OK);
        assertThat(image.content[511]).isEqualTo((byte) 7);
        assertThat(image.content[512]).isEqualTo(MemoryImage.DISCARDED);
        assertThat(image.content[3 * 512]).isEqualTo((byte) 7);
        assertThat(image.content[10 * 512]).isEqualTo(MemoryImage.DISCARDED);
        assertThat(disk.run(WRITE_ZEROES, 0, disk.readable(range(20, 3, 1)))).isEqualTo(OK);
        assertThat(disk.run(WRITE_ZEROES, 0, disk.readable(range(30, 1, 0)))).isEqualTo(OK);
        assertThat(disk.read(20, 3)).isEqualTo(new byte[3 * 512]);
        assertThat(disk.read(30, 1)).isEqualTo(new byte[512]);
        assertThat(disk.read(23, 1)).isEqualTo(filled(512, 7));
        assertThat(disk.run(DISCARD, 0, disk.readable(range(5, 0, 0)))).as("none").isEqualTo(OK);
    }

    /** virtio 1.3 §5.2.6.2: a flag that is not known makes the whole command unsupported. */
    @Test
    void rangesThatCannotBeAreRefusedAndNothingIsDone() {
        DriverDisk disk = disk(SPLIT);
        Arrays.fill(image.content, (byte) 7);
        byte[] good = range(0, 1, 0);
        for (byte[] bad :
                List.of(
                        range(SECTORS, 1, 0),
                        range(SECTORS - 1, 2, 0),
                        range(-1, 1, 0),
                        range(Long.MIN_VALUE, 1, 0),
                        range(0, -1, 0),
                        range(0, (1 << 21) + 1, 0))) {
            byte[] both = Arrays.copyOf(good, 32);
            System.arraycopy(bad, 0, both, 16, 16);
            assertThat(disk.run(DISCARD, 0, disk.readable(both))).isEqualTo(IOERR);
            assertThat(disk.run(WRITE_ZEROES, 0, disk.readable(both))).isEqualTo(IOERR);
        }
        assertThat(disk.run(DISCARD, 0, disk.readable(range(0, 1, 1)))).isEqualTo(UNSUPP);
        assertThat(disk.run(DISCARD, 0, disk.readable(range(0, 1, 2)))).isEqualTo(UNSUPP);
        assertThat(disk.run(WRITE_ZEROES, 0, disk.readable(range(0, 1, 2)))).isEqualTo(UNSUPP);
        assertThat(disk.run(DISCARD, 0)).isEqualTo(IOERR);
        assertThat(disk.run(DISCARD, 0, disk.readable(new byte[15]))).isEqualTo(IOERR);
        assertThat(disk.run(DISCARD, 0, disk.readable(new byte[65 * 16]))).isEqualTo(IOERR);
        assertThat(disk.run(DISCARD, 0, disk.readable(good), disk.writable(1))).isEqualTo(IOERR);
        assertThat(image.content).containsOnly(7);
        assertThat(disk.run(DISCARD, 0, disk.readable(new byte[64 * 16]))).isEqualTo(OK);
    }

    @Test
    void whatWasNotNegotiatedIsUnsupported() {
        DriverDisk disk = disk(SPLIT & ~VirtioBlockFeatures.VIRTIO_BLK_F_DISCARD);
        assertThat(disk.run(DISCARD, 0, disk.readable(range(0, 1, 0)))).isEqualTo(UNSUPP);
        assertThat(disk.run(WRITE_ZEROES, 0, disk.readable(range(0, 1, 0)))).isEqualTo(OK);
    }

    // ---------------------------------------------------------------- malformed requests (D.8)

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 6, 7, 9, 10, 12, 14, 255, -1, Integer.MIN_VALUE})
    void typesThatAreNotKnownAreUnsupported(int type) {
        DriverDisk disk = disk(SPLIT);
        assertThat(disk.run(type, 0)).isEqualTo(UNSUPP);
        assertThat(disk.run(type, 0, disk.readable(new byte[512]))).isEqualTo(UNSUPP);
        assertThat(disk.run(type, 0, disk.writable(512))).isEqualTo(UNSUPP);
        assertThat(has(disk, VirtioBlockEvent.UNSUPPORTED)).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 8, 15})
    void aHeaderThatIsTooShortIsAnError(int bytes) {
        DriverDisk disk = disk(SPLIT);
        DriverBuffer status = disk.writable(1);
        DriverBuffer header = disk.readable(Arrays.copyOf(header(OUT, 0), bytes));
        assertThat(disk.raw(header, status)).isEqualTo(1);
        assertThat(disk.status(status)).isEqualTo(IOERR);
        assertThat(has(disk, VirtioBlockEvent.MALFORMED)).isEqualTo(1);
    }

    /** The header where the device may write: there is none that it reads. */
    @Test
    void aHeaderThatIsWritableIsAnError() {
        DriverDisk disk = disk(SPLIT);
        DriverBuffer status = disk.writable(1);
        assertThat(disk.raw(disk.writable(16), status)).isZero();
        assertThat(disk.status(status)).isEqualTo(IOERR);
    }

    /** The status where the device may only read, or nowhere. */
    @Test
    void aRequestWithoutAStatusIsGivenBack() {
        DriverDisk disk = disk(SPLIT);
        assertThat(disk.raw(disk.readable(header(OUT, 0)))).isZero();
        assertThat(disk.raw(disk.readable(header(FLUSH, 0)), disk.readable((byte) 1))).isZero();
        assertThat(disk.raw(disk.readable(header(IN, 0)), disk.writable(0))).isZero();
        assertThat(has(disk, VirtioBlockEvent.NO_STATUS)).isEqualTo(3);
        assertThat(image.flushes).isZero();
        assertThat(disk.write(0, filled(512, 1))).as("and it goes on").isEqualTo(OK);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 511, 513, 1023})
    void lengthsThatAreNotWholeSectorsAreErrors(int bytes) {
        DriverDisk disk = disk(SPLIT);
        DriverBuffer data = disk.writable(bytes);
        assertThat(disk.run(IN, 0, data)).isEqualTo(IOERR);
        assertThat(disk.bytes(data)).containsOnly(NONE);
        assertThat(disk.run(OUT, 0, disk.readable(filled(bytes, 1)))).isEqualTo(IOERR);
        assertThat(image.content).containsOnly(0);
        assertThat(has(disk, VirtioBlockEvent.MALFORMED)).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                SECTORS,
                SECTORS - 1,
                1L << 32,
                1L << 54,
                (1L << 55) - 1,
                Long.MAX_VALUE,
                Long.MIN_VALUE,
                -1,
                -2
            })
    void sectorsThatTheDiskDoesNotHaveAreErrors(long sector) {
        DriverDisk disk = disk(SPLIT);
        assertThat(disk.run(IN, sector, disk.writable(1024))).isEqualTo(IOERR);
        assertThat(disk.queue().usedLength()).isZero();
        assertThat(disk.run(OUT, sector, disk.readable(filled(1024, 1)))).isEqualTo(IOERR);
        assertThat(image.content).containsOnly(0);
        assertThat(has(disk, VirtioBlockEvent.OUT_OF_RANGE)).isEqualTo(2);
    }

    @Test
    void dataInTheWrongDirectionIsAnError() {
        DriverDisk disk = disk(SPLIT);
        assertThat(disk.run(IN, 0, disk.readable(new byte[512]))).isEqualTo(IOERR);
        assertThat(disk.run(OUT, 0, disk.writable(512))).isEqualTo(IOERR);
        assertThat(disk.run(FLUSH, 1)).isEqualTo(IOERR);
        assertThat(disk.run(FLUSH, 0, disk.readable(new byte[512]))).isEqualTo(IOERR);
        assertThat(disk.run(FLUSH, 0, disk.writable(512))).isEqualTo(IOERR);
        assertThat(disk.run(GET_ID, 0, disk.readable((byte) 1), disk.writable(20)))
                .isEqualTo(IOERR);
        assertThat(has(disk, VirtioBlockEvent.MALFORMED)).isEqualTo(6);
    }

    /** Rows 39 to 41 of D.8: buffers that are not memory, or only begin there. */
    @ParameterizedTest
    @ValueSource(longs = {0x1000, DriverDisk.RAM + DriverDisk.RAM_BYTES - 256, -4096})
    void dataThatIsNotMemoryIsAnErrorOfTheRequest(long address) {
        DriverDisk disk = disk(SPLIT);
        assertThat(disk.run(IN, 0, DriverBuffer.writable(address, 512))).isEqualTo(IOERR);
        assertThat(disk.queue().usedLength()).isZero();
        assertThat(disk.run(OUT, 0, DriverBuffer.readable(address, 512))).isEqualTo(IOERR);
        assertThat(
                        disk.run(
                                OUT,
                                0,
                                disk.readable(filled(512, 1)),
                                DriverBuffer.readable(address, 512)))
                .isEqualTo(IOERR);
        assertThat(image.content).as("no partial success").containsOnly(0);
        assertThat(has(disk, VirtioBlockEvent.BAD_MEMORY)).isEqualTo(3);
        DriverBuffer status = disk.writable(1);
        assertThat(disk.raw(DriverBuffer.readable(0x1000, 16), status)).isPositive();
        assertThat(disk.status(status)).isEqualTo(IOERR);
    }

    @Test
    void aStatusThatIsNotMemoryBreaksTheDeviceUntilItIsReset() {
        DriverDisk disk = disk(SPLIT);
        assertThat(
                        disk.raw(
                                disk.readable(header(OUT, 0)),
                                disk.readable(filled(512, 1)),
                                DriverBuffer.writable(0x1000, 1)))
                .isZero();
        assertThat(disk.driver.status() & VirtioTransportDriver.NEEDS_RESET).isNotZero();
        disk.recycle();
        disk.start(SPLIT);
        assertThat(disk.driver.status() & VirtioTransportDriver.NEEDS_RESET).isZero();
        assertThat(disk.read(0, 1)).isEqualTo(filled(512, 1));
    }

    @Test
    void aBrokenRingBreaksTheDeviceUntilItIsReset() {
        DriverDisk disk = disk(SPLIT);
        assertThat(disk.raw(disk.writable(1), disk.readable(header(IN, 0)))).isEqualTo(-1);
        assertThat(disk.driver.status() & VirtioTransportDriver.NEEDS_RESET).isNotZero();
        disk.start(SPLIT);
        assertThat(disk.read(0, 1)).isEqualTo(new byte[512]);
    }

    // ---------------------------------------------------------------- failing back ends

    @ParameterizedTest
    @CsvSource({
        "IO_ERROR, 1, FAILED",
        "NO_SPACE, 1, NO_SPACE",
        "OUT_OF_RANGE, 1, OUT_OF_RANGE",
        "READ_ONLY, 1, READ_ONLY",
        "UNSUPPORTED, 2, UNSUPPORTED",
        "CANCELLED, 1, ABANDONED"
    })
    void whatTheBackEndSaysIsTold(BlockStatus status, int answer, VirtioBlockEvent event) {
        DriverDisk disk = disk(SPLIT);
        backend.failNext(status);
        assertThat(disk.write(0, filled(512, 1))).isEqualTo(answer);
        assertThat(has(disk, event)).isEqualTo(1);
        backend.failNext(status);
        assertThat(disk.run(IN, 0, disk.writable(512))).isEqualTo(answer);
        assertThat(disk.queue().usedLength()).as("nothing of it is sure").isZero();
        backend.failNext(status);
        assertThat(disk.run(FLUSH, 0)).isEqualTo(answer);
        assertThat(has(disk, event)).isEqualTo(3);
        assertThat(disk.write(0, filled(512, 1))).isEqualTo(OK);
    }

    @Test
    void oneRangeThatFailsFailsTheCommand() {
        DriverDisk disk = disk(SPLIT);
        byte[] two = new byte[32];
        System.arraycopy(range(1, 1, 0), 0, two, 0, 16);
        System.arraycopy(range(3, 1, 0), 0, two, 16, 16);
        backend.failNext(BlockStatus.IO_ERROR);
        assertThat(disk.run(DISCARD, 0, disk.readable(two))).isEqualTo(IOERR);
        assertThat(has(disk, VirtioBlockEvent.FAILED)).isEqualTo(1);
    }

    // ---------------------------------------------------------------- many in flight

    @ParameterizedTest
    @ValueSource(longs = {SPLIT, ALL})
    void requestsComeBackInAnyOrder(long wanted) {
        DriverDisk disk = disk(wanted);
        backend.hold();
        DriverBuffer first = disk.submit(OUT, 0, disk.readable(filled(512, 1)));
        int firstId = idOfOldest(disk);
        DriverBuffer second = disk.submit(OUT, 1, disk.readable(filled(512, 2)));
        assertThat(backend.held()).hasSize(2);
        assertThat(disk.queue().poll()).isFalse();
        backend.release(backend.held().get(1));
        assertThat(disk.queue().poll()).isTrue();
        assertThat(disk.queue().usedId()).isNotEqualTo(firstId);
        assertThat(disk.status(second)).isEqualTo(OK);
        assertThat(disk.status(first)).isEqualTo(NONE);
        backend.release();
        assertThat(disk.queue().poll()).isTrue();
        assertThat(disk.status(first)).isEqualTo(OK);
        assertThat(disk.wire.isRaised()).isTrue();
    }

    /** Ids are handed out from 0 on in a fresh queue. */
    private static int idOfOldest(DriverDisk disk) {
        assertThat(disk.queue().owned()).isEqualTo(1);
        return 0;
    }

    @Test
    void aFullQueueIsInFlight() {
        DriverDisk disk = disk(SPLIT);
        backend.hold();
        for (int i = 0; i < 5; i++) {
            disk.submit(OUT, i, disk.readable(filled(512, i)));
        }
        assertThat(backend.held()).hasSize(5);
        backend.release();
        for (int i = 0; i < 5; i++) {
            assertThat(disk.queue().poll()).isTrue();
        }
    }

    // ---------------------------------------------------------------- write mode (§5.2.5.1)

    @Test
    void aDriverThatCannotFlushGetsDurableWrites() {
        DriverDisk disk =
                disk(
                        SPLIT
                                & ~VirtioBlockFeatures.VIRTIO_BLK_F_FLUSH
                                & ~VirtioBlockFeatures.VIRTIO_BLK_F_CONFIG_WCE);
        disk.write(0, filled(512, 1));
        assertThat(image.flushes).isEqualTo(1);
        disk.read(0, 1);
        assertThat(image.flushes).isEqualTo(1);
    }

    @Test
    void theDriverChoosesHowToWrite() {
        DriverDisk disk = disk(SPLIT);
        disk.write(0, filled(512, 1));
        assertThat(image.flushes).isZero();
        disk.driver.writeConfig(32, 1, 0);
        assertThat(disk.driver.readConfig(32, 1)).isZero();
        disk.write(0, filled(512, 1));
        disk.run(WRITE_ZEROES, 0, disk.readable(range(0, 1, 0)));
        assertThat(image.flushes).isEqualTo(2);
        disk.driver.writeConfig(32, 1, 2);
        assertThat(disk.driver.readConfig(32, 1)).as("neither").isZero();
        disk.driver.writeConfig(32, 1, 1);
        disk.driver.writeConfig(0, 8, 1);
        assertThat(disk.driver.readConfig(0, 8)).as("not the driver's").isEqualTo(SECTORS);
        disk.write(0, filled(512, 1));
        assertThat(image.flushes).isEqualTo(2);
        assertThat(disk.run(FLUSH, 0)).isEqualTo(OK);
        assertThat(image.flushes).isEqualTo(3);
    }

    @Test
    void theChoiceNeedsItsFeatureAndEndsWithTheDriver() {
        DriverDisk disk = disk(SPLIT & ~VirtioBlockFeatures.VIRTIO_BLK_F_CONFIG_WCE);
        disk.driver.writeConfig(32, 1, 0);
        disk.write(0, filled(512, 1));
        assertThat(image.flushes).isZero();
        disk.recycle();
        disk.start(SPLIT);
        disk.driver.writeConfig(32, 1, 0);
        disk.start(SPLIT);
        assertThat(disk.driver.readConfig(32, 1)).isEqualTo(1);
        disk.start(SPLIT & ~VirtioBlockFeatures.VIRTIO_BLK_F_FLUSH);
        assertThat(disk.driver.readConfig(32, 1)).as("nothing to flush with").isZero();
    }

    // ---------------------------------------------------------------- resize, rate

    @Test
    void theDriverHearsThatItsDiskHasGrown() throws Exception {
        DriverDisk disk = disk(SPLIT);
        int generation = disk.driver.configGeneration();
        disk.driver.acknowledgeInterrupts();
        assertThat(disk.run(IN, SECTORS, disk.writable(512))).isEqualTo(IOERR);
        disk.driver.acknowledgeInterrupts();
        disk.device.resize(2 * SECTORS * 512);
        assertThat(disk.driver.acknowledgeInterrupts()).isEqualTo(2);
        assertThat(disk.driver.configGeneration()).isNotEqualTo(generation);
        assertThat(disk.driver.readConfig(0, 8)).isEqualTo(2 * SECTORS);
        assertThat(disk.write(2 * SECTORS - 1, filled(512, 3))).isEqualTo(OK);
        assertThatThrownBy(() -> disk.device.resize(512))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aDiskIsHeldToItsRate() {
        VirtioBlockDevice device =
                VirtioBlockDevice.builder(backend)
                        .rate(new RateLimiter.Rate(10, 2), RateLimiter.Rate.UNLIMITED)
                        .build();
        DriverDisk disk = new DriverDisk(device).start(SPLIT);
        assertThat(disk.run(FLUSH, 0)).isEqualTo(OK);
        assertThat(disk.run(FLUSH, 0)).isEqualTo(OK);
        assertThat(disk.run(FLUSH, 0)).isEqualTo(NONE);
        assertThat(has(disk, VirtioBlockEvent.HELD_BACK)).isEqualTo(1);
        disk.clock.advance(99_000_000);
        assertThat(disk.queue().poll()).isFalse();
        disk.clock.advance(2_000_000);
        assertThat(disk.queue().poll()).isTrue();
    }

    @Test
    void bytesAreHeldToTheirRate() {
        VirtioBlockDevice device =
                VirtioBlockDevice.builder(backend)
                        .rate(RateLimiter.Rate.UNLIMITED, new RateLimiter.Rate(1000, 600))
                        .build();
        DriverDisk disk = new DriverDisk(device).start(SPLIT);
        assertThat(disk.write(0, filled(512, 1))).isEqualTo(OK);
        assertThat(disk.write(0, filled(512, 1))).isEqualTo(NONE);
        disk.clock.advance(1_000_000_000);
        assertThat(disk.queue().poll()).isTrue();
    }

    @Test
    void whatCannotBeIsRefused() {
        VirtioBlockDevice.Builder builder = VirtioBlockDevice.builder(backend);
        assertThatThrownBy(() -> builder.queues(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.queues(65)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.serial("123456789012345678901"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.serial("a b"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.serial("ä")).isInstanceOf(IllegalArgumentException.class);
    }
}
