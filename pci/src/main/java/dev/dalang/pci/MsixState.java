package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;

/** The values of a snapshot of {@link MsixConfig}, checked before anything is changed. */
final class MsixState {
    final MsiSource source;
    final boolean enabled;
    final boolean masked;
    final MsixTable table;
    final BitSet pending;
    final int[] handles;

    /**
     * Reads a snapshot.
     *
     * @throws SnapshotException if it holds what cannot be
     * @throws PciException if label or requester id cannot be
     */
    MsixState(Snapshot snapshot, int count) {
        long[] words = snapshot.getLongs("table", 2 * count);
        for (int word = 1; word < words.length; word += 2) {
            if ((words[word] & ~MsixTable.STORED) != 0) {
                throw new SnapshotException(
                        "vector "
                                + word / 2
                                + ": expected a vector control of 0 or 1, got 0x"
                                + Long.toHexString(words[word] >>> 32));
            }
        }
        table = new MsixTable(words);
        pending = BitSet.valueOf(snapshot.getLongs("pending", (count + Long.SIZE - 1) / Long.SIZE));
        if (pending.length() > count) {
            throw new SnapshotException(
                    "expected pending bits of "
                            + count
                            + " vectors, got one of vector "
                            + (pending.length() - 1));
        }
        source = source(snapshot);
        enabled = snapshot.getBoolean("enabled");
        masked = snapshot.getBoolean("masked");
        handles = handles(snapshot, count);
    }

    /** The function that a snapshot names. */
    static MsiSource source(Snapshot snapshot) {
        return new MsiSource(
                snapshot.getString("label"),
                snapshot.getInt("pciId", Integer.MIN_VALUE, Integer.MAX_VALUE),
                snapshot.getLong("requesterId"));
    }

    /** The handles of a snapshot, -1 where a vector has none; each is used once. */
    static int[] handles(Snapshot snapshot, int count) {
        long[] saved = snapshot.getLongs("handles", count);
        int[] handles = new int[count];
        Set<Long> used = new HashSet<>();
        for (int vector = 0; vector < count; vector++) {
            long handle = saved[vector];
            if (handle < MsixException.NONE || handle > Integer.MAX_VALUE) {
                throw new SnapshotException(
                        "vector "
                                + vector
                                + ": expected a handle of 31 bits, or -1 for none, got "
                                + handle);
            }
            if (handle != MsixException.NONE && !used.add(handle)) {
                throw new SnapshotException(
                        "vector " + vector + ": handle " + handle + " is used twice");
            }
            handles[vector] = (int) handle;
        }
        return handles;
    }
}
