package dev.dalang.vm.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SuspendableLifeCycle;
import dev.dalang.vm.ConfigurationException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class CfiFlashTest implements SuspendableLifeCycle<CfiFlash> {
    private static final long BASE = 0x2000_0000;
    private static final int SECTOR = CfiFlash.SECTOR_BYTES;
    private static final int BANK = 4 * SECTOR;

    private final List<CfiFlash> opened = new ArrayList<>();
    private final CfiFlash flash = create();

    @TempDir private Path directory;

    @Override
    public CfiFlash create() {
        CfiFlash bank = CfiFlash.inMemory("flash0", BANK);
        opened.add(bank);
        return bank;
    }

    @Override
    public void mutate(CfiFlash object) {
        command(object, SECTOR, 0x20);
        command(object, SECTOR, 0xd0);
    }

    @AfterEach
    void closeAll() {
        opened.forEach(CfiFlash::close);
    }

    private CfiFlash open(Path file, boolean readOnly) {
        CfiFlash bank = CfiFlash.ofFile("flash1", file, BANK, readOnly);
        opened.add(bank);
        return bank;
    }

    private Path file(int value) throws IOException {
        byte[] content = new byte[BANK];
        Arrays.fill(content, (byte) value);
        return Files.write(directory.resolve("vars.fd"), content);
    }

    /** The same command for both chips. */
    private static void command(CfiFlash bank, long offset, int command) {
        bank.mmioWrite(BASE, offset, 4, command * 0x1_0001L);
    }

    private void command(long offset, int command) {
        command(flash, offset, command);
    }

    private static long read(CfiFlash bank, long offset) {
        return bank.mmioRead(BASE, offset, 4);
    }

    private long read(long offset) {
        return read(flash, offset);
    }

    private static void erase(CfiFlash bank, long offset) {
        command(bank, offset, 0x20);
        command(bank, offset, 0xd0);
    }

    private static void program(CfiFlash bank, long offset, long value) {
        command(bank, offset, 0x40);
        bank.mmioWrite(BASE, offset, 4, value);
    }

    private static long status(CfiFlash bank) {
        command(bank, 0, 0x70);
        long status = read(bank, 0);
        command(bank, 0, 0x50);
        return status;
    }

    @Test
    void itReadsAsAnArrayAtFirst() {
        assertThat(flash.isReadArray()).isTrue();
        assertThat(read(0)).isZero();
        assertThat(flash.size()).isEqualTo(BANK);
        assertThat(flash.label()).isEqualTo("flash0");
        assertThat(flash.typeId()).isEqualTo("cfi-flash");
    }

    @Test
    void erasingSetsAllBitsOfOneSector() {
        command(SECTOR + 0x1000, 0x20);
        assertThat(flash.isReadArray()).isFalse();
        command(SECTOR + 0x1000, 0xd0);
        assertThat(read(SECTOR)).as("status of both chips").isEqualTo(0x80_0080L);
        command(0, 0xff);
        assertThat(flash.isReadArray()).isTrue();
        assertThat(read(SECTOR - 4)).isZero();
        assertThat(read(SECTOR)).isEqualTo(0xffff_ffffL);
        assertThat(flash.mmioRead(BASE, 2 * SECTOR - 8, 8)).isEqualTo(-1);
        assertThat(read(2 * SECTOR)).isZero();
    }

    @Test
    void programmingOnlyClearsBits() {
        erase(flash, 0);
        program(flash, 8, 0xf0f0_1234L);
        assertThat(status(flash)).isEqualTo(0x80_0080L);
        program(flash, 8, 0x0ff0_ffffL);
        command(0, 0xff);
        assertThat(read(8)).isEqualTo(0x00f0_1234L);
        assertThat(read(4)).isEqualTo(0xffff_ffffL);
        assertThat(flash.mmioRead(BASE, 8, 1)).isEqualTo(0x34);
        assertThat(flash.mmioRead(BASE, 10, 2)).isEqualTo(0x00f0);
    }

    @Test
    void theOtherProgramCommandAndNarrowDataWorkToo() {
        erase(flash, 0);
        command(6, 0x10);
        flash.mmioWrite(BASE, 6, 2, 0xbeef);
        command(0, 0xff);
        assertThat(read(4)).isEqualTo(0xbeef_ffffL);
    }

    @Test
    void identifierShowsTheMakerTheChipAndTheLock() {
        command(0, 0x90);
        assertThat(read(0)).isEqualTo(0x89_0089L);
        assertThat(read(4)).isEqualTo(0x18_0018L);
        assertThat(read(8)).isZero();
        assertThat(flash.mmioRead(BASE, 0, 8)).isEqualTo(0x0018_0018_0089_0089L);
        assertThat(flash.mmioRead(BASE, 2, 2)).isEqualTo(0x89);
        command(0, 0xff);
        assertThat(read(0)).isZero();
    }

    @Test
    void queryTableDescribesTheBoardsBank() {
        CfiFlash bank = CfiFlash.inMemory("flash0", CfiFlash.BANK_BYTES);
        opened.add(bank);
        command(bank, 0x55 * 4, 0x98);
        byte[] table = new byte[0x50];
        for (int i = 0; i < table.length; i++) {
            long word = read(bank, i * 4L);
            assertThat(word >>> 16).as("both chips agree").isEqualTo(word & 0xffff);
            table[i] = (byte) word;
        }
        ByteBuffer query = ByteBuffer.wrap(table).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(new String(table, 0x10, 3, StandardCharsets.US_ASCII)).isEqualTo("QRY");
        assertThat(query.getShort(0x13)).as("Intel extended").isEqualTo((short) 1);
        assertThat(query.getShort(0x15)).isEqualTo((short) 0x31);
        assertThat(1L << table[0x27]).as("bytes of a chip").isEqualTo(16 << 20);
        assertThat(1 << table[0x2a]).as("bytes of a chip's buffer").isEqualTo(2048);
        assertThat(table[0x2c]).as("regions").isEqualTo((byte) 1);
        assertThat(query.getShort(0x2d) + 1).as("blocks").isEqualTo(128);
        assertThat(query.getShort(0x2f) * 256).as("bytes of a block").isEqualTo(128 << 10);
        assertThat(new String(table, 0x31, 5, StandardCharsets.US_ASCII)).isEqualTo("PRI10");
    }

    @Test
    void aNewCommandLeavesTheTables() {
        command(0, 0x98);
        command(0, 0x90);
        assertThat(read(0)).isEqualTo(0x89_0089L);
        command(0, 0x70);
        assertThat(read(0)).isEqualTo(0x80_0080L);
        command(0, 0xf0);
        assertThat(flash.isReadArray()).isTrue();
    }

    @Test
    void bufferedProgramWritesUpToAWholeBuffer() {
        erase(flash, 0);
        command(0x2000, 0xe8);
        assertThat(read(0x2000)).as("the buffer is free").isEqualTo(0x80_0080L);
        command(0x2000, 1023);
        for (int i = 0; i < 1024; i++) {
            flash.mmioWrite(BASE, 0x2000 + i * 4L, 4, i * 0x10001L);
        }
        command(0x2000, 0xd0);
        assertThat(status(flash)).isEqualTo(0x80_0080L);
        for (int i = 0; i < 1024; i++) {
            assertThat(read(0x2000 + i * 4L)).isEqualTo(i * 0x10001L);
        }
        assertThat(read(0x1ffc)).isEqualTo(0xffff_ffffL);
        assertThat(read(0x3000)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void bufferedProgramMayBeginInsideABuffer() {
        erase(flash, 0);
        command(0x1010, 0xe8);
        command(0x1010, 1);
        flash.mmioWrite(BASE, 0x1010, 4, 0x1111_2222L);
        flash.mmioWrite(BASE, 0x1014, 4, 0x3333_4444L);
        command(0x1010, 0xd0);
        command(0, 0xff);
        assertThat(flash.mmioRead(BASE, 0x1010, 8)).isEqualTo(0x3333_4444_1111_2222L);
        assertThat(read(0x100c)).isEqualTo(0xffff_ffffL);
        assertThat(read(0x1018)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void aWideWriteIsTwoCycles() {
        erase(flash, 0);
        command(0x1000, 0xe8);
        command(0x1000, 1);
        flash.mmioWrite(BASE, 0x1000, 8, 0x0102_0304_0506_0708L);
        command(0x1000, 0xd0);
        command(0, 0xff);
        assertThat(flash.mmioRead(BASE, 0x1000, 8)).isEqualTo(0x0102_0304_0506_0708L);
    }

    @Test
    void bufferedProgramOutsideItsBufferOrTooLongIsAnError() {
        erase(flash, 0);
        command(0x1000, 0xe8);
        command(0x1000, 1);
        flash.mmioWrite(BASE, 0x1ffc, 4, 0);
        flash.mmioWrite(BASE, 0x2000, 4, 0);
        command(0x1000, 0xd0);
        assertThat(status(flash)).isEqualTo(0xb0_00b0L);
        assertThat(read(0x1ffc)).as("nothing was programmed").isEqualTo(0xffff_ffffL);

        command(0x1000, 0xe8);
        command(0x1000, 1024);
        assertThat(status(flash)).isEqualTo(0xb0_00b0L);
        assertThat(flash.failedOperations()).isEqualTo(2);
    }

    @Test
    void anUnconfirmedCommandIsAnErrorUntilTheStatusIsCleared() {
        command(0, 0x20);
        command(0, 0x40);
        assertThat(read(0)).isEqualTo(0xb0_00b0L);
        command(0, 0xff);
        assertThat(read(0)).as("nothing was erased").isZero();
        command(0, 0x70);
        assertThat(read(0)).as("the error stays").isEqualTo(0xb0_00b0L);
        command(0, 0x50);
        assertThat(status(flash)).isEqualTo(0x80_0080L);
        assertThat(flash.invalidCommands()).isEqualTo(1);
    }

    @Test
    void readArrayAbandonsACommand() {
        for (int setup : new int[] {0x20, 0x60}) {
            command(0, setup);
            command(0, 0xff);
            assertThat(flash.isReadArray()).isTrue();
        }
        command(0, 0xe8);
        command(0, 0);
        flash.mmioWrite(BASE, 0, 4, 0);
        command(0, 0xff);
        assertThat(flash.isReadArray()).isTrue();
        assertThat(status(flash)).isEqualTo(0x80_0080L);
    }

    @Test
    void suspendAndResumeAreHarmless() {
        erase(flash, 0);
        command(0, 0xb0);
        assertThat(read(0)).isEqualTo(0x80_0080L);
        command(0, 0xd0);
        assertThat(status(flash)).isEqualTo(0x80_0080L);
        assertThat(read(0)).isEqualTo(0xffff_ffffL);
        assertThat(flash.invalidCommands()).isZero();
    }

    @Test
    void aCommandThatDoesNotExistReturnsToTheArray() {
        command(0, 0x70);
        command(0, 0x33);
        assertThat(flash.isReadArray()).isTrue();
        assertThat(flash.invalidCommands()).isEqualTo(1);
    }

    @Test
    void aLockedSectorRefusesUntilItIsUnlocked() {
        command(SECTOR, 0x60);
        command(SECTOR, 0x01);
        erase(flash, SECTOR);
        assertThat(status(flash)).isEqualTo(0xa2_00a2L);
        program(flash, SECTOR, 0);
        assertThat(status(flash)).isEqualTo(0x92_0092L);
        command(SECTOR, 0x90);
        assertThat(read(SECTOR + 8)).isEqualTo(0x1_0001L);
        assertThat(read(8)).isZero();
        command(0, 0xff);
        assertThat(read(SECTOR)).isZero();

        command(SECTOR, 0x60);
        command(SECTOR, 0xd0);
        erase(flash, SECTOR);
        assertThat(status(flash)).isEqualTo(0x80_0080L);
        assertThat(read(SECTOR)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void contentsAreWhatTheGuestSees() {
        erase(flash, 0);
        program(flash, 0, 0x1234_5678L);
        assertThat(flash.isReadArray()).isFalse();
        command(0, 0xff);
        assertThat(flash.contents().get(ValueLayout.JAVA_INT, 0)).isEqualTo(0x1234_5678);
        assertThat(flash.contents().byteSize()).isEqualTo(BANK);
        assertThat(flash.contents().isReadOnly()).isTrue();
    }

    @Test
    void resetReturnsToTheArrayAndKeepsTheBytes() {
        erase(flash, 0);
        command(0, 0x60);
        command(0, 0x01);
        command(0, 0x20);
        flash.reset();
        assertThat(flash.isReadArray()).isTrue();
        assertThat(read(0)).isEqualTo(0xffff_ffffL);
        program(flash, 0, 0);
        assertThat(status(flash)).isEqualTo(0x80_0080L);
    }

    @Test
    void aFilesBytesAreReadAndWhatIsProgrammedIsWrittenToIt() throws Exception {
        Path file = file(0xff);
        try (CfiFlash bank = open(file, false)) {
            program(bank, SECTOR + 4, 0xcafe_f00dL);
            erase(bank, 0);
            program(bank, 0, 0x0000_0001L);
            assertThat(status(bank)).isEqualTo(0x80_0080L);
        }
        ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(file));
        content.order(ByteOrder.LITTLE_ENDIAN);
        assertThat(content.capacity()).isEqualTo(BANK);
        assertThat(content.getInt(SECTOR + 4)).isEqualTo(0xcafe_f00d);
        assertThat(content.getInt(0)).isEqualTo(1);
        assertThat(content.getInt(SECTOR)).isEqualTo(-1);

        try (CfiFlash bank = open(file, false)) {
            assertThat(read(bank, SECTOR + 4)).isEqualTo(0xcafe_f00dL);
        }
    }

    @Test
    void aReadOnlyFileRefusesChangesAndStaysAsItIs() throws Exception {
        Path file = file(0x5a);
        assertThat(file.toFile().setReadOnly()).isTrue();
        CfiFlash bank = open(file, true);
        assertThat(read(bank, 0)).isEqualTo(0x5a5a_5a5aL);
        erase(bank, 0);
        assertThat(status(bank)).isEqualTo(0xa2_00a2L);
        program(bank, 0, 0);
        assertThat(status(bank)).isEqualTo(0x92_0092L);
        assertThat(read(bank, 0)).isEqualTo(0x5a5a_5a5aL);
        assertThat(bank.failedOperations()).isEqualTo(2);
    }

    @Test
    void aFileOfAnotherSizeIsRefusedWithBothSizes() throws Exception {
        Path file = Files.write(directory.resolve("short.fd"), new byte[4096]);
        assertThatThrownBy(() -> open(file, true))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("short.fd", "1048576", "4096");
        assertThat(Files.size(file)).isEqualTo(4096);
    }

    @Test
    void aFileThatIsNotThereOrIsNoFileIsRefused() {
        Path missing = directory.resolve("missing.fd");
        assertThatThrownBy(() -> open(missing, false))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContainingAll("missing.fd", "found nothing");
        assertThat(missing).doesNotExist();
        assertThatThrownBy(() -> open(directory, false))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("found no file");
    }

    @Test
    void aWritableFileBelongsToOneMachine() throws Exception {
        Path file = file(0);
        CfiFlash first = open(file, false);
        assertThatThrownBy(() -> open(file, false))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("in use by another machine");
        first.close();
        first.close();
        assertThat(read(open(file, false), 0)).isZero();
    }

    @Test
    void aFileThatIsCutShortMeanwhileHarmsNobody() throws Exception {
        Path file = file(0x77);
        CfiFlash bank = open(file, false);
        Files.write(file, new byte[0]);
        assertThat(read(bank, BANK - 4)).isEqualTo(0x7777_7777L);
        erase(bank, 0);
        assertThat(status(bank)).isEqualTo(0x80_0080L);
    }

    @Test
    void sizesAreChecked() {
        assertThatThrownBy(() -> CfiFlash.inMemory("f", SECTOR / 2))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> CfiFlash.inMemory("f", 3 * SECTOR))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aRestoredBankGoesOnInTheMiddleOfACommand() {
        erase(flash, 0);
        command(0x1000, 0xe8);
        command(0x1000, 1);
        flash.mmioWrite(BASE, 0x1000, 4, 0x1111_1111L);
        flash.sleep();
        Snapshot snapshot = flash.snapshot();

        CfiFlash other = create();
        other.sleep();
        other.restore(snapshot);
        other.wake();
        other.mmioWrite(BASE, 0x1004, 4, 0x2222_2222L);
        command(other, 0x1000, 0xd0);
        assertThat(status(other)).isEqualTo(0x80_0080L);
        assertThat(other.mmioRead(BASE, 0x1000, 8)).isEqualTo(0x2222_2222_1111_1111L);
        assertThat(read(other, 0)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void restoringWritesTheFileToo() throws Exception {
        Path file = file(0);
        CfiFlash bank = open(file, false);
        Snapshot before = bank.snapshot();
        erase(bank, SECTOR);
        bank.restore(before);
        assertThat(Files.readAllBytes(file)).containsOnly(0);
    }

    @Test
    void aReadOnlyBankRestoresOnlyOverTheSameBytes() throws Exception {
        Path file = file(1);
        CfiFlash bank = open(file, true);
        command(bank, 0, 0x90);
        Snapshot snapshot = bank.snapshot();
        command(bank, 0, 0xff);
        bank.restore(snapshot);
        assertThat(bank.isReadArray()).isFalse();

        CfiFlash other = open(file(2), true);
        assertThatThrownBy(() -> other.restore(snapshot)).isInstanceOf(SnapshotException.class);
        assertThat(other.isReadArray()).isTrue();
    }

    @Test
    void randomAccessesNeverThrow() {
        long seed = 28;
        var random = new Random(seed);
        int[] commands = {
            0x00, 0x01, 0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90, 0x98, 0xb0, 0xd0, 0xe8, 0xff
        };
        for (int i = 0; i < 200_000; i++) {
            long offset = random.nextInt(random.nextBoolean() ? 0x40 : BANK);
            int size = 1 << random.nextInt(4);
            if (random.nextInt(3) == 0) {
                long value = flash.mmioRead(BASE, offset, size);
                assertThat(size == 8 || value >>> size * 8 == 0).as("seed %d", seed).isTrue();
            } else if (random.nextInt(4) == 0) {
                flash.mmioWrite(BASE, offset, size, random.nextLong());
            } else {
                long code = commands[random.nextInt(commands.length)];
                flash.mmioWrite(BASE, offset & -4, 4, code * 0x1_0001L);
            }
        }
        flash.reset();
        erase(flash, 0);
        command(0, 0xff);
        assertThat(read(0)).isEqualTo(0xffff_ffffL);
    }
}
