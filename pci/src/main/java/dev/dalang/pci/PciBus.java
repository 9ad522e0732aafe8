package dev.dalang.pci;

import dev.dalang.bus.BusRange;
import dev.dalang.bus.resource.AddressAllocator;
import dev.dalang.bus.resource.AllocationException;
import dev.dalang.bus.resource.Placement;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;

/**
 * A bus of a PCI tree: the root bus, or the one behind a bridge. Holds up to 32 devices of 8
 * functions each. Looking up takes no lock. Any thread.
 */
public final class PciBus {
    /** Devices of a bus. */
    public static final int DEVICES = 32;

    /** Functions of a device. */
    public static final int FUNCTIONS = 8;

    private final PciRoot root;
    private final @Nullable PciFunction bridge;
    private final int firstNumber;
    private final PciApertures apertures;
    private final AtomicReferenceArray<@Nullable PciFunction> functions =
            new AtomicReferenceArray<>(DEVICES * FUNCTIONS);

    /** The bridges among the functions. */
    private volatile List<PciFunction> bridges = List.of();

    private final boolean placedByGuest;

    /** The numbers below this bus's own, for bridges on it; null if there are none. */
    private final @Nullable AddressAllocator numbers;

    PciBus(
            PciRoot root,
            @Nullable PciFunction bridge,
            int firstNumber,
            int lastNumber,
            PciApertures apertures,
            boolean placedByGuest) {
        numbers =
                lastNumber > firstNumber
                        ? AddressAllocator.of(
                                "bus numbers", firstNumber + 1, lastNumber - firstNumber)
                        : null;
        this.placedByGuest = placedByGuest;
        this.root = root;
        this.bridge = bridge;
        this.firstNumber = firstNumber;
        this.apertures = apertures;
    }

    /** {@return the tree} */
    public PciRoot root() {
        return root;
    }

    /** {@return the bridge that this bus is behind; empty for the root bus} */
    public Optional<PciFunction> bridge() {
        return Optional.ofNullable(bridge);
    }

    /** {@return the number that the bus has now: below a bridge what the guest wrote there} */
    public int number() {
        return bridge == null ? 0 : bridge.secondaryBus();
    }

    /** {@return the number that the bus has at power-on} */
    public int firstNumber() {
        return firstNumber;
    }

    /** {@return the functions, in order of their addresses} */
    public List<PciFunction> functions() {
        List<PciFunction> present = new ArrayList<>();
        for (int devfn = 0; devfn < functions.length(); devfn++) {
            PciFunction function = functions.get(devfn);
            if (function != null) {
                present.add(function);
            }
        }
        return present;
    }

    /**
     * Looks up a function.
     *
     * @param device 0..31
     * @param function 0..7
     * @return it, if it is there
     */
    public Optional<PciFunction> function(int device, int function) {
        if (device < 0 || device >= DEVICES || function < 0 || function >= FUNCTIONS) {
            return Optional.empty();
        }
        return Optional.ofNullable(at(device << 3 | function));
    }

    /**
     * Adds a device as function 0 of the first free device number.
     *
     * @param device the device
     * @return its function
     * @throws PciException if it does not fit: no number is free, a BAR or a capability finds no
     *     room; then nothing is added
     */
    public PciFunction add(PciDevice device) {
        return root.add(this, -1, 0, device, Optional.empty());
    }

    /**
     * Adds a device.
     *
     * @param device the device
     * @param number the device number, 0..31
     * @param function the function number, 0..7
     * @return its function
     * @throws PciException if the place is taken or does not exist, or the device does not fit
     */
    public PciFunction add(PciDevice device, int number, int function) {
        return root.add(this, checkDevice(device, number), function, device, Optional.empty());
    }

    /**
     * Adds a device under a name of the user's.
     *
     * @param device the device
     * @param number the device number, 0..31
     * @param function the function number, 0..7
     * @param id what counters and snapshots call it; unique in the tree
     * @return its function
     * @throws PciException if the place or the id is taken, or the device does not fit
     */
    public PciFunction add(PciDevice device, int number, int function, String id) {
        return root.add(this, checkDevice(device, number), function, device, Optional.of(id));
    }

    /**
     * Adds a device, with or without a choice of place and name.
     *
     * @param device the device
     * @param number the device number, 0..31; empty for the first free one
     * @param function the function number, 0..7
     * @param id what counters and snapshots call it; empty for a name by place
     * @return its function
     * @throws PciException if the place or the id is taken, or the device does not fit
     */
    public PciFunction add(
            PciDevice device, Optional<Integer> number, int function, Optional<String> id) {
        int place = number.isPresent() ? checkDevice(device, number.get()) : -1;
        return root.add(this, place, function, device, id);
    }

    private static int checkDevice(PciDevice device, int number) {
        if (number < 0 || number >= DEVICES) {
            throw new PciException(
                    PciException.Kind.ADDRESS,
                    device.label(),
                    "expected a device number of 0..31, got " + number);
        }
        return number;
    }

    // ---------------------------------------------------------------- for the tree

    @Nullable PciFunction at(int devfn) {
        return functions.get(devfn);
    }

    void set(int devfn, @Nullable PciFunction function) {
        functions.set(devfn, function);
        bridges = functions().stream().filter(PciFunction::isBridge).toList();
    }

    List<PciFunction> bridges() {
        return bridges;
    }

    PciApertures apertures() {
        return apertures;
    }

    /** Gives out bus numbers of power-on. */
    PciApertures.Grant allocateBuses(String label, int count) {
        try {
            if (numbers != null) {
                long first = numbers.allocate(count, 1, Placement.LOWEST);
                return new PciApertures.Grant(numbers, first, count);
            }
        } catch (AllocationException full) {
            throw new PciException(
                    PciException.Kind.BUS_NUMBER, label, String.valueOf(full.getMessage()));
        }
        throw new PciException(
                PciException.Kind.BUS_NUMBER,
                label,
                "expected %d bus numbers, but bus %d has none for bridges on it"
                        .formatted(count, firstNumber));
    }

    /** True if a guest places what is added here: the bridge above was plugged in. */
    boolean isPlacedByGuest() {
        return placedByGuest;
    }

    /** The highest device number: a link has one device. */
    int highestDevice() {
        return bridge != null && bridge.device() instanceof PciRootPort ? 0 : DEVICES - 1;
    }

    /** A device's number, and those of the bridges above it. */
    int[] devicesUpwards(int device) {
        List<Integer> numbers = new ArrayList<>();
        numbers.add(device);
        for (PciBus bus = this; bus.bridge != null; bus = bus.bridge.bus()) {
            numbers.add(bus.bridge.devfn() >>> 3);
        }
        return numbers.stream().mapToInt(Integer::intValue).toArray();
    }

    String acpiPath() {
        String leaf = "PC%02X".formatted(firstNumber);
        return bridge == null ? "_SB_." + leaf : bridge.bus().acpiPath() + "." + leaf;
    }

    /** The bus of this number, here or below; null if no bridge leads there. */
    @Nullable PciBus find(int number) {
        PciBus bus = this;
        // Each step goes down one level, whatever a guest wrote into the bridges.
        while (bus != null && bus.number() != number) {
            bus = bus.towards(number);
        }
        return bus;
    }

    private @Nullable PciBus towards(int number) {
        for (PciFunction candidate : bridges) {
            int secondary = candidate.secondaryBus();
            if (secondary != 0 && secondary <= number && number <= candidate.subordinateBus()) {
                return candidate.secondary();
            }
        }
        return null;
    }

    /** Whether an access to this range comes down to this bus. */
    boolean reaches(BusRange range) {
        PciBus bus = this;
        while (bus.bridge != null) {
            if (!bus.bridge.forwards(range)) {
                return false;
            }
            bus = bus.bridge.bus();
        }
        return true;
    }

    /** Whether what functions of this bus send comes up to memory. */
    boolean isMasterEnabled() {
        PciBus bus = this;
        while (bus.bridge != null) {
            if (!bus.bridge.isMasterEnabled()) {
                return false;
            }
            bus = bus.bridge.bus();
        }
        return true;
    }

    /** Calls for each function here and below, bridges before what is behind them. */
    void forEach(Consumer<PciFunction> action) {
        for (PciFunction function : functions()) {
            action.accept(function);
            PciBus below = function.secondary();
            if (below != null) {
                below.forEach(action);
            }
        }
    }
}
