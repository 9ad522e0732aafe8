package dev.dalang.passthrough;

import dev.dalang.bus.Removal;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.passthrough.BackendRegion.Area;
import dev.dalang.passthrough.PassthroughException.Kind;
import dev.dalang.pci.BarRange;
import dev.dalang.pci.MsixConfig;
import dev.dalang.pci.PciCapStatus;
import dev.dalang.pci.PciDevice;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciDma;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciHost;
import dev.dalang.pci.PciRegisters;
import dev.dalang.pci.PciRootPort;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongFunction;

/**
 * A {@link PassthroughDevice} in a tree. It is assigned when it is added, and taken back when it is
 * removed, or the tree ends, or adding it fails.
 *
 * <p>The guest's configuration space is made of the device's, capability by capability: BARs and
 * messages are the tree's own, what may be forwarded is, and what nobody here knows can be read
 * only. Capabilities stand elsewhere than in the device. The device's BARs are never written; its
 * tables of MSI-X are out of the guest's reach. The wired interrupt is taken for served when the
 * guest next accesses a register of the device; if it still is asserted it comes again.
 *
 * <p>A snapshot holds the device's state, if it can give it away; else there is none.
 */
public final class PassthroughFunction implements PciDevice {
    private static final int COMMAND = 0x04;
    private static final int STATUS = 0x06;
    private static final GuestMemory NO_MEMORY = GuestMemory.of();
    private static final int FORWARDED =
            PciRegisters.PCI_COMMAND_IO
                    | PciRegisters.PCI_COMMAND_MEMORY
                    | PciRegisters.PCI_COMMAND_MASTER;

    private final PassthroughDevice device;
    private final OwnedRegisters registers;
    private final PassthroughVm vm;
    private final Runnable admission;
    private final boolean closing;
    private final PciDeviceSpec spec;
    private final List<List<Area>> tables;
    private final VirtualRegisters virtual;
    private final FunctionInterrupts interrupts;
    private final FunctionState state;

    /** Guards the command register that the device has. */
    private final Object commandLock = new Object();

    private int forwardedCommand;

    private volatile @Nullable PciHost host;

    private PassthroughFunction(Builder builder) {
        device = builder.device;
        vm =
                new PassthroughVm(
                        builder.machine,
                        builder.harts,
                        this::memory,
                        new GuestAccess(),
                        builder.hartOf);
        registers = new OwnedRegisters(device.registers(), () -> device.belongsTo(vm));
        admission = builder.admission;
        closing = builder.closing;
        FunctionSpec.Made made = device.specification(registers, new Express());
        spec = made.spec();
        tables = made.tables();
        virtual = new VirtualRegisters(device);
        interrupts = new FunctionInterrupts(device, vm, spec.hasIntx());
        state = new FunctionState(device, this::resetAndArm);
    }

    /**
     * Puts a device into machine 0.
     *
     * @param device the device
     * @return the function, to be added to a tree
     * @throws PassthroughException if the device describes itself in a way that no device can
     */
    public static PassthroughFunction of(PassthroughDevice device) {
        return builder(device).build();
    }

    /**
     * Begins a function.
     *
     * @param device the device
     * @return a builder
     */
    public static Builder builder(PassthroughDevice device) {
        return new Builder(device);
    }

    /** What a function must know of the machine. */
    public static final class Builder {
        private final PassthroughDevice device;
        private long machine;
        private int harts;
        private LongFunction<OptionalInt> hartOf = _ -> OptionalInt.empty();
        private boolean closing;
        private Runnable admission = () -> {};

        private Builder(PassthroughDevice device) {
            this.device = device;
        }

        /**
         * Names the machine; 0 by default.
         *
         * @param id the machine's number, unsigned
         * @return this
         */
        public Builder machine(long id) {
            machine = id;
            return this;
        }

        /**
         * Tells which hart a message goes to; not known by default.
         *
         * @param count how many harts there are
         * @param of the hart that takes messages to an address
         * @return this
         */
        public Builder harts(int count, LongFunction<OptionalInt> of) {
            harts = count;
            hartOf = of;
            return this;
        }

        /**
         * Gives the device up when it is removed, rather than keep it for another machine.
         *
         * @return this
         */
        public Builder closing() {
            closing = true;
            return this;
        }

        /** Has somebody asked who may refuse the device to the machine, just before it gets it. */
        Builder admission(Runnable asked) {
            admission = asked;
            return this;
        }

        /**
         * Ends the description.
         *
         * @return the function, to be added to a tree
         * @throws PassthroughException if the device describes itself in a way that no device can
         */
        public PassthroughFunction build() {
            return new PassthroughFunction(this);
        }
    }

    /** {@return the device} */
    public PassthroughDevice device() {
        return device;
    }

    @Override
    public PciDeviceSpec spec() {
        return spec;
    }

    // ---------------------------------------------------------------- in and out

    /**
     * {@inheritDoc}
     *
     * @throws PassthroughException if the device cannot be assigned
     */
    @Override
    public void attach(PciHost given) {
        enter(given);
        boolean done = false;
        try {
            admission.run();
            device.assign(vm);
            device.show(given.configuration(), interrupts::messageAddress);
            device.mapRegisters(tables);
            requireDone(interrupts.watch());
            requireDone(interrupts.arm());
            forwardCommand(given.configuration().read(PciRegisters.REG_COMMAND, 0, 2));
            done = true;
        } finally {
            if (!done) {
                enter(null);
                device.unassign(vm);
            }
        }
    }

    private void requireDone(@Nullable BackendException failure) {
        if (failure != null) {
            device.note(failure);
            throw new PassthroughException(device.label(), "prepare its interrupts", failure);
        }
    }

    private void enter(@Nullable PciHost in) {
        host = in;
        interrupts.enter(in);
    }

    @Override
    public void detach() {
        enter(null);
        runToBeReset();
        if (closing) {
            device.close();
        } else {
            device.unassign(vm);
        }
    }

    /** Some devices that are stopped obey nothing but to go on: they do, without transfers. */
    private void runToBeReset() {
        if (state.isStopped() && device.belongsTo(vm) && !device.isLost()) {
            forwardCommand(0);
            state.run();
        }
        state.forget();
    }

    /**
     * Asks the guest to let go of the device, by its slot's attention button.
     *
     * @return done when the guest has, and the device is taken back
     * @throws PassthroughException if it is in no slot, or the slot is busy
     */
    public CompletableFuture<Void> requestUnplug() {
        PciFunction function = function("ask the guest for it");
        return function.bus()
                .bridge()
                .map(PciFunction::device)
                .filter(PciRootPort.class::isInstance)
                .map(port -> ((PciRootPort) port).unplug())
                .orElseThrow(
                        () ->
                                new PassthroughException(
                                        Kind.BUSY,
                                        device.label(),
                                        "ask the guest for it",
                                        "it is in no slot whose button could be pressed"));
    }

    /**
     * Takes the device out of the tree, whatever the guest does with it.
     *
     * @return when nobody can be inside any more, and the device is taken back
     * @throws PassthroughException if it is in no tree
     */
    public Removal forceUnplug() {
        PciFunction function = function("take it out");
        return function.bus().root().remove(function);
    }

    private PciFunction function(String operation) {
        PciHost in = host;
        if (in != null) {
            Optional<PciFunction> found = in.tree().flatMap(tree -> tree.function(in.address()));
            if (found.isPresent() && found.get().device() == this) {
                return found.get();
            }
        }
        throw new PassthroughException(
                Kind.NOT_ASSIGNED, device.label(), operation, "it is in no tree");
    }

    // ---------------------------------------------------------------- registers

    @Override
    public long readBar(int bar, long offset, int size) {
        long value =
                registers.read(bar == PciDeviceSpec.ROM ? BackendRegion.ROM : bar, offset, size);
        interrupts.serveWire();
        return value;
    }

    @Override
    public void writeBar(int bar, long offset, int size, long value) {
        registers.write(bar, offset, size, value);
        interrupts.serveWire();
    }

    @Override
    public void barChanged(int bar, Optional<BarRange> range) {
        if (bar == PciDeviceSpec.ROM) {
            return;
        }
        device.place(
                vm,
                bar,
                range.map(at -> OptionalLong.of(at.base())).orElse(OptionalLong.empty()),
                range.map(BarRange::size).orElse(0L));
    }

    @Override
    public void commandWritten(int command, int cleared) {
        forwardCommand(command);
        int errors = cleared & PciRegisters.PCI_STATUS_ERRORS;
        if (errors != 0) {
            registers.write(BackendRegion.CONFIG, STATUS, 2, errors);
        }
    }

    /** {@inheritDoc} The errors that the device has found; all ones once it is gone. */
    @Override
    public int configRead(int register, int value) {
        if (device.isLost() || host != null && !device.belongsTo(vm)) {
            return -1;
        }
        if (register != PciRegisters.REG_COMMAND || host == null) {
            return value;
        }
        int status = (int) registers.read(BackendRegion.CONFIG, STATUS, 2);
        return status == -1 ? value : value | (status & PciRegisters.PCI_STATUS_ERRORS) << 16;
    }

    /**
     * Decoding and transfers are the device's business too. It may only begin transfers when it
     * reaches the memory that there is now.
     */
    private void forwardCommand(int command) {
        synchronized (commandLock) {
            int wanted = command & FORWARDED;
            if ((wanted & ~forwardedCommand & PciRegisters.PCI_COMMAND_MASTER) != 0) {
                try {
                    if (device.belongsTo(vm)) {
                        device.followMemory();
                    }
                } catch (BackendException failure) {
                    device.note(failure);
                    wanted &= ~PciRegisters.PCI_COMMAND_MASTER;
                }
            }
            if (wanted != forwardedCommand) {
                registers.write(BackendRegion.CONFIG, COMMAND, 2, wanted);
                forwardedCommand = wanted;
            }
        }
    }

    // ---------------------------------------------------------------- interrupts

    @Override
    public void capabilityWritten(PciCapStatus status) {
        device.note(interrupts.arm());
    }

    // ---------------------------------------------------------------- reset

    @Override
    public void reset() {
        try {
            device.reset();
        } catch (PassthroughException failure) {
            // Counted; the guest meets a device that does not answer.
            return;
        } finally {
            forgetProgramming();
        }
        PciHost in = host;
        if (in != null) {
            device.note(interrupts.arm());
            forwardCommand(in.configuration().read(PciRegisters.REG_COMMAND, 0, 2));
        }
    }

    private void forgetProgramming() {
        synchronized (commandLock) {
            forwardedCommand = 0;
        }
        virtual.reset();
        interrupts.forget();
    }

    /** The guest resets the function: everything that it has programmed is gone (§6.6.2). */
    private void resetFunction() {
        PciHost in = host;
        if (in == null) {
            return;
        }
        in.msix().ifPresent(MsixConfig::reset);
        in.msi().ifPresent(msi -> msi.reset());
        in.configuration().setRegister(PciRegisters.REG_COMMAND, 0, 0xffff);
        reset();
    }

    /** The device was lost on the way to another state: it begins anew, as the guest has it. */
    private void resetAndArm() throws BackendException {
        try {
            device.reset();
        } catch (PassthroughException failure) {
            if (failure.getCause() instanceof BackendException cause) {
                throw cause;
            }
            throw failure;
        } finally {
            forgetProgramming();
        }
        PciHost in = host;
        if (in != null) {
            BackendException failure = interrupts.arm();
            if (failure != null) {
                throw failure;
            }
            forwardCommand(in.configuration().read(PciRegisters.REG_COMMAND, 0, 2));
        }
    }

    // ---------------------------------------------------------------- virtual configuration space

    @Override
    public int readVirtualConfig(int register) {
        return virtual.read(register);
    }

    @Override
    public void writeVirtualConfig(int register, int value) {
        virtual.write(register, value);
    }

    /**
     * Keeps a notification of the host's for the guest, which reads it from {@code NOTY}.
     *
     * @param notification its number, not 0
     * @return false if the guest has left so many unread that it is dropped
     */
    public boolean postNotification(int notification) {
        return virtual.post(notification);
    }

    // ---------------------------------------------------------------- life

    /** {@inheritDoc} The device stops, if it can; what fails is told by {@link #snapshot}. */
    @Override
    public void sleep() {
        state.stop();
    }

    /** {@inheritDoc} The device goes on, programmed as the guest has it. */
    @Override
    public void wake() {
        PciHost in = host;
        if (in == null) {
            state.forget();
        } else if (state.run()) {
            device.note(interrupts.arm());
            forwardCommand(in.configuration().read(PciRegisters.REG_COMMAND, 0, 2));
        }
    }

    @Override
    public Snapshot snapshot() {
        return state.save();
    }

    @Override
    public void restore(Snapshot snapshot) {
        state.restore(snapshot);
    }

    /** What the PCI Express capability asks. */
    private final class Express implements ForwardedExpress.Surroundings {
        @Override
        public boolean isOnRootBus() {
            PciHost in = host;
            return in == null || in.address().bus() == 0;
        }

        @Override
        public boolean isResettable() {
            return device.backend().isResettable();
        }

        @Override
        public void resetFunction() {
            PassthroughFunction.this.resetFunction();
        }
    }

    /** Memory, for a device that cannot map it: only while the guest lets it. */
    private final class GuestAccess implements DmaAccess {
        @Override
        public void read(long address, MemorySegment target) {
            dma(address, target).read(address, target);
        }

        @Override
        public void write(long address, MemorySegment source) {
            dma(address, source).write(address, source);
        }

        private PciDma dma(long address, MemorySegment bytes) {
            PciHost in = host;
            if (in == null) {
                throw new GuestMemoryException(
                        GuestMemoryException.Kind.REFUSED, address, bytes.byteSize());
            }
            return in.memory();
        }
    }

    /** The memory of the machine that it is in; none while it is in none. */
    private GuestMemory memory() {
        PciHost in = host;
        return in == null ? NO_MEMORY : in.memory().unchecked();
    }
}
