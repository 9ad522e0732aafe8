package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.pci.MessageVectors.Outcome;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The MSI-X capability, table and pending bit array of one function (PCIe 6.0 §7.7.2, §6.1.4): a
 * state machine over an {@link MsiRouter}.
 *
 * <p>A vector is <em>usable</em> while MSI-X is enabled, the function is not masked, and its entry
 * is not masked. A vector that becomes usable for the first time gets a handle from the router and
 * a route, the message of its entry; both stay when it is masked again. A trigger of a usable
 * vector signals the handle; any other trigger sets the pending bit, and the message goes out,
 * once, when the vector is usable. A trigger that follows the return of a guest's write to a mask
 * never sends.
 *
 * <p>Any thread. {@link #trigger} takes no lock, and allocates nothing unless it goes wrong; all
 * other methods take the function's lock for a short time, and the router is never signalled with
 * that lock held. Nothing that a guest or a device can do throws: an access that is not a whole
 * aligned dword or qword within the table reads 0 and writes nothing.
 */
public final class MsixConfig implements Suspendable, PciCapConfig {
    /** The greatest number of vectors (PCIe 6.0 §7.7.2.2). */
    public static final int MAX_VECTORS = MsixCapability.MAX_VECTORS;

    /** Bytes of one table entry. */
    public static final int ENTRY_BYTES = MsixCapability.ENTRY_BYTES;

    private static final String TYPE = "pci-msix";
    private static final int VERSION = 1;

    private static final int CAPABILITY_REGISTERS = 3;

    /** Message Control is the upper half of the capability's first register. */
    private static final int ENABLE = 1 << 31;

    private static final int FUNCTION_MASK = 1 << 30;

    /** The byte of the capability with both bits, and the bits' place in it. */
    private static final int CONTROL_BYTE = 3;

    private static final int ENABLE_IN_BYTE = 0x80;
    private static final int FUNCTION_MASK_IN_BYTE = 0x40;

    private static final long LOW = 0xffff_ffffL;

    private final GuestLog dropped = new GuestLog();
    private final Object lock = new Object();

    private final MsiRouter router;
    private final MessageRoutes routes;
    private MsixTable table;
    private boolean asleep;
    private boolean destroyed;
    private volatile boolean fixedVectors;

    /** Written with the lock held; read by devices without. */
    private volatile MessageVectors vectors;

    private volatile boolean enabled;
    private volatile boolean functionMasked;
    private volatile String label;
    private volatile @Nullable PciCapMapping mapping;
    private volatile Runnable enableListener = () -> {};

    private MsixConfig(int count, MsiRouter router, MsiSource source) {
        this.router = router;
        label = source.label();
        routes = new MessageRoutes(router, source, count);
        vectors = routes.vectors();
        table = new MsixTable(count);
    }

    /**
     * Makes the MSI-X state of a function: disabled, not masked, all entries zero and masked.
     *
     * @param vectors how many vectors the function has, 1..2048
     * @param router where handles and routes come from
     * @param source the function, as the router is to know it
     * @return the state
     * @throws PciException if the number of vectors is outside that range
     */
    public static MsixConfig create(int vectors, MsiRouter router, MsiSource source) {
        if (vectors < 1 || vectors > MAX_VECTORS) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    source.label(),
                    "expected 1.." + MAX_VECTORS + " MSI-X vectors, got " + vectors);
        }
        return new MsixConfig(vectors, router, source);
    }

    /** {@return how many vectors there are} */
    public int numVectors() {
        return vectors.count();
    }

    /** {@return bytes of the table: 16 for each vector} */
    public int tableBytes() {
        return numVectors() * ENTRY_BYTES;
    }

    /** {@return bytes of the pending bit array: 8 for every 64 vectors} */
    public int pbaBytes() {
        return pbaWords(numVectors()) * Long.BYTES;
    }

    private static int pbaWords(int count) {
        return (count + Long.SIZE - 1) / Long.SIZE;
    }

    /** {@return the function's label; a restore may have replaced it} */
    public String label() {
        return label;
    }

    /** {@return the MSI-X Enable bit} */
    public boolean isEnabled() {
        return enabled;
    }

    /** {@return the Function Mask bit} */
    public boolean isMasked() {
        return functionMasked;
    }

    /**
     * Gives the mask bit of a table entry.
     *
     * @param vector any number
     * @return the bit; true for a vector that there is not
     */
    public boolean isTableMasked(int vector) {
        synchronized (lock) {
            return vector < 0 || vector >= table.count() || table.isMasked(vector);
        }
    }

    /**
     * Gives the pending bit of a vector.
     *
     * @param vector any number
     * @return the bit; false for a vector that there is not
     */
    public boolean isPending(int vector) {
        MessageVectors now = vectors;
        return vector >= 0 && vector < now.count() && now.isPending(vector);
    }

    /**
     * Gives the router's handle of a vector, for a consumer that signals it by itself; see {@link
     * MsixStatus} for when it may.
     *
     * @param vector any number
     * @return the handle; none before the vector is first usable, and for a vector that there is
     *     not
     */
    public OptionalInt handle(int vector) {
        synchronized (lock) {
            return vector < 0 || vector >= table.count() || routes.handle(vector) < 0
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
            for (int vector = 0; vector < table.count(); vector++) {
                if (routes.handle(vector) >= 0) {
                    routes.reroute(vector, table.message(vector));
                }
            }
        }
    }

    /**
     * Ties the number of vectors to a capability that says it too: from here on a snapshot with
     * another number is refused. Otherwise a restore adopts the snapshot's.
     */
    public void fixVectors() {
        fixedVectors = true;
    }

    /**
     * Names what is to be called after MSI-X has been enabled or disabled, with no lock held.
     *
     * @param listener replaces the one before
     */
    public void onEnableChange(Runnable listener) {
        enableListener = listener;
    }

    // The device's side.

    /**
     * The device wants an interrupt: a message if the vector is usable, else the pending bit. Does
     * not wait, takes no lock.
     *
     * @param vector the vector; one that there is not is dropped and counted
     */
    public void trigger(int vector) {
        MessageVectors now = vectors;
        if (vector < 0 || vector >= now.count()) {
            noSuchVector(vector);
            return;
        }
        report(vector, now.trigger(vector, true));
    }

    /**
     * As {@link #trigger} while MSI-X is enabled. While it is not, does nothing, so that the caller
     * can use another kind of interrupt; the test and the trigger are one step.
     *
     * @param vector the vector; one that there is not is dropped and counted
     * @return false if MSI-X is disabled
     */
    public boolean triggerIfEnabled(int vector) {
        MessageVectors now = vectors;
        if (vector < 0 || vector >= now.count()) {
            if (!enabled) {
                return false;
            }
            noSuchVector(vector);
            return true;
        }
        Outcome outcome = now.trigger(vector, false);
        report(vector, outcome);
        return outcome != Outcome.OFF;
    }

    /**
     * What the device wanted to tell with a vector is no longer so, because software has seen to it
     * in another way: clears the pending bit (PCIe 6.0 §6.1.4.6).
     *
     * @param vector the vector; ignored if there is no such
     */
    public void clearPending(int vector) {
        MessageVectors now = vectors;
        if (vector >= 0 && vector < now.count()) {
            now.setPending(vector, false);
        }
    }

    private void report(int vector, Outcome outcome) {
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

    private void noSuchVector(int vector) {
        dropped.warn(
                label,
                () -> "expected a vector of 0.." + (numVectors() - 1) + ", triggered " + vector);
    }

    // The guest's side: capability.

    /**
     * Puts the two live bits into the capability's first register.
     *
     * @param register the register as configuration space has it
     * @return the register with the bits MSI-X Enable and Function Mask as they are
     */
    public int readMsixCapability(int register) {
        return register & ~(ENABLE | FUNCTION_MASK)
                | (enabled ? ENABLE : 0)
                | (functionMasked ? FUNCTION_MASK : 0);
    }

    /**
     * A write to the capability. Of all its bits a guest can change two, both in one byte; a write
     * of any shape that has this byte counts.
     *
     * @param offset the offset from the capability's begin, in bytes
     * @param size bytes written, 1..8
     * @param value the value, little-endian
     * @return what changed for consumers; enabling and disabling alone are {@code NothingToDo}
     */
    public MsixStatus writeMsixCapability(int offset, int size, long value) {
        if (offset < 0 || offset > CONTROL_BYTE || offset + size <= CONTROL_BYTE) {
            return MsixStatus.NothingToDo.INSTANCE;
        }
        int control = (int) (value >>> (CONTROL_BYTE - offset) * Byte.SIZE);
        return writeControl(
                (control & ENABLE_IN_BYTE) != 0, (control & FUNCTION_MASK_IN_BYTE) != 0);
    }

    private MsixStatus writeControl(boolean enable, boolean mask) {
        long[] taken;
        MessageVectors now;
        boolean wasEnabled;
        boolean wasMasked;
        synchronized (lock) {
            wasEnabled = enabled;
            wasMasked = functionMasked;
            if (enable == wasEnabled && mask == wasMasked) {
                return MsixStatus.NothingToDo.INSTANCE;
            }
            enabled = enable;
            functionMasked = mask;
            if (enable && !destroyed) {
                prepareAll(wasEnabled);
            }
            now = vectors;
            taken = settleAll();
        }
        send(now, taken);
        if (enabled != wasEnabled) {
            enableListener.run();
        }
        return mask == wasMasked ? MsixStatus.NothingToDo.INSTANCE : MsixStatus.Changed.INSTANCE;
    }

    /**
     * Sees to the routes of all vectors, before any of them sends. What the guest changed while
     * MSI-X was disabled is brought to the router even for masked vectors. If enabling fails MSI-X
     * stays disabled; if a vector fails when the function is unmasked, it is masked again.
     */
    private void prepareAll(boolean wasEnabled) {
        for (int vector = 0; vector < table.count(); vector++) {
            boolean usable = !functionMasked && !table.isMasked(vector);
            if (usable) {
                if (!routes.prepare(vector, table.message(vector))) {
                    if (!wasEnabled) {
                        enabled = false;
                        return;
                    }
                    table.mask(vector, true);
                }
            } else if (routes.isStale(vector)) {
                routes.reroute(vector, table.message(vector));
            }
        }
    }

    // The guest's side: table.

    /**
     * A load from the table.
     *
     * @param offset from the table's begin, in bytes, unsigned
     * @param size bytes
     * @return the value; 0 unless it is an aligned dword or qword of an entry
     */
    public long readMsixTable(long offset, int size) {
        synchronized (lock) {
            int word = table.word(offset, size);
            return word < 0 ? 0 : table.read(word, offset, size);
        }
    }

    /**
     * A store to the table. Message and mask that come in one write change in one step.
     *
     * @param offset from the table's begin, in bytes, unsigned
     * @param size bytes
     * @param value the value, little-endian
     * @return what changed for consumers; {@code NothingToDo} unless it is an aligned dword or
     *     qword of an entry
     */
    public MsixStatus writeMsixTable(long offset, int size, long value) {
        boolean taken;
        boolean changed;
        MessageVectors now;
        int vector;
        synchronized (lock) {
            int word = table.word(offset, size);
            if (word < 0) {
                return MsixStatus.NothingToDo.INSTANCE;
            }
            vector = word / 2;
            now = vectors;
            boolean wasMasked = table.isMasked(vector);
            store(vector, word, table.merged(word, offset, size, value));
            changed = table.isMasked(vector) != wasMasked && !functionMasked;
            if (changed && wasMasked && isLive()) {
                if (!routes.prepare(vector, table.message(vector))) {
                    table.mask(vector, true);
                }
            } else if (routes.isStale(vector) && isLive()) {
                routes.reroute(vector, table.message(vector));
            }
            taken = settle(vector);
        }
        if (taken) {
            report(vector, now.sendTaken(vector));
        }
        return changed ? new MsixStatus.EntryChanged(vector) : MsixStatus.NothingToDo.INSTANCE;
    }

    private boolean isLive() {
        return enabled && !destroyed;
    }

    private void store(int vector, int word, long value) {
        long old = table.get(word);
        if (value == old) {
            return;
        }
        if (MsixTable.isControl(word) && MsixTable.isMasked(value)) {
            // Before the message may change: none goes out half old and half new.
            table.mask(vector, true);
            settle(vector);
        }
        table.store(word, value);
        if (!MsixTable.isControl(word) || (int) value != (int) old) {
            routes.messageChanged(vector);
        }
    }

    // The guest's side: pending bits.

    /**
     * A load from the pending bit array.
     *
     * @param offset from the array's begin, in bytes, unsigned
     * @param size bytes
     * @return the bits; 0 unless it is an aligned dword or qword
     */
    public long readPbaEntries(long offset, int size) {
        MessageVectors now = vectors;
        boolean aligned = (size == 4 || size == 8) && (offset & size - 1) == 0;
        long word = offset >>> 3;
        if (!aligned || word >= pbaWords(now.count())) {
            return 0;
        }
        long bits = now.pendingWord((int) word);
        return size == Long.BYTES ? bits : bits >>> (offset & 4) * Byte.SIZE & LOW;
    }

    /**
     * A store to the pending bit array: has no effect (PCIe 6.0 §7.7.2.9).
     *
     * @param offset from the array's begin, in bytes, unsigned
     * @param size bytes
     * @param value the value
     */
    public void writePbaEntries(long offset, int size, long value) {}

    // Which vectors may send. With the lock held.

    private boolean isHeld(int vector) {
        return functionMasked || table.isMasked(vector) || asleep || destroyed;
    }

    /**
     * Opens or closes a vector, as the state says; after a close no message is under way.
     *
     * @return true if the caller has to send what was pending, once it holds no lock
     */
    private boolean settle(int vector) {
        boolean held = isHeld(vector);
        if (enabled && !held) {
            return vectors.open(vector);
        }
        vectors.close(vector, !enabled, held);
        vectors.awaitQuiet(vector);
        return false;
    }

    /** Does so for all, and {@return which were pending, 64 to a word}. */
    private long[] settleAll() {
        int count = table.count();
        long[] taken = new long[pbaWords(count)];
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

    /** Sends what was pending, in the order of the vectors. With no lock held. */
    private void send(MessageVectors from, long[] taken) {
        for (int word = 0; word < taken.length; word++) {
            for (long bits = taken[word]; bits != 0; bits &= bits - 1) {
                int vector = word * Long.SIZE + Long.numberOfTrailingZeros(bits);
                report(vector, from.sendTaken(vector));
            }
        }
    }

    // Configuration space.

    /**
     * Makes the capability to add to configuration space, with this object as its live part.
     *
     * @param tableBar the BAR that the table lies in, 0..5
     * @param tableOffset where in that BAR the table begins, a multiple of 8
     * @param pbaBar the BAR that the pending bit array lies in, 0..5
     * @param pbaOffset where in that BAR the array begins, a multiple of 8
     * @return the capability
     * @throws PciException if a number is outside its range, or the two overlap
     */
    public MsixCapability capability(int tableBar, long tableOffset, int pbaBar, long pbaOffset) {
        return new MsixCapability(numVectors(), tableBar, tableOffset, pbaBar, pbaOffset);
    }

    @Override
    public int registers() {
        return CAPABILITY_REGISTERS;
    }

    @Override
    public int readMask(int register) {
        return register == 0 ? ENABLE | FUNCTION_MASK : 0;
    }

    @Override
    public int readRegister(int register) {
        return register == 0 ? readMsixCapability(0) : 0;
    }

    /** {@inheritDoc} The result is always an {@link MsixStatus}. */
    @Override
    public MsixStatus writeRegister(int register, int offset, int size, int value) {
        return register == 0
                ? writeMsixCapability(offset, size, value & LOW)
                : MsixStatus.NothingToDo.INSTANCE;
    }

    @Override
    public void setCapMapping(PciCapMapping newMapping) {
        mapping = newMapping;
    }

    /** What is not a guest's write has changed the two bits. */
    private void publish() {
        PciCapMapping target = mapping;
        if (target != null) {
            target.setRegister(0, readMsixCapability(0), ENABLE | FUNCTION_MASK);
        }
        enableListener.run();
    }

    // Life cycle.

    /**
     * The function is reset: disabled, not masked, all entries zero and masked, nothing pending;
     * all handles go back to the router.
     */
    @Override
    public void reset() {
        synchronized (lock) {
            enabled = false;
            functionMasked = false;
            table.reset();
            settleAll();
            routes.releaseAll();
            for (int vector = 0; vector < table.count(); vector++) {
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
    }

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            int count = table.count();
            long[] pending = new long[pbaWords(count)];
            for (int word = 0; word < pending.length; word++) {
                pending[word] = vectors.pendingWord(word);
            }
            MsiSource source = routes.source();
            return Snapshot.builder(TYPE, VERSION)
                    .put("vectors", count)
                    .put("enabled", enabled)
                    .put("masked", functionMasked)
                    .put("table", table.words())
                    .put("pending", pending)
                    .put("handles", routes.handlesAsLongs())
                    .put("label", source.label())
                    .put("pciId", source.pciId())
                    .put("requesterId", source.requesterId())
                    .build();
        }
    }

    /**
     * Gives the number of vectors of a snapshot, for a function that must refuse one that is not
     * its capability's.
     *
     * @param snapshot what {@link #snapshot} gave
     * @return the number
     * @throws SnapshotException if it is of something else, or the number cannot be
     */
    public static int numVectors(Snapshot snapshot) {
        return snapshot.expect(TYPE, VERSION).getInt("vectors", 1, MAX_VECTORS);
    }

    /**
     * Takes over the snapshot's vectors, their number and the function's label and ids included:
     * all handles go back to the router, and the snapshot's are asked for. All or nothing.
     *
     * @throws SnapshotException with an {@link MsixException} as its cause
     */
    @Override
    public void restore(Snapshot snapshot) {
        MsixState state;
        try {
            int count = numVectors(snapshot);
            if (fixedVectors && count != numVectors()) {
                throw new SnapshotException("expected " + numVectors() + " vectors, got " + count);
            }
            state = new MsixState(snapshot, count);
        } catch (SnapshotException | PciException e) {
            throw refused(
                    new MsixException(
                            MsixError.INVALID_SNAPSHOT,
                            label,
                            MsixException.NONE,
                            MsixException.NONE,
                            "the snapshot cannot be of a function's MSI-X",
                            e));
        }
        long[] taken;
        MessageVectors now;
        MsixException failure;
        synchronized (lock) {
            if (destroyed) {
                throw new IllegalStateException(label + ": MSI-X is destroyed");
            }
            failure = replace(state);
            now = vectors;
            taken = settleAll();
        }
        send(now, taken);
        if (failure != null) {
            throw refused(failure);
        }
        publish();
    }

    /** Takes over a snapshot, or {@return why not}, and the state is as before. */
    private @Nullable MsixException replace(MsixState state) {
        boolean wasEnabled = enabled;
        enabled = false;
        settleAll();
        BitSet lost = new BitSet();
        try {
            routes.replaceAll(
                    state.source, state.handles, state.table::message, table::message, lost);
        } catch (MsixException e) {
            // Vectors that another function has taken the handle of meanwhile wait for the guest.
            lost.stream().forEach(vector -> table.mask(vector, true));
            enabled = wasEnabled;
            return e;
        }
        vectors = routes.vectors();
        label = state.source.label();
        table = state.table;
        for (int vector = 0; vector < table.count(); vector++) {
            vectors.setPending(vector, state.pending.get(vector));
        }
        enabled = state.enabled;
        functionMasked = state.masked;
        return null;
    }

    private static SnapshotException refused(MsixException why) {
        SnapshotException e = new SnapshotException(String.valueOf(why.getMessage()));
        e.initCause(why);
        return e;
    }
}
