package dev.dalang.passthrough;

import dev.dalang.passthrough.BackendRegion.Area;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * A guest's loads and stores to a device's regions. What is mapped is accessed as memory, the rest
 * by calls. A device that does not answer reads as all ones, and takes no writes. Any thread.
 */
final class DeviceRegisters {
    private static final VarHandle SHORTS =
            ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle INTS =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle LONGS =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final int REGIONS = BackendRegion.VGA + 1;

    /** A part of a region that is mapped. */
    private record View(Area area, MemorySegment memory) {
        boolean holds(long offset, int size) {
            return offset >= area.offset() && offset <= area.end() - size;
        }
    }

    private static final View[] NO_VIEWS = {};

    private final PassthroughBackend backend;
    private final PassthroughCounters counters;
    private final Consumer<BackendException> failed;
    private final @Nullable BackendRegion[] regions = new BackendRegion[REGIONS];

    /** Replaced as a whole. */
    private volatile View[][] views = emptyViews();

    private @Nullable Arena arena;
    private volatile boolean lost;

    DeviceRegisters(
            PassthroughBackend backend,
            PassthroughCounters counters,
            Consumer<BackendException> failed) {
        this.backend = backend;
        this.counters = counters;
        this.failed = failed;
        for (BackendRegion region : backend.regions()) {
            if (region.index() < REGIONS) {
                regions[region.index()] = region;
            }
        }
    }

    private static View[][] emptyViews() {
        View[][] empty = new View[REGIONS][];
        Arrays.fill(empty, NO_VIEWS);
        return empty;
    }

    /** The device is gone. */
    void lose() {
        lost = true;
    }

    boolean isLost() {
        return lost;
    }

    /**
     * Maps what can be mapped of the BARs.
     *
     * @param tables what must not be, by region
     */
    void map(List<List<Area>> tables, long pageBytes) throws BackendException {
        Arena life = Arena.ofShared();
        View[][] mapped = emptyViews();
        try {
            for (int index = 0; index < BackendRegion.ROM; index++) {
                BackendRegion region = regions[index];
                if (region == null || region.areas().isEmpty()) {
                    continue;
                }
                List<View> found = new ArrayList<>();
                for (Area area : MappedAreas.of(region, tables.get(index), pageBytes)) {
                    MemorySegment memory = backend.map(index, area, life);
                    if (memory.byteSize() != area.size()) {
                        throw new BackendException(
                                "map region " + index,
                                0,
                                "expected %d bytes, got %d"
                                        .formatted(area.size(), memory.byteSize()));
                    }
                    found.add(new View(area, memory));
                }
                mapped[index] = found.toArray(View[]::new);
            }
        } catch (BackendException | RuntimeException | Error failure) {
            life.close();
            throw failure;
        }
        arena = life;
        views = mapped;
    }

    /** Gives the mappings up; nobody is inside. */
    void unmap() {
        views = emptyViews();
        Arena life = arena;
        if (life != null) {
            arena = null;
            life.close();
        }
    }

    int mappedAreas() {
        int count = 0;
        for (View[] each : views) {
            count += each.length;
        }
        return count;
    }

    long read(int index, long offset, int size) {
        if (lost) {
            counters.lostAccesses.increment();
            return -1;
        }
        BackendRegion region = regions[index];
        if (region == null || !region.isReadable() || offset > region.size() - size) {
            counters.failedReads.increment();
            return -1;
        }
        View view = view(index, offset, size);
        try {
            return view == null
                    ? backend.read(index, offset, size)
                    : load(view.memory, offset - view.area.offset(), size);
        } catch (BackendException failure) {
            counters.failedReads.increment();
            failed.accept(failure);
        } catch (InternalError | IllegalStateException gone) {
            // The file behind the mapping became smaller, or the mapping has just ended.
            counters.failedReads.increment();
        }
        return -1;
    }

    void write(int index, long offset, int size, long value) {
        if (lost) {
            counters.lostAccesses.increment();
            return;
        }
        BackendRegion region = regions[index];
        if (region == null || !region.isWritable() || offset > region.size() - size) {
            counters.failedWrites.increment();
            return;
        }
        View view = view(index, offset, size);
        try {
            if (view == null) {
                backend.write(index, offset, size, value);
            } else {
                store(view.memory, offset - view.area.offset(), size, value);
            }
        } catch (BackendException failure) {
            counters.failedWrites.increment();
            failed.accept(failure);
        } catch (InternalError | IllegalStateException gone) {
            counters.failedWrites.increment();
        }
    }

    private @Nullable View view(int index, long offset, int size) {
        if ((offset & size - 1) != 0) {
            return null;
        }
        for (View view : views[index]) {
            if (view.holds(offset, size)) {
                return view;
            }
        }
        return null;
    }

    private static long load(MemorySegment memory, long at, int size) {
        return switch (size) {
            case 1 -> memory.get(ValueLayout.JAVA_BYTE, at) & 0xffL;
            case 2 -> (short) SHORTS.getAcquire(memory, at) & 0xffffL;
            case 4 -> (int) INTS.getAcquire(memory, at) & 0xffff_ffffL;
            default -> (long) LONGS.getAcquire(memory, at);
        };
    }

    private static void store(MemorySegment memory, long at, int size, long value) {
        switch (size) {
            case 1 -> {
                VarHandle.releaseFence();
                memory.set(ValueLayout.JAVA_BYTE, at, (byte) value);
            }
            case 2 -> SHORTS.setRelease(memory, at, (short) value);
            case 4 -> INTS.setRelease(memory, at, (int) value);
            default -> LONGS.setRelease(memory, at, value);
        }
        // A doorbell is read by somebody else at once: what comes after must not overtake it.
        VarHandle.fullFence();
    }
}
