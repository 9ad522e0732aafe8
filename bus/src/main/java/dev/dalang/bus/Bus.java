package dev.dalang.bus;

import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A map from ranges of addresses to devices, or to whatever stands for one. Looking up neither
 * locks nor waits: it reads an immutable map that every change replaces. Ranges never overlap; a
 * device may have many. Any thread.
 *
 * <p>The bus says where an access goes. What a guest sees when it goes nowhere, and when a device
 * that was removed is at rest, is its owner's affair: see {@link IoManager}.
 *
 * @param <R> the kind of range, which is the kind of bus
 * @param <D> the kind of device
 */
public final class Bus<R extends BusRange, D> {
    private final long highest;
    private final Object changes = new Object();
    private volatile RangeMap<R, D> map;

    private Bus(long highest, RangeMap.EntryMaker<R, D> maker) {
        this.highest = highest;
        this.map = RangeMap.empty(maker);
    }

    /**
     * Makes an empty bus of guest physical addresses.
     *
     * @param <D> the kind of device
     * @return the bus
     */
    public static <D> Bus<MmioRange, D> mmio() {
        return mmio(RangeMap.Entry::new);
    }

    /** A bus of guest physical addresses with entries of this make. */
    static <D> Bus<MmioRange, D> mmio(RangeMap.EntryMaker<MmioRange, D> maker) {
        return new Bus<>(-1L, maker);
    }

    /**
     * Makes an empty bus of ports.
     *
     * @param <D> the kind of device
     * @return the bus
     */
    public static <D> Bus<PioRange, D> pio() {
        return new Bus<>(PioAddress.MAX_VALUE, RangeMap.Entry::new);
    }

    /** The present map; a reader keeps it for one access at most. */
    RangeMap<R, D> map() {
        return map;
    }

    /** {@return what is registered, ordered by base} */
    public List<BusMapping<R, D>> mappings() {
        return map.mappings();
    }

    /**
     * Looks up an address.
     *
     * @param address any address, unsigned
     * @return the device that answers it, and the range that matched
     */
    public Optional<BusMapping<R, D>> device(long address) {
        RangeMap.Entry<R, D> entry = map.find(address);
        return entry == null ? Optional.empty() : Optional.of(entry.mapping());
    }

    /**
     * Looks up a whole access, which must lie in one range.
     *
     * @param address first address, unsigned
     * @param length number of bytes, unsigned
     * @return the device that answers it, and the range that matched
     * @throws BusException with a kind, in this order: {@code INVALID_LENGTH} for more bytes than
     *     the bus has addresses, {@code INVALID_RANGE} for none or for an end past the top, {@code
     *     NO_DEVICE}, {@code CROSSES_BOUNDARY}
     */
    public BusMapping<R, D> checkAccess(long address, long length) {
        if (Long.compareUnsigned(length - 1, highest) > 0 && length != 0) {
            throw BusException.invalidLength(
                    address, length, "at most " + Long.toUnsignedString(highest) + " + 1 bytes");
        }
        return lookUp(address, length).mapping();
    }

    /** As {@link #checkAccess}, for a length that the caller has checked. */
    RangeMap.Entry<R, D> lookUp(long address, long length) {
        if (length == 0
                || Long.compareUnsigned(address, highest) > 0
                || Long.compareUnsigned(length - 1, highest - address) > 0) {
            throw BusException.invalidRange(address, length, highest);
        }
        RangeMap.Entry<R, D> entry = map.find(address);
        if (entry == null) {
            throw BusException.noDevice(address, length);
        }
        if (!entry.holds(address - entry.base, length)) {
            throw BusException.crossesBoundary(address, length, entry.range);
        }
        return entry;
    }

    /**
     * Registers a device.
     *
     * @param range what it answers
     * @param device the device
     * @throws BusException if the range overlaps with a registered one, of whatever device ({@code
     *     OVERLAP})
     */
    public void register(R range, D device) {
        registerAll(List.of(new BusMapping<>(range, device)));
    }

    /**
     * Registers several ranges, or none of them.
     *
     * @param mappings the ranges and their devices
     * @throws BusException if one overlaps with a registered one or with another of them ({@code
     *     OVERLAP})
     */
    public void registerAll(Collection<BusMapping<R, D>> mappings) {
        synchronized (changes) {
            map = map.with(mappings);
        }
    }

    /**
     * Removes the range that holds an address; other ranges of its device stay.
     *
     * @param address any address in the range, unsigned
     * @return what was removed; empty if nothing is there
     */
    public Optional<BusMapping<R, D>> deregister(long address) {
        synchronized (changes) {
            RangeMap.Entry<R, D> entry = map.find(address);
            if (entry == null) {
                return Optional.empty();
            }
            map = map.without(List.of(entry.range));
            return Optional.of(entry.mapping());
        }
    }

    /**
     * Removes ranges of one device, or none of them.
     *
     * @param ranges ranges as they are registered, base and size
     * @param device the device, the very object that they are registered with
     * @throws BusException if one of them is not registered in exactly this extent ({@code
     *     NOT_REGISTERED}) or belongs to another device ({@code FOREIGN_OWNER})
     */
    public void deregister(Collection<R> ranges, D device) {
        deregister(ranges, found -> found == device);
    }

    /** As the public form, for owners that are known by something else than identity. */
    void deregister(Collection<R> ranges, Predicate<D> isOwner) {
        synchronized (changes) {
            for (R range : ranges) {
                requireOwner(range, isOwner);
            }
            map = map.without(ranges);
        }
    }

    /**
     * Moves a range to another base. An access sees it in the one place or in the other, never in
     * both and never in none. Waits for nobody, so that a device may move itself from within an
     * access.
     *
     * @param range the range as it is registered, base and size
     * @param device the device, the very object that it is registered with
     * @param newBase the first address from now on, unsigned; may lie within the range itself
     * @return the range from now on
     * @throws BusException if the range is not registered in exactly this extent ({@code
     *     NOT_REGISTERED}), belongs to another device ({@code FOREIGN_OWNER}), does not fit at the
     *     new base ({@code INVALID_RANGE}) or would overlap there ({@code OVERLAP})
     */
    public R move(R range, D device, long newBase) {
        return move(range, found -> found == device, newBase);
    }

    /** As the public form, for owners that are known by something else than identity. */
    R move(R range, Predicate<D> isOwner, long newBase) {
        synchronized (changes) {
            D owner = requireOwner(range, isOwner);
            // at() gives the kind that it is called on; Java cannot say so without a type
            // parameter on every range.
            @SuppressWarnings("unchecked")
            R moved = (R) range.at(newBase);
            map = map.without(List.of(range)).with(List.of(new BusMapping<>(moved, owner)));
            return moved;
        }
    }

    private D requireOwner(R range, Predicate<D> isOwner) {
        RangeMap.Entry<R, D> entry = map.find(range.base());
        if (entry == null || !entry.range.equals(range)) {
            throw BusException.notRegistered(range);
        }
        if (!isOwner.test(entry.device)) {
            throw BusException.foreignOwner(range);
        }
        return entry.device;
    }
}
