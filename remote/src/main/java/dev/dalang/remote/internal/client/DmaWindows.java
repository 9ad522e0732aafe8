package dev.dalang.remote.internal.client;

import dev.dalang.bus.memory.GuestMemoryException;
import dev.dalang.linux.Errno;
import dev.dalang.remote.DmaMemory;
import dev.dalang.remote.internal.wire.Refusal;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a server was told that its device may reach, for when it asks by messages: nothing else is
 * given. Any thread; when a window is gone, nobody is inside of it.
 */
final class DmaWindows {
    private record Window(
            long address, long size, boolean isReadable, boolean isWritable, DmaMemory memory) {
        long last() {
            return address + (size - 1);
        }

        /** How many of so many bytes from an address in it on are in it. */
        long step(long from, long length) {
            long room = last() - from + 1;
            return Long.compareUnsigned(room, length) < 0 ? room : length;
        }
    }

    /** Guarded by this. */
    private final TreeMap<Long, Window> windows = new TreeMap<>(Long::compareUnsigned);

    /**
     * Adds a window.
     *
     * @return false if it overlaps with another
     */
    synchronized boolean add(
            long address, long size, boolean isReadable, boolean isWritable, DmaMemory memory) {
        Window window = new Window(address, size, isReadable, isWritable, memory);
        Map.Entry<Long, Window> below = windows.floorEntry(window.last());
        if (below != null && Long.compareUnsigned(below.getValue().last(), address) >= 0) {
            return false;
        }
        windows.put(address, window);
        return true;
    }

    synchronized boolean has(long address, long size) {
        Window window = windows.get(address);
        return window != null && window.size == size;
    }

    synchronized void remove(long address) {
        windows.remove(address);
    }

    synchronized void clear() {
        windows.clear();
    }

    synchronized int count() {
        return windows.size();
    }

    /**
     * Moves bytes between the windows and a segment.
     *
     * @param isWrite true into the windows
     * @throws Refusal if not all of it may be reached; then nothing was moved
     */
    synchronized void transfer(long address, MemorySegment bytes, boolean isWrite) {
        require(address, bytes.byteSize(), isWrite);
        for (long done = 0; done < bytes.byteSize(); ) {
            Window window = at(address + done);
            long step = window.step(address + done, bytes.byteSize() - done);
            MemorySegment part = bytes.asSlice(done, step);
            try {
                if (isWrite) {
                    window.memory.write(address + done, part);
                } else {
                    window.memory.read(address + done, part);
                }
            } catch (GuestMemoryException fault) {
                throw new Refusal(Errno.EFAULT, String.valueOf(fault.getMessage()));
            }
            done += step;
        }
    }

    private void require(long address, long length, boolean isWrite) {
        for (long done = 0; done < length; ) {
            Window window = at(address + done);
            if (isWrite ? !window.isWritable : !window.isReadable) {
                throw new Refusal(
                        isWrite ? Errno.EROFS : Errno.EACCES,
                        "a transfer at 0x%x".formatted(address + done));
            }
            done += window.step(address + done, length - done);
        }
    }

    private Window at(long address) {
        Map.Entry<Long, Window> below = windows.floorEntry(address);
        if (below == null
                || Long.compareUnsigned(address - below.getValue().address, below.getValue().size)
                        >= 0) {
            throw new Refusal(Errno.EFAULT, "nothing is mapped at 0x%x".formatted(address));
        }
        return below.getValue();
    }
}
