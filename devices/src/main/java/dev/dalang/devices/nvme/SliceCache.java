package dev.dalang.devices.nvme;

import dev.dalang.bus.memory.GuestMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Slices of the driver's memory that commands of a queue have used: a driver that uses its buffers
 * again, as most do, costs no new ones. They are of one map of the memory; when there is another,
 * all are forgotten. Whether a command may use them is asked each time, and not here. Belongs to
 * the queue's handler.
 */
final class SliceCache {
    /** Groups of places; address and length of a slice say which is its. */
    private static final int GROUPS = 128;

    private static final int GROUP_BITS = Integer.numberOfTrailingZeros(GROUPS);

    /** Places of a group. */
    private static final int WAYS = 4;

    private static final int PLACES = GROUPS * WAYS;

    /** Addresses of buffers end with as many zeros, mostly. */
    private static final int SECTOR_SHIFT = 9;

    /** 2^64 divided by the golden ratio: spreads neighbours. */
    private static final long SPREAD = 0x9e37_79b9_7f4a_7c15L;

    private final long[] addresses = new long[PLACES];
    private final @Nullable MemorySegment[] slices = new MemorySegment[PLACES];
    private @Nullable GuestMemory memory;

    /** Which of its group the next slice replaces. */
    private int turn;

    /** As {@link GuestMemory#slice}. */
    MemorySegment slice(GuestMemory now, long address, int length) {
        if (now != memory) {
            Arrays.fill(slices, null);
            memory = now;
        }
        long key = (address >>> SECTOR_SHIFT) + ((long) length << Integer.SIZE);
        int group = (int) (key * SPREAD >>> Long.SIZE - GROUP_BITS);
        for (int place = WAYS * group; place < WAYS * (group + 1); place++) {
            MemorySegment known = slices[place];
            if (known != null && addresses[place] == address && known.byteSize() == length) {
                return known;
            }
        }
        MemorySegment made = now.slice(address, length);
        int place = WAYS * group + (turn++ & WAYS - 1);
        addresses[place] = address;
        slices[place] = made;
        return made;
    }
}
