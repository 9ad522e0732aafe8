package dev.dalang.vm.device;

import dev.dalang.bus.DeviceMmio;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A bank of NOR flash with Intel's command set: two 16-bit chips side by side, so that the bank is
 * 4 bytes wide and both chips get the same commands. The command is the low byte of what is
 * written; an access of 8 bytes is two of 4.
 *
 * <p>Programming clears bits, erasing sets all bits of a sector; both are done before the store
 * that asks for them completes, so that the status is always "ready" and there is nothing to
 * suspend. A program or erase of a locked sector, or of a bank over a read-only file, ends with the
 * error bits of the chip. A command that does not exist returns to reading the array, and is
 * counted.
 *
 * <p>What is programmed into a bank over a file is written through to the file. A bank in memory is
 * zero at first, as QEMU's is.
 *
 * <p>Any thread.
 */
public final class CfiFlash implements DeviceMmio, Suspendable, AutoCloseable {
    /** Bytes of a bank of the {@code virt} board. */
    public static final int BANK_BYTES = 32 << 20;

    /** Bytes of a sector, the unit of erasing and of locking. */
    public static final int SECTOR_BYTES = 256 << 10;

    private static final String TYPE = "cfi-flash";
    private static final String SECTOR_TYPE = "cfi-flash-sector";
    private static final int VERSION = 1;

    private static final int CHIPS = 2;
    private static final int BANK_WIDTH = 4;

    /** Bytes of both chips' write buffers. */
    private static final int BUFFER_BYTES = CHIPS << CfiQuery.WRITE_BUFFER_SHIFT;

    private static final int MANUFACTURER_ID = 0x89;
    private static final int DEVICE_ID = 0x18;

    private static final int SR_READY = 0x80;
    private static final int SR_ERASE_ERROR = 0x20;
    private static final int SR_PROGRAM_ERROR = 0x10;
    private static final int SR_LOCKED = 0x02;

    /** Both error bits: the commands did not come in an order that makes sense. */
    private static final int SR_SEQUENCE_ERROR = SR_ERASE_ERROR | SR_PROGRAM_ERROR;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** What a read shows. */
    private enum Mode {
        ARRAY,
        STATUS,
        IDENTIFIER,
        QUERY
    }

    /** What the next write means. */
    private enum Next {
        COMMAND,
        PROGRAM_DATA,
        ERASE_CONFIRM,
        BUFFER_COUNT,
        BUFFER_DATA,
        BUFFER_CONFIRM,
        LOCK_ACTION
    }

    private final Object lock = new Object();
    private final String label;
    private final FlashStore store;
    private final MemorySegment bytes;
    private final long size;
    private final byte[] query;

    /** Whether reads show the array; written under the lock, read without it. */
    private volatile boolean readArray = true;

    // Guarded by the lock.
    private Mode mode = Mode.ARRAY;
    private Next next = Next.COMMAND;
    private int status = SR_READY;
    private final BitSet locked = new BitSet();
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private long bufferBase;
    private int bufferLeft;
    private boolean bufferFailed;
    private long invalidCommands;
    private long failedOperations;

    private CfiFlash(String label, FlashStore store) {
        this.label = label;
        this.store = store;
        this.bytes = store.bytes();
        this.size = bytes.byteSize();
        this.query = CfiQuery.table(size / CHIPS, SECTOR_BYTES / CHIPS);
    }

    /**
     * A bank that forgets everything when the machine ends.
     *
     * @param label its name, such as {@code flash0}
     * @param bankBytes size: a power of two, 1 sector to 256 MiB
     * @return the bank
     */
    public static CfiFlash inMemory(String label, int bankBytes) {
        return new CfiFlash(label, FlashStore.inMemory(checkedSize(bankBytes)));
    }

    /**
     * A bank whose bytes are those of a file.
     *
     * @param label its name, such as {@code flash0}
     * @param file the file, of exactly {@code bankBytes} bytes
     * @param bankBytes size: a power of two, 1 sector to 256 MiB
     * @param readOnly whether the guest's changes are refused; otherwise they are written to the
     *     file, which is locked against other machines
     * @return the bank
     * @throws dev.dalang.vm.ConfigurationException if the file cannot be opened, is in use, or is
     *     of another size
     */
    public static CfiFlash ofFile(String label, Path file, int bankBytes, boolean readOnly) {
        return new CfiFlash(label, FlashStore.ofFile(file, checkedSize(bankBytes), readOnly));
    }

    /**
     * A bank that begins with the bytes of a file, which stays as it is: what the guest changes is
     * forgotten with the bank. Behind the file's bytes there are zeros.
     *
     * @param label its name, such as {@code flash0}
     * @param file the file, of 1 to {@code bankBytes} bytes
     * @param bankBytes size: a power of two, 1 sector to 256 MiB
     * @param readOnly whether the guest's changes are refused
     * @return the bank
     * @throws dev.dalang.vm.ConfigurationException if the file cannot be read or is too long
     */
    public static CfiFlash ofCopy(String label, Path file, int bankBytes, boolean readOnly) {
        return new CfiFlash(label, FlashStore.ofCopy(file, checkedSize(bankBytes), readOnly));
    }

    private static int checkedSize(int bankBytes) {
        if (bankBytes < SECTOR_BYTES || bankBytes > 256 << 20 || Integer.bitCount(bankBytes) != 1) {
            throw new IllegalArgumentException(
                    "flash: expected a power of two from %d to %d bytes, got %d"
                            .formatted(SECTOR_BYTES, 256 << 20, bankBytes));
        }
        return bankBytes;
    }

    @Override
    public String label() {
        return label;
    }

    @Override
    public String typeId() {
        return TYPE;
    }

    /** {@return the size in bytes} */
    public long size() {
        return size;
    }

    /**
     * {@return the array's bytes, for fetching instructions} They are what the guest sees only
     * while {@link #isReadArray} is true, and change while it is false. Read-only; valid until
     * {@link #close}.
     */
    public MemorySegment contents() {
        return bytes.asReadOnly();
    }

    /** {@return whether reads show the array, rather than the status or a table} */
    public boolean isReadArray() {
        return readArray;
    }

    /** {@return how many commands made no sense where they came} */
    public long invalidCommands() {
        synchronized (lock) {
            return invalidCommands;
        }
    }

    /** {@return how many programs and erases ended with an error} */
    public long failedOperations() {
        synchronized (lock) {
            return failedOperations;
        }
    }

    /** {@return how many writes to the file the host refused} */
    public long hostFailures() {
        synchronized (lock) {
            return store.failures();
        }
    }

    /** As after power-on: reads show the array, no sector is locked. The bytes stay. */
    public void reset() {
        synchronized (lock) {
            toArray();
            status = SR_READY;
            locked.clear();
        }
    }

    @Override
    public long mmioRead(long base, long offset, int size) {
        if (readArray) {
            return readBytes(offset, size);
        }
        synchronized (lock) {
            if (mode == Mode.ARRAY) {
                return readBytes(offset, size);
            }
            long value = 0;
            for (int i = 0; i < size; i++) {
                long at = offset + i;
                int octet = word(at >>> 2) >>> (int) (at & 1) * Byte.SIZE & 0xff;
                value |= (long) octet << i * Byte.SIZE;
            }
            return value;
        }
    }

    private long readBytes(long offset, int length) {
        if (offset < 0 || offset > size - length) {
            return 0;
        }
        return switch (length) {
            case 1 -> bytes.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
            case 2 -> bytes.get(SHORT, offset) & 0xffff;
            case 4 -> bytes.get(INT, offset) & 0xffff_ffffL;
            default -> bytes.get(LONG, offset);
        };
    }

    /** What each of the chips shows at a word address when it does not show the array. */
    private int word(long index) {
        return switch (mode) {
            case STATUS, ARRAY -> status;
            case IDENTIFIER ->
                    switch ((int) index & 0xff) {
                        case 0 -> MANUFACTURER_ID;
                        case 1 -> DEVICE_ID;
                        case 2 -> locked.get((int) (index * BANK_WIDTH / SECTOR_BYTES)) ? 1 : 0;
                        default -> 0;
                    };
            case QUERY -> index < query.length ? query[(int) index] & 0xff : 0;
        };
    }

    @Override
    public void mmioWrite(long base, long offset, int size, long value) {
        if (offset < 0 || offset > this.size - size) {
            return;
        }
        synchronized (lock) {
            if (size == 8) {
                cycle(offset, BANK_WIDTH, (int) value);
                cycle(offset + BANK_WIDTH, BANK_WIDTH, (int) (value >>> 32));
            } else {
                cycle(offset, size, (int) value);
            }
            readArray = mode == Mode.ARRAY;
        }
    }

    private void cycle(long offset, int width, int value) {
        int command = value & 0xff;
        switch (next) {
            case COMMAND -> command(command);
            case PROGRAM_DATA -> {
                program(offset, width, value);
                next = Next.COMMAND;
            }
            case ERASE_CONFIRM -> {
                if (command == 0xd0) {
                    erase(offset);
                    next = Next.COMMAND;
                } else {
                    abandon(command);
                }
            }
            case BUFFER_COUNT -> bufferCount(value & 0xffff);
            case BUFFER_DATA -> bufferData(offset, width, value);
            case BUFFER_CONFIRM -> {
                if (command == 0xd0) {
                    programBuffer();
                    next = Next.COMMAND;
                } else {
                    abandon(command);
                }
            }
            case LOCK_ACTION -> lockAction(offset, command);
        }
    }

    private void command(int command) {
        switch (command) {
            case 0x00, 0xf0, 0xff -> toArray();
            case 0x10, 0x40 -> toStatus(Next.PROGRAM_DATA);
            case 0x20 -> toStatus(Next.ERASE_CONFIRM);
            case 0x50 -> {
                status = SR_READY;
                toArray();
            }
            case 0x60 -> toStatus(Next.LOCK_ACTION);
            // Suspend and resume: whatever was asked for is done.
            case 0x70, 0xb0, 0xd0 -> toStatus(Next.COMMAND);
            case 0x90 -> mode = Mode.IDENTIFIER;
            case 0x98 -> mode = Mode.QUERY;
            case 0xe8 -> toStatus(Next.BUFFER_COUNT);
            default -> {
                invalidCommands++;
                toArray();
            }
        }
    }

    private void toArray() {
        mode = Mode.ARRAY;
        next = Next.COMMAND;
        readArray = true;
    }

    private void toStatus(Next nextWrite) {
        mode = Mode.STATUS;
        next = nextWrite;
    }

    /**
     * A second cycle that does not confirm the first: "read array" is obeyed, others are errors.
     */
    private void abandon(int command) {
        if (command == 0xff) {
            toArray();
        } else {
            fail(SR_SEQUENCE_ERROR);
            invalidCommands++;
            toStatus(Next.COMMAND);
        }
    }

    private void fail(int errorBits) {
        status |= errorBits;
        failedOperations++;
    }

    private boolean refuses(long offset, int errorBit) {
        if (store.isReadOnly() || locked.get((int) (offset / SECTOR_BYTES))) {
            fail(errorBit | SR_LOCKED);
            return true;
        }
        return false;
    }

    private void program(long offset, int width, int value) {
        if (refuses(offset, SR_PROGRAM_ERROR)) {
            return;
        }
        for (int i = 0; i < width; i++) {
            clearBits(offset + i, value >>> i * Byte.SIZE);
        }
        if (!store.changed(offset, width)) {
            fail(SR_PROGRAM_ERROR);
        }
    }

    private void clearBits(long offset, int octet) {
        byte old = bytes.get(ValueLayout.JAVA_BYTE, offset);
        bytes.set(ValueLayout.JAVA_BYTE, offset, (byte) (old & octet));
    }

    private void erase(long offset) {
        if (refuses(offset, SR_ERASE_ERROR)) {
            return;
        }
        long sector = offset & -SECTOR_BYTES;
        bytes.asSlice(sector, SECTOR_BYTES).fill((byte) 0xff);
        if (!store.changed(sector, SECTOR_BYTES)) {
            fail(SR_ERASE_ERROR);
        }
    }

    /** The number of writes to come, less one. */
    private void bufferCount(int count) {
        if ((count + 1) * BANK_WIDTH > BUFFER_BYTES) {
            fail(SR_SEQUENCE_ERROR);
            next = Next.COMMAND;
            return;
        }
        Arrays.fill(buffer, (byte) 0xff);
        bufferBase = -1;
        bufferLeft = count + 1;
        bufferFailed = false;
        next = Next.BUFFER_DATA;
    }

    private void bufferData(long offset, int width, int value) {
        if (bufferBase < 0) {
            bufferBase = offset & -BUFFER_BYTES;
        }
        long index = offset - bufferBase;
        if (index < 0 || index > BUFFER_BYTES - width) {
            bufferFailed = true;
        } else {
            for (int i = 0; i < width; i++) {
                buffer[(int) index + i] &= (byte) (value >>> i * Byte.SIZE);
            }
        }
        if (--bufferLeft == 0) {
            next = Next.BUFFER_CONFIRM;
        }
    }

    private void programBuffer() {
        if (bufferFailed) {
            fail(SR_SEQUENCE_ERROR);
            return;
        }
        if (refuses(bufferBase, SR_PROGRAM_ERROR)) {
            return;
        }
        for (int i = 0; i < BUFFER_BYTES; i++) {
            clearBits(bufferBase + i, buffer[i]);
        }
        if (!store.changed(bufferBase, BUFFER_BYTES)) {
            fail(SR_PROGRAM_ERROR);
        }
    }

    private void lockAction(long offset, int command) {
        int sector = (int) (offset / SECTOR_BYTES);
        switch (command) {
            case 0x01, 0x2f -> locked.set(sector);
            case 0xd0 -> locked.clear(sector);
            case 0x03 -> {
                // Sets the read configuration, which has no effect on this bus.
            }
            default -> {
                abandon(command);
                return;
            }
        }
        next = Next.COMMAND;
    }

    /** Also waits until the host has the file's bytes on its disk. */
    @Override
    public void sleep() {
        synchronized (lock) {
            store.sync();
        }
    }

    @Override
    public void wake() {
        // It acts only within an access.
    }

    /** Ends the bank: the file is closed, and nothing may be read or fetched any more. */
    @Override
    public void close() {
        synchronized (lock) {
            store.close();
        }
    }

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            var builder =
                    Snapshot.builder(TYPE, VERSION)
                            .put("mode", mode.name())
                            .put("next", next.name())
                            .put("status", status)
                            .put("locked", locked.toByteArray())
                            .put("buffer", buffer)
                            .put("bufferBase", bufferBase)
                            .put("bufferLeft", bufferLeft)
                            .put("bufferFailed", bufferFailed);
            return store.isReadOnly()
                    ? builder.put("digest", digest()).build()
                    : builder.put("sectors", sectors()).build();
        }
    }

    /** The sectors that are not zero. */
    private List<Snapshot> sectors() {
        MemorySegment zeros = MemorySegment.ofArray(new byte[SECTOR_BYTES]);
        var sectors = new ArrayList<Snapshot>();
        for (long at = 0; at < size; at += SECTOR_BYTES) {
            MemorySegment sector = bytes.asSlice(at, SECTOR_BYTES);
            if (sector.mismatch(zeros) >= 0) {
                sectors.add(
                        Snapshot.builder(SECTOR_TYPE, VERSION)
                                .put("offset", at)
                                .put("bytes", sector.toArray(ValueLayout.JAVA_BYTE))
                                .build());
            }
        }
        return sectors;
    }

    private byte[] digest() {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update(bytes.asByteBuffer());
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /**
     * {@inheritDoc}
     *
     * <p>The bytes are restored, and written to the file, unless the bank is read-only: then the
     * snapshot must be of the same bytes.
     */
    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        Mode newMode = named(Mode.class, snapshot, "mode");
        Next newNext = named(Next.class, snapshot, "next");
        int newStatus = snapshot.getInt("status", SR_READY, 0xff);
        int sectorCount = (int) (size / SECTOR_BYTES);
        BitSet newLocked = BitSet.valueOf(snapshot.getBytes("locked", (sectorCount + 7) / 8));
        byte[] newBuffer = snapshot.getBytes("buffer", BUFFER_BYTES);
        long newBase = snapshot.getLong("bufferBase");
        boolean fillsBuffer = newNext == Next.BUFFER_DATA;
        int newLeft = snapshot.getInt("bufferLeft", fillsBuffer ? 1 : 0, BUFFER_BYTES / BANK_WIDTH);
        boolean newFailed = snapshot.getBoolean("bufferFailed");
        boolean baseFits = newBase >= 0 && newBase < size && newBase % BUFFER_BYTES == 0;
        boolean baseUnset = newBase == -1 && newNext != Next.BUFFER_CONFIRM;
        if (newLocked.length() > sectorCount
                || newBuffer.length != BUFFER_BYTES
                || !(baseFits || baseUnset)
                || newMode == Mode.ARRAY && newNext != Next.COMMAND) {
            throw new SnapshotException(
                    "cfi-flash: expected a state of a bank of %d sectors, got one of %d locked, a"
                                    .formatted(sectorCount, newLocked.length())
                            + " buffer of %d bytes at %d, %s before %s"
                                    .formatted(newBuffer.length, newBase, newMode, newNext));
        }
        synchronized (lock) {
            restoreBytes(snapshot);
            mode = newMode;
            next = newNext;
            status = newStatus;
            locked.clear();
            locked.or(newLocked);
            System.arraycopy(newBuffer, 0, buffer, 0, BUFFER_BYTES);
            bufferBase = newBase;
            bufferLeft = newLeft;
            bufferFailed = newFailed;
            readArray = mode == Mode.ARRAY;
        }
    }

    private static <E extends Enum<E>> E named(Class<E> kind, Snapshot snapshot, String field) {
        String name = snapshot.getString(field);
        for (E value : kind.getEnumConstants()) {
            if (value.name().equals(name)) {
                return value;
            }
        }
        throw new SnapshotException(
                "cfi-flash.%s: expected one of %s, got %s"
                        .formatted(field, Arrays.toString(kind.getEnumConstants()), name));
    }

    private void restoreBytes(Snapshot snapshot) {
        if (store.isReadOnly()) {
            if (!Arrays.equals(snapshot.getBytes("digest", 32), digest())) {
                throw new SnapshotException(
                        label + ": expected a snapshot of the same read-only bytes, got another");
            }
            return;
        }
        Map<Integer, byte[]> sectors = new HashMap<>();
        for (Snapshot sector : snapshot.getList("sectors")) {
            long offset = sector.expect(SECTOR_TYPE, VERSION).getLong("offset");
            byte[] content = sector.getBytes("bytes", SECTOR_BYTES);
            boolean fits = offset >= 0 && offset < size && offset % SECTOR_BYTES == 0;
            if (!fits || content.length != SECTOR_BYTES) {
                throw new SnapshotException(
                        "cfi-flash.sectors: expected sectors of %d bytes, got %d bytes at %d"
                                .formatted(SECTOR_BYTES, content.length, offset));
            }
            sectors.put((int) (offset / SECTOR_BYTES), content);
        }
        byte[] zeros = new byte[SECTOR_BYTES];
        for (int i = 0; i < size / SECTOR_BYTES; i++) {
            MemorySegment wanted = MemorySegment.ofArray(sectors.getOrDefault(i, zeros));
            MemorySegment sector = bytes.asSlice((long) i * SECTOR_BYTES, SECTOR_BYTES);
            if (sector.mismatch(wanted) >= 0) {
                sector.copyFrom(wanted);
                store.changed((long) i * SECTOR_BYTES, SECTOR_BYTES);
            }
        }
    }
}
