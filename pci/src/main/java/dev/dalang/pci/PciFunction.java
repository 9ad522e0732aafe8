package dev.dalang.pci;

import static dev.dalang.pci.PciRegisters.PCI_COMMAND_INTX_DISABLE;
import static dev.dalang.pci.PciRegisters.PCI_COMMAND_MASTER;

import dev.dalang.bus.BusDevice;
import dev.dalang.bus.BusRange;
import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.sandbox.Sandboxed;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * A device in the tree: its configuration space, its interrupts, its BARs on the bus. Everything
 * that a {@link PciDevice} need not care about happens here. Any thread.
 */
public final class PciFunction implements BusDevice, PciHost, Sandboxed, Suspendable {
    private final PciBus bus;
    private final int devfn;
    private final String id;
    private final String typeId;
    private final PciDevice device;
    private final @Nullable FunctionTrace trace;
    private final FunctionParts parts;
    private final PciInterrupts interrupts;
    private final PciConfiguration configuration;
    private final BarWindow[] windows;
    private final @Nullable MsixConfig msix;
    private final MsixArea area;
    private final PciDma dma;
    private final PciFaults faults;
    private final boolean serial;
    private final boolean mappable;
    private final @Nullable PciBus secondary;
    private final Optional<MemorySegment> sharedPage;
    private final FunctionState state;

    /** Held while the device is inside an access to a BAR, unless it wants them several at once. */
    private final Object access = new Object();

    /**
     * Held while a guest's write changes configuration space; devices' handlers may write again.
     */
    private final Object configurationLock = new Object();

    private final AtomicBoolean destroyed = new AtomicBoolean();
    private final LongAdder failedMoves = new LongAdder();

    PciFunction(
            PciBus bus,
            int devfn,
            String id,
            PciDevice device,
            PciDeviceSpec spec,
            boolean placedByGuest) {
        this.bus = bus;
        this.devfn = devfn;
        this.id = id;
        this.device = device;
        typeId = spec.name();
        serial = !spec.isConcurrent();
        trace = FunctionTrace.of(this, spec);
        mappable = spec.isConfigurationMappable() && trace == null;
        faults = new PciFaults(bus.root().clock());
        dma =
                new PciDma(
                        bus.root()::memory,
                        this::isMasterEnabledUpwards,
                        faults::takeTransfer,
                        trace,
                        bus.root().foreign());
        sharedPage = device.virtualConfigSharedPage().map(page -> checkPage(id, page));
        area = MsixArea.of(spec);
        parts = FunctionParts.build(this, spec, placedByGuest);
        ForeignMachine foreign = bus.root().foreign();
        PciInterrupts breakable =
                faults.over(
                        foreign == null ? parts.interrupts : foreign.interrupts(parts.interrupts));
        interrupts = trace == null ? breakable : trace.around(breakable);
        configuration = parts.configuration;
        msix = parts.msix;
        windows =
                configuration.bars().stream()
                        .map(bar -> new BarWindow(this, bar))
                        .toArray(BarWindow[]::new);
        secondary = parts.secondary;
        state = new FunctionState(this, parts);
    }

    private static MemorySegment checkPage(String id, MemorySegment page) {
        if (page.byteSize() != PciVirtualConfigMmio.PAGE_BYTES
                || !page.isNative()
                || (page.address() & 7) != 0) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    id,
                    "expected a shared page of 4096 bytes of native memory, aligned to 8, got "
                            + page);
        }
        return page;
    }

    // ---------------------------------------------------------------- what it is

    /** {@return the stable name: the user's, or the place} Counters and snapshots use it. */
    public String id() {
        return id;
    }

    /** {@return the device} */
    public PciDevice device() {
        return device;
    }

    /** {@return the bus that it is on} */
    public PciBus bus() {
        return bus;
    }

    /** {@return device number in bits 7:3, function number in 2:0} */
    public int devfn() {
        return devfn;
    }

    /** {@return true if a bus is behind it} */
    public boolean isBridge() {
        return secondary != null;
    }

    /** {@return the bus behind it; empty if it is no bridge} */
    public Optional<PciBus> behind() {
        return Optional.ofNullable(secondary);
    }

    /** {@return MSI-X; empty if it has none} */
    @Override
    public Optional<MsixConfig> msix() {
        return Optional.ofNullable(msix);
    }

    /** {@return MSI; empty if it has none} */
    @Override
    public Optional<MsiConfig> msi() {
        return Optional.ofNullable(parts.msi);
    }

    /** {@return what goes wrong with its interrupts and transfers because somebody wants it} */
    public PciFaults faults() {
        return faults;
    }

    /** {@return the page that guest and device share; empty if the device has none} */
    public Optional<MemorySegment> sharedPage() {
        return sharedPage;
    }

    /** {@return how often one of its BARs could not go where a guest wanted it} */
    public long failedMoves() {
        return failedMoves.sum();
    }

    /**
     * {@return the path of the function in the ACPI namespace} Such as {@code _SB_.PC00.PC01.PE00}:
     * a bus is {@code PC} and its number, a function {@code PE} and its place, both hexadecimal; a
     * bridge is known by the bus behind it. With the numbers of power-on.
     */
    public String acpiPath() {
        String leaf =
                secondary != null
                        ? "PC%02X".formatted(secondary.firstNumber())
                        : "PE%02X".formatted(devfn);
        return bus.acpiPath() + "." + leaf;
    }

    @Override
    public String label() {
        return id;
    }

    @Override
    public String typeId() {
        return typeId;
    }

    // ---------------------------------------------------------------- what the device gets

    @Override
    public PciAddress address() {
        return PciAddress.of(bus.number(), devfn >>> 3, devfn & 7);
    }

    @Override
    public PciInterrupts interrupts() {
        return interrupts;
    }

    @Override
    public PciDma memory() {
        return dma;
    }

    @Override
    public VirtualClock clock() {
        return bus.root().clock();
    }

    @Override
    public DeviceExecutor executor() {
        return bus.root().executor();
    }

    @Override
    public Optional<PciRoot> tree() {
        return bus.root().foreign() == null ? Optional.of(bus.root()) : Optional.empty();
    }

    @Override
    public PciConfiguration configuration() {
        return configuration;
    }

    @Override
    public Optional<BarRange> bar(int index) {
        for (BarWindow window : windows) {
            BusRange mapped = window.mapped;
            if (window.bar.index() == index && mapped != null) {
                return Optional.of(BarDecoder.range(window, mapped));
            }
        }
        return Optional.empty();
    }

    @Override
    public void signalWake() {
        if (parts.signalWake()) {
            wakeUpwards();
        }
    }

    /** A message goes up to the root port, which tells the guest (PCIe 6.0 §5.3.3). */
    private void wakeUpwards() {
        int requester = address().requesterId();
        Optional<PciFunction> above = bus.bridge();
        while (above.isPresent()) {
            if (above.get().device instanceof PciRootPort port) {
                port.signalWake(requester);
                return;
            }
            above = above.get().bus.bridge();
        }
        // On the root bus nobody takes the message: a guest looks at the status now and then.
    }

    // ---------------------------------------------------------------- configuration space

    /**
     * Reads a register as the guest sees it.
     *
     * @param register its index
     * @return its value; all ones beyond the space
     */
    public int readConfig(int register) {
        try {
            int value = device.configRead(register, configuration.readRegister(register));
            if (trace != null) {
                trace.configurationRead(this, register, value);
            }
            return value;
        } catch (Throwable failure) {
            failed("a read of configuration register " + register, failure);
            return -1;
        }
    }

    /**
     * Takes a guest's write to configuration space, with all that follows from it: the bus, the
     * interrupts, and what is behind a bridge.
     *
     * @param register its index
     * @param offset first byte, 0..3
     * @param size bytes; dropped in any shape but a naturally aligned one
     * @param value the value
     */
    public void writeConfig(int register, int offset, int size, int value) {
        if (trace != null) {
            trace.configurationWrite(this, register, offset, size, value);
        }
        ConfigWriteResult result;
        boolean masterBefore;
        boolean master;
        synchronized (configurationLock) {
            masterBefore = configuration.hasCommand(PCI_COMMAND_MASTER);
            try {
                result = configuration.write(register, offset, size, value);
            } catch (Throwable failure) {
                failed("a write of configuration register " + register, failure);
                return;
            }
            if (register == PciRegisters.REG_COMMAND) {
                parts.intx.disable(configuration.hasCommand(PCI_COMMAND_INTX_DISABLE));
            }
            master = configuration.hasCommand(PCI_COMMAND_MASTER);
        }
        if (register == PciRegisters.REG_COMMAND) {
            int command = configuration.read(register, 0, 2);
            int cleared = offset + size > 2 ? value << 8 * offset >>> 16 : 0;
            guarded(
                    "a write of the command register",
                    () -> device.commandWritten(command, cleared));
        }
        if (master != masterBefore) {
            guarded("a change of bus mastering", () -> device.busMasterChanged(master));
        }
        if (!result.isDecodingUnchanged() || isLeftBehind()) {
            bus.root().decoder().sync(this);
        }
        if (result.status() != PciCapStatus.NONE) {
            statusChanged(result.status());
        }
        if (secondary != null && register <= PciRegisters.REG_INTERRUPT) {
            parts.bridgeWritten(register);
        }
    }

    /** True if a BAR that was left alone while it is sized is not decoded any more. */
    private boolean isLeftBehind() {
        for (BarWindow window : windows) {
            if (window.mapped != null && !parts.decodes(window.bar)) {
                return true;
            }
        }
        return false;
    }

    private void statusChanged(PciCapStatus status) {
        if (status instanceof PmStatus power) {
            bus.root().decoder().sync(this);
            if (power.wakeSignalled()) {
                wakeUpwards();
            }
        }
        guarded("a change of a capability", () -> device.capabilityWritten(status));
    }

    int readVirtualConfig(int register) {
        int first = PciVirtualConfigMmio.PAGE_BYTES / Integer.BYTES;
        if (register >= first && sharedPage.isPresent()) {
            return FunctionState.SharedRegisters.get(register - first, sharedPage.get());
        }
        try {
            return device.readVirtualConfig(register);
        } catch (Throwable failure) {
            failed("a read of virtual configuration register " + register, failure);
            return -1;
        }
    }

    void writeVirtualConfig(int register, int value) {
        int first = PciVirtualConfigMmio.PAGE_BYTES / Integer.BYTES;
        if (register >= first && sharedPage.isPresent()) {
            FunctionState.SharedRegisters.set(register - first, sharedPage.get(), value);
            return;
        }
        guarded(
                "a write of virtual configuration register " + register,
                () -> device.writeVirtualConfig(register, value));
    }

    // ---------------------------------------------------------------- BARs

    /**
     * Answers a load from a BAR. What the device throws is thrown on, for the bus to keep apart,
     * but for a transfer of its own that no memory could take: that reads as all ones.
     *
     * @param bar index of the BAR
     * @param offset byte offset in it
     * @param size 1, 2, 4 or 8
     * @return the value
     */
    public long readBar(int bar, long offset, int size) {
        if (area.isIn(bar) && msix != null) {
            if (area.isTable(bar, offset)) {
                return msix.readMsixTable(offset - area.table(), size);
            }
            if (area.isPending(bar, offset)) {
                return msix.readPbaEntries(offset - area.pending(), size);
            }
            if (area.isAlone()) {
                return 0;
            }
        }
        try {
            if (serial) {
                synchronized (access) {
                    return device.readBar(bar, offset, size);
                }
            }
            return device.readBar(bar, offset, size);
        } catch (GuestMemoryException counted) {
            return -1;
        }
    }

    /**
     * Takes a store to a BAR. What the device throws is thrown on, for the bus to keep apart, but
     * for a transfer of its own that no memory could take: the rest of the store is dropped.
     *
     * @param bar index of the BAR
     * @param offset byte offset in it
     * @param size 1, 2, 4 or 8
     * @param value the value
     */
    public void writeBar(int bar, long offset, int size, long value) {
        if (bar == PciBar.ROM) {
            return;
        }
        if (area.isIn(bar) && msix != null) {
            if (area.isTable(bar, offset)) {
                MsixStatus status = msix.writeMsixTable(offset - area.table(), size, value);
                device.capabilityWritten(status);
                return;
            }
            if (area.isPending(bar, offset)) {
                msix.writePbaEntries(offset - area.pending(), size, value);
                return;
            }
            if (area.isAlone()) {
                return;
            }
        }
        try {
            if (serial) {
                synchronized (access) {
                    device.writeBar(bar, offset, size, value);
                }
            } else {
                device.writeBar(bar, offset, size, value);
            }
        } catch (GuestMemoryException counted) {
            // The device's way to memory has counted it.
            return;
        }
    }

    /** The name of a register behind a BAR, for a trace. */
    String registerName(int bar, long offset) {
        return trace == null ? "0x" + Long.toHexString(offset) : trace.bar(bar, offset);
    }

    @Nullable FunctionTrace trace() {
        return trace;
    }

    boolean isConfigurationMappable() {
        return mappable;
    }

    BarWindow[] windows() {
        return windows;
    }

    /** Where the guest wants a BAR to answer; null if nowhere. */
    @Nullable BusRange wanted(BarWindow window) {
        if (destroyed.get() || !parts.isPowered()) {
            return null;
        }
        Optional<BarRange> range = configuration.barRange(window.bar.index());
        if (range.isEmpty()) {
            // Whoever sizes a BAR does not mean to move it.
            BusRange kept = window.mapped;
            return kept != null && parts.decodes(window.bar) && bus.reaches(kept) ? kept : null;
        }
        Optional<BusRange> wanted = range.get().busRange();
        return wanted.isPresent() && bus.reaches(wanted.get()) ? wanted.get() : null;
    }

    void countFailedMove() {
        failedMoves.increment();
    }

    void barChanged(int bar, Optional<BarRange> range) {
        guarded("a change of BAR " + bar, () -> device.barChanged(bar, range));
    }

    // ---------------------------------------------------------------- bridges

    @Nullable PciBus secondary() {
        return secondary;
    }

    int secondaryBus() {
        return configuration.readRegister(PciRegisters.REG_BUS_NUMBERS) >>> 8 & 0xff;
    }

    int subordinateBus() {
        return configuration.readRegister(PciRegisters.REG_BUS_NUMBERS) >>> 16 & 0xff;
    }

    boolean forwards(BusRange range) {
        return parts.isPowered() && BridgeWindows.forwards(configuration, range);
    }

    boolean isMasterEnabled() {
        return parts.isPowered() && configuration.hasCommand(PCI_COMMAND_MASTER);
    }

    private boolean isMasterEnabledUpwards() {
        return isMasterEnabled() && bus.isMasterEnabled();
    }

    /** The number of its bus changed. */
    void addressChanged() {
        parts.addressChanged();
    }

    // ---------------------------------------------------------------- a jail

    /** {@inheritDoc} What the device needs, if it says, and what delivers its messages. */
    @Override
    public List<Integer> keepDescriptors() {
        List<Integer> keep = new ArrayList<>(parts.keepDescriptors());
        if (device instanceof Sandboxed sandboxed) {
            keep.addAll(sandboxed.keepDescriptors());
        }
        return keep;
    }

    @Override
    public void onSandboxed() {
        if (device instanceof Sandboxed sandboxed) {
            guarded("being told of the sandbox", sandboxed::onSandboxed);
        }
    }

    // ---------------------------------------------------------------- life

    /** The device has been attached: from now on it answers. */
    void attached() {
        bus.root().decoder().sync(this);
    }

    /** Gives up everything. Nobody is inside the device any more; once. */
    void destroy() {
        if (destroyed.compareAndSet(false, true)) {
            faults.clear();
            parts.destroy();
            guarded("being detached", device::detach);
        }
    }

    /** {@return true if it has been removed, and given up everything} */
    public boolean isDestroyed() {
        return destroyed.get();
    }

    /** Back to the state of power-on. */
    void reset() {
        synchronized (configurationLock) {
            configuration.reset();
            parts.intx.reset();
        }
        faults.clear();
        guarded("a reset", device::reset);
    }

    @Override
    public void sleep() {
        state.sleep();
    }

    @Override
    public Snapshot snapshot() {
        return state.snapshot();
    }

    /** {@inheritDoc} The bus follows when the whole tree is restored. */
    @Override
    public void restore(Snapshot snapshot) {
        synchronized (configurationLock) {
            state.restore(snapshot);
        }
    }

    /** Takes back a restore, after another function has refused its part. */
    void rollBack(Snapshot before, SnapshotException told) {
        synchronized (configurationLock) {
            state.rollBack(before, told);
        }
    }

    @Override
    public void wake() {
        state.wake();
    }

    private void guarded(String what, Runnable call) {
        try {
            call.run();
        } catch (Throwable failure) {
            failed(what, failure);
        }
    }

    private void failed(String what, Throwable failure) {
        bus.root().io().counters().failed(this, what, failure);
    }

    @Override
    public String toString() {
        return address() + " " + typeId + " (" + id + ")";
    }
}
