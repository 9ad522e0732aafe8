package dev.dalang.devices.nvme;

import dev.dalang.bus.snapshot.Snapshot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.atomic.LongAdder;

/** The log pages (NVMe base 2.0 §5.16.1), and what they are about. Any thread. */
final class NvmeLogs {
    static final int SUPPORTED_PAGES = 0x00;
    static final int ERRORS = 0x01;
    static final int HEALTH = 0x02;
    static final int FIRMWARE = 0x03;
    static final int CHANGED_NAMESPACES = 0x04;
    static final int COMMANDS = 0x05;
    static final int FEATURES = 0x12;

    /** Entries of the error log. */
    static final int ENTRIES = 64;

    static final String FIRMWARE_REVISION = "1.0";

    private static final int[] PAGES = {
        SUPPORTED_PAGES, ERRORS, HEALTH, FIRMWARE, CHANGED_NAMESPACES, COMMANDS, FEATURES
    };

    private static final String TYPE = "nvme-logs";
    private static final int VERSION = 1;
    private static final int ENTRY_BYTES = 64;
    private static final int HEALTH_BYTES = 512;
    private static final int UNIT_BLOCKS = 1000;
    private static final int SECTOR_SHIFT = 9;
    private static final long NANOS_PER_HOUR = 3_600_000_000_000L;

    // What a command does (§5.16.1.6).
    private static final int SUPPORTED = 1;
    private static final int CHANGES_BLOCKS = 1 << 1;
    private static final int CHANGES_NAMESPACE = 1 << 2;
    private static final int ALONE = 2 << 16;

    /** A feature is of the controller, or of a namespace. */
    private static final int OF_CONTROLLER = 1 << 20;

    private static final int OF_NAMESPACE = 1 << 21;

    private final NvmeController controller;
    private final LongAdder readSectors = new LongAdder();
    private final LongAdder writtenSectors = new LongAdder();
    private final LongAdder reads = new LongAdder();
    private final LongAdder writes = new LongAdder();
    private final LongAdder mediaErrors = new LongAdder();

    // Guarded by this object's lock.
    private final ByteBuffer errors =
            ByteBuffer.allocate(ENTRIES * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);

    private long errorCount;
    private boolean isNamespaceChanged;
    private long powerCycles = 1;
    private long uncleanShutdowns;
    private boolean isClean = true;

    NvmeLogs(NvmeController controller) {
        this.controller = controller;
    }

    // ---------------------------------------------------------------- what happens

    /** A command of the NVM set has been done. */
    void done(NvmeCommand command) {
        long sectors = (long) command.length >>> SECTOR_SHIFT;
        switch (command.opcode) {
            case NvmCommands.READ, NvmCommands.COMPARE, NvmCommands.VERIFY -> {
                reads.increment();
                readSectors.add(sectors);
            }
            case NvmCommands.WRITE -> {
                writes.increment();
                writtenSectors.add(sectors);
            }
            default -> {
                // Moves no data.
            }
        }
    }

    /** A command has failed. */
    void addError(NvmeCommand command, int status) {
        if ((status >>> 8 & 7) == 2 && status != NvmeStatus.COMPARE_FAILURE) {
            mediaErrors.increment();
        }
        addError(
                command.queue.id,
                command.id,
                status,
                command.errorAt,
                command.block,
                command.namespace);
    }

    /** Something went wrong, with a command or, as ids of all ones say, without. */
    synchronized void addError(
            int queue, int command, int status, int at, long block, int namespace) {
        int place = (int) (errorCount % ENTRIES) * ENTRY_BYTES;
        errorCount = errorCount + 1 & Long.MAX_VALUE; // a snapshot may say any number
        Arrays.fill(errors.array(), place, place + ENTRY_BYTES, (byte) 0);
        errors.putLong(place, errorCount);
        errors.putShort(place + 8, (short) queue);
        errors.putShort(place + 10, (short) command);
        errors.putShort(place + 12, (short) (status << 1));
        errors.putShort(place + 14, (short) at);
        errors.putLong(place + 16, block);
        errors.putInt(place + 24, namespace);
    }

    synchronized void namespaceChanged() {
        isNamespaceChanged = true;
    }

    /** The driver announced the end of power, in order or in a hurry. */
    synchronized void isCleanlyShutDown(boolean isOrderly) {
        isClean = isOrderly;
    }

    synchronized void controllerReset() {
        isNamespaceChanged = false;
    }

    /** The power was off. */
    synchronized void reset() {
        Arrays.fill(errors.array(), (byte) 0);
        isNamespaceChanged = false;
        powerCycles++;
        uncleanShutdowns += isClean ? 0 : 1;
        isClean = true;
    }

    // ---------------------------------------------------------------- pages

    /** True if there is such a page. */
    static boolean exists(int page) {
        return Arrays.stream(PAGES).anyMatch(one -> one == page);
    }

    /**
     * Gives a page.
     *
     * @param page one that exists
     * @param isRead whether the driver is now told of what it says
     */
    byte[] page(int page, boolean isRead) {
        return switch (page) {
            case SUPPORTED_PAGES -> supportedPages();
            case ERRORS -> errors();
            case HEALTH -> health();
            case FIRMWARE -> firmware();
            case CHANGED_NAMESPACES -> changedNamespaces(isRead);
            case COMMANDS -> commands();
            default -> features();
        };
    }

    private static byte[] supportedPages() {
        ByteBuffer page = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        for (int one : PAGES) {
            page.putInt(4 * one, SUPPORTED);
        }
        return page.array();
    }

    /** The last one first. */
    private synchronized byte[] errors() {
        byte[] page = new byte[ENTRIES * ENTRY_BYTES];
        for (int n = 0; n < Math.min(errorCount, ENTRIES); n++) {
            int place = (int) ((errorCount - 1 - n) % ENTRIES) * ENTRY_BYTES;
            System.arraycopy(errors.array(), place, page, n * ENTRY_BYTES, ENTRY_BYTES);
        }
        return page;
    }

    private synchronized byte[] health() {
        ByteBuffer page = ByteBuffer.allocate(HEALTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        page.put(0, (byte) controller.events().warnings());
        page.putShort(1, (short) NvmeFeatures.TEMPERATURE);
        page.put(3, (byte) 100); // per cent of what is spare
        page.put(4, (byte) 10);
        page.putLong(32, units(readSectors.sum()));
        page.putLong(48, units(writtenSectors.sum()));
        page.putLong(64, reads.sum());
        page.putLong(80, writes.sum());
        page.putLong(112, powerCycles);
        page.putLong(128, controller.nanos() / NANOS_PER_HOUR);
        page.putLong(144, uncleanShutdowns);
        page.putLong(160, mediaErrors.sum());
        page.putLong(176, errorCount);
        return page.array();
    }

    private static long units(long sectors) {
        return (sectors + UNIT_BLOCKS - 1) / UNIT_BLOCKS;
    }

    private static byte[] firmware() {
        ByteBuffer page = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        page.put(0, (byte) 1);
        byte[] revision = FIRMWARE_REVISION.getBytes(StandardCharsets.US_ASCII);
        Arrays.fill(page.array(), 8, 16, (byte) ' ');
        page.put(8, revision);
        return page.array();
    }

    private synchronized byte[] changedNamespaces(boolean isRead) {
        ByteBuffer page = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        page.putInt(0, isNamespaceChanged ? NvmeNamespace.ID : 0);
        if (isRead) {
            isNamespaceChanged = false;
        }
        return page.array();
    }

    private static byte[] commands() {
        ByteBuffer page = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        for (int opcode : AdminCommands.OPCODES) {
            int effects = SUPPORTED;
            if (opcode == AdminCommands.FORMAT) {
                effects |= CHANGES_BLOCKS | CHANGES_NAMESPACE | ALONE;
            }
            page.putInt(4 * opcode, effects);
        }
        for (int opcode : NvmCommands.OPCODES) {
            page.putInt(1024 + 4 * opcode, SUPPORTED | effects(opcode));
        }
        return page.array();
    }

    private static int effects(int opcode) {
        return switch (opcode) {
            case NvmCommands.WRITE, NvmCommands.WRITE_ZEROES, NvmCommands.DATASET_MANAGEMENT ->
                    CHANGES_BLOCKS;
            default -> 0;
        };
    }

    private static byte[] features() {
        ByteBuffer page = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        for (int id = 0; id < 256; id++) {
            if (NvmeFeatures.exists(id)) {
                boolean isOfNamespace = id == NvmeFeatures.ERROR_RECOVERY;
                page.putInt(4 * id, SUPPORTED | (isOfNamespace ? OF_NAMESPACE : OF_CONTROLLER));
            }
        }
        return page.array();
    }

    // ---------------------------------------------------------------- snapshots

    synchronized Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION)
                .put("errors", errors.array().clone())
                .put("error-count", errorCount)
                .put("namespace-changed", isNamespaceChanged)
                .put("power-cycles", powerCycles)
                .put("unclean-shutdowns", uncleanShutdowns)
                .put("clean", isClean)
                .put("sectors-read", readSectors.sum())
                .put("sectors-written", writtenSectors.sum())
                .put("reads", reads.sum())
                .put("writes", writes.sum())
                .put("media-errors", mediaErrors.sum())
                .build();
    }

    /** What a snapshot holds; nothing has changed yet. */
    Runnable prepare(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        byte[] entries = snapshot.getBytes("errors", ENTRIES * ENTRY_BYTES);
        long[] numbers = {
            snapshot.getLong("error-count"),
            snapshot.getLong("power-cycles"),
            snapshot.getLong("unclean-shutdowns"),
            snapshot.getLong("sectors-read"),
            snapshot.getLong("sectors-written"),
            snapshot.getLong("reads"),
            snapshot.getLong("writes"),
            snapshot.getLong("media-errors")
        };
        boolean wasChanged = snapshot.getBoolean("namespace-changed");
        boolean wasClean = snapshot.getBoolean("clean");
        return () -> restore(entries, numbers, wasChanged, wasClean);
    }

    private synchronized void restore(
            byte[] entries, long[] numbers, boolean wasChanged, boolean wasClean) {
        Arrays.fill(errors.array(), (byte) 0);
        System.arraycopy(entries, 0, errors.array(), 0, entries.length);
        errorCount = Math.max(numbers[0], 0);
        powerCycles = numbers[1];
        uncleanShutdowns = numbers[2];
        set(readSectors, numbers[3]);
        set(writtenSectors, numbers[4]);
        set(reads, numbers[5]);
        set(writes, numbers[6]);
        set(mediaErrors, numbers[7]);
        isNamespaceChanged = wasChanged;
        isClean = wasClean;
    }

    private static void set(LongAdder counter, long value) {
        counter.reset();
        counter.add(value);
    }
}
