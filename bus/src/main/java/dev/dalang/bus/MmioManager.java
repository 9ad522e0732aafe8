package dev.dalang.bus;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Devices on a bus of guest physical addresses. Any thread, except that {@link Removal#await} must
 * not be called from inside an access.
 *
 * <p>A device that throws is kept apart: the access reads as all ones, or is dropped; it is
 * counted, the first is logged, and later accesses reach the device as before.
 */
public interface MmioManager {
    /**
     * Looks up an address.
     *
     * @param address any address, unsigned
     * @return the device that answers it, and the range that matched
     */
    Optional<BusMapping<MmioRange, DeviceMmio>> mmioDevice(long address);

    /**
     * Reads from the device at an address.
     *
     * @param address first address, unsigned
     * @param size 1, 2, 4 or 8
     * @return the value, little-endian and zero-extended
     * @throws BusException with kind {@code INVALID_LENGTH}, {@code INVALID_RANGE}, {@code
     *     NO_DEVICE} or {@code CROSSES_BOUNDARY}; no device is touched
     */
    long mmioRead(long address, int size);

    /**
     * Writes to the device at an address.
     *
     * @param address first address, unsigned
     * @param size 1, 2, 4 or 8
     * @param value the value, little-endian; bits above {@code size} bytes are ignored
     * @throws BusException as {@link #mmioRead(long, int)}
     */
    void mmioWrite(long address, int size, long value);

    /**
     * Reads any number of bytes up to a page, all from one range. Lengths other than 1, 2, 4 and 8
     * take the device's general form.
     *
     * @param address first address, unsigned
     * @param target where the bytes go; unchanged if this throws
     * @throws BusException as {@link #mmioRead(long, int)}
     */
    void mmioRead(long address, MemorySegment target);

    /**
     * Writes any number of bytes up to a page, all into one range. Lengths other than 1, 2, 4 and 8
     * take the device's general form.
     *
     * @param address first address, unsigned
     * @param source where the bytes come from
     * @throws BusException as {@link #mmioRead(long, int)}
     */
    void mmioWrite(long address, MemorySegment source);

    /**
     * Registers a device for a range. It may have several.
     *
     * @param range what it answers
     * @param device the device
     * @throws BusException if the range overlaps with a registered one ({@code OVERLAP})
     * @throws IllegalArgumentException if the device's label or type is none
     */
    void registerMmio(MmioRange range, DeviceMmio device);

    /**
     * Removes the range that holds an address; other ranges of its device stay.
     *
     * @param address any address in the range, unsigned
     * @return the removal, with the range and its device; empty if nothing is there
     */
    Optional<Removal> deregisterMmio(long address);

    /**
     * Moves a range of a device, as a write to a base address register does. Atomic, and waits for
     * nobody: a device may move itself, or another, from inside an access. An access that has begun
     * ends with the old base.
     *
     * @param range the range as it is registered
     * @param device the device
     * @param newBase the first address from now on, unsigned
     * @return the range from now on
     * @throws BusException with kind {@code NOT_REGISTERED}, {@code FOREIGN_OWNER}, {@code
     *     INVALID_RANGE} or {@code OVERLAP}
     */
    MmioRange moveMmio(MmioRange range, DeviceMmio device, long newBase);
}
