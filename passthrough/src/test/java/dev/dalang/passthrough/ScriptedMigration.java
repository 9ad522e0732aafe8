package dev.dalang.passthrough;

import dev.dalang.linux.Errno;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** A device that gives its state away, and fails where it is told to. */
final class ScriptedMigration implements BackendMigration {
    final List<String> calls = new ArrayList<>();
    final Set<String> failing = new HashSet<>();
    byte[] state = {1, 2, 3};
    byte[] taken = {};
    MigrationState now = MigrationState.RUNNING;
    long pageBytes = 8192;
    long[] dirty = {};
    boolean endless;
    Consumer<MigrationState> whenEntering = _ -> {};
    private int read;
    private final ByteArrayOutputStream written = new ByteArrayOutputStream();

    private void call(String what) throws BackendException {
        calls.add(what);
        if (failing.contains(what)) {
            throw new BackendException(what, Errno.EIO.number(), "");
        }
    }

    @Override
    public boolean hasPreCopy() {
        return false;
    }

    @Override
    public boolean hasPeerToPeer() {
        return false;
    }

    @Override
    public MigrationState state() {
        return now;
    }

    @Override
    public void enter(MigrationState next) throws BackendException {
        calls.add(next.name());
        whenEntering.accept(next);
        if (failing.contains(next.name())) {
            throw new MigrationException(next, Optional.of(now), Errno.EIO.number());
        }
        now = next;
        read = 0;
        if (next == MigrationState.RESUMING) {
            written.reset();
        } else if (written.size() > 0) {
            taken = written.toByteArray();
        }
    }

    @Override
    public long readData(MemorySegment target) throws BackendException {
        call("read");
        if (endless) {
            return target.byteSize();
        }
        int count = Math.min(2, state.length - read);
        MemorySegment.copy(state, read, target, ValueLayout.JAVA_BYTE, 0, count);
        read += count;
        return count;
    }

    @Override
    public void writeData(MemorySegment source) throws BackendException {
        call("write");
        written.writeBytes(source.toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public boolean hasDirtyLog() {
        return true;
    }

    @Override
    public long startDirtyLog(long wanted, List<DmaRange> ranges) throws BackendException {
        call("start log of " + ranges.size());
        return pageBytes;
    }

    @Override
    public void stopDirtyLog() throws BackendException {
        call("stop log");
    }

    @Override
    public long[] takeDirty(DmaRange range, long unit) throws BackendException {
        call("dirty 0x%x by %d".formatted(range.address(), unit));
        return dirty;
    }
}
