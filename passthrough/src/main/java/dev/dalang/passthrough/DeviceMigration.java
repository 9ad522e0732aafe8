package dev.dalang.passthrough;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A device's state, taken from it and given to it. A device that stops on the way is brought to a
 * state from which it can go on; where that cannot be done it is reset, and programmed again. One
 * thread at a time.
 */
final class DeviceMigration {
    /** The most that a device may say of itself. */
    static final int MAX_STATE_BYTES = 1 << 28;

    private static final int CHUNK_BYTES = 1 << 16;

    /** Brings a device back that has lost its way. */
    @FunctionalInterface
    interface Recovery {
        /** Resets the device, and programs it as the guest has it. */
        void resetAndArm() throws BackendException;
    }

    private final BackendMigration device;
    private final Recovery recovery;
    private long loggedPageBytes;

    DeviceMigration(BackendMigration device, Recovery recovery) {
        this.device = device;
        this.recovery = recovery;
    }

    /** Stops the device, whose state does not change from then on. */
    void stop() throws BackendException {
        enter(MigrationState.STOP);
    }

    /** Lets the device go on. */
    void run() throws BackendException {
        enter(MigrationState.RUNNING);
    }

    /** Without a state to go back to: the device is reset. */
    private void enter(MigrationState next) throws BackendException {
        if (device.state() == next) {
            return;
        }
        try {
            device.enter(next);
        } catch (BackendException failure) {
            recover(failure);
            throw failure;
        }
    }

    /** Takes the state of a stopped device, which is then stopped again. */
    byte[] save() throws BackendException {
        byte[] state;
        try {
            device.enter(MigrationState.STOP_COPY);
            state = readAll();
        } catch (BackendException failure) {
            backTo(MigrationState.STOP, failure);
            throw failure;
        }
        enter(MigrationState.STOP);
        return state;
    }

    private byte[] readAll() throws BackendException {
        var all = new ByteArrayOutputStream();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment chunk = arena.allocate(CHUNK_BYTES, 8);
            byte[] bytes = new byte[CHUNK_BYTES];
            while (true) {
                long count = device.readData(chunk);
                if (count == 0) {
                    return all.toByteArray();
                }
                if (count < 0 || count > CHUNK_BYTES || all.size() + count > MAX_STATE_BYTES) {
                    throw new BackendException(
                            "read its state",
                            0,
                            "expected at most %d bytes in pieces of at most %d, got %d after %d"
                                    .formatted(MAX_STATE_BYTES, CHUNK_BYTES, count, all.size()));
                }
                MemorySegment.copy(chunk, ValueLayout.JAVA_BYTE, 0, bytes, 0, (int) count);
                all.write(bytes, 0, (int) count);
            }
        }
    }

    /** Gives a stopped device a state; it is then stopped again. */
    void load(byte[] state) throws BackendException {
        try {
            device.enter(MigrationState.RESUMING);
        } catch (BackendException failure) {
            backTo(MigrationState.STOP, failure);
            throw failure;
        }
        try (Arena arena = Arena.ofShared()) {
            MemorySegment chunk = arena.allocate(CHUNK_BYTES, 8);
            for (int at = 0; at < state.length; at += CHUNK_BYTES) {
                int count = Math.min(CHUNK_BYTES, state.length - at);
                MemorySegment.copy(state, at, chunk, ValueLayout.JAVA_BYTE, 0, count);
                device.writeData(chunk.asSlice(0, count));
            }
        } catch (BackendException failure) {
            // Half of a state is none.
            recover(failure);
            throw failure;
        }
        enter(MigrationState.STOP);
    }

    private void backTo(MigrationState state, BackendException because) {
        try {
            device.enter(state);
        } catch (BackendException failure) {
            because.addSuppressed(failure);
            recover(because);
        }
    }

    private void recover(BackendException because) {
        try {
            recovery.resetAndArm();
        } catch (BackendException failure) {
            because.addSuppressed(failure);
        }
    }

    // ---------------------------------------------------------------- what it writes

    /** Has the device note what it writes of this memory. */
    void startDirtyLog(GuestMemory memory) throws BackendException {
        List<DmaRange> ranges = new ArrayList<>();
        for (MemoryRegion region : memory.regions()) {
            if (!region.isReadOnly()) {
                ranges.add(new DmaRange(region.base(), region.size()));
            }
        }
        if (ranges.isEmpty()) {
            return;
        }
        long pageBytes = device.startDirtyLog(GuestMemory.PAGE_BYTES, ranges);
        if (pageBytes < 1 || Long.bitCount(pageBytes) != 1) {
            device.stopDirtyLog();
            throw new BackendException(
                    "start a log of written memory",
                    0,
                    "expected pages of a power of two, got 0x%x bytes".formatted(pageBytes));
        }
        loggedPageBytes = pageBytes;
    }

    void stopDirtyLog() throws BackendException {
        if (loggedPageBytes != 0) {
            loggedPageBytes = 0;
            device.stopDirtyLog();
        }
    }

    /** Adds what the device has written since to what the memory knows itself. */
    void mergeDirty(GuestMemory memory) throws BackendException {
        if (loggedPageBytes == 0) {
            return;
        }
        for (MemoryRegion region : memory.regions()) {
            if (!region.isReadOnly()) {
                merge(memory, region);
            }
        }
    }

    private void merge(GuestMemory memory, MemoryRegion region) throws BackendException {
        long pages = (region.size() - 1) / loggedPageBytes + 1;
        long[] dirty =
                device.takeDirty(new DmaRange(region.base(), region.size()), loggedPageBytes);
        for (int word = 0; word < dirty.length; word++) {
            for (long bits = dirty[word]; bits != 0; bits &= bits - 1) {
                long page = (long) word * Long.SIZE + Long.numberOfTrailingZeros(bits);
                if (page >= pages) {
                    return;
                }
                long at = page * loggedPageBytes;
                long end = Math.min(at + loggedPageBytes, region.size());
                for (; at < end; at += GuestMemory.PAGE_BYTES) {
                    memory.written(region.base() + at, (int) Math.min(end - at, 4096));
                }
            }
        }
    }
}
