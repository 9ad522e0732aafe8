package dev.dalang.passthrough;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A device's ability to give its state away and to take one: VFIO's migration, version 2. One
 * thread at a time.
 */
public interface BackendMigration {
    /** {@return true if its state can be read while it works} */
    boolean hasPreCopy();

    /** {@return true if it can be kept from other devices first} */
    boolean hasPeerToPeer();

    /**
     * Asks what the device is doing.
     *
     * @return its state
     * @throws BackendException if it does not answer
     */
    MigrationState state() throws BackendException;

    /**
     * Moves the device to another state, through those that lie between.
     *
     * @param next the state
     * @throws MigrationException if it did not come there; it says where the device is, if it does
     * @throws BackendException if it does not answer
     */
    void enter(MigrationState next) throws BackendException;

    /**
     * Reads some of the state, in {@link MigrationState#STOP_COPY} or a state of pre-copy.
     *
     * @param target where the bytes go, at least 1
     * @return how many came, at least 1; 0 at the end
     * @throws BackendException if it does not answer, or cannot
     */
    long readData(MemorySegment target) throws BackendException;

    /**
     * Writes some of a state, in {@link MigrationState#RESUMING}.
     *
     * @param source the bytes, at least 1; all of them are taken
     * @throws BackendException if it does not answer, or cannot
     */
    void writeData(MemorySegment source) throws BackendException;

    /** {@return true if the device notes which memory it writes} */
    default boolean hasDirtyLog() {
        return false;
    }

    /**
     * Has the device note which memory it writes.
     *
     * @param pageBytes the unit that is wanted, a power of two
     * @param ranges what to note
     * @return the unit that the device uses, a power of two
     * @throws BackendException if it cannot
     */
    default long startDirtyLog(long pageBytes, List<DmaRange> ranges) throws BackendException {
        throw BackendException.unsupported("start a log of written memory");
    }

    /**
     * Ends what {@link #startDirtyLog} began.
     *
     * @throws BackendException if it cannot
     */
    default void stopDirtyLog() throws BackendException {
        throw BackendException.unsupported("stop the log of written memory");
    }

    /**
     * Takes what the device has noted since this was asked last.
     *
     * @param range about which memory
     * @param pageBytes the unit of a bit, a power of two
     * @return a bit for each page, from bit 0 of the first word on
     * @throws BackendException if it cannot
     */
    default long[] takeDirty(DmaRange range, long pageBytes) throws BackendException {
        throw BackendException.unsupported("report written memory");
    }
}
