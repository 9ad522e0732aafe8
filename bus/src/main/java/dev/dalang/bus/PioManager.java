package dev.dalang.bus;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Devices on a bus of ports. Any thread, except that {@link Removal#await} must not be called from
 * inside an access.
 *
 * <p>A device that throws is kept apart: the access reads as all ones, or is dropped; it is
 * counted, the first is logged, and later accesses reach the device as before.
 *
 * <p>A string instruction of a guest is as many accesses as it has elements, all at one port: hosts
 * call {@link #pioReadRepeated} and {@link #pioWriteRepeated}, never the form for odd lengths.
 */
public interface PioManager {
    /**
     * Looks up a port.
     *
     * @param address any port
     * @return the device that answers it, and the range that matched
     */
    Optional<BusMapping<PioRange, DevicePio>> pioDevice(long address);

    /**
     * Reads from the device at a port.
     *
     * @param address first port
     * @param size 1, 2, 4 or 8
     * @return the value, little-endian and zero-extended
     * @throws BusException with kind {@code INVALID_LENGTH}, {@code INVALID_RANGE}, {@code
     *     NO_DEVICE} or {@code CROSSES_BOUNDARY}; no device is touched
     */
    long pioRead(long address, int size);

    /**
     * Writes to the device at a port.
     *
     * @param address first port
     * @param size 1, 2, 4 or 8
     * @param value the value, little-endian; bits above {@code size} bytes are ignored
     * @throws BusException as {@link #pioRead(long, int)}
     */
    void pioWrite(long address, int size, long value);

    /**
     * Reads any number of bytes up to a page, all from one range. Lengths other than 1, 2, 4 and 8
     * take the device's general form.
     *
     * @param address first port
     * @param target where the bytes go; unchanged if this throws
     * @throws BusException as {@link #pioRead(long, int)}
     */
    void pioRead(long address, MemorySegment target);

    /**
     * Writes any number of bytes up to a page, all into one range. Lengths other than 1, 2, 4 and 8
     * take the device's general form.
     *
     * @param address first port
     * @param source where the bytes come from
     * @throws BusException as {@link #pioRead(long, int)}
     */
    void pioWrite(long address, MemorySegment source);

    /**
     * Registers a device for a range. It may have several.
     *
     * @param range what it answers
     * @param device the device
     * @throws BusException if the range overlaps with a registered one ({@code OVERLAP})
     * @throws IllegalArgumentException if the device's label or type is none
     */
    void registerPio(PioRange range, DevicePio device);

    /**
     * Removes the range that holds a port; other ranges of its device stay.
     *
     * @param address any port in the range
     * @return the removal, with the range and its device; empty if nothing is there
     */
    Optional<Removal> deregisterPio(long address);

    /**
     * Moves a range of a device, as a write to a base address register does. Atomic, and waits for
     * nobody: a device may move itself, or another, from inside an access. An access that has begun
     * ends with the old base.
     *
     * @param range the range as it is registered
     * @param device the device
     * @param newBase the first port from now on
     * @return the range from now on
     * @throws BusException with kind {@code NOT_REGISTERED}, {@code FOREIGN_OWNER}, {@code
     *     INVALID_RANGE} or {@code OVERLAP}
     */
    PioRange movePio(PioRange range, DevicePio device, long newBase);

    /**
     * Reads a port again and again, as a repeated string input does.
     *
     * @param address the port
     * @param size bytes of each element: 1, 2 or 4
     * @param target where the elements go; its length is a multiple of {@code size}
     * @throws BusException as {@link #pioRead(long, int)}
     */
    void pioReadRepeated(long address, int size, MemorySegment target);

    /**
     * Writes a port again and again, as a repeated string output does.
     *
     * @param address the port
     * @param size bytes of each element: 1, 2 or 4
     * @param source where the elements come from; its length is a multiple of {@code size}
     * @throws BusException as {@link #pioRead(long, int)}
     */
    void pioWriteRepeated(long address, int size, MemorySegment source);
}
