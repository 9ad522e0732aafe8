package dev.dalang.vm.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.testkit.SuspendableLifeCycle;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class FwCfgTest implements SuspendableLifeCycle<FwCfg> {
    private static final long BASE = 0x1010_0000;
    private static final long RAM = 0x8000_0000L;
    private static final long DESCRIPTION = RAM + 0x10;
    private static final long BUFFER = RAM + 0x1000;

    private static final int ERROR = 0x01;
    private static final int READ = 0x02;
    private static final int SKIP = 0x04;
    private static final int SELECT = 0x08;
    private static final int WRITE = 0x10;

    private final GuestMemory memory = newMemory();
    private final List<String> writes = new ArrayList<>();
    private final FwCfg device = create();

    private static GuestMemory newMemory() {
        MemorySegment ram = Arena.ofAuto().allocate(0x4000, 4096);
        MemorySegment rom = Arena.ofAuto().allocate(0x1000, 4096).asReadOnly();
        return GuestMemory.of(new MemoryRegion(0x1000, rom), new MemoryRegion(RAM, ram));
    }

    @Override
    public FwCfg create() {
        return FwCfg.builder("fwcfg", memory)
                .number(FwCfg.FW_CFG_NB_CPUS, 2, 4)
                .file("opt/zeta", "last".getBytes(US_ASCII))
                .file("bootorder", new byte[0])
                .writableFile("etc/notes", "------".getBytes(US_ASCII), this::noteWritten)
                .commandLine("console=ttyS0")
                .kernel(MemorySegment.ofArray("kernel!".getBytes(US_ASCII)))
                .initrd(MemorySegment.ofArray("disk".getBytes(US_ASCII)))
                .build();
    }

    @Override
    public void mutate(FwCfg object) {
        object.mmioWrite(BASE, 8, 2, Short.reverseBytes((short) FwCfg.FW_CFG_KERNEL_DATA));
        object.mmioRead(BASE, 0, 2);
    }

    private void noteWritten(byte[] content) {
        writes.add(new String(content, US_ASCII));
    }

    private void select(int key) {
        device.mmioWrite(BASE, 8, 2, Short.reverseBytes((short) key) & 0xffffL);
    }

    private String text(int length) {
        byte[] bytes = bytes(length);
        return new String(bytes, US_ASCII);
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) device.mmioRead(BASE, 0, 1);
        }
        return bytes;
    }

    /** Runs a transfer; the control word afterwards. */
    private int transfer(int control, int length, long address) {
        ByteBuffer description =
                ByteBuffer.allocate(16).putInt(control).putInt(length).putLong(address);
        memory.copyIn(DESCRIPTION, description.array());
        device.mmioWrite(BASE, 16, 8, Long.reverseBytes(DESCRIPTION));
        return Integer.reverseBytes(memory.readInt(DESCRIPTION));
    }

    private String buffer(int length) {
        byte[] bytes = new byte[length];
        memory.copyOut(BUFFER, bytes);
        return new String(bytes, US_ASCII);
    }

    @Test
    void itSaysWhatItIsAndThatItCanTransfer() {
        select(FwCfg.FW_CFG_SIGNATURE);
        assertThat(text(4)).isEqualTo("QEMU");
        select(FwCfg.FW_CFG_ID);
        assertThat(device.mmioRead(BASE, 0, 4)).isEqualTo(3);
        assertThat(device.mmioRead(BASE, 16, 8)).isEqualTo(Long.reverseBytes(0x51454d5520434647L));
        assertThat(device.mmioRead(BASE, 16, 4)).isEqualTo(0x554d4551L);
        assertThat(device.mmioRead(BASE, 20, 4)).isEqualTo(0x47464320L);
    }

    @Test
    void theSignatureIsSelectedAtFirstAndAfterReset() {
        assertThat(text(4)).isEqualTo("QEMU");
        select(FwCfg.FW_CFG_KERNEL_DATA);
        device.reset();
        assertThat(text(4)).isEqualTo("QEMU");
    }

    @Test
    void dataComesInOrderWhateverTheWidth() {
        select(FwCfg.FW_CFG_CMDLINE_DATA);
        assertThat(device.mmioRead(BASE, 0, 1)).isEqualTo('c');
        assertThat(device.mmioRead(BASE, 0, 2)).isEqualTo('n' << 8 | 'o');
        assertThat(device.mmioRead(BASE, 0, 4)).isEqualTo(0x656c6f73L);
        assertThat(device.mmioRead(BASE, 0, 8)).isEqualTo(0x0000_3053_7974_743dL);
        assertThat(device.mmioRead(BASE, 0, 8)).isZero();
    }

    @Test
    void anItemThatDoesNotExistIsEmpty() {
        select(0x1f);
        assertThat(device.mmioRead(BASE, 0, 8)).isZero();
        select(0x3fff);
        assertThat(device.mmioRead(BASE, 0, 8)).isZero();
        select(0x8000);
        assertThat(device.mmioRead(BASE, 0, 8)).isZero();
    }

    @Test
    void theWriteChannelBitSelectsTheSameItem() {
        select(FwCfg.FW_CFG_KERNEL_DATA | 0x4000);
        assertThat(text(7)).isEqualTo("kernel!");
    }

    @Test
    void kernelInitrdAndCommandLineHaveTheirKeys() {
        select(FwCfg.FW_CFG_KERNEL_SIZE);
        assertThat(device.mmioRead(BASE, 0, 4)).isEqualTo(7);
        select(FwCfg.FW_CFG_KERNEL_DATA);
        assertThat(text(7)).isEqualTo("kernel!");
        select(FwCfg.FW_CFG_INITRD_SIZE);
        assertThat(device.mmioRead(BASE, 0, 4)).isEqualTo(4);
        select(FwCfg.FW_CFG_INITRD_DATA);
        assertThat(text(4)).isEqualTo("disk");
        select(FwCfg.FW_CFG_CMDLINE_SIZE);
        assertThat(device.mmioRead(BASE, 0, 4)).isEqualTo(14);
        select(FwCfg.FW_CFG_CMDLINE_DATA);
        assertThat(text(14)).isEqualTo("console=ttyS0\0");
        select(FwCfg.FW_CFG_NB_CPUS);
        assertThat(device.mmioRead(BASE, 0, 2)).isEqualTo(4);
    }

    @Test
    void theDirectoryListsTheFilesSortedByName() {
        select(FwCfg.FW_CFG_FILE_DIR);
        ByteBuffer directory = ByteBuffer.wrap(bytes(4 + 3 * 64));
        assertThat(directory.getInt()).isEqualTo(3);
        String[] names = {"bootorder", "etc/notes", "opt/zeta"};
        int[] sizes = {0, 6, 4};
        for (int i = 0; i < names.length; i++) {
            assertThat(directory.getInt()).isEqualTo(sizes[i]);
            assertThat(directory.getShort()).isEqualTo((short) (0x20 + i));
            assertThat(directory.getShort()).isZero();
            byte[] name = new byte[56];
            directory.get(name);
            assertThat(new String(name, US_ASCII).trim()).isEqualTo(names[i]);
        }
        select(0x22);
        assertThat(text(4)).isEqualTo("last");
    }

    @Test
    void aTransferSelectsAndReads() {
        int control = transfer(FwCfg.FW_CFG_KERNEL_DATA << 16 | SELECT | READ, 7, BUFFER);
        assertThat(control).isZero();
        assertThat(buffer(7)).isEqualTo("kernel!");
    }

    @Test
    void aTransferGoesOnWhereTheLastEnded() {
        select(FwCfg.FW_CFG_KERNEL_DATA);
        assertThat(transfer(READ, 2, BUFFER)).isZero();
        assertThat(transfer(SKIP, 2, 0)).isZero();
        assertThat(transfer(READ, 2, BUFFER + 2)).isZero();
        assertThat(buffer(4)).isEqualTo("keel");
        assertThat(text(1)).isEqualTo("!");
    }

    @Test
    void aTransferBeyondTheItemGivesZeros() {
        memory.fill(BUFFER, 16, (byte) 'x');
        select(FwCfg.FW_CFG_INITRD_DATA);
        assertThat(transfer(READ, 8, BUFFER)).isZero();
        assertThat(buffer(9)).isEqualTo("disk\0\0\0\0x");
        assertThat(transfer(0x1f << 16 | SELECT | READ, 4, BUFFER)).isZero();
        assertThat(buffer(4)).isEqualTo("\0\0\0\0");
        assertThat(transfer(SKIP, -1, 0)).isZero();
    }

    @Test
    void theAddressMayComeInTwoHalves() {
        ByteBuffer description =
                ByteBuffer.allocate(16)
                        .putInt(FwCfg.FW_CFG_INITRD_DATA << 16 | SELECT | READ)
                        .putInt(4)
                        .putLong(BUFFER);
        memory.copyIn(DESCRIPTION, description.array());
        device.mmioWrite(BASE, 16, 4, Integer.reverseBytes((int) (DESCRIPTION >>> 32)));
        device.mmioWrite(BASE, 20, 4, Integer.reverseBytes((int) DESCRIPTION) & 0xffff_ffffL);
        assertThat(buffer(4)).isEqualTo("disk");
    }

    @Test
    void aWritableFileTellsItsOwner() {
        memory.copyIn(BUFFER, "abcd".getBytes(US_ASCII));
        select(0x21);
        assertThat(transfer(SKIP, 1, 0)).isZero();
        assertThat(transfer(WRITE, 4, BUFFER)).isZero();
        assertThat(writes).containsExactly("-abcd-");
        select(0x21);
        assertThat(text(6)).isEqualTo("-abcd-");
    }

    @Test
    void writingOtherItemsOrBeyondTheEndIsAnError() {
        memory.copyIn(BUFFER, "abcdefgh".getBytes(US_ASCII));
        assertThat(transfer(0x22 << 16 | SELECT | WRITE, 4, BUFFER)).isEqualTo(ERROR);
        assertThat(transfer(0x1f << 16 | SELECT | WRITE, 4, BUFFER)).isEqualTo(ERROR);
        assertThat(transfer(0x21 << 16 | SELECT | WRITE, 7, BUFFER)).isEqualTo(ERROR);
        assertThat(transfer(0x21 << 16 | SELECT | WRITE, 4, 0x4000_0000)).isEqualTo(ERROR);
        assertThat(writes).isEmpty();
        select(0x21);
        assertThat(text(6)).isEqualTo("------");
        assertThat(device.dmaErrors()).isEqualTo(4);
    }

    @Test
    void aBufferThatIsNotMemoryIsAnErrorAndChangesNothing() {
        select(FwCfg.FW_CFG_KERNEL_DATA);
        assertThat(transfer(READ, 7, 0x4000_0000)).isEqualTo(ERROR);
        assertThat(transfer(READ, 7, RAM + 0x4000 - 3)).isEqualTo(ERROR);
        assertThat(transfer(READ, 7, 0x1000)).as("read-only memory").isEqualTo(ERROR);
        assertThat(transfer(READ, -1, BUFFER)).isEqualTo(ERROR);
        assertThat(transfer(READ, 7, -4)).as("wraps").isEqualTo(ERROR);
        assertThat(transfer(READ, 7, BUFFER)).isZero();
        assertThat(buffer(7)).isEqualTo("kernel!");
    }

    @Test
    void aDescriptionThatIsNotMemoryIsCounted() {
        device.mmioWrite(BASE, 16, 8, Long.reverseBytes(0x4000_0000L));
        device.mmioWrite(BASE, 16, 8, Long.reverseBytes(RAM + 0x4000 - 8));
        device.mmioWrite(BASE, 16, 8, Long.reverseBytes(0x1000L));
        device.mmioWrite(BASE, 16, 8, -1);
        assertThat(device.dmaErrors()).isEqualTo(4);
    }

    @Test
    void aDescriptionMayLieAcrossTwoRegionsOfMemory() {
        MemorySegment low = Arena.ofAuto().allocate(0x1000, 4096);
        MemorySegment high = Arena.ofAuto().allocate(0x1000, 4096);
        GuestMemory split =
                GuestMemory.of(new MemoryRegion(0, low), new MemoryRegion(0x1000, high));
        FwCfg other = FwCfg.builder("fwcfg", split).build();
        long description = 0x1000 - 2;
        split.copyIn(
                description, ByteBuffer.allocate(16).putInt(READ).putInt(4).putLong(8).array());
        other.mmioWrite(BASE, 16, 8, Long.reverseBytes(description));
        assertThat(split.readInt(8)).isEqualTo(0x554d4551);
        assertThat(split.readByte(description + 3)).as("control").isZero();
    }

    @Test
    void aTransferWithoutAVerbOnlySelects() {
        assertThat(transfer(FwCfg.FW_CFG_KERNEL_DATA << 16 | SELECT, 99, 0)).isZero();
        assertThat(text(7)).isEqualTo("kernel!");
    }

    @Test
    void accessesThatMeetNoRegisterAreCounted() {
        assertThat(device.mmioRead(BASE, 1, 1)).isZero();
        assertThat(device.mmioRead(BASE, 8, 2)).isZero();
        assertThat(device.mmioRead(BASE, 20, 8)).isZero();
        device.mmioWrite(BASE, 0, 1, 1);
        device.mmioWrite(BASE, 8, 1, 1);
        device.mmioWrite(BASE, 17, 1, 1);
        assertThat(device.invalidAccesses()).isEqualTo(6);
    }

    @Test
    void keysAndNamesAreChecked() {
        FwCfg.Builder builder = FwCfg.builder("fwcfg", memory).file("a", new byte[1]);
        byte[] content = new byte[1];
        assertThatThrownBy(() -> builder.file("a", content))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("\"a\"");
        assertThatThrownBy(() -> builder.file("n".repeat(56), content))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.file("ä", content))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.file("", content))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.item(FwCfg.FW_CFG_FILE_DIR, content))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.item(0x20, content))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> builder.item(FwCfg.FW_CFG_SIGNATURE, content))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("twice");
        builder.file("n".repeat(55), content).item(0x8005, content).build();
    }

    @Test
    void aSnapshotKeepsThePlaceAndWhatWasWritten() {
        memory.copyIn(BUFFER, "abcdef".getBytes(US_ASCII));
        assertThat(transfer(0x21 << 16 | SELECT | WRITE, 6, BUFFER)).isZero();
        select(0x21);
        text(2);
        device.sleep();
        Snapshot snapshot = device.snapshot();

        FwCfg other = create();
        other.sleep();
        other.restore(snapshot);
        other.wake();
        assertThat(other.mmioRead(BASE, 0, 4)).isEqualTo(0x6665_6463L);
        assertThat(writes).hasSize(1);
    }

    @Test
    void aSnapshotOfAnotherSetOfFilesIsRefused() {
        FwCfg other = FwCfg.builder("fwcfg", memory).build();
        Snapshot snapshot = other.snapshot();
        assertThatThrownBy(() -> device.restore(snapshot))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("expected 1, got 0");
    }

    @Test
    void randomAccessesNeverThrow() {
        var random = new Random(510);
        for (int i = 0; i < 50_000; i++) {
            long offset = random.nextInt(24);
            int size = 1 << random.nextInt(4);
            if (random.nextInt(4) == 0) {
                device.mmioRead(BASE, offset, size);
            } else if (random.nextBoolean()) {
                device.mmioWrite(BASE, offset, size, random.nextLong());
            } else {
                int control = random.nextInt(0x40) << 16 | random.nextInt(0x20);
                long address = RAM + random.nextInt(0x5000) - 0x800;
                int result = transfer(control, random.nextInt(0x2000), address);
                assertThat(device.dmaErrors()).isNotNegative();
                // The buffer may lie over the description; otherwise the result is one of two.
                if (address > DESCRIPTION + 16) {
                    assertThat(result).isBetween(0, 1);
                }
            }
        }
    }
}
