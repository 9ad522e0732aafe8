package dev.dalang.devices.nvme;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.bus.DeviceExecutor;
import dev.dalang.devices.nvme.NvmeRig.Done;
import dev.dalang.storage.BlockStatus;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;

/** The commands of the NVM set. */
class NvmeIoTest {
    private static final int BLOCKS = 2048;

    private NvmeRig rig = new NvmeRig();
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

    private void startWith(ScriptedDisk disk, int blockBytes) {
        rig.close();
        rig = new NvmeRig(disk, DeviceExecutor.inline(), options -> options.blockBytes(blockBytes));
        start();
    }

    private long count(NvmeEvent event) {
        return rig.device.count(event);
    }

    private static byte[] content(int bytes, int seed) {
        byte[] content = new byte[bytes];
        new SplittableRandom(seed).nextBytes(content);
        return content;
    }

    private byte[] onDisk(long block, int count) {
        return Arrays.copyOfRange(rig.disk.content, (int) block * 512, (int) (block + count) * 512);
    }

    // ---------------------------------------------------------------- what it does

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 9, 16, 17, 100, 2048})
    void whatIsWrittenIsReadAgain(int count) {
        int bytes = count * 512;
        byte[] content = content(bytes, count);
        int block = BLOCKS - count;
        queue.ok(rig.write(block, count, rig.put(content), bytes));
        assertThat(onDisk(block, count)).isEqualTo(content);
        long target = rig.pages(bytes);
        queue.ok(rig.read(block, count, target, bytes));
        assertThat(rig.get(target, bytes)).isEqualTo(content);
        assertThat(count(NvmeEvent.WRITTEN)).isEqualTo(1);
        assertThat(count(NvmeEvent.READ)).isEqualTo(1);
        assertThat(count(NvmeEvent.BOUNCED)).as("straight").isZero();
    }

    @Test
    void memoryThatTheDeviceWritesIsReported() {
        rig.memory.startDirtyTracking();
        long target = rig.pages(8192);
        queue.ok(rig.read(0, 16, target, 8192));
        java.util.Set<Long> dirty = new java.util.HashSet<>();
        rig.memory.harvestDirtyPages(dirty::add);
        assertThat(dirty).contains(target, target + 4096, queue.completions);
    }

    @Test
    void aFlushMakesDurable() {
        queue.ok(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        queue.ok(NvmeEntry.of(NvmCommands.FLUSH).namespace(-1));
        assertThat(rig.disk.flushes).isEqualTo(2);
        assertThat(count(NvmeEvent.FLUSHED)).isEqualTo(2);
    }

    @Test
    void writesAreDurableWhenTheyAreForcedOrThereIsNoCache() {
        long source = rig.put(content(512, 1));
        queue.ok(rig.write(0, 1, source, 512));
        assertThat(rig.disk.durableWrites).isZero();
        queue.ok(rig.write(0, 1, source, 512).word(12, 1 << 30));
        assertThat(rig.disk.durableWrites).isEqualTo(1);
        queue.ok(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, 0, 1).word(12, 1 << 30));
        assertThat(rig.disk.durableWrites).isEqualTo(2);
        rig.admin.ok(NvmeEntry.of(AdminCommands.SET_FEATURES).word(10, 6).word(11, 0));
        queue.ok(rig.write(0, 1, source, 512));
        assertThat(rig.disk.durableWrites).isEqualTo(3);
    }

    @Test
    void zerosMayBeHoles() {
        Arrays.fill(rig.disk.content, (byte) 7);
        queue.ok(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, 3, 5));
        assertThat(onDisk(3, 5)).containsOnly(0);
        assertThat(onDisk(2, 1)).containsOnly(7);
        assertThat(onDisk(8, 1)).containsOnly(7);
        assertThat(rig.disk.unmappedZeroes).isZero();
        queue.ok(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, 0, BLOCKS).word(12, 1 << 25 | 2047));
        assertThat(rig.disk.unmappedZeroes).isEqualTo(1);
        assertThat(rig.disk.content).containsOnly(0);
        assertThat(count(NvmeEvent.ZEROED)).isEqualTo(2);
    }

    private static byte[] ranges(long... blocksAndCounts) {
        ByteBuffer ranges =
                ByteBuffer.allocate(8 * blocksAndCounts.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int n = 0; n < blocksAndCounts.length; n += 2) {
            ranges.putInt(0).putInt((int) blocksAndCounts[n + 1]).putLong(blocksAndCounts[n]);
        }
        return ranges.array();
    }

    private NvmeEntry deallocate(long... blocksAndCounts) {
        byte[] ranges = ranges(blocksAndCounts);
        return rig.over(
                NvmeEntry.of(NvmCommands.DATASET_MANAGEMENT)
                        .namespace(1)
                        .word(10, blocksAndCounts.length / 2 - 1)
                        .word(11, 4),
                rig.put(ranges),
                ranges.length);
    }

    @Test
    void rangesAreDeallocated() {
        queue.ok(deallocate(0, 1, 10, 2, 2047, 1, 5, 0));
        assertThat(onDisk(0, 1)).containsOnly(ScriptedDisk.DISCARDED);
        assertThat(onDisk(1, 9)).containsOnly(0);
        assertThat(onDisk(10, 2)).containsOnly(ScriptedDisk.DISCARDED);
        assertThat(onDisk(2047, 1)).containsOnly(ScriptedDisk.DISCARDED);
        assertThat(count(NvmeEvent.DEALLOCATED)).isEqualTo(1);
    }

    @Test
    void asManyRangesAsCanBeAreDeallocated() {
        long[] all = new long[512];
        for (int n = 0; n < 256; n++) {
            all[2 * n] = 8L * n;
            all[2 * n + 1] = 4;
        }
        queue.ok(deallocate(all));
        assertThat(onDisk(8 * 255, 4)).containsOnly(ScriptedDisk.DISCARDED);
        assertThat(onDisk(8 * 255 + 4, 4)).containsOnly(0);
    }

    @Test
    void oneBadRangeSparesAll() {
        assertThat(queue.run(deallocate(0, 1, 2047, 2)).code()).isEqualTo(0x080);
        assertThat(queue.run(deallocate(0, 1, -1, 2)).code()).isEqualTo(0x080);
        assertThat(queue.run(deallocate(0, 1, 0, -1)).code()).isEqualTo(0x080);
        assertThat(rig.disk.content).containsOnly(0);
    }

    @Test
    void hintsAreTakenAndIgnored() {
        queue.ok(deallocate(0, 1).word(11, 3));
        assertThat(rig.disk.content).containsOnly(0);
    }

    @Test
    void aFailedRangeEndsTheCommand() {
        rig.disk.failNext(BlockStatus.OK);
        rig.disk.failNext(BlockStatus.IO_ERROR);
        assertThat(queue.run(deallocate(0, 1, 1, 1, 2, 1)).code()).isEqualTo(0x280);
        assertThat(rig.disk.content).as("the third was not done").containsOnly(0);
    }

    @Test
    void blocksAreCompared() {
        byte[] content = content(10_240, 3);
        System.arraycopy(content, 0, rig.disk.content, 512, content.length);
        long source = rig.put(content);
        NvmeEntry compare = rig.over(NvmeRig.blocks(NvmCommands.COMPARE, 1, 20), source, 10_240);
        queue.ok(compare);
        rig.memory.writeByte(source + 10_239, (byte) (content[10_239] + 1));
        Done done = queue.run(compare);
        assertThat(done.code()).isEqualTo(0x285);
        assertThat(count(NvmeEvent.COMPARED)).isEqualTo(1);
        assertThat(count(NvmeEvent.DIFFERENT)).isEqualTo(1);
    }

    @Test
    void blocksAreVerified() {
        queue.ok(NvmeRig.blocks(NvmCommands.VERIFY, 0, BLOCKS));
        assertThat(count(NvmeEvent.VERIFIED)).isEqualTo(1);
        rig.disk.failNext(BlockStatus.IO_ERROR);
        assertThat(queue.run(NvmeRig.blocks(NvmCommands.VERIFY, 0, 1)).code()).isEqualTo(0x281);
    }

    // ---------------------------------------------------------------- what is wrong

    @ParameterizedTest
    @CsvSource({"2047, 2", "2048, 1", "-1, 1", "-1, 2", "9223372036854775807, 1", "0, 2049"})
    void blocksThatThereAreNotAreRefused(long block, int count) {
        long source = rig.pages(4096);
        for (int opcode : new int[] {NvmCommands.READ, NvmCommands.WRITE, NvmCommands.COMPARE}) {
            Done done = queue.run(NvmeRig.blocks(opcode, block, count).prps(source, 0));
            assertThat(done.code()).isIn(0x080, count > 2048 ? 0x002 : 0x080);
            assertThat(done.mayNotRetry()).isTrue();
        }
        assertThat(queue.run(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, block, count)).code())
                .isEqualTo(0x080);
        assertThat(rig.disk.content).containsOnly(0);
    }

    @Test
    void transfersBeyondTheLimitAreRefused() {
        startWith(new ScriptedDisk(4 << 20), 0);
        assertThat(queue.run(NvmeRig.blocks(NvmCommands.READ, 0, 2049).prps(0, 0)).code())
                .isEqualTo(0x002);
        assertThat(queue.run(NvmeRig.blocks(NvmCommands.VERIFY, 0, 2049)).code()).isEqualTo(0x002);
        queue.ok(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, 0, 8192));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, -2, -1})
    void otherNamespacesAreRefused(int namespace) {
        Done done = queue.run(rig.read(0, 1, rig.pages(512), 512).namespace(namespace));
        assertThat(done.code()).isEqualTo(0x00b);
        assertThat(count(NvmeEvent.INVALID_NAMESPACE)).isEqualTo(1);
    }

    @Test
    void unknownCommandsAndFlagsAreRefused() {
        for (int opcode = 0; opcode < 256; opcode++) {
            int known = opcode;
            if (Arrays.stream(NvmCommands.OPCODES).noneMatch(one -> one == known)) {
                assertThat(queue.run(NvmeEntry.of(opcode).namespace(1)).code()).isEqualTo(0x001);
            }
        }
        assertThat(count(NvmeEvent.INVALID_OPCODE)).isEqualTo(249);
        NvmeEntry fused = rig.read(0, 1, rig.pages(512), 512).flags(1);
        assertThat(queue.run(fused).code()).isEqualTo(0x002);
        assertThat(queue.run(fused.flags(0xc0)).code()).isEqualTo(0x002);
        NvmeEntry directed = rig.write(0, 1, rig.pages(512), 512).word(12, 1 << 20);
        assertThat(queue.run(directed).code()).isEqualTo(0x002);
    }

    @Test
    void aReadOnlyDiskIsNotChanged() {
        startWith(new ScriptedDisk(1 << 20, true, 512), 0);
        assertThat(rig.identify(0, 1)[99] & 1).isEqualTo(1);
        long source = rig.pages(512);
        assertThat(queue.run(rig.write(0, 1, source, 512)).code()).isEqualTo(0x020);
        assertThat(queue.run(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, 0, 1)).code())
                .isEqualTo(0x020);
        assertThat(queue.run(deallocate(0, 1)).code()).isEqualTo(0x020);
        assertThat(rig.admin.run(NvmeEntry.of(AdminCommands.FORMAT).namespace(1)).code())
                .isEqualTo(0x020);
        queue.ok(rig.read(0, 1, source, 512));
        queue.ok(NvmeEntry.of(NvmCommands.FLUSH).namespace(1));
        assertThat(count(NvmeEvent.READ_ONLY)).isEqualTo(4);
    }

    @Test
    void failuresOfTheHostHaveTheirStatus() {
        long source = rig.pages(512);
        rig.disk.failNext(BlockStatus.IO_ERROR);
        Done done = queue.run(rig.read(0, 1, source, 512));
        assertThat(done.code()).isEqualTo(0x281);
        assertThat(done.mayNotRetry()).isFalse();
        rig.disk.failNext(BlockStatus.IO_ERROR);
        assertThat(queue.run(rig.write(5, 1, source, 512)).code()).isEqualTo(0x280);
        assertThat(count(NvmeEvent.FAILED)).isEqualTo(2);
        rig.disk.failNext(BlockStatus.NO_SPACE);
        done = queue.run(rig.write(6, 1, source, 512));
        assertThat(done.code()).isEqualTo(0x280);
        assertThat(done.mayNotRetry()).isTrue();
        assertThat(count(NvmeEvent.NO_SPACE)).isEqualTo(1);
        rig.disk.failNext(BlockStatus.UNSUPPORTED);
        assertThat(queue.run(NvmeRig.blocks(NvmCommands.WRITE_ZEROES, 0, 1)).code())
                .isEqualTo(0x006);
        rig.disk.failNext(BlockStatus.OUT_OF_RANGE);
        assertThat(queue.run(rig.write(0, 1, source, 512)).code()).isEqualTo(0x080);
        rig.disk.failNext(BlockStatus.READ_ONLY);
        assertThat(queue.run(rig.write(0, 1, source, 512)).code()).isEqualTo(0x020);

        ByteBuffer log =
                ByteBuffer.wrap(rig.log(NvmeLogs.ERRORS, 4096)).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(log.getLong(0)).as("the sixth error").isEqualTo(6);
        assertThat(log.getLong(3 * 64 + 16)).as("its block").isEqualTo(6);
        assertThat(log.getShort(3 * 64 + 8)).as("its queue").isEqualTo((short) 1);
        assertThat(log.getShort(3 * 64 + 12) >>> 1 & 0x7ff).isEqualTo(0x280);
        assertThat(log.getInt(3 * 64 + 24)).as("its namespace").isEqualTo(1);
    }

    @Test
    void aBackEndThatBreaksEndsTheControllerAndNotTheMachine() {
        rig.disk.throwNext();
        long source = rig.pages(512);
        assertThat(queue.run(rig.read(0, 1, source, 512)).code()).isEqualTo(0x006);
        assertThat(rig.status() & NvmeRegisters.CSTS_CFS).isNotZero();
        assertThat(count(NvmeEvent.DEFECT)).isEqualTo(1);
        rig.stop();
        start();
        queue.ok(rig.read(0, 1, rig.pages(512), 512));
    }

    // ---------------------------------------------------------------- other blocks

    @Test
    void largerBlocksAreOffered() {
        startWith(new ScriptedDisk(1 << 20), 4096);
        byte[] content = content(8192, 1);
        queue.ok(rig.write(3, 2, rig.put(content), 8192));
        assertThat(onDisk(24, 16)).isEqualTo(content);
        assertThat(queue.run(rig.read(255, 2, rig.pages(8192), 8192)).code()).isEqualTo(0x080);
        queue.ok(deallocate(0, 1));
        assertThat(onDisk(0, 8)).containsOnly(ScriptedDisk.DISCARDED);
        assertThat(onDisk(8, 8)).containsOnly(0);
    }

    @Test
    void aDiskOfLargeBlocksHasNoSmallOnes() {
        startWith(new ScriptedDisk(1 << 20, false, 4096), 0);
        byte[] namespace = rig.identify(0, 1);
        assertThat(namespace[25]).as("one format").isZero();
        assertThat(namespace[130]).as("its shift").isEqualTo((byte) 12);
        queue.ok(rig.read(255, 1, rig.pages(4096), 4096));
    }

    @Test
    void formattingErasesAndChangesTheBlocks() {
        Arrays.fill(rig.disk.content, (byte) 7);
        rig.admin.ok(NvmeEntry.of(AdminCommands.FORMAT).namespace(1).word(10, 1 | 1 << 9));
        assertThat(rig.disk.content).containsOnly(0);
        byte[] namespace = rig.identify(0, 1);
        assertThat(namespace[26] & 0xf).isEqualTo(1);
        assertThat(ByteBuffer.wrap(namespace).order(ByteOrder.LITTLE_ENDIAN).getLong(0))
                .isEqualTo(256);
        assertThat(queue.run(rig.read(256, 1, rig.pages(4096), 4096)).code()).isEqualTo(0x080);
        queue.ok(rig.read(255, 1, rig.pages(4096), 4096));
        rig.device.reset();
        start();
        assertThat(rig.identify(0, 1)[26] & 0xf).as("it outlasts a reset").isEqualTo(1);
        assertThat(count(NvmeEvent.FORMATTED)).isEqualTo(1);
    }

    @Test
    void whileItIsFormattedNothingElseIsDone() {
        rig.disk.hold();
        int format = rig.admin.submit(NvmeEntry.of(AdminCommands.FORMAT).namespace(-1));
        Done busy = queue.run(rig.read(0, 1, rig.pages(512), 512));
        assertThat(busy.code()).isEqualTo(0x084);
        assertThat(busy.mayNotRetry()).isFalse();
        assertThat(rig.admin.run(NvmeEntry.of(AdminCommands.FORMAT).namespace(1)).code())
                .isEqualTo(0x084);
        assertThat(rig.identify(8, 1)[14]).as("not ready").isZero();
        rig.disk.release();
        assertThat(rig.admin.poll().id()).isEqualTo(format);
        queue.ok(rig.read(0, 1, rig.pages(512), 512));
    }

    @Test
    void formatsThatThereAreNotAreRefused() {
        NvmeEntry format = NvmeEntry.of(AdminCommands.FORMAT).namespace(1);
        assertThat(rig.admin.run(format.word(10, 2)).code()).isEqualTo(0x10a);
        assertThat(rig.admin.run(format.word(10, 1 << 12)).code()).isEqualTo(0x10a);
        assertThat(rig.admin.run(format.word(10, 1 << 5)).code()).isEqualTo(0x10a);
        assertThat(rig.admin.run(format.word(10, 2 << 9)).code()).isEqualTo(0x002);
        assertThat(rig.admin.run(format.word(10, 0).namespace(2)).code()).isEqualTo(0x00b);
        rig.disk.failNext(BlockStatus.IO_ERROR);
        assertThat(rig.admin.run(format.namespace(1).word(10, 1)).code()).isEqualTo(0x280);
        assertThat(rig.identify(0, 1)[26] & 0xf).as("as before").isZero();
    }
}
