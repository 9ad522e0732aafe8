package dev.dalang.passthrough;

import dev.dalang.linux.Errno;
import dev.dalang.pci.PciBar;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * A device that is not there, for tests: it writes down every call, and fails at the one that it is
 * told to. It has registers that keep what is written, BARs whose sizes can be found out, and
 * interrupts that a test raises. Any thread.
 *
 * {@snippet :
 * ScriptedBackend backend =
 *         ScriptedBackend.builder(new ScriptedConfig(0x1234, 0x11e8).msix(4, 0, 0x800, 0, 0xc00))
 *                 .bar(PciBar.memory32(0, 4096))
 *                 .interrupts(InterruptKind.MSIX, 4)
 *                 .build();
 * backend.failAt(17, Errno.EIO);
 * }
 */
public final class ScriptedBackend implements PassthroughBackend {
    private final Builder given;
    private final ScriptedRegisters registers;
    private final ScriptedInterrupts interrupts;
    private final Map<Long, DmaMapping> dma = new TreeMap<>(Long::compareUnsigned);
    private final List<String> calls = new ArrayList<>();
    private final List<Runnable> notices = new ArrayList<>();
    private int fallible;
    private int failAt = -1;
    private int loseAt = -1;
    private Errno failure = Errno.EIO;
    private boolean lost;
    private boolean closed;
    private boolean lowPower;

    private ScriptedBackend(Builder given) {
        this.given = given;
        registers = new ScriptedRegisters(given.config, given.regions, given.bars);
        interrupts = new ScriptedInterrupts(given.interrupts);
    }

    /**
     * Begins a device.
     *
     * @param config its configuration space, but for the BARs
     * @return a builder
     */
    public static Builder builder(ScriptedConfig config) {
        return new Builder(config);
    }

    /** What there is of a scripted device. */
    public static final class Builder {
        private final byte[] config;
        private final List<BackendRegion> regions = new ArrayList<>();
        private final Map<Integer, PciBar> bars = new TreeMap<>();
        private final Map<InterruptKind, InterruptInfo> interrupts =
                new EnumMap<>(InterruptKind.class);
        private boolean resettable = true;
        private Optional<IsolationGroup> group = Optional.empty();
        private Optional<BackendMigration> migration = Optional.empty();
        private String label = "scripted";

        private Builder(ScriptedConfig config) {
            this.config = config.bytes();
            regions.add(BackendRegion.of(BackendRegion.CONFIG, this.config.length));
        }

        /**
         * Names the device; {@code scripted} by default.
         *
         * @param name its name
         * @return this
         */
        public Builder label(String name) {
            label = name;
            return this;
        }

        /**
         * Adds a BAR, or the ROM, with a region of its size that cannot be mapped.
         *
         * @param bar the BAR
         * @return this
         */
        public Builder bar(PciBar bar) {
            return bar(bar, List.of());
        }

        /**
         * Adds a BAR with a region of its size.
         *
         * @param bar the BAR
         * @param areas what of it can be mapped
         * @return this
         */
        public Builder bar(PciBar bar, List<BackendRegion.Area> areas) {
            bars.put(bar.index(), bar);
            regions.add(new BackendRegion(bar.index(), bar.size(), true, true, false, areas));
            return this;
        }

        /**
         * Adds interrupts; the wired one is masked as it is signalled.
         *
         * @param kind which
         * @param count how many
         * @return this
         */
        public Builder interrupts(InterruptKind kind, int count) {
            boolean wired = kind == InterruptKind.INTX;
            return interrupts(kind, new InterruptInfo(count, wired, wired, false));
        }

        /**
         * Adds interrupts.
         *
         * @param kind which
         * @param info what there is of them
         * @return this
         */
        public Builder interrupts(InterruptKind kind, InterruptInfo info) {
            interrupts.put(kind, info);
            return this;
        }

        /**
         * Makes a device that cannot be reset.
         *
         * @return this
         */
        public Builder withoutReset() {
            resettable = false;
            return this;
        }

        /**
         * Puts the device into a group.
         *
         * @param isolation the group
         * @return this
         */
        public Builder group(IsolationGroup isolation) {
            group = Optional.of(isolation);
            return this;
        }

        /**
         * Lets the device give its state away.
         *
         * @param ability how
         * @return this
         */
        public Builder migration(BackendMigration ability) {
            migration = Optional.of(ability);
            return this;
        }

        /** {@return the device} */
        public ScriptedBackend build() {
            return new ScriptedBackend(this);
        }
    }

    // ---------------------------------------------------------------- the script

    /**
     * Makes one call fail: of those that may fail, counted from the device's beginning.
     *
     * @param call its number, from 1
     * @param errno what the device answers
     */
    public synchronized void failAt(int call, Errno errno) {
        failAt = call;
        failure = errno;
    }

    /**
     * Takes the device away at one call, as {@link #lose} does.
     *
     * @param call its number, from 1
     */
    public synchronized void loseAt(int call) {
        loseAt = call;
    }

    /** {@return how many calls were made that may fail} */
    public synchronized int fallibleCalls() {
        return fallible;
    }

    /** {@return every call that changes something, in the order in which they came} */
    public synchronized List<String> calls() {
        return List.copyOf(calls);
    }

    /** Forgets the calls so far. */
    public synchronized void clearCalls() {
        calls.clear();
    }

    /**
     * Raises an interrupt of messages, an error or a request.
     *
     * @param kind which
     * @param vector its number
     * @return false if it is not armed
     */
    public boolean signal(InterruptKind kind, int vector) {
        return interrupts.signal(kind, vector);
    }

    /**
     * Drives the device's wire: a level.
     *
     * @param level true for asserted
     */
    public void wire(boolean level) {
        interrupts.wire(level);
    }

    /** Takes the device away: from now on every call fails. */
    public void lose() {
        List<Runnable> told;
        synchronized (this) {
            lost = true;
            told = List.copyOf(notices);
            notices.clear();
        }
        told.forEach(Runnable::run);
    }

    /** {@return the memory that the device reaches} */
    public synchronized List<DmaMapping> mappings() {
        return List.copyOf(dma.values());
    }

    /**
     * Tells which interrupts are armed.
     *
     * @param kind of which kind
     * @return their numbers
     */
    public List<Integer> armedVectors(InterruptKind kind) {
        return interrupts.armed(kind);
    }

    /** {@return true if it was closed} */
    public synchronized boolean isClosed() {
        return closed;
    }

    /** {@return true while it uses little power} */
    public synchronized boolean isInLowPower() {
        return lowPower;
    }

    /**
     * Gives the bytes of a region, as the device has them.
     *
     * @param region its index
     * @return the bytes
     */
    public MemorySegment content(int region) {
        return registers.content(region);
    }

    // ---------------------------------------------------------------- calls

    private void call(boolean isChange, Supplier<String> what) throws BackendException {
        String operation = what.get();
        boolean leaves;
        synchronized (this) {
            if (closed) {
                throw new IllegalStateException(given.label + " is used after it was closed");
            }
            if (isChange) {
                calls.add(operation);
            }
            fallible++;
            if (fallible == failAt) {
                throw new BackendException(operation, failure.number(), "");
            }
            leaves = fallible == loseAt;
        }
        if (leaves) {
            lose();
        }
        if (isLost()) {
            throw BackendException.lost(operation, "");
        }
    }

    private synchronized boolean isLost() {
        return lost;
    }

    @Override
    public String label() {
        return given.label;
    }

    @Override
    public List<BackendRegion> regions() {
        return List.copyOf(given.regions);
    }

    @Override
    public InterruptInfo interrupts(InterruptKind kind) {
        return interrupts.info(kind);
    }

    @Override
    public boolean isResettable() {
        return given.resettable;
    }

    @Override
    public Optional<IsolationGroup> isolationGroup() {
        return given.group;
    }

    @Override
    public Optional<BackendMigration> migration() {
        return given.migration;
    }

    @Override
    public long read(int region, long offset, int size) throws BackendException {
        call(false, () -> "read region %d at 0x%x".formatted(region, offset));
        return registers.load(region, offset, size);
    }

    /** {@inheritDoc} One call. */
    @Override
    public void read(int region, long offset, MemorySegment target) throws BackendException {
        call(false, () -> "read region %d at 0x%x".formatted(region, offset));
        MemorySegment.copy(content(region), offset, target, 0, target.byteSize());
    }

    @Override
    public void write(int region, long offset, int size, long value) throws BackendException {
        call(true, () -> "write region %d at 0x%x: 0x%x".formatted(region, offset, value));
        registers.store(region, offset, size, value);
    }

    @Override
    public MemorySegment map(int region, BackendRegion.Area area, Arena arena)
            throws BackendException {
        call(true, () -> "map region %d at 0x%x".formatted(region, area.offset()));
        return content(region).asSlice(area.offset(), area.size());
    }

    @Override
    public void arm(InterruptKind kind, int start, int count, InterruptSink sink)
            throws BackendException {
        call(true, () -> "arm %s %d+%d".formatted(kind, start, count));
        interrupts.arm(kind, start, count, sink);
    }

    @Override
    public void disarm(InterruptKind kind, int start, int count) throws BackendException {
        call(true, () -> "disarm %s %d+%d".formatted(kind, start, count));
        interrupts.disarm(kind, start, count);
    }

    @Override
    public void disable(InterruptKind kind) throws BackendException {
        call(true, () -> "disable " + kind);
        interrupts.disable(kind);
    }

    @Override
    public void mask(InterruptKind kind, int start, int count) throws BackendException {
        call(true, () -> "mask %s %d+%d".formatted(kind, start, count));
        interrupts.mask(kind, start, count);
    }

    @Override
    public void unmask(InterruptKind kind, int start, int count) throws BackendException {
        call(true, () -> "unmask %s %d+%d".formatted(kind, start, count));
        interrupts.unmask(kind, start, count);
    }

    @Override
    public void mapDma(DmaMapping mapping) throws BackendException {
        call(true, () -> "map memory 0x%x+0x%x".formatted(mapping.address(), mapping.bytes()));
        synchronized (this) {
            for (DmaMapping other : dma.values()) {
                if (Long.compareUnsigned(other.address(), mapping.last()) <= 0
                        && Long.compareUnsigned(mapping.address(), other.last()) <= 0) {
                    throw new BackendException("map memory", Errno.EEXIST.number(), "");
                }
            }
            dma.put(mapping.address(), mapping);
        }
    }

    @Override
    public void unmapDma(long address, long bytes) throws BackendException {
        call(true, () -> "unmap memory 0x%x+0x%x".formatted(address, bytes));
        synchronized (this) {
            DmaMapping mapping = dma.get(address);
            if (mapping == null || mapping.bytes() != bytes) {
                throw new BackendException("unmap memory", Errno.ENOENT.number(), "");
            }
            dma.remove(address);
        }
    }

    @Override
    public void reset() throws BackendException {
        call(true, () -> "reset");
        registers.powerOn();
    }

    @Override
    public void lowPower(boolean enter) throws BackendException {
        call(true, () -> enter ? "enter low power" : "leave low power");
        synchronized (this) {
            lowPower = enter;
        }
    }

    @Override
    public void onLost(Runnable notice) {
        synchronized (this) {
            if (!lost) {
                notices.add(notice);
                return;
            }
        }
        notice.run();
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            calls.add("close");
            closed = true;
            dma.clear();
            interrupts.disarmAll();
        }
    }

    /** What is under way, for a message of a test's. */
    @Override
    public String toString() {
        List<String> all = calls();
        return given.label + (all.isEmpty() ? "" : " after " + all.getLast());
    }
}
