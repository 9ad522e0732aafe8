package dev.dalang.passthrough;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * The way to one device that lives elsewhere: its regions, its interrupts, the memory it may reach,
 * its reset and its state. The numbers are those of Linux's VFIO, which vfio-user has taken over.
 * It knows nothing of guests; what PCI asks for is done above it.
 *
 * <p>Any thread, several at a time. A call waits for the device's answer, as long as the device is
 * given time. What fails throws a {@link BackendException}, and has changed nothing unless it says
 * otherwise; so does what is under way when {@link #close} is called, after which nothing else is.
 * Nothing that the far side sends or does may throw anything else, wait for ever, or take memory
 * without a bound.
 */
public interface PassthroughBackend extends AutoCloseable {
    /** {@return what is reached, for messages: {@code vfio-user:/run/edu.sock}, say} */
    String label();

    // ---------------------------------------------------------------- what there is

    /** {@return the regions that there are, by index; those of no bytes are left out} */
    List<BackendRegion> regions();

    /**
     * Finds a region.
     *
     * @param index such as {@link BackendRegion#CONFIG}
     * @return the region; empty if there is no such, or it has no bytes
     */
    default Optional<BackendRegion> region(int index) {
        return regions().stream().filter(region -> region.index() == index).findFirst();
    }

    /**
     * Tells of the device's interrupts of one kind.
     *
     * @param kind which
     * @return how many there are, and what can be done with them
     */
    InterruptInfo interrupts(InterruptKind kind);

    /** {@return true if {@link #reset} can be called} */
    boolean isResettable();

    /**
     * {@return the devices that cannot be kept apart from this one, itself included} They share
     * what guards memory, so that only one machine can have any of them. Empty if it stands alone.
     */
    default Optional<IsolationGroup> isolationGroup() {
        return Optional.empty();
    }

    // ---------------------------------------------------------------- regions

    /**
     * Reads a register.
     *
     * @param region index of a region
     * @param offset in the region; the access lies whole inside it
     * @param size 1, 2, 4 or 8
     * @return the value, little-endian, zero-extended
     * @throws BackendException if the device does not answer, or answers that it cannot
     */
    long read(int region, long offset, int size) throws BackendException;

    /**
     * Writes a register.
     *
     * @param region index of a region
     * @param offset in the region; the access lies whole inside it
     * @param size 1, 2, 4 or 8
     * @param value the value; bits above {@code size} bytes are ignored
     * @throws BackendException if the device does not answer, or answers that it cannot
     */
    void write(int region, long offset, int size, long value) throws BackendException;

    /**
     * Reads a stretch of a region: configuration space, or a ROM.
     *
     * @param region index of a region
     * @param offset in the region; the stretch lies whole inside it
     * @param target where the bytes go
     * @throws BackendException if the device does not answer, or answers that it cannot; some of
     *     the bytes may have come
     */
    default void read(int region, long offset, MemorySegment target) throws BackendException {
        long at = 0;
        while (at < target.byteSize()) {
            long place = offset + at;
            if ((place & 3) == 0 && target.byteSize() - at >= Integer.BYTES) {
                target.set(
                        ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN),
                        at,
                        (int) read(region, place, Integer.BYTES));
                at += Integer.BYTES;
            } else {
                target.set(ValueLayout.JAVA_BYTE, at, (byte) read(region, place, 1));
                at++;
            }
        }
    }

    /**
     * Maps a part of a region, whose loads and stores then go to the device without a call.
     *
     * @param region index of a region that says it can be mapped
     * @param area the part, inside one of the region's areas
     * @param arena the mapping's life; shared
     * @return the device's memory
     * @throws BackendException if it cannot be mapped
     */
    default MemorySegment map(int region, BackendRegion.Area area, Arena arena)
            throws BackendException {
        throw BackendException.unsupported("map region " + region);
    }

    // ---------------------------------------------------------------- interrupts

    /**
     * Has interrupts signalled from now on; those that were already now go here. The first of MSI
     * or MSI-X to be armed makes the device use it.
     *
     * @param kind which
     * @param start the first
     * @param count how many, at least 1
     * @param sink told of each; on whatever thread
     * @throws BackendException if there are no such interrupts, the device does not answer, or the
     *     host has nothing left to signal with
     */
    void arm(InterruptKind kind, int start, int count, InterruptSink sink) throws BackendException;

    /**
     * Has interrupts signalled no longer. When this has returned, nothing comes any more.
     *
     * @param kind which
     * @param start the first
     * @param count how many, at least 1
     * @throws BackendException if there are no such interrupts, or the device does not answer
     */
    void disarm(InterruptKind kind, int start, int count) throws BackendException;

    /**
     * Takes the device away from one kind of interrupt. When this has returned, none of them comes
     * any more. Without an effect while none was armed.
     *
     * @param kind which
     * @throws BackendException if the device does not answer
     */
    void disable(InterruptKind kind) throws BackendException;

    /**
     * Holds interrupts back, at the device.
     *
     * @param kind which; of those that say that they can be masked
     * @param start the first
     * @param count how many, at least 1
     * @throws BackendException if they cannot, or the device does not answer
     */
    void mask(InterruptKind kind, int start, int count) throws BackendException;

    /**
     * Lets interrupts come again. A wired one that is still asserted is signalled anew.
     *
     * @param kind which; of those that say that they can be masked
     * @param start the first
     * @param count how many, at least 1
     * @throws BackendException if they cannot, or the device does not answer
     */
    void unmask(InterruptKind kind, int start, int count) throws BackendException;

    // ---------------------------------------------------------------- memory

    /**
     * Lets the device reach memory, until {@link #unmapDma}.
     *
     * @param mapping addresses as the device uses them, and the bytes behind them
     * @throws BackendException if it overlaps another, there are too many, or the host refuses;
     *     {@code ENOMEM} if so much may not be locked
     */
    void mapDma(DmaMapping mapping) throws BackendException;

    /**
     * Takes memory away from the device. When this has returned, the device reaches it no longer,
     * and no access to its bytes for the device's sake is under way.
     *
     * @param address first address of a mapping
     * @param bytes of it, exactly
     * @throws BackendException if there is no such mapping, the far side took away something else,
     *     or does not answer: the device may then still reach it
     */
    void unmapDma(long address, long bytes) throws BackendException;

    // ---------------------------------------------------------------- life

    /**
     * Brings the device back to its state at power-on. Whoever asks for it has disabled INTx, MSI
     * and MSI-X; the other interrupts stay armed, and its memory stays mapped.
     *
     * @throws BackendException if it does not answer, or cannot be reset
     */
    void reset() throws BackendException;

    /**
     * Lets the device use little power, while nobody uses it, or wakes it.
     *
     * @param enter true to begin, false to end
     * @throws BackendException if it cannot, or does not answer
     */
    default void lowPower(boolean enter) throws BackendException {
        throw BackendException.unsupported(enter ? "enter low power" : "leave low power");
    }

    /**
     * Asks to be told when the device is gone: the process that served it ended, the host took it
     * away. From then on each call fails with {@link BackendException#isLost}.
     *
     * @param notice called once, on any thread; at once, on this one, if it is gone already
     */
    void onLost(Runnable notice);

    /** {@return the device's ability to give its state away; empty if it has none} */
    default Optional<BackendMigration> migration() {
        return Optional.empty();
    }

    /**
     * Gives everything up: interrupts, mappings of memory, the way to the device. Nothing is
     * signalled and no memory is touched when this has returned. Works on a device that is lost;
     * closing twice does nothing.
     */
    @Override
    void close();
}
