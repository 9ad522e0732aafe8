package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Where data lies: PRPs and SGLs, good ones and hostile ones. */
class NvmePointerTest {
    private static final int DATA = 0x00;
    private static final int BUCKET = 0x10;
    private static final int SEGMENT = 0x20;
    private static final int LAST = 0x30;
    private static final int PAGE = 4096;

    private final NvmeRig rig = new NvmeRig();
    private NvmeRig.Queue queue;

    @BeforeEach
    void start() {
        rig.start();
        queue = rig.queue(1, 64);
        new SplittableRandom(7).nextBytes(rig.disk.content);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private byte[] onDisk(int bytes) {
        return Arrays.copyOf(rig.disk.content, bytes);
    }

    private int code(NvmeEntry entry) {
        return queue.run(entry).code();
    }

    // ---------------------------------------------------------------- PRPs

    @ParameterizedTest
    @CsvSource({"0, 512", "4, 4096", "3584, 512", "3588, 512", "4092, 8192", "512, 65536"})
    void dataMayBeginAnywhereInAPage(int offset, int bytes) {
        long target = rig.pages(offset + bytes) + offset;
        queue.ok(rig.read(0, bytes / 512, target, bytes));
        assertThat(rig.get(target, bytes)).isEqualTo(onDisk(bytes));
    }

    @Test
    void pagesMayLieAnywhere() {
        long[] pages = new long[8];
        for (int n = 7; n >= 0; n--) {
            pages[n] = rig.pages(2 * PAGE);
        }
        long list = rig.pages(PAGE) + 256; // not at its begin
        for (int n = 1; n < 8; n++) {
            rig.memory.writeLong(list + 8L * (n - 1), pages[n]);
        }
        queue.ok(NvmeRig.blocks(NvmCommands.READ, 0, 64).prps(pages[0], list));
        byte[] expected = onDisk(8 * PAGE);
        for (int n = 0; n < 8; n++) {
            assertThat(rig.get(pages[n], PAGE))
                    .isEqualTo(Arrays.copyOfRange(expected, n * PAGE, (n + 1) * PAGE));
        }
    }

    @Test
    void aListLeadsToTheNextAtTheEndOfItsPage() {
        long target = rig.pages(16 * PAGE);
        long second = rig.pages(PAGE);
        long first = rig.pages(PAGE) + PAGE - 3 * 8; // two entries, and the way on
        rig.memory.writeLong(first, target + PAGE);
        rig.memory.writeLong(first + 8, target + 2 * PAGE);
        rig.memory.writeLong(first + 16, second);
        for (int n = 3; n < 16; n++) {
            rig.memory.writeLong(second + 8L * (n - 3), target + (long) n * PAGE);
        }
        queue.ok(NvmeRig.blocks(NvmCommands.READ, 0, 128).prps(target, first));
        assertThat(rig.get(target, 16 * PAGE)).isEqualTo(onDisk(16 * PAGE));
    }

    @Test
    void aListThatFillsItsPageLeadsNowhere() {
        long target = rig.pages(4 * PAGE);
        long list = rig.pages(PAGE) + PAGE - 3 * 8; // three entries, all used
        for (int n = 1; n < 4; n++) {
            rig.memory.writeLong(list + 8L * (n - 1), target + (long) n * PAGE);
        }
        queue.ok(NvmeRig.blocks(NvmCommands.READ, 0, 32).prps(target, list));
        assertThat(rig.get(target, 4 * PAGE)).isEqualTo(onDisk(4 * PAGE));
    }

    @Test
    void offsetsWhereThereAreNoneAreRefused() {
        long page = rig.pages(8 * PAGE);
        assertThat(code(NvmeRig.blocks(NvmCommands.READ, 0, 1).prps(page + 2, 0))).isEqualTo(0x013);
        assertThat(code(NvmeRig.blocks(NvmCommands.READ, 0, 16).prps(page, page + 512)))
                .isEqualTo(0x013);
        assertThat(code(NvmeRig.blocks(NvmCommands.READ, 0, 32).prps(page, page + 4)))
                .isEqualTo(0x013);
        long list = rig.pages(PAGE);
        rig.memory.writeLong(list, page + PAGE);
        rig.memory.writeLong(list + 8, page + 2 * PAGE + 8);
        rig.memory.writeLong(list + 16, page + 3 * PAGE);
        assertThat(code(NvmeRig.blocks(NvmCommands.READ, 0, 32).prps(page, list))).isEqualTo(0x013);
        assertThat(rig.device.count(NvmeEvent.INVALID_POINTER)).isEqualTo(4);
    }

    @Test
    void aListThatLeadsToItselfEnds() {
        long page = rig.pages(PAGE);
        long last = rig.pages(PAGE) + PAGE - 8;
        rig.memory.writeLong(last, last); // not the begin of a page
        assertThat(code(NvmeRig.blocks(NvmCommands.READ, 0, 32).prps(page, last))).isEqualTo(0x013);
        long list = last - (PAGE - 8);
        rig.memory.fill(list, PAGE, (byte) 0);
        for (int n = 0; n < 512; n++) {
            rig.memory.writeLong(list + 8L * n, list);
        }
        // It is its own list, and all of its pages: the data goes there, 1 MiB of it.
        assertThat(code(NvmeRig.blocks(NvmCommands.READ, 0, 2048).prps(list, list + PAGE - 8)))
                .isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 0x1000, 0xffff_ffff_ffff_f000L, 0x7fff_ffff_ffff_f000L, 0x8100_0000L})
    void pagesThatAreNotMemoryAreAnError(long nowhere) {
        long page = rig.pages(PAGE);
        for (int opcode : new int[] {NvmCommands.READ, NvmCommands.WRITE, NvmCommands.COMPARE}) {
            assertThat(code(NvmeRig.blocks(opcode, 0, 1).prps(nowhere, 0))).isEqualTo(0x004);
            assertThat(code(NvmeRig.blocks(opcode, 0, 16).prps(page, nowhere))).isEqualTo(0x004);
            assertThat(code(NvmeRig.blocks(opcode, 0, 32).prps(page, nowhere))).isEqualTo(0x004);
        }
        assertThat(rig.device.count(NvmeEvent.BAD_MEMORY)).isEqualTo(9);
    }

    // ---------------------------------------------------------------- SGLs

    private void descriptor(long at, long address, long length, int type) {
        rig.memory.writeLong(at, address);
        rig.memory.writeLong(at + 8, length & 0xffff_ffffL | (long) type << 56);
    }

    private static NvmeEntry read(int blocks) {
        return NvmeRig.blocks(NvmCommands.READ, 0, blocks);
    }

    @Test
    void oneBlockOfDataNeedsNoList() {
        long target = rig.pages(16 * PAGE) + 13;
        queue.ok(read(100).sgl(target, 51_200, DATA));
        assertThat(rig.get(target, 51_200)).isEqualTo(onDisk(51_200));
        queue.ok(read(1).sgl(target, 0xffff_ffffL, DATA)); // more room than is needed
        assertThat(code(read(2).sgl(target, 1023, DATA))).isEqualTo(0x00f);
    }

    @Test
    void segmentsLeadToSegments() {
        long target = rig.pages(PAGE);
        long first = rig.pages(PAGE) + 16;
        long second = rig.pages(PAGE);
        descriptor(first, target, 100, DATA);
        descriptor(first + 16, target, 0, DATA);
        descriptor(first + 32, second, 32, LAST);
        descriptor(second, target + 200, 400, DATA);
        descriptor(second + 16, target + 700, 1000, DATA);
        queue.ok(read(2).sgl(first, 48, SEGMENT));
        byte[] expected = onDisk(1024);
        assertThat(rig.get(target, 100)).isEqualTo(Arrays.copyOf(expected, 100));
        assertThat(rig.get(target + 200, 400)).isEqualTo(Arrays.copyOfRange(expected, 100, 500));
        assertThat(rig.get(target + 700, 524)).isEqualTo(Arrays.copyOfRange(expected, 500, 1024));
        assertThat(rig.memory.readByte(target + 700 + 524)).as("no more than that").isZero();
    }

    @Test
    void whatGoesIntoABucketIsDropped() {
        long target = rig.pages(PAGE);
        long list = rig.pages(PAGE);
        descriptor(list, target, 100, DATA);
        descriptor(list + 16, 0, 300, BUCKET);
        descriptor(list + 32, target + 100, 112, DATA);
        queue.ok(read(1).sgl(list, 48, LAST));
        byte[] expected = onDisk(512);
        assertThat(rig.get(target, 100)).isEqualTo(Arrays.copyOf(expected, 100));
        assertThat(rig.get(target + 100, 112)).isEqualTo(Arrays.copyOfRange(expected, 400, 512));
        queue.ok(read(2048).sgl(0, 1 << 20, BUCKET));
        assertThat(rig.device.count(NvmeEvent.BOUNCED)).isEqualTo(2);
    }

    @Test
    void aBucketHoldsNothingToBeWritten() {
        long source = rig.put(new byte[512]);
        long list = rig.pages(PAGE);
        descriptor(list, 0, 300, BUCKET);
        descriptor(list + 16, source, 512, DATA);
        queue.ok(NvmeRig.blocks(NvmCommands.WRITE, 0, 1).sgl(list, 32, LAST));
        assertThat(onDisk(512)).containsOnly(0);
        assertThat(code(NvmeRig.blocks(NvmCommands.WRITE, 0, 1).sgl(list, 16, LAST)))
                .isEqualTo(0x00f);
    }

    @Test
    void segmentsThatBreakTheRulesAreRefused() {
        long target = rig.pages(PAGE);
        long list = rig.pages(PAGE);
        assertThat(code(read(1).sgl(list, 0, LAST))).as("empty").isEqualTo(0x00d);
        assertThat(code(read(1).sgl(list, 24, LAST))).as("a half").isEqualTo(0x00d);
        assertThat(code(read(1).sgl(list, 16 * 513, LAST))).as("too many").isEqualTo(0x00e);
        assertThat(code(read(1).sgl(list, 0xffff_fff0L, SEGMENT))).isEqualTo(0x00e);
        descriptor(list, target, 512, DATA);
        assertThat(code(read(1).sgl(list, 16, SEGMENT))).as("leads nowhere").isEqualTo(0x00d);
        descriptor(list, target, 16, LAST);
        assertThat(code(read(1).sgl(list, 16, LAST))).as("leads on").isEqualTo(0x00d);
        descriptor(list, target, 16, SEGMENT);
        descriptor(list + 16, target, 512, DATA);
        assertThat(code(read(1).sgl(list, 32, LAST))).as("in between").isEqualTo(0x00d);
        for (int type : new int[] {0x01, 0x11, 0x0f, 0x40, 0x50, 0xf0}) {
            assertThat(code(read(1).sgl(target, 512, type))).isEqualTo(0x011);
            descriptor(list, target, 512, type);
            assertThat(code(read(1).sgl(list, 16, LAST))).isEqualTo(0x011);
        }
        descriptor(list, target, 511, DATA);
        assertThat(code(read(1).sgl(list, 16, LAST))).as("too little").isEqualTo(0x00f);
        assertThat(code(read(1).sgl(0x1000, 16, LAST))).as("no memory").isEqualTo(0x004);
        assertThat(code(read(1).sgl(0x1000, 512, DATA))).isEqualTo(0x004);
        assertThat(code(read(1).sgl(-256, 512, DATA))).as("wraps").isEqualTo(0x004);
        descriptor(list, 0x1000, 16, SEGMENT);
        assertThat(code(read(1).sgl(list, 16, SEGMENT))).isEqualTo(0x004);
    }

    @Test
    void segmentsThatGoRoundInCirclesEnd() {
        long target = rig.pages(PAGE);
        long list = rig.pages(PAGE);
        descriptor(list, target, 0, DATA);
        descriptor(list + 16, list, 32, SEGMENT);
        assertThat(code(read(1).sgl(list, 32, SEGMENT))).isEqualTo(0x00e);
        descriptor(list, list, 16, SEGMENT);
        assertThat(code(read(1).sgl(list, 16, SEGMENT))).isEqualTo(0x00e);
        assertThat(rig.device.count(NvmeEvent.INVALID_POINTER)).isEqualTo(2);
    }

    @Test
    void manySmallPiecesArriveInTheirOrder() {
        long target = rig.pages(4 * PAGE);
        long list = rig.pages(2 * PAGE);
        for (int n = 0; n < 500; n++) {
            descriptor(list + 16L * n, target + 16L * (499 - n), n == 499 ? 16 : 8, DATA);
        }
        queue.ok(
                NvmeRig.blocks(NvmCommands.READ, 0, 7)
                        .sgl(list, 16 * 500, LAST)); // 3584 of 4008 bytes
        byte[] expected = onDisk(3584);
        for (int n = 0; n < 448; n++) {
            assertThat(rig.get(target + 16L * (499 - n), 8))
                    .isEqualTo(Arrays.copyOfRange(expected, 8 * n, 8 * n + 8));
        }
    }

    @Test
    void theAdminQueueTakesNoSgls() {
        long page = rig.pages(PAGE);
        assertThat(
                        rig.admin
                                .run(
                                        NvmeEntry.of(AdminCommands.IDENTIFY)
                                                .word(10, 1)
                                                .sgl(page, PAGE, DATA))
                                .code())
                .isEqualTo(0x002);
    }
}
