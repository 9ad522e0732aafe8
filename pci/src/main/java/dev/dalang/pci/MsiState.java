package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

/** The values of a snapshot of {@link MsiConfig}, checked before anything is changed. */
final class MsiState {
    private static final int DATA_MASK = 0xffff;

    final MsiSource source;
    final boolean enabled;
    final int granted;
    final long address;
    final int data;
    final int masks;
    final int pending;
    final int[] handles;

    /**
     * Reads a snapshot.
     *
     * @throws SnapshotException if it holds what a function with this capability cannot have
     * @throws PciException if label or requester id cannot be
     */
    MsiState(Snapshot snapshot, int vectorBits, boolean address64, boolean maskable) {
        int count = 1 << vectorBits;
        snapshot.getInt("vectors", count, count);
        address = snapshot.getLong("address");
        if ((address & 3) != 0 || !address64 && address >>> 32 != 0) {
            throw new SnapshotException(
                    "expected a message address of "
                            + (address64 ? "64" : "32")
                            + " bits, a multiple of 4, got 0x"
                            + Long.toHexString(address));
        }
        source = MsixState.source(snapshot);
        enabled = snapshot.getBoolean("enabled");
        granted = snapshot.getInt("granted", 0, vectorBits);
        data = snapshot.getInt("data", 0, DATA_MASK);
        masks = bits(snapshot, "masks", maskable ? count : 0);
        // Without pending bits in the capability, one may be pending all the same: of a sleeper.
        pending = bits(snapshot, "pending", count);
        handles = MsixState.handles(snapshot, count);
    }

    private static int bits(Snapshot snapshot, String name, int count) {
        long bits = snapshot.getLong(name);
        if (bits >>> count != 0) {
            throw new SnapshotException(
                    name + ": expected " + count + " bits, got 0x" + Long.toHexString(bits));
        }
        return (int) bits;
    }

    MsiMessage message(int message) {
        int low = (1 << granted) - 1;
        return new MsiMessage(address, data & ~low | message & low);
    }
}
