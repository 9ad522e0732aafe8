package dev.dalang.virtio.queue;

import dev.dalang.bus.snapshot.Snapshot;

import org.jspecify.annotations.Nullable;

/**
 * A queue with a descriptor table, an available and a used ring (virtio 1.3 §2.7).
 *
 * <p>Memory order, with the driver's counterpart. The load of the available index is an acquire:
 * its entries and descriptors were written before (Linux: {@code virtio_wmb} before the index). The
 * store of the used index is a release: its elements come before (Linux: {@code virtio_rmb} after
 * the index). Between publishing and reading whether the driver wants an interrupt, and between
 * asking for notifications and reading the available index, stands a full fence: the driver stores
 * and loads the other way round, with a full fence between, and without either fence both sides
 * could see the other's old value and sleep.
 */
final class SplitQueue extends AbstractQueue {
    private static final String TYPE = "virtqueue-split";
    private static final int VERSION = 1;

    private static final int MASK_16 = 0xffff;

    // The available ring, in the driver's area.
    private static final int AVAIL_FLAGS = 0;
    private static final int AVAIL_IDX = 2;
    private static final int AVAIL_RING = 4;
    private static final int NO_INTERRUPT = 1;

    // The used ring, in the device's area.
    private static final int USED_FLAGS = 0;
    private static final int USED_IDX = 2;
    private static final int USED_RING = 4;
    private static final int USED_ELEMENT_BYTES = 8;
    private static final int NO_NOTIFY = 1;

    private final int mask;

    /** Where the driver asks for an interrupt, and the device for a notification. */
    private final int usedEvent;

    private final int availEvent;

    /** The next entry of the available ring to take, and the driver's index as last seen. */
    private int nextAvail;

    private int seenAvail;

    /** The next element of the used ring to write, and the index as last published. */
    private int nextUsed;

    private int publishedUsed;

    /** Elements published and not yet reported to watches and dirty tracking. */
    private int unreported;

    SplitQueue(QueueAreas where, QueueAreas.Bound bound, QueueMemory access, QueueSignals signals) {
        super(where, bound, access, signals);
        mask = size - 1;
        usedEvent = AVAIL_RING + 2 * size;
        availEvent = USED_RING + USED_ELEMENT_BYTES * size;
    }

    @Override
    boolean isAvailable() {
        return nextAvail != seenAvail || refresh();
    }

    /** Looks at the driver's index; true if there is something to take. */
    private boolean refresh() {
        int idx = driver.getShortAcquire(AVAIL_IDX);
        int pending = idx - nextAvail & MASK_16;
        if (pending > size) {
            fail(QueueError.INVALID_AVAILABLE_INDEX);
            return false;
        }
        seenAvail = idx;
        return pending != 0;
    }

    @Override
    @Nullable QueueError fetch(DescriptorChain chain) {
        int at = driver.getShort(AVAIL_RING + 2L * (nextAvail & mask));
        nextAvail = nextAvail + 1 & MASK_16;
        chain.id = at;
        while (true) {
            if (at >= size) {
                return QueueError.INVALID_DESCRIPTOR_INDEX;
            }
            if (chain.buffers() == size) {
                return QueueError.CHAIN_TOO_LONG;
            }
            long place = (long) at * DESCRIPTOR_BYTES;
            long address = descriptors.getLong(place);
            long rest = descriptors.getLong(place + Long.BYTES);
            int flags = (int) (rest >>> 32) & MASK_16;
            if ((flags & ~(NEXT | WRITE | INDIRECT)) != 0) {
                countUnknownFlags();
            }
            if ((flags & INDIRECT) != 0) {
                return addTable(chain, address, (int) rest, flags, true);
            }
            QueueError wrong = add(chain, address, (int) rest, flags);
            if (wrong != null) {
                return wrong;
            }
            if ((flags & NEXT) == 0) {
                return null;
            }
            at = (int) (rest >>> 48);
        }
    }

    @Override
    void back(DescriptorChain chain) {
        nextAvail = nextAvail - 1 & MASK_16;
    }

    @Override
    void use(DescriptorChain chain, long bytesWritten) {
        device.putLong(
                USED_RING + (long) USED_ELEMENT_BYTES * (nextUsed & mask),
                chain.id | bytesWritten << 32);
        nextUsed = nextUsed + 1 & MASK_16;
    }

    @Override
    public void publish() {
        int count = nextUsed - publishedUsed & MASK_16;
        if (count == 0 || isDead() || !follow()) {
            return;
        }
        device.putShortRelease(USED_IDX, nextUsed);
        published(count);
        publishedUsed = nextUsed;
        unreported = Math.min(unreported + count, size);
        wrote();
    }

    @Override
    void report() {
        // Flags and index; the elements; and where notifications are asked for.
        device.report(USED_FLAGS, 4);
        if (unreported != 0) {
            int first = publishedUsed - unreported & mask;
            int upToEnd = Math.min(unreported, size - first);
            reportElements(first, upToEnd);
            if (unreported > upToEnd) {
                reportElements(0, unreported - upToEnd);
            }
            unreported = 0;
        }
        if (hasEventIdx) {
            device.report(availEvent, 2);
        }
    }

    private void reportElements(int first, int count) {
        device.report(USED_RING + (long) USED_ELEMENT_BYTES * first, USED_ELEMENT_BYTES * count);
    }

    @Override
    public void disableNotification() {
        // With event indexes the driver notifies once for each index that it is given.
        if (!hasEventIdx && isReachable()) {
            device.putShort(USED_FLAGS, NO_NOTIFY);
            wrote();
        }
    }

    @Override
    public boolean enableNotification() {
        if (!isReachable()) {
            fence();
            return false;
        }
        device.putShort(hasEventIdx ? availEvent : USED_FLAGS, hasEventIdx ? nextAvail : 0);
        wrote();
        fence();
        return refresh();
    }

    @Override
    boolean isWanted(int added) {
        if (!hasEventIdx) {
            return (driver.getShort(AVAIL_FLAGS) & NO_INTERRUPT) == 0;
        }
        int event = driver.getShort(usedEvent);
        return added > MASK_16 || (publishedUsed - event - 1 & MASK_16) < added;
    }

    @Override
    Snapshot.Builder save() {
        return Snapshot.builder(TYPE, VERSION)
                .put("next-avail", nextAvail)
                .put("next-used", nextUsed);
    }

    @Override
    void expect(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
    }

    @Override
    void load(Snapshot snapshot) {
        int avail = snapshot.getInt("next-avail", 0, MASK_16);
        int used = snapshot.getInt("next-used", 0, MASK_16);
        nextAvail = avail;
        seenAvail = avail;
        nextUsed = used;
        publishedUsed = used;
        unreported = 0;
    }
}
