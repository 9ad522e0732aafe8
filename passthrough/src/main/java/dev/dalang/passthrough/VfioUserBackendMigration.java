package dev.dalang.passthrough;

import dev.dalang.remote.VfioUserException;
import dev.dalang.remote.VfioUserMigration;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A served device's ability to give its state away, as a backend has it. */
final class VfioUserBackendMigration implements BackendMigration {
    private final VfioUserMigration device;

    VfioUserBackendMigration(VfioUserMigration device) {
        this.device = device;
    }

    @Override
    public boolean hasPreCopy() {
        return device.hasPreCopy();
    }

    @Override
    public boolean hasPeerToPeer() {
        return device.hasPeerToPeer();
    }

    @Override
    public MigrationState state() throws BackendException {
        int number;
        try {
            number = device.state();
        } catch (VfioUserException failed) {
            throw VfioUserBackend.of("ask for the migration state", failed);
        }
        return MigrationState.of(number)
                .orElseThrow(
                        () ->
                                new BackendException(
                                        "ask for the migration state", 0, "got " + number));
    }

    @Override
    public void enter(MigrationState next) throws BackendException {
        try {
            device.enter(next.number());
        } catch (VfioUserException failed) {
            if (failed.isLost()) {
                throw VfioUserBackend.of("enter migration state " + next, failed);
            }
            Optional<MigrationState> reached;
            try {
                reached = Optional.of(state());
            } catch (BackendException silent) {
                failed.addSuppressed(silent);
                reached = Optional.empty();
            }
            MigrationException refused = new MigrationException(next, reached, failed.number());
            refused.initCause(failed);
            throw refused;
        }
    }

    @Override
    public long readData(MemorySegment target) throws BackendException {
        try {
            return device.readData(target);
        } catch (VfioUserException failed) {
            throw VfioUserBackend.of("read its state", failed);
        }
    }

    @Override
    public void writeData(MemorySegment source) throws BackendException {
        try {
            device.writeData(source);
        } catch (VfioUserException failed) {
            throw VfioUserBackend.of("write its state", failed);
        }
    }

    // ---------------------------------------------------------------- the log

    @Override
    public boolean hasDirtyLog() {
        return device.hasLog();
    }

    @Override
    public long startDirtyLog(long pageBytes, List<DmaRange> ranges) throws BackendException {
        List<VfioUserMigration.Range> all = new ArrayList<>();
        ranges.forEach(
                range -> all.add(new VfioUserMigration.Range(range.address(), range.bytes())));
        try {
            device.startLog(pageBytes, all);
            return pageBytes;
        } catch (VfioUserException failed) {
            throw VfioUserBackend.of("start a log of written memory", failed);
        }
    }

    @Override
    public void stopDirtyLog() throws BackendException {
        try {
            device.stopLog();
        } catch (VfioUserException failed) {
            throw VfioUserBackend.of("stop the log of written memory", failed);
        }
    }

    @Override
    public long[] takeDirty(DmaRange range, long pageBytes) throws BackendException {
        try {
            return device.takeLog(range.address(), range.bytes(), pageBytes);
        } catch (VfioUserException failed) {
            throw VfioUserBackend.of("report written memory", failed);
        }
    }
}
