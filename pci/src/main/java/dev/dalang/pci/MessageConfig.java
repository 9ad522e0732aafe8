package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.pci.MessageVectors.Outcome;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * What MSI and MSI-X have in common: vectors that may send or not, their routes, and the life of
 * both. What the guest's registers say about a vector, its mask and its message, is the other half.
 *
 * <p>Any thread. {@code trigger} takes no lock, and allocates nothing unless it goes wrong; all
 * other methods take the function's lock for a short time, and the router is never signalled with
 * that lock held.
 */
abstract sealed class MessageConfig implements Suspendable, PciCapConfig
        permits MsiConfig, MsixConfig {
    static final long LOW = 0xffff_ffffL;

    /** Guards all that a guest's write changes. */
    final Object lock = new Object();

    final MessageRoutes routes;

    /** Written with the lock held; read by devices without. */
    volatile MessageVectors vectors;

    /** As {@link #vectors}. */
    volatile boolean enabled;

    private final String kind;
    private final MsiRouter router;
    private final GuestLog dropped = new GuestLog();
    private volatile String label;
    private volatile @Nullable PciCapMapping mapping;
    private volatile Runnable enableListener = () -> {};
    private boolean asleep;
    private boolean destroyed;

    MessageConfig(String kind, int count, MsiRouter router, MsiSource source) {
        this.kind = kind;
        this.router = router;
        label = source.label();
        routes = new MessageRoutes(router, source, count);
        vectors = routes.vectors();
    }

    /** True if the guest has masked a vector. With the lock held. */
    abstract boolean isHeldByGuest(int vector);

    /** What a vector sends. With the lock held. */
    abstract MsiMessage message(int vector);

    /** Masks a vector that is left without a handle, if there is a way. With the lock held. */
    abstract void giveUp(int vector);

    /** Puts the guest's registers into their state at power-on. With the lock held. */
    abstract void clearRegisters();

    /** Reads a snapshot; what it gives takes it over, with the lock held, or says why not. */
    abstract Supplier<@Nullable MsixException> parse(Snapshot snapshot);

    /** Pending bits may have changed, other than by a guest's write to them. */
    void pendingChanged() {}

    /** {@return the function's label; a restore may have replaced it} */
    public String label() {
        return label;
    }

    /** {@return true while the guest has it enabled} */
    public boolean isEnabled() {
        return enabled;
    }

    /**
     * Gives the router's handle of a vector, for a consumer that signals it by itself.
     *
     * @param vector any number
     * @return the handle; none before the vector is first usable, and for a vector that there is
     *     not
     */
    public OptionalInt handle(int vector) {
        synchronized (lock) {
            return vector < 0 || vector >= vectors.count() || routes.handle(vector) < 0
                    ? OptionalInt.empty()
                    : OptionalInt.of(routes.handle(vector));
        }
    }

    /** {@return what the router answered when something last failed for a guest's sake} */
    public Optional<MsixException> lastError() {
        return Optional.ofNullable(routes.lastError());
    }

    /** {@return how often the router failed for a guest's sake} */
    public long errors() {
        return routes.errors();
    }

    /**
     * {@return how many triggers were dropped} Those of vectors that there are not, and of usable
     * ones without a handle, or with one that delivers nothing.
     */
    public long droppedTriggers() {
        return dropped.count();
    }

    /** {@return the descriptors of the router that a process must keep open} */
    public List<Integer> keepDescriptors() {
        return router.keepDescriptors();
    }

    /**
     * Tells the router under which address the function sends from now on. Routes that are set
     * already are set again.
     *
     * @param requesterId see {@link MsiSource#requesterId}
     * @throws PciException if the id is out of range
     */
    public void setRequesterId(long requesterId) {
        synchronized (lock) {
            MsiSource old = routes.source();
            routes.source(new MsiSource(old.label(), old.pciId(), requesterId));
            for (int vector = 0; vector < vectors.count(); vector++) {
                if (routes.handle(vector) >= 0) {
                    routes.reroute(vector, message(vector));
                }
            }
        }
    }

    /**
     * Names what is to be called after the guest has enabled or disabled it, with no lock held.
     *
     * @param listener replaces the one before
     */
    public void onEnableChange(Runnable listener) {
        enableListener = listener;
    }

    final void enableChanged() {
        enableListener.run();
    }

    // What became of a trigger.

    final void report(int vector, Outcome outcome) {
        if (outcome == Outcome.NO_ROUTE || outcome == Outcome.REFUSED) {
            undelivered(vector, outcome);
        }
    }

    private void undelivered(int vector, Outcome outcome) {
        dropped.warn(
                label,
                () ->
                        "vector "
                                + vector
                                + (outcome == Outcome.NO_ROUTE
                                        ? " has no route"
                                        : ": nothing took the message"));
    }

    final void noSuchVector(int vector) {
        dropped.warn(
                label,
                () -> "expected a vector of 0.." + (vectors.count() - 1) + ", triggered " + vector);
    }

    // Which vectors may send. With the lock held.

    /** True while routes follow what the guest writes. */
    final boolean isLive() {
        return enabled && !destroyed;
    }

    private boolean isHeld(int vector) {
        return isHeldByGuest(vector) || asleep || destroyed;
    }

    /**
     * Opens or closes a vector, as the state says; after a close no message is under way.
     *
     * @return true if the caller has to send what was pending, once it holds no lock
     */
    final boolean settle(int vector) {
        boolean held = isHeld(vector);
        if (enabled && !held) {
            return vectors.open(vector);
        }
        vectors.close(vector, !enabled, held);
        vectors.awaitQuiet(vector);
        return false;
    }

    /** Does so for all, and {@return which were pending, 64 to a word}. */
    final long[] settleAll() {
        int count = vectors.count();
        long[] taken = new long[words(count)];
        for (int vector = 0; vector < count; vector++) {
            boolean held = isHeld(vector);
            if (!enabled || held) {
                vectors.close(vector, !enabled, held);
            } else if (vectors.open(vector)) {
                taken[vector / Long.SIZE] |= 1L << vector;
            }
        }
        for (int vector = 0; vector < count; vector++) {
            if (!enabled || isHeld(vector)) {
                vectors.awaitQuiet(vector);
            }
        }
        return taken;
    }

    /** Words of 64 bits for so many vectors. */
    static int words(int count) {
        return (count + Long.SIZE - 1) / Long.SIZE;
    }

    /** Sends what was pending, in the order of the vectors. With no lock held. */
    final void send(MessageVectors from, long[] taken) {
        for (int word = 0; word < taken.length; word++) {
            for (long bits = taken[word]; bits != 0; bits &= bits - 1) {
                int vector = word * Long.SIZE + Long.numberOfTrailingZeros(bits);
                report(vector, from.sendTaken(vector));
            }
        }
    }

    // Configuration space.

    @Override
    public void setCapMapping(PciCapMapping newMapping) {
        mapping = newMapping;
    }

    final @Nullable PciCapMapping mapping() {
        return mapping;
    }

    /** What is not a guest's write has changed the registers. */
    private void publish() {
        PciCapMapping target = mapping;
        if (target != null) {
            for (int register = 0; register < registers(); register++) {
                int live = readMask(register);
                if (live != 0) {
                    target.setRegister(register, readRegister(register), live);
                }
            }
        }
        enableListener.run();
    }

    // Life cycle.

    /**
     * The function is reset: registers as at power-on, nothing pending; all handles go back to the
     * router.
     */
    @Override
    public void reset() {
        synchronized (lock) {
            enabled = false;
            clearRegisters();
            settleAll();
            routes.releaseAll();
            for (int vector = 0; vector < vectors.count(); vector++) {
                vectors.setPending(vector, false);
            }
        }
        publish();
    }

    /**
     * The function is gone: all handles go back to the router, the last vector's first, whatever
     * the router says. From here on nothing is sent and nothing allocated. Idempotent.
     */
    public void destroy() {
        synchronized (lock) {
            destroyed = true;
            settleAll();
            routes.releaseAll();
        }
    }

    /** Keeps messages back: a trigger sets the pending bit until {@link #wake}. */
    @Override
    public void sleep() {
        synchronized (lock) {
            if (!asleep) {
                asleep = true;
                settleAll();
            }
        }
    }

    /** Sends what became pending during sleep, where it may be sent. */
    @Override
    public void wake() {
        long[] taken;
        MessageVectors now;
        synchronized (lock) {
            if (!asleep) {
                return;
            }
            asleep = false;
            now = vectors;
            taken = settleAll();
        }
        send(now, taken);
        pendingChanged();
    }

    /** The part of a snapshot that says whose it is. With the lock held. */
    final Snapshot.Builder saveRoutes(Snapshot.Builder builder) {
        MsiSource source = routes.source();
        return builder.put("handles", routes.handlesAsLongs())
                .put("label", source.label())
                .put("pciId", source.pciId())
                .put("requesterId", source.requesterId());
    }

    /**
     * Takes over the snapshot's state, the function's label and ids included: all handles go back
     * to the router, and the snapshot's are asked for. All or nothing.
     *
     * @throws SnapshotException with an {@link MsixException} as its cause
     */
    @Override
    public void restore(Snapshot snapshot) {
        Supplier<@Nullable MsixException> replacement;
        try {
            replacement = parse(snapshot);
        } catch (SnapshotException | PciException e) {
            throw refused(
                    new MsixException(
                            MsixError.INVALID_SNAPSHOT,
                            label,
                            MsixException.NONE,
                            MsixException.NONE,
                            "the snapshot cannot be of a function's " + kind,
                            e));
        }
        long[] taken;
        MessageVectors now;
        MsixException failure;
        synchronized (lock) {
            if (destroyed) {
                throw new IllegalStateException(label + ": " + kind + " is destroyed");
            }
            failure = replacement.get();
            now = vectors;
            taken = settleAll();
        }
        send(now, taken);
        if (failure != null) {
            throw refused(failure);
        }
        publish();
    }

    /**
     * Takes over other routes; the vectors are then new ones. With the lock held.
     *
     * @param adopt called if that succeeded, to take over the registers
     * @return why not, and the state is as before; null if it succeeded
     */
    final @Nullable MsixException replaceRoutes(
            MsiSource source, int[] handles, IntFunction<MsiMessage> messages, Runnable adopt) {
        boolean wasEnabled = enabled;
        enabled = false;
        settleAll();
        BitSet lost = new BitSet();
        try {
            routes.replaceAll(source, handles, messages, this::message, lost);
        } catch (MsixException e) {
            // Vectors that another function has taken the handle of meanwhile wait for the guest.
            lost.stream().forEach(this::giveUp);
            enabled = wasEnabled;
            return e;
        }
        vectors = routes.vectors();
        label = source.label();
        adopt.run();
        return null;
    }

    private static SnapshotException refused(MsixException why) {
        SnapshotException e = new SnapshotException(String.valueOf(why.getMessage()));
        e.initCause(why);
        return e;
    }
}
