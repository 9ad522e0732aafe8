package dev.dalang.pci;

import dev.dalang.bus.BusRange;
import dev.dalang.bus.DeviceExecutor;
import dev.dalang.bus.IoCounters;
import dev.dalang.bus.IoManager;
import dev.dalang.bus.MmioRange;
import dev.dalang.bus.PioRange;
import dev.dalang.bus.Removal;
import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.sandbox.Jail;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.bus.time.VirtualClock;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * A PCI tree: the root bus with the host bridge at 00:00.0, and whatever is below. Windows for
 * configuration space ({@link PciConfigMmio}, {@link PciConfigIo}, {@link PciVirtualConfigMmio})
 * are made of it.
 *
 * {@snippet :
 * PciRoot root =
 *         PciRoot.builder(io, memory, clock)
 *                 .memory32(new MmioRange(0x4000_0000L, 0x4000_0000L))
 *                 .messages(MsiTargetRouter.create(imsic, 1024))
 *                 .build();
 * io.registerMmio(new MmioRange(0x3000_0000L, 0x1000_0000L), PciConfigMmio.ecam(root));
 * root.bus().add(new EduDevice());
 * }
 *
 * <p>Any thread. What a guest can reach never throws and never waits for a device's access.
 *
 * <p>The methods of {@link Suspendable} cover the tree: every function that is in it, bridges and
 * functions with decoding off included, whatever is on the bus. Functions are known by their {@link
 * PciFunction#id}. Restoring puts the bus where the restored registers say.
 *
 * <p>Lock order: the tree's lock (adding and removing), a function's configuration lock, the
 * decoder's, the bus's. A device is called under no lock but its own function's.
 */
public final class PciRoot implements Suspendable {
    private static final String TYPE = "pci-root";
    private static final int VERSION = 1;
    private static final int ALL_ONES = -1;
    private static final int HIGHEST_BUS = 255;
    private static final int CONFIGURATION_BYTES = PciRegisters.PCI_CFG_SPACE_EXP_SIZE;

    private final IoManager io;
    private final Supplier<GuestMemory> memory;
    private final VirtualClock clock;
    private final DeviceExecutor executor;
    private final MsiRouter messages;
    private final List<SharedInterruptLine> wires;
    private final int buses;
    private final PciApertures apertures;
    private final @Nullable ForeignMachine foreign;
    private final BarDecoder decoder;
    private final PciBus bus;
    private final PciFunction hostBridge;

    /** Held while a device is added; before the lock. */
    private final Object adding = new Object();

    /** Guarded by {@link #adding}. */
    private boolean sandboxed;

    /** Guards what the tree is made of. */
    private final Object lock = new Object();

    private final Map<String, PciFunction> ids = new HashMap<>();

    /** Mapped configuration spaces of the root bus, by place. */
    private final Map<Integer, MemorySegment> pages = new HashMap<>();

    private PciRoot(Builder builder) {
        io = builder.io;
        memory = builder.memory;
        clock = builder.clock;
        executor = builder.executor;
        messages = builder.messages;
        wires = builder.wires.stream().map(SharedInterruptLine::of).toList();
        buses = builder.buses;
        apertures = new PciApertures(builder.ports, builder.memory32, builder.memory64);
        apertures.keepLegacyPorts();
        foreign = builder.foreign;
        decoder = new BarDecoder(io);
        bus = new PciBus(this, null, 0, buses - 1, apertures, foreign != null);
        hostBridge = add(bus, 0, 0, new PciHostBridge(), Optional.empty());
    }

    /**
     * Begins a tree.
     *
     * @param io the buses that its functions answer on
     * @param memory what its functions read and write
     * @param clock the machine's time
     * @return a builder
     */
    public static Builder builder(IoManager io, GuestMemory memory, VirtualClock clock) {
        return new Builder(io, () -> memory, clock);
    }

    /**
     * Begins a tree of a machine whose memory is made after it, because pages of the tree are part
     * of it.
     *
     * @param io the buses that its functions answer on
     * @param memory gives what its functions read and write; asked from the first access on
     * @param clock the machine's time
     * @return a builder
     */
    public static Builder builder(IoManager io, Supplier<GuestMemory> memory, VirtualClock clock) {
        return new Builder(io, memory, clock);
    }

    /** {@return the root bus} */
    public PciBus bus() {
        return bus;
    }

    /** {@return the function at 00:00.0} */
    public PciFunction hostBridge() {
        return hostBridge;
    }

    /** {@return how many bus numbers there are} */
    public int buses() {
        return buses;
    }

    /** {@return the addresses that functions may answer: ports, memory} */
    public List<BusRange> apertures() {
        return List.copyOf(apertures.ranges());
    }

    /** {@return every function of the tree, bridges before what is behind them} */
    public List<PciFunction> functions() {
        List<PciFunction> all = new ArrayList<>();
        bus.forEach(all::add);
        return all;
    }

    /**
     * Looks up a function by what a guest calls it now.
     *
     * @param address its address
     * @return it, if a configuration access reaches it
     */
    public Optional<PciFunction> function(PciAddress address) {
        return address.segment() != 0
                ? Optional.empty()
                : Optional.ofNullable(find(address.requesterId()));
    }

    /**
     * Looks up a function by its stable name.
     *
     * @param id its id
     * @return it, if it is in the tree
     */
    public Optional<PciFunction> function(String id) {
        synchronized (lock) {
            return Optional.ofNullable(ids.get(id));
        }
    }

    /** {@return accesses, errors and interrupts of every device of the machine} */
    public IoCounters counters() {
        return io.counters();
    }

    /** {@return how often a BAR could not go where a guest wanted it, and stayed where it was} */
    public long failedMoves() {
        return decoder.failures();
    }

    /** {@return how often a BAR began to answer, ceased to, or moved} */
    public long moves() {
        return decoder.moves();
    }

    // ---------------------------------------------------------------- the guest's accesses

    /**
     * Reads a register of configuration space.
     *
     * @param requesterId bus in bits 15:8, device in 7:3, function in 2:0
     * @param register its index
     * @return its value; all ones where there is no function, and beyond its space
     */
    public int readConfig(int requesterId, int register) {
        PciFunction function = find(requesterId);
        return function == null ? ALL_ONES : function.readConfig(register);
    }

    /**
     * Writes to a register of configuration space. Dropped where there is no function, and in any
     * shape but a naturally aligned one.
     *
     * @param requesterId bus in bits 15:8, device in 7:3, function in 2:0
     * @param register its index
     * @param offset first byte, 0..3
     * @param size bytes
     * @param value the value
     */
    public void writeConfig(int requesterId, int register, int offset, int size, int value) {
        PciFunction function = find(requesterId);
        if (function != null) {
            function.writeConfig(register, offset, size, value);
        }
    }

    /**
     * Reads a register of the virtual configuration space.
     *
     * @param requesterId bus in bits 15:8, device in 7:3, function in 2:0
     * @param register 0..2047
     * @return its value; 0 where there is no function, and for 00:00.0
     */
    public int readVirtualConfig(int requesterId, int register) {
        PciFunction function = requesterId == 0 ? null : find(requesterId);
        return function == null ? 0 : function.readVirtualConfig(register);
    }

    /**
     * Writes a register of the virtual configuration space. Dropped where there is no function, and
     * for 00:00.0.
     *
     * @param requesterId bus in bits 15:8, device in 7:3, function in 2:0
     * @param register 0..2047
     * @param value the value
     */
    public void writeVirtualConfig(int requesterId, int register, int value) {
        PciFunction function = requesterId == 0 ? null : find(requesterId);
        if (function != null) {
            function.writeVirtualConfig(register, value);
        }
    }

    private @Nullable PciFunction find(int requesterId) {
        int number = requesterId >>> 8 & 0xff;
        PciBus found = number == 0 ? bus : bus.find(number);
        return found == null ? null : found.at(requesterId & 0xff);
    }

    // ---------------------------------------------------------------- adding and removing

    /** Adds a device; -1 stands for the first free device number. All or nothing. */
    PciFunction add(PciBus to, int number, int function, PciDevice device, Optional<String> id) {
        PciFunction added = insert(to, number, function, device, id, to.isPlacedByGuest());
        to.bridge().ifPresent(PciRoot::populationChanged);
        return added;
    }

    /** Adds a device that the guest places, behind a port that will tell it. */
    PciFunction plug(PciBus to, PciDevice device, Optional<String> id) {
        return insert(to, 0, 0, device, id, true);
    }

    private static void populationChanged(PciFunction above) {
        if (above.device() instanceof PciBridge bridge) {
            bridge.populationChanged(above.behind());
        }
    }

    private PciFunction insert(
            PciBus to,
            int number,
            int function,
            PciDevice device,
            Optional<String> id,
            boolean placedByGuest) {
        // A device is attached before anybody can find it, and under no lock but this one.
        synchronized (adding) {
            PciDeviceSpec spec = device.spec();
            int devfn = freePlace(to, number, function, spec.name());
            String name = id.orElseGet(() -> defaultId(to, devfn));
            function(name)
                    .ifPresent(
                            other -> {
                                throw new PciException(
                                        PciException.Kind.STATE,
                                        spec.name(),
                                        "the id " + name + " belongs to " + other);
                            });
            PciFunction added = new PciFunction(to, devfn, name, device, spec, placedByGuest);
            try {
                device.attach(added);
            } catch (RuntimeException | Error failed) {
                added.destroy();
                throw failed;
            }
            if (sandboxed) {
                added.onSandboxed();
            }
            synchronized (lock) {
                to.set(devfn, added);
                ids.put(name, added);
                updatePage(added, true);
                updateMultiFunction(to, devfn >>> 3);
            }
            added.attached();
            return added;
        }
    }

    /**
     * Puts the devices that are in the tree into a jail, or tells them that there is none. Before
     * the guest begins, once. Devices that come later are told when they come, before anybody can
     * find them.
     *
     * @param jail what closes; {@link Jail#none} for a machine without
     * @throws PciException if it was done before ({@link PciException.Kind#STATE})
     */
    public void enterSandbox(Jail jail) {
        synchronized (adding) {
            if (sandboxed) {
                throw new PciException(
                        PciException.Kind.STATE, "PCI root", "the devices are in a jail already");
            }
            jail.enter(functions());
            sandboxed = true;
        }
    }

    private static int freePlace(PciBus to, int number, int function, String label) {
        if (function < 0 || function >= PciBus.FUNCTIONS) {
            throw new PciException(
                    PciException.Kind.ADDRESS,
                    label,
                    "expected a function number of 0..7, got " + function);
        }
        int limit = to.highestDevice();
        if (number > limit) {
            throw new PciException(
                    PciException.Kind.ADDRESS,
                    label,
                    "expected a device number of 0.."
                            + limit
                            + " on the bus behind "
                            + to.bridge().map(PciFunction::id).orElse("the root")
                            + ", got "
                            + number);
        }
        if (number >= 0) {
            PciFunction other = to.at(number << 3 | function);
            if (other != null) {
                throw new PciException(
                        PciException.Kind.ADDRESS,
                        label,
                        "its place " + other.address() + " is taken by " + other);
            }
            return number << 3 | function;
        }
        for (int candidate = 0; candidate <= limit; candidate++) {
            boolean free = true;
            for (int other = 0; other < PciBus.FUNCTIONS; other++) {
                free &= to.at(candidate << 3 | other) == null;
            }
            if (free) {
                return candidate << 3 | function;
            }
        }
        throw new PciException(
                PciException.Kind.ADDRESS,
                label,
                "all " + (limit + 1) + " device numbers of its bus are taken");
    }

    /** The name by place: it does not change when a guest renumbers buses. */
    private static String defaultId(PciBus to, int devfn) {
        String place = "%02x.%x".formatted(devfn >>> 3, devfn & 7);
        return to.bridge().map(above -> above.id() + "/" + place).orElse("00:" + place);
    }

    private static void updateMultiFunction(PciBus on, int device) {
        boolean several = false;
        for (int function = 1; function < PciBus.FUNCTIONS; function++) {
            several |= on.at(device << 3 | function) != null;
        }
        for (int function = 0; function < PciBus.FUNCTIONS; function++) {
            PciFunction present = on.at(device << 3 | function);
            if (present != null) {
                present.configuration().setMultiFunction(several);
            }
        }
    }

    /**
     * Removes a function, and everything behind it if it is a bridge. It is no longer found; when
     * no access can be inside, its interrupt routes are released and the device is detached, once.
     *
     * @param function the function
     * @return when that is done
     * @throws PciException if the function is not in this tree, or is the host bridge
     */
    public Removal remove(PciFunction function) {
        synchronized (lock) {
            if (function == hostBridge || ids.get(function.id()) != function) {
                throw new PciException(
                        PciException.Kind.STATE,
                        function.id(),
                        function == hostBridge
                                ? "the host bridge cannot be removed"
                                : "it is not in this tree");
            }
            List<PciFunction> leaving = new ArrayList<>();
            PciBus below = function.secondary();
            if (below != null) {
                below.forEach(leaving::add);
            }
            leaving.add(function);
            return detachAll(leaving);
        }
    }

    private Removal detachAll(List<PciFunction> leaving) {
        for (PciFunction function : leaving) {
            function.bus().set(function.devfn(), null);
            ids.remove(function.id());
            updatePage(function, false);
            updateMultiFunction(function.bus(), function.devfn() >>> 3);
        }
        decoder.release(leaving);
        // Ranges that were taken off before count too: nobody who is inside now may be left.
        Removal removal = io.deregister(leaving.getLast());
        removal.whenDone(() -> leaving.forEach(PciFunction::destroy));
        return removal;
    }

    /**
     * Puts every function into its state at power-on: the machine was reset. Devices that were
     * added meanwhile stay. No access comes meanwhile.
     */
    public void reset() {
        for (PciFunction function : functions()) {
            function.reset();
        }
        decoder.sync(bus);
    }

    /**
     * Ends the tree: every device gives up what it holds, those behind a bridge before it. Once
     * nobody can be inside one any more; twice is fine.
     */
    public void close() {
        functions().reversed().forEach(PciFunction::destroy);
    }

    // ---------------------------------------------------------------- mapped configuration

    /**
     * Maps the configuration spaces of the root bus: gives each function that is there a page with
     * what a guest reads of it, for a machine to make part of its memory, read-only, where ECAM is.
     * Reads then reach no device; writes still do. Functions that decline keep their trap, and
     * those behind bridges, which change places. A function that comes later to the place of one
     * that is there now has its page.
     *
     * @param ecamBase where ECAM lies
     * @param arena ends the pages' life, after the machine's; shared
     * @return the regions, in the order of their addresses
     * @throws PciException if it was done before ({@link PciException.Kind#STATE})
     */
    public List<MemoryRegion> mapConfiguration(long ecamBase, Arena arena) {
        synchronized (lock) {
            if (!pages.isEmpty()) {
                throw new PciException(
                        PciException.Kind.STATE,
                        "PCI root",
                        "configuration spaces are mapped already");
            }
            List<MemoryRegion> regions = new ArrayList<>();
            for (PciFunction function : bus.functions()) {
                if (!function.isConfigurationMappable()) {
                    continue;
                }
                MemorySegment page = arena.allocate(CONFIGURATION_BYTES, CONFIGURATION_BYTES);
                function.configuration().initPciConfigMapping(page);
                pages.put(function.devfn(), page);
                regions.add(
                        new MemoryRegion(
                                ecamBase + (long) function.devfn() * CONFIGURATION_BYTES,
                                page.asReadOnly()));
            }
            return regions;
        }
    }

    /** A function came to its place, or left it. */
    private void updatePage(PciFunction function, boolean isPresent) {
        MemorySegment page = function.bus() == bus ? pages.get(function.devfn()) : null;
        if (page == null) {
            return;
        }
        if (isPresent) {
            function.configuration().initPciConfigMapping(page);
        } else {
            function.configuration().endPciConfigMapping();
            page.fill((byte) ALL_ONES);
        }
    }

    // ---------------------------------------------------------------- suspend

    /**
     * {@inheritDoc} All or nothing.
     *
     * @throws RuntimeException what a device threw that would not sleep: all are awake again
     */
    @Override
    public void sleep() {
        List<PciFunction> asleep = new ArrayList<>();
        for (PciFunction function : functions()) {
            asleep.add(function);
            try {
                function.sleep();
            } catch (RuntimeException | Error refused) {
                wakeAgain(asleep, refused);
                throw refused;
            }
        }
    }

    private static void wakeAgain(List<PciFunction> asleep, Throwable why) {
        for (PciFunction function : asleep.reversed()) {
            try {
                function.wake();
            } catch (RuntimeException | Error further) {
                why.addSuppressed(further);
            }
        }
    }

    @Override
    public void wake() {
        functions().forEach(PciFunction::wake);
    }

    @Override
    public Snapshot snapshot() {
        List<Snapshot> saved = new ArrayList<>();
        for (PciFunction function : byId().values()) {
            saved.add(
                    Snapshot.builder("pci-node", VERSION)
                            .put("id", function.id())
                            .put("type", function.typeId())
                            .put("state", function.snapshot())
                            .build());
        }
        return Snapshot.builder(TYPE, VERSION).put("functions", saved).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        Map<String, PciFunction> present = byId();
        List<Snapshot> nodes = snapshot.expect(TYPE, VERSION).getList("functions", present.size());
        Map<String, Snapshot> states = new HashMap<>();
        for (Snapshot node : nodes) {
            node.expect("pci-node", VERSION);
            String id = node.getString("id");
            PciFunction function = present.get(id);
            if (function == null) {
                throw new SnapshotException(
                        "pci-root: the snapshot has a function " + id + ", this machine has not");
            }
            if (!function.typeId().equals(node.getString("type"))) {
                throw new SnapshotException(
                        "pci-root: at %s expected a %s, got a %s"
                                .formatted(id, function.typeId(), node.getString("type")));
            }
            if (states.put(id, node.getSnapshot("state")) != null) {
                throw new SnapshotException("pci-root: function " + id + " is given twice");
            }
        }
        List<PciFunction> restored = new ArrayList<>();
        List<Snapshot> before = new ArrayList<>();
        try {
            for (PciFunction function : functions()) {
                Snapshot old = function.snapshot();
                Snapshot state = states.get(function.id());
                if (state == null) {
                    throw new SnapshotException(
                            "pci-root: the snapshot has nothing of function " + function.id());
                }
                function.restore(state);
                restored.add(function);
                before.add(old);
            }
        } catch (SnapshotException refused) {
            for (int i = restored.size() - 1; i >= 0; i--) {
                restored.get(i).rollBack(before.get(i), refused);
            }
            throw refused;
        }
        decoder.sync(bus);
    }

    private Map<String, PciFunction> byId() {
        synchronized (lock) {
            return new TreeMap<>(ids);
        }
    }

    // ---------------------------------------------------------------- for functions

    IoManager io() {
        return io;
    }

    GuestMemory memory() {
        return memory.get();
    }

    VirtualClock clock() {
        return clock;
    }

    DeviceExecutor executor() {
        return executor;
    }

    MsiRouter messages() {
        return messages;
    }

    BarDecoder decoder() {
        return decoder;
    }

    boolean admits(BusRange range) {
        return foreign != null || apertures.admits(range);
    }

    /** The machine around this tree; null if it is one of ours. */
    @Nullable ForeignMachine foreign() {
        return foreign;
    }

    /** A wire of the host bridge; null if it has none. */
    @Nullable SharedInterruptLine wire(int number) {
        return wires.isEmpty() ? null : wires.get(number);
    }

    /** Says what a tree has to give. */
    public static final class Builder {
        private final IoManager io;
        private final Supplier<GuestMemory> memory;
        private final VirtualClock clock;
        private DeviceExecutor executor = DeviceExecutor.inline();
        private MsiRouter messages = MsiTargetRouter.create((_, _) -> false, 1);
        private List<InterruptLine> wires = List.of();
        private int buses = HIGHEST_BUS + 1;
        private @Nullable ForeignMachine foreign;
        private @Nullable PioRange ports;
        private @Nullable MmioRange memory32;
        private @Nullable MmioRange memory64;

        private Builder(IoManager io, Supplier<GuestMemory> memory, VirtualClock clock) {
            this.io = io;
            this.memory = memory;
            this.clock = clock;
        }

        /**
         * Sets who delivers messages; by default nobody does.
         *
         * @param router the router
         * @return this
         */
        public Builder messages(MsiRouter router) {
            messages = router;
            return this;
        }

        /**
         * Sets what runs the work that devices do outside of a guest's access; by default it is
         * done within.
         *
         * @param runner the machine's executor, which outlives the tree
         * @return this
         */
        public Builder executor(DeviceExecutor runner) {
            executor = runner;
            return this;
        }

        /**
         * Connects the wires of the host bridge: pin p of device d drives wire (d + p - 1) mod 4.
         *
         * @param intx four wires
         * @return this
         * @throws PciException if there are not four
         */
        public Builder wires(List<InterruptLine> intx) {
            if (intx.size() != 4) {
                throw new PciException(
                        PciException.Kind.INVALID_VALUE,
                        "PCI host bridge",
                        "expected 4 interrupt wires, got " + intx.size());
            }
            wires = List.copyOf(intx);
            return this;
        }

        /**
         * Puts the tree into a machine that is not one of ours: its guest places all BARs, at any
         * address, and devices are told of no tree.
         *
         * @param machine the machine
         * @return this
         */
        public Builder foreign(ForeignMachine machine) {
            foreign = machine;
            return this;
        }

        /**
         * Limits the bus numbers to what the configuration window can address; default 256.
         *
         * @param count 1..256
         * @return this
         * @throws PciException if it is outside that range
         */
        public Builder buses(int count) {
            if (count < 1 || count > HIGHEST_BUS + 1) {
                throw new PciException(
                        PciException.Kind.BUS_NUMBER,
                        "PCI host bridge",
                        "expected 1..256 buses, got " + count);
            }
            buses = count;
            return this;
        }

        /**
         * Sets the ports that functions may answer.
         *
         * @param range ports; those below 0x1000 are not given out
         * @return this
         */
        public Builder ports(PioRange range) {
            ports = range;
            return this;
        }

        /**
         * Sets the memory that functions may answer below 4 GiB.
         *
         * @param range guest physical addresses
         * @return this
         */
        public Builder memory32(MmioRange range) {
            memory32 = range;
            return this;
        }

        /**
         * Sets the memory that functions with 64-bit BARs may answer.
         *
         * @param range guest physical addresses
         * @return this
         */
        public Builder memory64(MmioRange range) {
            memory64 = range;
            return this;
        }

        /** {@return the tree, with its host bridge} */
        public PciRoot build() {
            return new PciRoot(this);
        }
    }
}
