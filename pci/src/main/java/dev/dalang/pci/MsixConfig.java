package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.pci.MessageVectors.Outcome;

import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

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
public final class MsixConfig extends MessageConfig {
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

    private MsixTable table;
    private volatile boolean functionMasked;
    private volatile boolean fixedVectors;

    private MsixConfig(int count, MsiRouter router, MsiSource source) {
        super("MSI-X", count, router, source);
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
        return words(numVectors()) * Long.BYTES;
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
     * Ties the number of vectors to a capability that says it too: from here on a snapshot with
     * another number is refused. Otherwise a restore adopts the snapshot's.
     */
    public void fixVectors() {
        fixedVectors = true;
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
            if (isLive()) {
                prepareAll(wasEnabled);
            }
            now = vectors;
            taken = settleAll();
        }
        send(now, taken);
        if (enabled != wasEnabled) {
            enableChanged();
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
        if (!aligned || word >= words(now.count())) {
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

    // What MSI and MSI-X have in common asks for. With the lock held.

    @Override
    boolean isHeldByGuest(int vector) {
        return functionMasked || table.isMasked(vector);
    }

    @Override
    MsiMessage message(int vector) {
        return table.message(vector);
    }

    @Override
    void giveUp(int vector) {
        table.mask(vector, true);
    }

    @Override
    void clearRegisters() {
        functionMasked = false;
        table.reset();
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

    // Life cycle.

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            int count = table.count();
            long[] pending = new long[words(count)];
            for (int word = 0; word < pending.length; word++) {
                pending[word] = vectors.pendingWord(word);
            }
            return saveRoutes(
                            Snapshot.builder(TYPE, VERSION)
                                    .put("vectors", count)
                                    .put("enabled", enabled)
                                    .put("masked", functionMasked)
                                    .put("table", table.words())
                                    .put("pending", pending))
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

    /** {@inheritDoc} So is the number of vectors, unless it is fixed. */
    @Override
    public void restore(Snapshot snapshot) {
        super.restore(snapshot);
    }

    @Override
    Supplier<@Nullable MsixException> parse(Snapshot snapshot) {
        int count = numVectors(snapshot);
        if (fixedVectors && count != numVectors()) {
            throw new SnapshotException("expected " + numVectors() + " vectors, got " + count);
        }
        MsixState state = new MsixState(snapshot, count);
        return () ->
                replaceRoutes(
                        state.source, state.handles, state.table::message, () -> adopt(state));
    }

    private void adopt(MsixState state) {
        table = state.table;
        for (int vector = 0; vector < table.count(); vector++) {
            vectors.setPending(vector, state.pending.get(vector));
        }
        enabled = state.enabled;
        functionMasked = state.masked;
    }
}
