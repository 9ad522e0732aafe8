package dev.dalang.virtio.queue;

import dev.dalang.bus.snapshot.Snapshot;

import org.jspecify.annotations.Nullable;

/**
 * A queue with one ring, in which driver and device replace each other's descriptors (virtio 1.3
 * §2.8).
 *
 * <p>Memory order, with the driver's counterpart. The load of a descriptor's flags is an acquire:
 * the descriptor, and those that follow in its chain, were written before (Linux: {@code
 * virtio_wmb} before the flags of the head). The store of a used descriptor's flags is a release,
 * and of several the first one's comes last, so that the driver finds all of them. The two full
 * fences are those of the split queue: between publishing and reading what the driver asks for, and
 * between asking for notifications and looking at the ring.
 */
final class PackedQueue extends AbstractQueue {
    /** Bytes of an event suppression structure. */
    static final int EVENT_BYTES = 4;

    private static final String TYPE = "virtqueue-packed";
    private static final int VERSION = 1;

    private static final int MASK_16 = 0xffff;

    // A descriptor.
    private static final int LEN = 8;
    private static final int ID = 12;
    private static final int FLAGS = 14;
    private static final int AVAIL = 1 << 7;
    private static final int USED = 1 << 15;

    // An event suppression structure: offset and wrap counter, flags.
    private static final int OFFSET_MASK = 0x7fff;
    private static final int WRAP_SHIFT = 15;
    private static final int EVENT_FLAGS_SHIFT = 16;
    private static final int EVENT_FLAGS_MASK = 3;
    private static final int EVENT_DISABLE = 1;
    private static final int EVENT_DESC = 2;

    /** Where the driver makes the next chain available. */
    private int nextAvail;

    private boolean availWrap = true;

    /** Where the next used descriptor goes. */
    private int nextUsed;

    private boolean usedWrap = true;

    /** Slots of the chains in flight. */
    private int slotsInFlight;

    /** Slots used and not published, and what the first of them waits for. */
    private int unpublished;

    private int firstSlot;
    private int firstFlags;

    /** Slots published and not yet reported to watches and dirty tracking. */
    private int unreported;

    PackedQueue(
            QueueAreas where, QueueAreas.Bound bound, QueueMemory access, QueueSignals signals) {
        super(where, bound, access, signals);
    }

    @Override
    boolean isAvailable() {
        int flags = descriptors.getShortAcquire((long) nextAvail * DESCRIPTOR_BYTES + FLAGS);
        return (flags & AVAIL) != 0 == availWrap && (flags & USED) != 0 != availWrap;
    }

    @Override
    @Nullable QueueError fetch(DescriptorChain chain) {
        chain.position = nextAvail;
        int at = nextAvail;
        int slots = 0;
        while (true) {
            if (slots == size - slotsInFlight) {
                // The rest of the ring is the device's, whatever the driver has written there.
                return slots == 0 ? QueueError.TOO_MANY_CHAINS : QueueError.CHAIN_TOO_LONG;
            }
            slots++;
            long place = (long) at * DESCRIPTOR_BYTES;
            long address = descriptors.getLong(place);
            long rest = descriptors.getLong(place + LEN);
            int flags = (int) (rest >>> 48);
            if ((flags & ~(NEXT | WRITE | INDIRECT | AVAIL | USED)) != 0) {
                countUnknownFlags();
            }
            QueueError wrong =
                    (flags & INDIRECT) != 0
                            ? addTable(chain, address, (int) rest, flags, false)
                            : add(chain, address, (int) rest, flags);
            if (wrong != null) {
                return wrong;
            }
            at = at + 1 == size ? 0 : at + 1;
            if ((flags & NEXT) == 0) {
                chain.id = (int) (rest >>> 32) & MASK_16;
                chain.slots = slots;
                slotsInFlight += slots;
                if (at <= nextAvail) {
                    availWrap = !availWrap;
                }
                nextAvail = at;
                return null;
            }
        }
    }

    @Override
    void back(DescriptorChain chain) {
        slotsInFlight -= chain.slots;
        if (chain.position >= nextAvail) {
            availWrap = !availWrap;
        }
        nextAvail = chain.position;
    }

    @Override
    void use(DescriptorChain chain, long bytesWritten) {
        int flags = (usedWrap ? AVAIL | USED : 0) | (bytesWritten != 0 ? WRITE : 0);
        long place = (long) nextUsed * DESCRIPTOR_BYTES;
        if (unpublished == 0) {
            firstSlot = nextUsed;
            firstFlags = flags;
            descriptors.putInt(place + LEN, (int) bytesWritten);
            descriptors.putShort(place + ID, chain.id);
        } else {
            descriptors.putLong(
                    place + LEN, bytesWritten | (long) chain.id << 32 | (long) flags << 48);
        }
        unpublished += chain.slots;
        slotsInFlight -= chain.slots;
        nextUsed += chain.slots;
        if (nextUsed >= size) {
            nextUsed -= size;
            usedWrap = !usedWrap;
        }
    }

    @Override
    public void publish() {
        int count = unpublished;
        if (count == 0 || isDead() || !follow()) {
            return;
        }
        descriptors.putShortRelease((long) firstSlot * DESCRIPTOR_BYTES + FLAGS, firstFlags);
        unpublished = 0;
        unreported = Math.min(unreported + count, size);
        published(count);
        wrote();
    }

    @Override
    void report() {
        if (unreported != 0) {
            int past = firstUnpublished();
            int first = past >= unreported ? past - unreported : past - unreported + size;
            int upToEnd = Math.min(unreported, size - first);
            reportDescriptors(first, upToEnd);
            if (unreported > upToEnd) {
                reportDescriptors(0, unreported - upToEnd);
            }
            unreported = 0;
        }
        device.report(0, EVENT_BYTES);
    }

    /** The place up to which the driver sees used descriptors. */
    private int firstUnpublished() {
        int slot = nextUsed - unpublished;
        return slot < 0 ? slot + size : slot;
    }

    private void reportDescriptors(int first, int count) {
        descriptors.report((long) first * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES * count);
    }

    @Override
    public void disableNotification() {
        if (isReachable()) {
            ask(EVENT_DISABLE << EVENT_FLAGS_SHIFT);
        }
    }

    @Override
    public boolean enableNotification() {
        if (!isReachable()) {
            fence();
            return false;
        }
        ask(
                hasEventIdx
                        ? nextAvail
                                | (availWrap ? 1 << WRAP_SHIFT : 0)
                                | EVENT_DESC << EVENT_FLAGS_SHIFT
                        : 0);
        fence();
        return isAvailable();
    }

    /** Offset and flags in one store, so that the driver never sees the one without the other. */
    private void ask(int event) {
        device.putInt(0, event);
        wrote();
    }

    @Override
    boolean isWanted(int added) {
        int event = driver.getInt(0);
        int flags = event >>> EVENT_FLAGS_SHIFT & EVENT_FLAGS_MASK;
        if (!hasEventIdx || flags != EVENT_DESC) {
            return flags != EVENT_DISABLE;
        }
        int place = event & OFFSET_MASK;
        boolean wrap = (event >>> WRAP_SHIFT & 1) != 0;
        int next = firstUnpublished();
        boolean nextWrap = usedWrap == nextUsed >= unpublished;
        if (wrap != nextWrap) {
            place -= size;
        }
        return added >= size || (next - place - 1 & MASK_16) < added;
    }

    @Override
    Snapshot.Builder save() {
        return Snapshot.builder(TYPE, VERSION)
                .put("next-avail", nextAvail)
                .put("avail-wrap", availWrap)
                .put("next-used", nextUsed)
                .put("used-wrap", usedWrap);
    }

    @Override
    void expect(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
    }

    @Override
    void load(Snapshot snapshot) {
        int avail = snapshot.getInt("next-avail", 0, size - 1);
        boolean itsAvailWrap = snapshot.getBoolean("avail-wrap");
        int used = snapshot.getInt("next-used", 0, size - 1);
        usedWrap = snapshot.getBoolean("used-wrap");
        availWrap = itsAvailWrap;
        nextAvail = avail;
        nextUsed = used;
        slotsInFlight = 0;
        unpublished = 0;
        unreported = 0;
    }
}
