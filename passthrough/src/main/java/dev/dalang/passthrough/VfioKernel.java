package dev.dalang.passthrough;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The calls to the host that VFIO needs, and no more: the one thing that has to be another in a
 * test. Files are known by their descriptors' numbers. Any thread.
 */
interface VfioKernel {
    /** Opens a device's file. */
    int open(String path) throws BackendException;

    /** Takes over a descriptor that a control call gave. */
    void adopt(int file, String subject);

    /** Closes a file; closing one that is closed does nothing. */
    void close(int file);

    /** Makes a control call; gives its result, at least 0. */
    int control(int file, String call, long request, MemorySegment argument)
            throws BackendException;

    /** Reads at an offset: all of it, or it fails. */
    void read(int file, long offset, MemorySegment target) throws BackendException;

    /** Writes at an offset: all of it, or it fails. */
    void write(int file, long offset, MemorySegment source) throws BackendException;

    /** Maps a part of a file. */
    MemorySegment map(int file, long offset, long bytes, boolean isWritable, Arena arena)
            throws BackendException;

    /**
     * Makes an event, and tells of each signal.
     *
     * @param signalled called on a thread of the kernel's side; one at a time
     * @return the event's descriptor
     */
    int watch(Runnable signalled) throws BackendException;

    /** Ends an event; when this has returned, no signal of it is told any more. */
    void unwatch(int event);

    /** Closes whatever is open. */
    void closeAll();
}
