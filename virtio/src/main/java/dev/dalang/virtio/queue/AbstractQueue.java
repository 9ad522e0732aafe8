package dev.dalang.virtio.queue;

import dev.dalang.bus.memory.GuestMemory;
import dev.dalang.bus.memory.MemoryRegion;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** What split and packed queues have in common: chains and their life, memory, and failing. */
abstract sealed class AbstractQueue implements VirtQueue permits SplitQueue, PackedQueue {
    static final int DESCRIPTOR_BYTES = 16;

    /** Flags of a descriptor, virtio 1.3 §2.7.5 and §2.8.1. */
    static final int NEXT = 1;

    static final int WRITE = 2;
    static final int INDIRECT = 4;

    /**
     * Descriptors of a chain in a table. A chain must not be longer than its queue, but drivers
     * rely on the more that others allow.
     */
    private static final int MAX_INDIRECT = 1024;

    /** More entries could not be named by the next of any. */
    private static final int MAX_TABLE_ENTRIES = 1 << 16;

    /**
     * Descriptors of all chains in flight beyond those for which each chain has room: chains of a
     * hostile driver may share descriptors, and would otherwise fill the host's memory.
     */
    private static final int MAX_EXTRA_ROOM = 1 << 20;

    /** Of which so many are kept for chains to come. */
    private static final int KEPT_EXTRA_ROOM = 1 << 16;

    private static final int MAX_UNSIGNALLED = 1 << 16;

    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final DescriptorChain[] NO_ORDER = {};

    final int size;
    final boolean hasEventIdx;
    private final int index;
    private final boolean hasIndirect;
    private final boolean isInOrder;
    private final QueueAreas where;
    private final QueueMemory access;
    private final QueueSignals signals;

    GuestMemory memory;
    RingArea descriptors;
    RingArea driver;
    RingArea device;

    private volatile @Nullable QueueError error;
    private volatile boolean isRetired;
    private volatile boolean isDead;

    private final @Nullable DescriptorChain[] pool;
    private int pooled;
    private int extraRoom;
    private int inFlight;

    /** Chains in the order of their pops, if they must come back in that order. */
    private final DescriptorChain[] order;

    private long oldest;

    /** Chains popped and not given back. */
    private long pops;

    /** Slots published since {@link #needsNotification} was last asked. */
    private int unsignalled;

    /** False if something was written since the last fence. */
    private boolean isFenced = true;

    private long completions;
    private long interrupts;
    private long suppressed;
    private long refused;
    private long undone;
    private long unknownFlags;

    AbstractQueue(
            QueueAreas where, QueueAreas.Bound bound, QueueMemory access, QueueSignals signals) {
        this.where = where;
        this.access = access;
        this.signals = signals;
        index = where.queue();
        size = where.size();
        hasEventIdx = where.hasEventIdx();
        hasIndirect = where.hasIndirect();
        isInOrder = where.isInOrder();
        pool = new DescriptorChain[size];
        // A power of two, so that a place is found with a mask.
        order =
                isInOrder
                        ? new DescriptorChain[Math.max(1, Integer.highestOneBit(2 * size - 1))]
                        : NO_ORDER;
        memory = bound.memory();
        descriptors = bound.descriptors();
        driver = bound.driver();
        device = bound.device();
    }

    /** Fills a chain from the next place of the ring; null, or what is wrong with it. */
    abstract @Nullable QueueError fetch(DescriptorChain chain);

    /** True if the driver has made a chain available. */
    abstract boolean isAvailable();

    /** Goes back by one chain, which was the last. */
    abstract void back(DescriptorChain chain);

    /** Puts a used chain into the ring, where {@link #publish} shows it. */
    abstract void use(DescriptorChain chain, long bytesWritten);

    /** Reports what was written to watches and dirty tracking; the caller has fenced. */
    abstract void report();

    /** Does the driver want to hear of the last {@code added} slots that were published? */
    abstract boolean isWanted(int added);

    abstract Snapshot.Builder save();

    abstract void expect(Snapshot snapshot);

    abstract void load(Snapshot snapshot);

    @Override
    public final int index() {
        return index;
    }

    @Override
    public final int size() {
        return size;
    }

    @Override
    public final int inFlight() {
        return inFlight;
    }

    // ---------------------------------------------------------------- taking

    @Override
    public final @Nullable DescriptorChain pop() {
        if (isDead || !admit() || !isAvailable()) {
            return null;
        }
        if (inFlight == size) {
            fail(QueueError.TOO_MANY_CHAINS);
            return null;
        }
        DescriptorChain chain = take();
        chain.begin(memory);
        QueueError wrong = fetch(chain);
        if (wrong != null) {
            release(chain);
            fail(wrong);
            return null;
        }
        chain.sequence = pops++;
        if (isInOrder) {
            order[(int) chain.sequence & (order.length - 1)] = chain;
        }
        chain.end();
        inFlight++;
        return chain;
    }

    /**
     * True if the rings may be read and written now. A queue whose device may not is told to look
     * again when it may; what {@link #pop} cannot take must not keep its handler running.
     */
    final boolean isReachable() {
        GuestMemory now = isDead() ? null : access.memory();
        return now != null && (now == memory || rebind(now));
    }

    /** Finds the rings again where memory is another by now; false if they are nowhere. */
    final boolean follow() {
        GuestMemory now = access.memory();
        return now == null || now == memory || rebind(now);
    }

    /** Looks whether the device may access memory, and whether it is still the same memory. */
    private boolean admit() {
        GuestMemory now = access.memory();
        if (now == memory) {
            return true;
        }
        if (now == null) {
            refused++;
            return false;
        }
        return rebind(now);
    }

    private boolean rebind(GuestMemory now) {
        try {
            fence(); // of what was written to the old one
            QueueAreas.Bound bound = where.bind(now);
            memory = now;
            descriptors = bound.descriptors();
            driver = bound.driver();
            device = bound.device();
            return true;
        } catch (QueueException gone) {
            fail(gone.error());
            return false;
        }
    }

    @Override
    public final void undoPop(DescriptorChain chain) {
        require(chain);
        if (chain.sequence != pops - 1) {
            throw new IllegalStateException(
                    "queue " + index + ": only the chain that was popped last can be given back");
        }
        if (!isDead) {
            back(chain);
        }
        pops--;
        undone++;
        settle(chain);
    }

    private void require(DescriptorChain chain) {
        if (chain.owner != this || !chain.inFlight || chain.isDone) {
            throw new IllegalStateException("queue " + index + ": the chain is not in flight");
        }
    }

    private DescriptorChain take() {
        if (pooled > 0) {
            DescriptorChain chain = pool[--pooled];
            if (chain != null) {
                return chain;
            }
        }
        return new DescriptorChain(this, memory);
    }

    private void settle(DescriptorChain chain) {
        inFlight--;
        chain.inFlight = false;
        release(chain);
    }

    private void release(DescriptorChain chain) {
        int extra = chain.room() - DescriptorChain.INITIAL_ROOM;
        if (extra > 0 && extraRoom > KEPT_EXTRA_ROOM) {
            extraRoom -= extra;
            chain.shrink();
        }
        pool[pooled++] = chain;
    }

    /** Adds a buffer to a chain that is being fetched. */
    final @Nullable QueueError add(DescriptorChain chain, long address, int length, int flags) {
        if (chain.buffers() == chain.room()) {
            int room = chain.room();
            if (extraRoom + room > MAX_EXTRA_ROOM) {
                return QueueError.TOO_MANY_DESCRIPTORS;
            }
            extraRoom += room;
            chain.grow(room * 2);
        }
        return chain.add(address, length, (flags & WRITE) != 0);
    }

    final void countUnknownFlags() {
        unknownFlags++;
    }

    /**
     * Adds what an indirect descriptor points to (virtio 1.3 §2.7.5.3, §2.8.7).
     *
     * @param isLinked whether the table's descriptors are linked, as in a split ring, or are one
     *     after the other
     */
    final @Nullable QueueError addTable(
            DescriptorChain chain, long address, int length, int flags, boolean isLinked) {
        if (!hasIndirect) {
            return QueueError.INDIRECT_NOT_NEGOTIATED;
        }
        if ((flags & NEXT) != 0) {
            return QueueError.INDIRECT_WITH_NEXT;
        }
        int entries = length >>> 4;
        if (entries == 0 || entries > MAX_TABLE_ENTRIES || (length & 15) != 0) {
            return QueueError.INVALID_INDIRECT_LENGTH;
        }
        if (!memory.contains(address, length)) {
            return QueueError.INDIRECT_UNMAPPED;
        }
        MemoryRegion region = memory.regions().get(memory.regionIndex(address));
        long offset = address - region.base();
        boolean isWhole = length <= region.size() - offset;
        MemorySegment bytes = region.segment();
        int limit = chain.buffers() + Math.max(size, MAX_INDIRECT);
        int at = 0;
        while (true) {
            if (chain.buffers() == limit) {
                return QueueError.CHAIN_TOO_LONG;
            }
            long place = (long) at * DESCRIPTOR_BYTES;
            long buffer =
                    isWhole ? bytes.get(LONG, offset + place) : memory.readLong(address + place);
            long rest =
                    isWhole
                            ? bytes.get(LONG, offset + place + Long.BYTES)
                            : memory.readLong(address + place + Long.BYTES);
            int its = (int) (rest >>> (isLinked ? 32 : 48)) & 0xffff;
            if ((its & INDIRECT) != 0) {
                return QueueError.INDIRECT_NESTED;
            }
            if ((its & ~(NEXT | WRITE)) != 0) {
                unknownFlags++;
            }
            QueueError wrong = add(chain, buffer, (int) rest, its);
            if (wrong != null) {
                return wrong;
            }
            if (isLinked) {
                if ((its & NEXT) == 0) {
                    return null;
                }
                at = (int) (rest >>> 48);
                if (at >= entries) {
                    return QueueError.INVALID_DESCRIPTOR_INDEX;
                }
            } else if (++at == entries) {
                return null;
            }
        }
    }

    // ---------------------------------------------------------------- giving back

    @Override
    public final void completeLater(DescriptorChain chain, long bytesWritten) {
        require(chain);
        if (bytesWritten < 0 || bytesWritten > chain.writableBytes()) {
            throw new IllegalArgumentException(
                    "queue "
                            + index
                            + ": expected at most "
                            + chain.writableBytes()
                            + " bytes written, got "
                            + bytesWritten);
        }
        if (isDead || !admitCompletion()) {
            settle(chain);
        } else if (isInOrder) {
            chain.isDone = true;
            chain.doneBytes = bytesWritten;
            useInOrder();
        } else {
            use(chain, bytesWritten);
            completions++;
            settle(chain);
        }
    }

    private boolean admitCompletion() {
        GuestMemory now = access.memory();
        if (now == memory) {
            return true;
        }
        if (now == null) {
            fail(QueueError.ACCESS_REFUSED);
            return false;
        }
        return rebind(now);
    }

    private void useInOrder() {
        while (oldest < pops) {
            DescriptorChain chain = order[(int) oldest & (order.length - 1)];
            if (!chain.isDone) {
                return;
            }
            use(chain, chain.doneBytes);
            chain.isDone = false;
            completions++;
            oldest++;
            settle(chain);
        }
    }

    // ---------------------------------------------------------------- notifying

    @Override
    public final boolean needsNotification() {
        int added = unsignalled;
        unsignalled = 0;
        fence();
        if (isDead || added == 0 || !follow()) {
            return false;
        }
        boolean isWanted = isWanted(added);
        if (!isWanted) {
            suppressed++;
        }
        return isWanted;
    }

    /** Notes that something was written for which {@link #fence} has to be called. */
    final void wrote() {
        isFenced = false;
    }

    /**
     * The full fence between what was written for the driver and what is read of it, if there is
     * need of one. Watches and dirty tracking ask for such a fence as well: one does for all that
     * was written since the last.
     */
    final void fence() {
        if (!isFenced) {
            isFenced = true;
            VarHandle.fullFence();
            report();
        }
    }

    final void published(int slots) {
        // Saturates: so many always pass the place at which the driver wants to hear of it.
        unsignalled = Math.min(unsignalled + slots, MAX_UNSIGNALLED);
    }

    @Override
    public final void notifyDriver() {
        if (!isDead) {
            interrupts++;
            signals.used(index);
        }
    }

    // ---------------------------------------------------------------- failing and ending

    @Override
    public final boolean isBroken() {
        return error != null;
    }

    @Override
    public final @Nullable QueueError error() {
        return error;
    }

    @Override
    public final void fail(QueueError cause) {
        if (!isDead) {
            fence();
            error = cause;
            isDead = true;
            signals.broken(index, cause);
        }
    }

    @Override
    public final void retire() {
        isRetired = true;
        isDead = true;
    }

    final boolean isDead() {
        return isDead;
    }

    @Override
    public final QueueCounts counts() {
        return new QueueCounts(
                pops + undone, completions, interrupts, suppressed, unknownFlags, refused);
    }

    // ---------------------------------------------------------------- saving

    @Override
    public final Snapshot snapshot() {
        publish();
        fence();
        requireIdle();
        QueueError broken = error;
        return save().put("size", size)
                .put("unsignalled", unsignalled)
                .put("error", broken == null ? "" : broken.name())
                .build();
    }

    @Override
    public final void restore(Snapshot snapshot) {
        requireIdle();
        expect(snapshot);
        snapshot.getInt("size", size, size);
        int published = snapshot.getInt("unsignalled", 0, MAX_UNSIGNALLED);
        QueueError broken = errorOf(snapshot.getString("error"));
        load(snapshot);
        oldest = pops;
        unsignalled = published;
        error = broken;
        isDead = isRetired || broken != null;
    }

    private void requireIdle() {
        if (isDead) {
            // Nothing comes of its chains any more, whoever may have left them half done.
            dropHeldBack();
            return;
        }
        if (inFlight != 0) {
            throw new IllegalStateException(
                    "queue "
                            + index
                            + " has "
                            + inFlight
                            + " chains in flight; complete them first");
        }
    }

    /** Chains that wait for others before them, which will not come any more. */
    private void dropHeldBack() {
        for (long place = oldest; isInOrder && place < pops; place++) {
            DescriptorChain chain = order[(int) place & (order.length - 1)];
            if (chain.isDone) {
                chain.isDone = false;
                settle(chain);
            }
        }
    }

    private static @Nullable QueueError errorOf(String name) {
        if (name.isEmpty()) {
            return null;
        }
        for (QueueError candidate : QueueError.values()) {
            if (candidate.name().equals(name)) {
                return candidate;
            }
        }
        throw new SnapshotException("expected the name of a queue error, got \"" + name + "\"");
    }
}
