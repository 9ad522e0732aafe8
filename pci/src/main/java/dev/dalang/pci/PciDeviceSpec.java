package dev.dalang.pci;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a {@link PciDevice} is: its identification, BARs, interrupts and capabilities. Immutable.
 * BARs and capabilities are checked against each other when the device is added to a bus.
 */
public final class PciDeviceSpec {
    /** The index of the expansion ROM. */
    public static final int ROM = PciBar.ROM;

    /** The greatest number of MSI-X vectors. */
    public static final int MAX_MSIX_VECTORS = 2048;

    /** The greatest number of MSI vectors. */
    public static final int MAX_MSI_VECTORS = 32;

    private static final int UNCLASSIFIED = 0xff_0000;
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9.-]{0,62}");

    /**
     * A capability of the device's own.
     *
     * @param capability its image
     * @param config its live part, if it has one
     * @param isExtended whether it stands in the extended configuration space
     * @param isLeading whether it stands before those that are made for the device
     */
    public record Capability(
            PciCapability capability,
            Optional<PciCapConfig> config,
            boolean isExtended,
            boolean isLeading) {}

    /**
     * Where the table and the pending bits of MSI-X lie.
     *
     * @param bar index of the table's BAR, which need not exist for anything else
     * @param tableOffset first byte of the table, a multiple of 8
     * @param pbaBar index of the BAR of the pending bits
     * @param pbaOffset first byte of the pending bits, a multiple of 8
     */
    public record MsixPlacement(int bar, int tableOffset, int pbaBar, int pbaOffset) {}

    private final Builder values;
    private final List<PciBar> bars;
    private final List<Capability> capabilities;
    private final List<PciBarMemory> barMemory;
    private final List<PciDoorbell> doorbells;

    private PciDeviceSpec(Builder values, List<PciBar> bars) {
        this.values = values.copy();
        this.bars = List.copyOf(bars);
        this.capabilities = List.copyOf(values.capabilities);
        this.barMemory = List.copyOf(values.barMemory);
        this.doorbells = List.copyOf(values.doorbells);
    }

    /**
     * Begins a specification.
     *
     * @param name the type of the device, such as {@code edu}: lower-case letters, digits, {@code
     *     -} and {@code .}, at most 63
     * @param vendor the vendor id, 0..0xfffe
     * @param device the device id, 0..0xffff
     * @return a builder
     * @throws PciException if a value is outside its range
     */
    public static Builder builder(String name, int vendor, int device) {
        if (!NAME.matcher(name).matches()) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    "PCI device",
                    "expected a name of " + NAME + ", got \"" + name + "\"");
        }
        Builder builder = new Builder(name);
        builder.vendor = builder.within("vendor id", vendor, 0, 0xfffe);
        builder.device = builder.within("device id", device, 0, 0xffff);
        return builder;
    }

    /** {@return the type of the device} */
    public String name() {
        return values.name;
    }

    /** {@return the vendor id} */
    public int vendor() {
        return values.vendor;
    }

    /** {@return the device id} */
    public int device() {
        return values.device;
    }

    /** {@return class, subclass and programming interface, from bit 23 down} */
    public int classCode() {
        return values.classCode;
    }

    /** {@return the revision} */
    public int revision() {
        return values.revision;
    }

    /** {@return the subsystem vendor id} */
    public int subsystemVendor() {
        return values.subsystemVendor;
    }

    /** {@return the subsystem id} */
    public int subsystem() {
        return values.subsystem;
    }

    /** {@return the BARs, without addresses; with the one made for MSI-X, if there is one} */
    public List<PciBar> bars() {
        return bars;
    }

    /** {@return the number of MSI-X vectors; 0 if there is no MSI-X} */
    public int msixVectors() {
        return values.msixVectors;
    }

    /** {@return where MSI-X lies; empty if there is no MSI-X} */
    public Optional<MsixPlacement> msixPlacement() {
        return Optional.ofNullable(values.msixPlacement);
    }

    /** {@return true if one of the BARs is there for MSI-X alone, made by this class} */
    public boolean hasBarForMsix() {
        return values.barForMsix;
    }

    /** {@return the number of MSI vectors, a power of two; 0 if there is no MSI} */
    public int msiVectors() {
        return values.msiVectors;
    }

    /** {@return true if MSI vectors can be masked one by one} */
    public boolean hasMsiMasking() {
        return values.msiMasking;
    }

    /** {@return true if the device has a wired interrupt} */
    public boolean hasIntx() {
        return values.intx;
    }

    /** {@return true if the device has a power management capability} */
    public boolean hasPowerManagement() {
        return values.powerManagement;
    }

    /** {@return true if the device can wake a guest} */
    public boolean wakes() {
        return values.wakes;
    }

    /** {@return true if the device has a PCI Express capability} */
    public boolean isExpress() {
        return values.express;
    }

    /** {@return true if accesses to BARs may come several at a time} */
    public boolean isConcurrent() {
        return values.concurrent;
    }

    /** {@return true if configuration space may be mapped, so that reads reach nobody} */
    public boolean isConfigurationMappable() {
        return values.mappable;
    }

    /** {@return the device's own capabilities, in the order in which they are linked} */
    public List<Capability> capabilities() {
        return capabilities;
    }

    /** {@return what of the BARs is plain memory in files; mostly none} */
    public List<PciBarMemory> barMemory() {
        return barMemory;
    }

    /** {@return the registers whose writes may be told by events; mostly none} */
    public List<PciDoorbell> doorbells() {
        return doorbells;
    }

    /**
     * The name of a register behind a BAR.
     *
     * @param bar index of the BAR
     * @param offset byte offset in the BAR
     * @return the name; empty if it has none
     */
    public Optional<String> registerName(int bar, long offset) {
        return Optional.ofNullable(values.registers.getOrDefault(bar, Map.of()).get(offset));
    }

    /** What may be said about a device. Everything but the ids has a default. */
    public static final class Builder {
        private final String name;
        private int vendor;
        private int device;
        private int classCode = UNCLASSIFIED;
        private int revision;
        private int subsystemVendor;
        private int subsystem;
        private final List<PciBar> bars = new ArrayList<>();
        private int msixVectors;
        private @Nullable MsixPlacement msixPlacement;
        private boolean barForMsix;
        private int msiVectors;
        private boolean msiMasking;
        private boolean intx;
        private boolean powerManagement = true;
        private boolean wakes;
        private boolean express;
        private boolean concurrent;
        private boolean mappable = true;
        private final Map<Integer, Map<Long, String>> registers = new HashMap<>();
        private final List<Capability> capabilities = new ArrayList<>();
        private final List<PciBarMemory> barMemory = new ArrayList<>();
        private final List<PciDoorbell> doorbells = new ArrayList<>();

        private Builder(String name) {
            this.name = name;
        }

        private Builder copy() {
            Builder copy = new Builder(name);
            copy.vendor = vendor;
            copy.device = device;
            copy.classCode = classCode;
            copy.revision = revision;
            copy.subsystemVendor = subsystemVendor;
            copy.subsystem = subsystem;
            copy.msixVectors = msixVectors;
            copy.msixPlacement = msixPlacement;
            copy.barForMsix = barForMsix;
            copy.msiVectors = msiVectors;
            copy.msiMasking = msiMasking;
            copy.intx = intx;
            copy.powerManagement = powerManagement;
            copy.wakes = wakes;
            copy.express = express;
            copy.concurrent = concurrent;
            copy.mappable = mappable;
            copy.registers.putAll(registers);
            copy.barMemory.addAll(barMemory);
            copy.doorbells.addAll(doorbells);
            return copy;
        }

        /**
         * Sets the class; default 0xff0000, which is none of those that have a name.
         *
         * @param code class, subclass and programming interface, from bit 23 down
         * @return this
         */
        public Builder classCode(int code) {
            classCode = within("class code", code, 0, 0xff_ffff);
            return this;
        }

        /**
         * Sets the revision; default 0.
         *
         * @param value 0..255
         * @return this
         */
        public Builder revision(int value) {
            revision = within("revision", value, 0, 0xff);
            return this;
        }

        /**
         * Sets the subsystem; default 0:0.
         *
         * @param vendorId the subsystem's vendor id
         * @param id the subsystem's id
         * @return this
         */
        public Builder subsystem(int vendorId, int id) {
            subsystemVendor = within("subsystem vendor id", vendorId, 0, 0xffff);
            subsystem = within("subsystem id", id, 0, 0xffff);
            return this;
        }

        /**
         * Adds a BAR of 32-bit memory.
         *
         * @param index 0..5
         * @param size bytes, a power of two of at least 16
         * @return this
         */
        public Builder memoryBar(int index, long size) {
            return bar(PciBar.memory32(index, size));
        }

        /**
         * Adds a BAR of 64-bit memory; it takes the index that follows, too.
         *
         * @param index 0..4
         * @param size bytes, a power of two of at least 16
         * @return this
         */
        public Builder memoryBar64(int index, long size) {
            return bar(PciBar.memory64(index, size));
        }

        /**
         * Adds a BAR of ports.
         *
         * @param index 0..5
         * @param size ports, a power of two of at least 4
         * @return this
         */
        public Builder ioBar(int index, long size) {
            return bar(PciBar.io(index, size));
        }

        /**
         * Adds the expansion ROM, which is read through {@link PciDevice#readBar} with index {@link
         * PciDeviceSpec#ROM}.
         *
         * @param size bytes, a power of two of at least 2,048
         * @return this
         */
        public Builder rom(long size) {
            return bar(PciBar.rom(size));
        }

        /**
         * Adds a BAR of any kind.
         *
         * @param bar the BAR; an address in it is ignored, the tree places it
         * @return this
         */
        public Builder bar(PciBar bar) {
            bars.add(bar);
            return this;
        }

        /**
         * Adds MSI-X, with table and pending bits in a BAR of their own: the highest that is free.
         *
         * @param vectors 1..2048
         * @return this
         */
        public Builder msix(int vectors) {
            msixVectors = within("number of MSI-X vectors", vectors, 1, MAX_MSIX_VECTORS);
            msixPlacement = null;
            return this;
        }

        /**
         * Adds MSI-X, with table and pending bits inside a BAR of the device. The device does not
         * see accesses to them.
         *
         * @param vectors 1..2048
         * @param bar index of a memory BAR
         * @param tableOffset first byte of the table, a multiple of 8
         * @param pbaOffset first byte of the pending bits, a multiple of 8
         * @return this
         */
        public Builder msix(int vectors, int bar, int tableOffset, int pbaOffset) {
            return msix(vectors, bar, tableOffset, bar, pbaOffset);
        }

        /**
         * Adds MSI-X, with table and pending bits inside BARs of the device, which may be two. The
         * device does not see accesses to them.
         *
         * @param vectors 1..2048
         * @param tableBar index of a memory BAR
         * @param tableOffset first byte of the table, a multiple of 8
         * @param pbaBar index of a memory BAR
         * @param pbaOffset first byte of the pending bits, a multiple of 8
         * @return this
         */
        public Builder msix(int vectors, int tableBar, int tableOffset, int pbaBar, int pbaOffset) {
            msix(vectors);
            msixPlacement = new MsixPlacement(tableBar, tableOffset, pbaBar, pbaOffset);
            return this;
        }

        /**
         * Adds MSI, with a mask bit for each vector.
         *
         * @param vectors 1, 2, 4, 8, 16 or 32
         * @return this
         */
        public Builder msi(int vectors) {
            return msi(vectors, true);
        }

        /**
         * Adds MSI.
         *
         * @param vectors 1, 2, 4, 8, 16 or 32
         * @param masking whether each vector has a mask bit
         * @return this
         */
        public Builder msi(int vectors, boolean masking) {
            msiVectors = within("number of MSI vectors", vectors, 1, MAX_MSI_VECTORS);
            if (Integer.bitCount(vectors) != 1) {
                throw wrong("expected a number of MSI vectors that is a power of two", vectors);
            }
            msiMasking = masking;
            return this;
        }

        /**
         * Adds a wired interrupt; which pin follows from the function's number.
         *
         * @return this
         */
        public Builder intx() {
            intx = true;
            return this;
        }

        /**
         * Says whether there is a power management capability; there is by default.
         *
         * @param present true for one
         * @return this
         */
        public Builder powerManagement(boolean present) {
            powerManagement = present;
            return this;
        }

        /**
         * Lets the device wake a guest by PME, {@link PciHost#signalWake}, from D0 and D3hot.
         *
         * @return this
         */
        public Builder wakes() {
            wakes = true;
            return this;
        }

        /**
         * Adds a PCI Express capability: an endpoint's below a root port, an integrated endpoint's
         * on the root bus.
         *
         * @return this
         */
        public Builder express() {
            express = true;
            return this;
        }

        /**
         * Lets accesses to BARs come several at a time: the device is thread-safe by itself.
         *
         * @return this
         */
        public Builder concurrent() {
            concurrent = true;
            return this;
        }

        /**
         * Keeps configuration space from being mapped: a capability of the device has bits that
         * change without its telling.
         *
         * @return this
         */
        public Builder withoutConfigurationMapping() {
            mappable = false;
            return this;
        }

        /**
         * Adds a capability whose registers change only by the guest's writes.
         *
         * @param capability its image
         * @return this
         */
        public Builder capability(PciCapability capability) {
            capabilities.add(new Capability(capability, Optional.empty(), false, false));
            return this;
        }

        /**
         * Adds a capability with a live part.
         *
         * @param capability its image
         * @param config its live part, of this device alone
         * @return this
         */
        public Builder capability(PciCapability capability, PciCapConfig config) {
            capabilities.add(new Capability(capability, Optional.of(config), false, false));
            return this;
        }

        /**
         * Adds a capability, wherever it says that it stands.
         *
         * @param own the capability
         * @return this
         */
        public Builder capability(Capability own) {
            capabilities.add(own);
            return this;
        }

        /**
         * Adds a capability before those of messages, power management and PCI Express, whose
         * registers change only by the guest's writes.
         *
         * @param capability its image
         * @return this
         */
        public Builder leadingCapability(PciCapability capability) {
            capabilities.add(new Capability(capability, Optional.empty(), false, true));
            return this;
        }

        /**
         * Adds a capability with a live part before those of messages, power management and PCI
         * Express.
         *
         * @param capability its image
         * @param config its live part, of this device alone
         * @return this
         */
        public Builder leadingCapability(PciCapability capability, PciCapConfig config) {
            capabilities.add(new Capability(capability, Optional.of(config), false, true));
            return this;
        }

        /**
         * Adds an extended capability.
         *
         * @param capability its image
         * @param config its live part, of this device alone
         * @return this
         */
        public Builder extendedCapability(PciCapability capability, Optional<PciCapConfig> config) {
            capabilities.add(new Capability(capability, config, true, false));
            return this;
        }

        /**
         * Names registers behind a BAR, for who traces the device.
         *
         * @param bar index of the BAR
         * @param names by byte offset in the BAR
         * @return this
         */
        public Builder registers(int bar, Map<Long, String> names) {
            registers.put(bar, Map.copyOf(names));
            return this;
        }

        /**
         * Says that parts of a BAR are plain memory in a file.
         *
         * @param memory the parts, of a BAR that has none yet
         * @return this
         */
        public Builder barMemory(PciBarMemory memory) {
            barMemory.add(memory);
            return this;
        }

        /**
         * Says that the writes of a register may be told by an event.
         *
         * @param doorbell the register
         * @return this
         */
        public Builder doorbell(PciDoorbell doorbell) {
            doorbells.add(doorbell);
            return this;
        }

        /**
         * Ends the specification.
         *
         * @return it
         * @throws PciException if MSI-X has no place: no BAR is left, or the BAR that was named
         *     cannot hold it; the device wakes without power management; or memory or a doorbell
         *     lies outside of the BARs, or where MSI-X does
         */
        public PciDeviceSpec build() {
            if (wakes && !powerManagement) {
                throw new PciException(
                        PciException.Kind.CAPABILITY,
                        name,
                        "a device that wakes needs a power management capability");
            }
            Builder placed = copy();
            placed.capabilities.addAll(capabilities);
            List<PciBar> all = new ArrayList<>(bars);
            if (msixVectors > 0 && msixPlacement == null) {
                long tableBytes = Math.max(16L * msixVectors, 2048);
                long half = Long.highestOneBit(2 * tableBytes - 1);
                int index = freeBar();
                all.add(PciBar.memory32(index, 2 * half));
                placed.msixPlacement = new MsixPlacement(index, 0, index, (int) half);
                placed.barForMsix = true;
            } else if (msixPlacement != null) {
                requirePlace(msixPlacement);
            }
            requireMemory(placed.msixPlacement);
            requireDoorbells(placed.msixPlacement);
            return new PciDeviceSpec(placed, all);
        }

        private int freeBar() {
            for (int index = 5; index >= 0; index--) {
                int candidate = index;
                boolean taken =
                        bars.stream()
                                .anyMatch(
                                        bar ->
                                                bar.index() == candidate
                                                        || (bar.type() == PciBar.Type.MEMORY64
                                                                && bar.index() + 1 == candidate));
                if (!taken) {
                    return index;
                }
            }
            throw new PciException(
                    PciException.Kind.BAR_INDEX, name, "no BAR is left for MSI-X; name one");
        }

        private void requirePlace(MsixPlacement place) {
            long tableBytes = 16L * msixVectors;
            long pbaBytes = 8L * ((msixVectors + 63) / 64);
            requireInside(memoryBarAt(place.bar()), "table", place.tableOffset(), tableBytes);
            requireInside(memoryBarAt(place.pbaBar()), "pending bits", place.pbaOffset(), pbaBytes);
            if (place.bar() == place.pbaBar()
                    && place.tableOffset() < place.pbaOffset() + pbaBytes
                    && place.pbaOffset() < place.tableOffset() + tableBytes) {
                throw new PciException(
                        PciException.Kind.OVERLAP,
                        name,
                        "MSI-X: the table of 0x%x bytes at 0x%x and the pending bits at 0x%x overlap"
                                .formatted(tableBytes, place.tableOffset(), place.pbaOffset()));
            }
        }

        /** What MSI-X has of a BAR. */
        private List<PciBarMemory.Area> msixAreas(int bar, @Nullable MsixPlacement place) {
            List<PciBarMemory.Area> areas = new ArrayList<>();
            if (place != null && place.bar() == bar) {
                areas.add(new PciBarMemory.Area(place.tableOffset(), 16L * msixVectors));
            }
            if (place != null && place.pbaBar() == bar) {
                long bytes = 8L * ((msixVectors + 63) / 64);
                areas.add(new PciBarMemory.Area(place.pbaOffset(), bytes));
            }
            return areas;
        }

        private void requireMemory(@Nullable MsixPlacement place) {
            Set<Integer> seen = new HashSet<>();
            for (PciBarMemory memory : barMemory) {
                memory.check(name, memoryBarAt(memory.bar()), msixAreas(memory.bar(), place));
                if (!seen.add(memory.bar())) {
                    throw new PciException(
                            PciException.Kind.OVERLAP,
                            name,
                            "memory of BAR %d is named twice".formatted(memory.bar()));
                }
            }
        }

        private void requireDoorbells(@Nullable MsixPlacement place) {
            for (PciDoorbell doorbell : doorbells) {
                boolean isInside =
                        bars.stream()
                                .anyMatch(
                                        bar ->
                                                bar.index() == doorbell.bar()
                                                        && bar.index() != ROM
                                                        && doorbell.offset() < bar.size()
                                                        && doorbell.size()
                                                                <= bar.size() - doorbell.offset());
                boolean isTaken =
                        msixAreas(doorbell.bar(), place).stream()
                                .anyMatch(
                                        area ->
                                                doorbell.offset() < area.offset() + area.size()
                                                        && area.offset()
                                                                < doorbell.offset()
                                                                        + doorbell.size());
                if (!isInside || isTaken) {
                    throw new PciException(
                            PciException.Kind.BAR_RANGE,
                            name,
                            "expected a doorbell in a BAR, and none of MSI-X, got " + doorbell);
                }
            }
            if (Set.copyOf(doorbells).size() < doorbells.size()) {
                throw new PciException(
                        PciException.Kind.OVERLAP, name, "a doorbell is named twice");
            }
        }

        private PciBar memoryBarAt(int index) {
            return bars.stream()
                    .filter(
                            candidate ->
                                    candidate.index() == index
                                            && candidate.index() != ROM
                                            && candidate.type() != PciBar.Type.IO)
                    .findFirst()
                    .orElseThrow(
                            () ->
                                    new PciException(
                                            PciException.Kind.BAR_INDEX,
                                            name,
                                            "expected the index of a memory BAR of the device, got "
                                                    + index));
        }

        private void requireInside(PciBar bar, String what, int offset, long bytes) {
            if (offset < 0 || (offset & 7) != 0 || offset + bytes > bar.size()) {
                throw new PciException(
                        PciException.Kind.BAR_RANGE,
                        name,
                        "MSI-X: expected the %s of 0x%x bytes at a multiple of 8 inside %s, got 0x%x"
                                .formatted(what, bytes, bar, offset));
            }
        }

        private int within(String what, int value, int min, int max) {
            if (value < min || value > max) {
                throw wrong("expected a %s of 0x%x..0x%x".formatted(what, min, max), value);
            }
            return value;
        }

        private PciException wrong(String expected, int value) {
            return new PciException(
                    PciException.Kind.INVALID_VALUE,
                    name,
                    expected + ", got 0x" + Integer.toHexString(value));
        }
    }
}
