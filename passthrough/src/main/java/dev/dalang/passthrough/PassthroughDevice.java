package dev.dalang.passthrough;

import dev.dalang.passthrough.BackendRegion.Area;
import dev.dalang.passthrough.PassthroughException.Kind;
import dev.dalang.pci.PciAddress;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciConfiguration;
import dev.dalang.pci.PciException;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntToLongFunction;

/**
 * A device that lives elsewhere, and that one machine at a time can have. It is opened over a
 * {@link PassthroughBackend}, which it then owns; {@link PassthroughFunction} puts it into a tree.
 *
 * {@snippet :
 * PassthroughDevice device = PassthroughDevice.open(PassthroughDeviceType.GENERIC_PCI, backend);
 * device.addMsixRemap(new MsixRemap(32, 64, 0, false));
 * device.assign(PassthroughVm.of(1, 2, memory));
 * device.remapInterrupt(32); // 64, on hart 0
 * device.unassign();
 * }
 *
 * <p>Assignment resets the device, gives it the machine's memory and then makes active what was
 * added; each step that fails takes back those before it. Its end stops interrupts first, then
 * transfers, then takes the memory away. A device that could not be reset at the end, or did not
 * give the memory back, is not assigned again.
 *
 * <p>Any thread. {@link #remapInterrupt} takes no lock; the other methods wait for the device.
 */
public final class PassthroughDevice implements AutoCloseable {
    private final PassthroughDeviceType type;
    private final PassthroughBackend backend;
    private final PassthroughOptions options;
    private final Optional<PciAddress> address;
    private final PassthroughCounters counters = new PassthroughCounters();
    private final DeviceRegisters registers;
    private final ConfigImage image;
    private final List<PciBar> bars;
    private final PciConfigPassthrough ownConfiguration;

    /** Guards what follows, and is held while the device answers. */
    private final Object lock = new Object();

    private final DeviceRegions regions;
    private final DeviceVectors vectors;
    private final InterruptModes interrupts;
    private final DmaMap dma;
    private @Nullable String unusable;
    private boolean closed;

    private volatile @Nullable PassthroughVm owner;
    private volatile @Nullable PciConfigPassthrough shown;
    private volatile PassthroughListener listener = PassthroughListener.NONE;

    /** The address that the guest has given to a message; 0 if that is not known. */
    private volatile IntToLongFunction messages = _ -> 0;

    private final AtomicBoolean lost = new AtomicBoolean();

    private PassthroughDevice(
            PassthroughDeviceType type,
            PassthroughBackend backend,
            PassthroughOptions options,
            Optional<PciAddress> address)
            throws BackendException {
        this.type = type;
        this.backend = backend;
        this.options = options;
        this.address = address;
        registers = new DeviceRegisters(backend, counters, this::failed);
        regions = new DeviceRegions(backend);
        vectors = new DeviceVectors(backend);
        interrupts = new InterruptModes(backend);
        dma = new DmaMap(backend);
        image = ConfigImage.read(backend);
        if (image.get(0, 2) == 0xffff || (image.get(0x0e, 1) & 0x7f) != 0) {
            throw new BackendException(
                    "read its header",
                    0,
                    "expected a vendor id and a header of type 0, got 0x%04x and 0x%02x"
                            .formatted(image.get(0, 2), image.get(0x0e, 1)));
        }
        bars = List.copyOf(BarSizing.of(backend));
        PciConfiguration own =
                PciConfiguration.endpoint(
                                options.vendor().orElse(image.get(0, 2)),
                                options.deviceId().orElse(image.get(2, 2)))
                        .classCode(image.get(9, 3))
                        .revision(image.get(8, 1))
                        .subsystem(image.get(0x2c, 2), image.get(0x2e, 2))
                        .build();
        bars.forEach(own::addBar);
        ownConfiguration = new PciConfigPassthrough(own, address);
        backend.onLost(this::deviceLost);
    }

    /**
     * Opens a device that stands alone, with the usual options.
     *
     * @param type what it is
     * @param backend the way to it; closed with the device, and if this fails
     * @return the device, which no machine has
     * @throws PassthroughException if it does not answer, or describes itself in a way that no
     *     device can
     */
    public static PassthroughDevice open(PassthroughDeviceType type, PassthroughBackend backend) {
        return open(type, backend, PassthroughOptions.DEFAULT, Optional.empty());
    }

    /**
     * Opens a device.
     *
     * @param type what it is
     * @param backend the way to it; closed with the device, and if this fails
     * @param options how it is taken over
     * @param address where it is on its host; empty if it is on none
     * @return the device, which no machine has
     * @throws PassthroughException if it does not answer, describes itself in a way that no device
     *     can, or cannot be reset but must
     */
    public static PassthroughDevice open(
            PassthroughDeviceType type,
            PassthroughBackend backend,
            PassthroughOptions options,
            Optional<PciAddress> address) {
        boolean opened = false;
        try {
            if (options.isResetRequired() && !backend.isResettable()) {
                throw new PassthroughException(
                        Kind.INVALID_DEVICE,
                        backend.label(),
                        "open",
                        "it cannot be reset, so that one machine would find what another left");
            }
            PassthroughDevice device = new PassthroughDevice(type, backend, options, address);
            opened = true;
            return device;
        } catch (BackendException failure) {
            throw new PassthroughException(backend.label(), "open", failure);
        } catch (PciException | IllegalArgumentException impossible) {
            throw new PassthroughException(
                    Kind.INVALID_DEVICE,
                    backend.label(),
                    "open",
                    String.valueOf(impossible.getMessage()));
        } finally {
            if (!opened) {
                backend.close();
            }
        }
    }

    // ---------------------------------------------------------------- what it is

    /** {@return what it is} */
    public PassthroughDeviceType type() {
        return type;
    }

    /** {@return its name in messages} */
    public String label() {
        return backend.label();
    }

    /** {@return where it is on its host; empty if it is on none} */
    public Optional<PciAddress> address() {
        return address;
    }

    /** {@return what it cannot be kept apart from; empty if it stands alone} */
    public Optional<IsolationGroup> isolationGroup() {
        return backend.isolationGroup();
    }

    /** {@return the configuration space that a guest has of it} */
    public PciConfigPassthrough configuration() {
        PciConfigPassthrough inTree = shown;
        return inTree == null ? ownConfiguration : inTree;
    }

    /** {@return what has happened to it} */
    public PassthroughCounts counts() {
        return counters.counts();
    }

    /**
     * Names who is told of what happens to it.
     *
     * @param whom replaces the one before
     */
    public void listen(PassthroughListener whom) {
        listener = whom;
    }

    /** {@return true if it is gone} */
    public boolean isLost() {
        return lost.get();
    }

    /** {@return the machine that has it; empty if none has} */
    public OptionalLong owner() {
        PassthroughVm vm = owner;
        return vm == null ? OptionalLong.empty() : OptionalLong.of(vm.id());
    }

    /** {@return true if a machine has it} */
    public boolean isAssigned() {
        return owner != null;
    }

    // ---------------------------------------------------------------- regions and vectors

    /**
     * Adds a part of its memory. While a machine has the device it is mapped at once, else when one
     * gets it.
     *
     * @param region the part, in whole pages of {@link MmioRegion#PAGE_BYTES}; whether it says that
     *     it is mapped does not count
     * @throws PassthroughException if it is empty, not aligned, wraps or lies outside the device's
     *     region ({@link Kind#INVALID_REGION}), or where another is in guest memory ({@link
     *     Kind#OVERLAP})
     */
    public void addMmioRegion(MmioRegion region) {
        synchronized (lock) {
            requireOpen("add a region");
            regions.add(region, owner != null);
        }
    }

    /** {@return the parts of its memory} */
    public List<MmioRegion> mmioRegions() {
        synchronized (lock) {
            return regions.all();
        }
    }

    /** {@return how many parts there are, mapped or not} */
    public int mmioRegionCount() {
        synchronized (lock) {
            return regions.all().size();
        }
    }

    /**
     * Adds a vector. While a machine has the device it is active at once, else when one gets it.
     *
     * @param remap the vector; whether it says that it is active does not count
     * @throws PassthroughException if a number is outside its range or there is no such hart
     *     ({@link Kind#INVALID_TARGET}), the device has no more vectors ({@link
     *     Kind#VECTOR_LIMIT}), or this one is taken ({@link Kind#DUPLICATE_VECTOR})
     */
    public void addMsixRemap(MsixRemap remap) {
        synchronized (lock) {
            requireOpen("add a vector");
            vectors.add(remap, owner);
        }
    }

    /** {@return the vectors} */
    public List<MsixRemap> msixRemaps() {
        return vectors.all();
    }

    /** {@return how many vectors there are, active or not} */
    public int msixRemapCount() {
        return vectors.all().size();
    }

    /**
     * Tells where an interrupt of the device goes. The hart is the one that the guest's message is
     * for, if that is known. One that goes nowhere is counted.
     *
     * @param hostVector the device's number for it
     * @return where it goes; empty if it is not active, or no machine has the device
     */
    public Optional<RemappedInterrupt> remapInterrupt(int hostVector) {
        PassthroughVm vm = owner;
        MsixRemap remap = vm == null ? null : vectors.active(hostVector);
        if (vm == null || remap == null) {
            counters.spuriousInterrupts.increment();
            return Optional.empty();
        }
        counters.interrupts.increment();
        return Optional.of(new RemappedInterrupt(remap.guestVector(), hart(vm, remap)));
    }

    /** As {@link #remapInterrupt}, for who needs the guest's number alone; -1 for none. */
    int deliver(int hostVector) {
        MsixRemap remap = owner == null ? null : vectors.active(hostVector);
        if (remap == null) {
            counters.spuriousInterrupts.increment();
            return -1;
        }
        counters.interrupts.increment();
        return remap.guestVector();
    }

    /** The wire came: true if a machine has the device. */
    boolean deliverWire() {
        boolean isDelivered = owner != null;
        (isDelivered ? counters.interrupts : counters.spuriousInterrupts).increment();
        return isDelivered;
    }

    private int hart(PassthroughVm vm, MsixRemap remap) {
        long message = messages.applyAsLong(remap.guestVector());
        OptionalInt known = message == 0 ? OptionalInt.empty() : vm.hartOf().apply(message);
        return known.orElse(remap.targetHart());
    }

    // ---------------------------------------------------------------- assignment

    /**
     * Gives the device to a machine.
     *
     * @param vm the machine
     * @throws PassthroughException if a machine has it ({@link Kind#ALREADY_ASSIGNED}), a vector is
     *     for a hart that the machine has not, it is gone or unusable, or does not do what it has
     *     to; then it belongs to none
     */
    public void assign(PassthroughVm vm) {
        String operation = "assign to machine " + Long.toUnsignedString(vm.id());
        synchronized (lock) {
            requireOpen(operation);
            PassthroughVm has = owner;
            if (has != null) {
                throw new PassthroughException(
                        Kind.ALREADY_ASSIGNED,
                        label(),
                        operation,
                        "machine %s has it".formatted(Long.toUnsignedString(has.id())));
            }
            if (unusable != null) {
                throw new PassthroughException(Kind.BACKEND, label(), operation, unusable);
            }
            vectors.requireTargets(operation, vm);
            try {
                resetBackend();
                dma.follow(vm.memory().get(), vm.dma());
            } catch (BackendException failure) {
                takeBack(dma.clear());
                throw thrown(operation, failure);
            }
            ownConfiguration.reset();
            regions.map(true);
            vectors.activate(true);
            owner = vm;
        }
    }

    /**
     * Takes the device from the machine that has it. Never fails; does nothing if none has it. When
     * it has returned, no interrupt is delivered and no memory of the machine is reached any more.
     */
    public void unassign() {
        synchronized (lock) {
            unassign(owner);
        }
    }

    /** As {@link #unassign()}, if this machine has it. */
    void unassign(@Nullable PassthroughVm vm) {
        synchronized (lock) {
            if (vm == null || !belongsTo(vm)) {
                return;
            }
            // Whoever is told of an interrupt from here on finds that it goes nowhere.
            owner = null;
            vectors.clear();
            regions.clear();
            messages = _ -> 0;
            shown = null;
            BackendException first = interrupts.stop();
            note(first);
            try {
                resetBackend();
            } catch (BackendException failure) {
                note(failure);
                unusable = "it could not be reset when it was taken from its last machine";
            }
            takeBack(dma.clear());
            if (first != null && !closed) {
                unusable = "its interrupts could not be disabled";
                closeBackend();
            }
            ownConfiguration.reset();
            registers.unmap();
        }
    }

    /** Memory that the device keeps is a machine's that it must not reach: then nothing is kept. */
    private void takeBack(@Nullable BackendException failure) {
        if (failure != null) {
            note(failure);
            unusable = "it did not give back the memory of its last machine";
            closeBackend();
        }
    }

    /**
     * Resets the device, as often as it pleases: configuration space and BARs are as at the start,
     * regions unmapped and vectors inactive until the guest programs them again. Who has it, has it
     * still.
     *
     * @throws PassthroughException if it does not answer, or cannot be reset
     */
    public void reset() {
        synchronized (lock) {
            requireOpen("reset");
            try {
                interrupts.none();
                resetBackend();
            } catch (BackendException failure) {
                throw thrown("reset", failure);
            } finally {
                regions.map(false);
                vectors.activate(false);
                ownConfiguration.reset();
            }
        }
    }

    /** True while this machine has it: this one, not another that is told of in the same way. */
    @SuppressWarnings("ReferenceEquality")
    boolean belongsTo(PassthroughVm vm) {
        return owner == vm;
    }

    /** Makes the device reach the memory of the machine that has it, as that is now. */
    void followMemory() throws BackendException {
        synchronized (lock) {
            PassthroughVm vm = owner;
            if (vm != null) {
                dma.follow(vm.memory().get(), vm.dma());
            }
        }
    }

    /**
     * Tells that the machine's memory has changed: the device reaches what is there now, and
     * nothing else. Does nothing while no machine has it.
     *
     * @throws PassthroughException if the device, or the host, does not do it
     */
    public void memoryChanged() {
        try {
            followMemory();
        } catch (BackendException failure) {
            throw thrown("follow the machine's memory", failure);
        }
    }

    private void resetBackend() throws BackendException {
        if (backend.isResettable()) {
            backend.reset();
            counters.resets.increment();
        } else {
            // What can be done: no transfers, no decoding.
            backend.write(BackendRegion.CONFIG, 4, 2, 0);
        }
    }

    // ---------------------------------------------------------------- what the function uses

    DeviceRegisters registers() {
        return registers;
    }

    PassthroughBackend backend() {
        return backend;
    }

    PassthroughCounters counters() {
        return counters;
    }

    FunctionSpec.Made specification(
            OwnedRegisters owned, ForwardedExpress.Surroundings surroundings) {
        try {
            return FunctionSpec.of(image, backend, owned, bars, options, surroundings);
        } catch (PciException impossible) {
            throw new PassthroughException(
                    Kind.INVALID_DEVICE,
                    label(),
                    "describe its function",
                    String.valueOf(impossible.getMessage()));
        }
    }

    /** It is in a tree now: this is where its registers are. */
    void show(PciConfiguration configuration, IntToLongFunction messageAddresses) {
        shown = new PciConfigPassthrough(configuration, address);
        messages = messageAddresses;
    }

    void mapRegisters(List<List<Area>> tables) {
        synchronized (lock) {
            try {
                registers.map(tables, FunctionSpec.PAGE_BYTES);
            } catch (BackendException failure) {
                throw thrown("map its regions", failure);
            }
        }
    }

    /** What the guest's programming asks of the device's interrupts. */
    @FunctionalInterface
    interface InterruptStep {
        void take(InterruptModes modes) throws BackendException;
    }

    /**
     * Changes the device's interrupts, if this machine has it.
     *
     * @return what went wrong; null if nothing
     */
    @Nullable BackendException arm(PassthroughVm vm, InterruptStep step) {
        synchronized (lock) {
            if (!belongsTo(vm) || closed) {
                return null;
            }
            try {
                step.take(interrupts);
                return null;
            } catch (BackendException failure) {
                return failure;
            }
        }
    }

    /** The guest has programmed these vectors, of as many as there are. */
    void program(PassthroughVm vm, int guestVectors) {
        synchronized (lock) {
            if (belongsTo(vm)) {
                vectors.program(guestVectors);
            }
        }
    }

    /** A BAR of the guest's answers here from now on, or nowhere. */
    void place(PassthroughVm vm, int bar, OptionalLong base, long size) {
        synchronized (lock) {
            if (belongsTo(vm)) {
                regions.place(bar, base, size);
            }
        }
    }

    /** Counts, and tells of, what a guest's access or the end of an assignment came upon. */
    void note(@Nullable BackendException failure) {
        if (failure != null) {
            counters.failures.increment();
            failed(failure);
        }
    }

    private void failed(BackendException failure) {
        if (failure.isLost()) {
            deviceLost();
        } else {
            listener.refused(this, failure);
        }
    }

    private PassthroughException thrown(String operation, BackendException failure) {
        counters.failures.increment();
        if (failure.isLost()) {
            deviceLost();
        }
        return new PassthroughException(label(), operation, failure);
    }

    /** No lock is taken: whoever tells this may hold the backend's. */
    private void deviceLost() {
        if (lost.compareAndSet(false, true)) {
            registers.lose();
            listener.lost(this);
        }
    }

    void deviceError() {
        listener.failed(this);
    }

    void deviceRequested() {
        listener.requested(this);
    }

    // ---------------------------------------------------------------- end

    private void requireOpen(String operation) {
        if (closed) {
            throw new PassthroughException(
                    Kind.CLOSED, label(), operation, "it was given up before");
        }
    }

    /** Takes it from the machine that has it, and gives it up. Closing twice does nothing. */
    @Override
    public void close() {
        synchronized (lock) {
            unassign();
            closeBackend();
        }
    }

    private void closeBackend() {
        closed = true;
        registers.lose();
        backend.close();
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s (%04x:%04x)%s",
                label(),
                image.get(0, 2),
                image.get(2, 2),
                isAssigned() ? " of machine " + Long.toUnsignedString(owner().orElse(0)) : "");
    }
}
