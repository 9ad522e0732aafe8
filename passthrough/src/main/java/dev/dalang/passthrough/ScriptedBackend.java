package dev.dalang.passthrough;

import dev.dalang.linux.Errno;
import dev.dalang.pci.PciBar;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BAR0 = 0x10;
    private static final int ROM = 0x30;
    private static final int COMMAND = 0x04;
    private static final int STATUS = 0x06;

    /** One kind of interrupts, as far as it is armed. */
    private static final class Armed {
        final Map<Integer, InterruptSink> sinks = new TreeMap<>();
        final BitSet masked = new BitSet();
    }

    private final Builder given;
    private final Map<Integer, MemorySegment> contents = new TreeMap<>();
    private final Map<InterruptKind, Armed> armed = new EnumMap<>(InterruptKind.class);
    private final Map<Long, DmaMapping> dma = new TreeMap<>(Long::compareUnsigned);
    private final List<String> calls = new ArrayList<>();
    private final List<Runnable> notices = new ArrayList<>();
    private int fallible;
    private int failAt = -1;
    private int loseAt = -1;
    private Errno failure = Errno.EIO;
    private boolean wire;
    private boolean lost;
    private boolean closed;
    private boolean lowPower;

    private ScriptedBackend(Builder given) {
        this.given = given;
        for (BackendRegion region : given.regions) {
            contents.put(region.index(), Arena.ofAuto().allocate(region.size(), 4096));
        }
        for (InterruptKind kind : InterruptKind.values()) {
            armed.put(kind, new Armed());
        }
        powerOn();
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
        InterruptSink sink;
        synchronized (this) {
            sink = armed(kind).sinks.get(vector);
        }
        if (sink != null) {
            sink.signal(vector);
        }
        return sink != null;
    }

    /**
     * Drives the device's wire: a level.
     *
     * @param level true for asserted
     */
    public void wire(boolean level) {
        synchronized (this) {
            wire = level;
        }
        tellWire();
    }

    private void tellWire() {
        InterruptSink sink;
        synchronized (this) {
            Armed lines = armed(InterruptKind.INTX);
            sink = wire && !lines.masked.get(0) ? lines.sinks.get(0) : null;
            if (sink != null && interrupts(InterruptKind.INTX).isAutoMasked()) {
                lines.masked.set(0);
            }
        }
        if (sink != null) {
            sink.signal(0);
        }
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
    public synchronized List<Integer> armedVectors(InterruptKind kind) {
        return List.copyOf(armed(kind).sinks.keySet());
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
        MemorySegment found = contents.get(region);
        if (found == null) {
            throw new IllegalArgumentException("no region " + region);
        }
        return found;
    }

    private Armed armed(InterruptKind kind) {
        return Objects.requireNonNull(armed.get(kind));
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
        return given.interrupts.getOrDefault(kind, InterruptInfo.NONE);
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
        return load(content(region), offset, size);
    }

    /** {@inheritDoc} One call. */
    @Override
    public void read(int region, long offset, MemorySegment target) throws BackendException {
        call(false, () -> "read region %d at 0x%x".formatted(region, offset));
        MemorySegment.copy(content(region), offset, target, 0, target.byteSize());
    }

    private static long load(MemorySegment from, long at, int size) {
        return switch (size) {
            case 1 -> from.get(ValueLayout.JAVA_BYTE, at) & 0xffL;
            case 2 -> from.get(SHORT, at) & 0xffffL;
            case 4 -> from.get(INT, at) & 0xffff_ffffL;
            default -> from.get(LONG, at);
        };
    }

    @Override
    public void write(int region, long offset, int size, long value) throws BackendException {
        call(true, () -> "write region %d at 0x%x: 0x%x".formatted(region, offset, value));
        MemorySegment to = content(region);
        synchronized (this) {
            for (int k = 0; k < size; k++) {
                long at = offset + k;
                byte data = (byte) (value >>> 8 * k);
                byte now = to.get(ValueLayout.JAVA_BYTE, at);
                boolean isConfig = region == BackendRegion.CONFIG;
                to.set(
                        ValueLayout.JAVA_BYTE,
                        at,
                        isConfig ? configByte((int) at, data, now) : data);
            }
        }
    }

    /** What becomes of a byte of configuration space. */
    private byte configByte(int at, byte data, byte now) {
        if (at < COMMAND || at > COMMAND + 3 && at < BAR0 || at == 0x3d) {
            return now;
        }
        if (at == STATUS || at == STATUS + 1) {
            return (byte) (now & ~(at == STATUS ? 0 : data & 0xf9));
        }
        int register = at & ~3;
        int index = register == ROM ? PciBar.ROM : (register - BAR0) / 4;
        if (register == ROM || register >= BAR0 && index < 6) {
            return (byte) ((data & mask(index) >>> 8 * (at & 3)) | fixed(index) >>> 8 * (at & 3));
        }
        return at >= 0x28 && at < 0x3c ? now : data;
    }

    /** The address bits of a BAR's register. */
    private int mask(int index) {
        PciBar bar = given.bars.get(index);
        PciBar below = given.bars.get(index - 1);
        if (bar != null) {
            int mask = (int) -bar.size();
            return index == PciBar.ROM ? mask | 1 : mask;
        }
        return below != null && below.type() == PciBar.Type.MEMORY64 && index < PciBar.ROM
                ? (int) (-below.size() >>> 32)
                : 0;
    }

    private int fixed(int index) {
        PciBar bar = given.bars.get(index);
        if (bar == null || index == PciBar.ROM) {
            return 0;
        }
        return switch (bar.type()) {
            case IO -> 1;
            case MEMORY32 -> bar.prefetchable() ? 8 : 0;
            case MEMORY64 -> bar.prefetchable() ? 12 : 4;
        };
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
        requireVectors("arm", kind, start, count);
        synchronized (this) {
            for (int vector = start; vector < start + count; vector++) {
                armed(kind).sinks.put(vector, sink);
            }
        }
        if (kind == InterruptKind.INTX) {
            tellWire();
        }
    }

    private void requireVectors(String what, InterruptKind kind, int start, int count)
            throws BackendException {
        if (start < 0 || count < 1 || start > interrupts(kind).count() - count) {
            throw new BackendException(
                    "%s %s %d+%d".formatted(what, kind, start, count),
                    Errno.EINVAL.number(),
                    "there are " + interrupts(kind).count());
        }
    }

    @Override
    public void disarm(InterruptKind kind, int start, int count) throws BackendException {
        call(true, () -> "disarm %s %d+%d".formatted(kind, start, count));
        requireVectors("disarm", kind, start, count);
        synchronized (this) {
            for (int vector = start; vector < start + count; vector++) {
                armed(kind).sinks.remove(vector);
            }
        }
    }

    @Override
    public void disable(InterruptKind kind) throws BackendException {
        call(true, () -> "disable " + kind);
        synchronized (this) {
            armed(kind).sinks.clear();
            armed(kind).masked.clear();
        }
    }

    @Override
    public void mask(InterruptKind kind, int start, int count) throws BackendException {
        call(true, () -> "mask %s %d+%d".formatted(kind, start, count));
        synchronized (this) {
            armed(kind).masked.set(start, start + count);
        }
    }

    @Override
    public void unmask(InterruptKind kind, int start, int count) throws BackendException {
        call(true, () -> "unmask %s %d+%d".formatted(kind, start, count));
        synchronized (this) {
            armed(kind).masked.clear(start, start + count);
        }
        if (kind == InterruptKind.INTX) {
            tellWire();
        }
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
        powerOn();
    }

    /** Puts back what is in configuration space, and clears the rest. */
    private synchronized void powerOn() {
        contents.values().forEach(region -> region.fill((byte) 0));
        MemorySegment config = content(BackendRegion.CONFIG);
        MemorySegment.copy(given.config, 0, config, ValueLayout.JAVA_BYTE, 0, given.config.length);
        for (int index : given.bars.keySet()) {
            config.set(INT, index == PciBar.ROM ? ROM : BAR0 + 4L * index, fixed(index));
        }
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
            armed.values().forEach(each -> each.sinks.clear());
        }
    }

    /** What is under way, for a message of a test's. */
    @Override
    public String toString() {
        List<String> all = calls();
        return given.label + (all.isEmpty() ? "" : " after " + all.getLast());
    }
}
