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

/**
 * The MSI capability of one function (PCIe 6.0 §7.7.1), with a message address of 32 or 64 bits,
 * with or without mask and pending bits, for 1 to 32 vectors: a state machine over an {@link
 * MsiRouter}.
 *
 * <p>The guest gives one address, one 16-bit data value, and the number of messages; the function
 * replaces the low bits of the data by the message's number. Where the guest grants fewer messages
 * than there are vectors, vectors share them: vector {@code v} sends message {@code v} modulo their
 * number. Mask and pending bits belong to messages.
 *
 * <p>While MSI is disabled a trigger does nothing. Handles are asked for when a message is first
 * usable, and kept when MSI is disabled. Threads as for {@link MsixConfig}.
 */
public final class MsiConfig implements Suspendable, PciCapConfig {
    /** The greatest number of vectors. */
    public static final int MAX_VECTORS = 32;

    private static final String TYPE = "pci-msi";
    private static final int VERSION = 1;

    /** Message Control is the upper half of the capability's first register (§7.7.1.2). */
    private static final int ENABLE = 1 << 16;

    private static final int MULTIPLE_MESSAGE_ENABLE_SHIFT = 20;
    private static final int MULTIPLE_MESSAGE_ENABLE = 7 << MULTIPLE_MESSAGE_ENABLE_SHIFT;

    private static final int LOWER_ADDRESS_REGISTER = 1;
    private static final int UPPER_ADDRESS_REGISTER = 2;
    private static final int DATA_MASK = 0xffff;
    private static final long LOW = 0xffff_ffffL;

    private final int vectorBits;
    private final boolean address64;
    private final boolean maskable;
    private final int dataRegister;
    private final GuestLog dropped = new GuestLog();
    private final Object lock = new Object();
    private final MsiRouter router;
    private final MessageRoutes routes;

    /** Written with the lock held; read by devices without. */
    private volatile MessageVectors vectors;

    private volatile boolean enabled;
    private volatile int grantedBits;
    private volatile String label;
    private volatile @Nullable PciCapMapping mapping;
    private volatile Runnable enableListener = () -> {};

    private long address;
    private int data;
    private int masks;
    private boolean asleep;
    private boolean destroyed;

    private MsiConfig(
            int count, boolean address64, boolean maskable, MsiRouter router, MsiSource source) {
        vectorBits = Integer.numberOfTrailingZeros(count);
        this.address64 = address64;
        this.maskable = maskable;
        dataRegister = address64 ? 3 : 2;
        this.router = router;
        label = source.label();
        routes = new MessageRoutes(router, source, count);
        vectors = routes.vectors();
    }

    /**
     * Makes the MSI state of a function: disabled, everything 0.
     *
     * @param vectors how many vectors the function asks for: 1, 2, 4, 8, 16 or 32
     * @param address64 whether the message address has 64 bits
     * @param maskable whether there are mask and pending bits
     * @param router where handles and routes come from
     * @param source the function, as the router is to know it
     * @return the state
     * @throws PciException if the number of vectors is none of those
     */
    public static MsiConfig create(
            int vectors, boolean address64, boolean maskable, MsiRouter router, MsiSource source) {
        if (vectors < 1 || vectors > MAX_VECTORS || Integer.bitCount(vectors) != 1) {
            throw new PciException(
                    PciException.Kind.INVALID_VALUE,
                    source.label(),
                    "expected 1, 2, 4, 8, 16 or 32 MSI vectors, got " + vectors);
        }
        return new MsiConfig(vectors, address64, maskable, router, source);
    }

    /** {@return how many vectors the function asks for} */
    public int numVectors() {
        return 1 << vectorBits;
    }

    /** {@return how many messages the guest has granted} */
    public int grantedVectors() {
        return 1 << grantedBits;
    }

    /** {@return the MSI Enable bit} */
    public boolean isEnabled() {
        return enabled;
    }

    /** {@return the mask bits, of message 0 in bit 0} */
    public int masks() {
        synchronized (lock) {
            return masks;
        }
    }

    /** {@return the pending bits, of message 0 in bit 0} */
    public int pending() {
        return (int) vectors.pendingWord(0);
    }

    /**
     * Gives the router's handle of a message.
     *
     * @param message any number
     * @return the handle; none before the message is first usable, and for one that there is not
     */
    public OptionalInt handle(int message) {
        synchronized (lock) {
            return message < 0 || message >= numVectors() || routes.handle(message) < 0
                    ? OptionalInt.empty()
                    : OptionalInt.of(routes.handle(message));
        }
    }

    /** {@return what the router answered when something last failed for a guest's sake} */
    public Optional<MsixException> lastError() {
        return Optional.ofNullable(routes.lastError());
    }

    /** {@return how many triggers were dropped while MSI was enabled} */
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
            for (int message = 0; message < numVectors(); message++) {
                if (routes.handle(message) >= 0) {
                    routes.reroute(message, message(message));
                }
            }
        }
    }

    /**
     * Names what is to be called after MSI has been enabled or disabled, with no lock held.
     *
     * @param listener replaces the one before
     */
    public void onEnableChange(Runnable listener) {
        enableListener = listener;
    }

    // The device's side.

    /**
     * The device wants an interrupt: a message, or the pending bit if it is masked; nothing while
     * MSI is disabled. Takes no lock.
     *
     * @param vector the vector; one that there is not is dropped and counted
     */
    public void trigger(int vector) {
        if (!triggerIfEnabled(vector) && enabled) {
            // Enabled just now: the second look decides.
            triggerIfEnabled(vector);
        }
    }

    /**
     * As {@link #trigger}, and tells whether MSI is enabled.
     *
     * @param vector the vector; one that there is not is dropped and counted
     * @return false if MSI is disabled, and nothing was done
     */
    public boolean triggerIfEnabled(int vector) {
        if (!enabled) {
            return false;
        }
        if (vector < 0 || vector >= numVectors()) {
            dropped.warn(
                    label,
                    () ->
                            "expected a vector of 0.."
                                    + (numVectors() - 1)
                                    + ", triggered "
                                    + vector);
            return true;
        }
        int message = vector & grantedVectors() - 1;
        Outcome outcome = vectors.trigger(message, false);
        if (outcome == Outcome.PENDED) {
            publishPending();
        } else {
            report(message, outcome);
        }
        return outcome != Outcome.OFF;
    }

    /**
     * What the device wanted to tell is no longer so: clears the pending bit of the vector's
     * message.
     *
     * @param vector the vector; ignored if there is no such
     */
    public void clearPending(int vector) {
        if (vector >= 0 && vector < numVectors()) {
            vectors.setPending(vector & grantedVectors() - 1, false);
            publishPending();
        }
    }

    private void report(int message, Outcome outcome) {
        if (outcome == Outcome.NO_ROUTE || outcome == Outcome.REFUSED) {
            dropped.warn(
                    label,
                    () ->
                            "message "
                                    + message
                                    + (outcome == Outcome.NO_ROUTE
                                            ? " has no route"
                                            : ": nothing took it"));
        }
    }

    // Configuration space.

    /** {@return the capability to add to configuration space, with this object as its live part} */
    public MsiCapability capability() {
        return new MsiCapability(numVectors(), address64, maskable);
    }

    @Override
    public int registers() {
        return dataRegister + (maskable ? 3 : 1);
    }

    @Override
    public int readMask(int register) {
        if (register == 0) {
            return ENABLE | MULTIPLE_MESSAGE_ENABLE;
        }
        return register == dataRegister ? DATA_MASK : -1;
    }

    @Override
    public int readRegister(int register) {
        synchronized (lock) {
            if (register == 0) {
                return (enabled ? ENABLE : 0) | grantedBits << MULTIPLE_MESSAGE_ENABLE_SHIFT;
            }
            if (register == LOWER_ADDRESS_REGISTER) {
                return (int) address;
            }
            if (address64 && register == UPPER_ADDRESS_REGISTER) {
                return (int) (address >>> 32);
            }
            if (register == dataRegister) {
                return data;
            }
            if (maskable && register == dataRegister + 1) {
                return masks;
            }
            return maskable && register == dataRegister + 2 ? pending() : 0;
        }
    }

    /** {@inheritDoc} The result is always an {@link MsiStatus}. */
    @Override
    public MsiStatus writeRegister(int register, int offset, int size, int value) {
        if (offset < 0 || size < 1 || offset + size > Integer.BYTES) {
            return MsiStatus.NOTHING_TO_DO;
        }
        int written = size == Integer.BYTES ? -1 : (1 << size * Byte.SIZE) - 1;
        int shift = offset * Byte.SIZE;
        return store(register, (value & written) << shift, written << shift);
    }

    private MsiStatus store(int register, int bits, int mask) {
        int taken;
        boolean wasEnabled;
        boolean isEnabled;
        MessageVectors now;
        synchronized (lock) {
            wasEnabled = enabled;
            int value = readRegister(register) & ~mask | bits;
            if (!(register == 0 ? storeControl(value) : storeMessage(register, value))) {
                return MsiStatus.NOTHING_TO_DO;
            }
            if (enabled && !destroyed) {
                prepareAll(wasEnabled);
            }
            isEnabled = enabled;
            now = vectors;
            taken = settleAll();
        }
        send(now, taken);
        publishPending();
        if (isEnabled != wasEnabled) {
            enableListener.run();
            return isEnabled ? MsiStatus.ENABLED : MsiStatus.DISABLED;
        }
        return isEnabled ? MsiStatus.CHANGED : MsiStatus.NOTHING_TO_DO;
    }

    private boolean storeControl(int value) {
        boolean enable = (value & ENABLE) != 0;
        // More than the function asked for, or an encoding that is reserved: all that it asked for.
        int bits =
                Math.min(
                        vectorBits,
                        (value & MULTIPLE_MESSAGE_ENABLE) >>> MULTIPLE_MESSAGE_ENABLE_SHIFT);
        boolean changed = enable != enabled || bits != grantedBits;
        if (bits != grantedBits) {
            quiet();
            grantedBits = bits;
            messagesChanged();
            foldPending();
        }
        enabled = enable;
        return changed;
    }

    private boolean storeMessage(int register, int value) {
        if (maskable && register == dataRegister + 1) {
            int allowed = (int) ((1L << numVectors()) - 1);
            boolean changed = masks != (value & allowed);
            masks = value & allowed;
            return changed;
        }
        long newAddress = address;
        int newData = data;
        if (register == LOWER_ADDRESS_REGISTER) {
            // Bits 1:0 are read-only zero (§7.7.1.3).
            newAddress = address & ~LOW | value & LOW & ~3L;
        } else if (address64 && register == UPPER_ADDRESS_REGISTER) {
            newAddress = address & LOW | (long) value << 32;
        } else if (register == dataRegister) {
            newData = value & DATA_MASK;
        }
        if (newAddress == address && newData == data) {
            return false;
        }
        address = newAddress;
        data = newData;
        messagesChanged();
        return true;
    }

    /** What was pending for a message that is granted no longer, is for the one in its place. */
    private void foldPending() {
        for (int message = grantedVectors(); message < numVectors(); message++) {
            if (vectors.isPending(message)) {
                vectors.setPending(message, false);
                vectors.setPending(message & grantedVectors() - 1, true);
            }
        }
    }

    private void messagesChanged() {
        for (int message = 0; message < numVectors(); message++) {
            routes.messageChanged(message);
        }
    }

    private MsiMessage message(int message) {
        int low = grantedVectors() - 1;
        return new MsiMessage(address, data & ~low | message & low);
    }

    // Which messages may be sent. With the lock held.

    /**
     * Sees to the routes of all messages that are granted. If that fails while MSI is being
     * enabled, MSI stays disabled; if it fails later, the message keeps the route it has.
     */
    private void prepareAll(boolean wasEnabled) {
        for (int message = 0; message < numVectors(); message++) {
            boolean usable = message < grantedVectors() && (masks >>> message & 1) == 0;
            if (usable) {
                if (!routes.prepare(message, message(message)) && !wasEnabled) {
                    enabled = false;
                    return;
                }
            } else if (routes.isStale(message)) {
                routes.reroute(message, message(message));
            }
        }
    }

    private boolean isHeld(int message) {
        return (masks >>> message & 1) != 0 || asleep || destroyed;
    }

    /** Stops all messages: none is under way when this returns. {@link #settleAll} goes on. */
    private void quiet() {
        for (int message = 0; message < numVectors(); message++) {
            vectors.close(message, !enabled, true);
        }
        for (int message = 0; message < numVectors(); message++) {
            vectors.awaitQuiet(message);
        }
    }

    /** Opens or closes each message as the state says, and {@return which were pending}. */
    private int settleAll() {
        int taken = 0;
        for (int message = 0; message < numVectors(); message++) {
            boolean held = isHeld(message);
            if (!enabled || held) {
                vectors.close(message, !enabled, held);
                vectors.awaitQuiet(message);
            } else if (vectors.open(message)) {
                taken |= 1 << message;
            }
        }
        return taken;
    }

    private void send(MessageVectors from, int taken) {
        for (int bits = taken; bits != 0; bits &= bits - 1) {
            int message = Integer.numberOfTrailingZeros(bits);
            report(message, from.sendTaken(message));
        }
    }

    @Override
    public void setCapMapping(PciCapMapping newMapping) {
        mapping = newMapping;
    }

    /**
     * Brings the pending bits to configuration space. Whoever changes them comes here afterwards,
     * and looks again until what it wrote is what they are: the last to write has written the
     * truth.
     */
    private void publishPending() {
        PciCapMapping target = mapping;
        if (!maskable || target == null) {
            return;
        }
        int bits;
        do {
            bits = pending();
            target.setRegister(dataRegister + 2, bits, -1);
        } while (bits != pending());
    }

    /** What is not a guest's write has changed the registers. */
    private void publish() {
        PciCapMapping target = mapping;
        if (target != null) {
            for (int register = 0; register < registers(); register++) {
                target.setRegister(register, readRegister(register), readMask(register));
            }
        }
        enableListener.run();
    }

    // Life cycle.

    /** The function is reset: everything 0; all handles go back to the router. */
    @Override
    public void reset() {
        synchronized (lock) {
            enabled = false;
            quiet();
            routes.releaseAll();
            grantedBits = 0;
            address = 0;
            data = 0;
            masks = 0;
            for (int message = 0; message < numVectors(); message++) {
                vectors.setPending(message, false);
            }
            settleAll();
        }
        publish();
    }

    /**
     * The function is gone: all handles go back to the router, the last message's first. From here
     * on nothing is sent and nothing allocated. Idempotent.
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
        int taken;
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
        publishPending();
    }

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            MsiSource source = routes.source();
            return Snapshot.builder(TYPE, VERSION)
                    .put("vectors", numVectors())
                    .put("enabled", enabled)
                    .put("granted", grantedBits)
                    .put("address", address)
                    .put("data", data)
                    .put("masks", masks & LOW)
                    .put("pending", pending() & LOW)
                    .put("handles", routes.handlesAsLongs())
                    .put("label", source.label())
                    .put("pciId", source.pciId())
                    .put("requesterId", source.requesterId())
                    .build();
        }
    }

    /**
     * Takes over the snapshot's state: all handles go back to the router, and the snapshot's are
     * asked for. All or nothing.
     *
     * @throws SnapshotException with an {@link MsixException} as its cause
     */
    @Override
    public void restore(Snapshot snapshot) {
        MsiState state;
        try {
            snapshot.expect(TYPE, VERSION);
            state = new MsiState(snapshot, vectorBits, address64, maskable);
        } catch (SnapshotException | PciException e) {
            throw refused(
                    new MsixException(
                            MsixError.INVALID_SNAPSHOT,
                            label,
                            MsixException.NONE,
                            MsixException.NONE,
                            "the snapshot cannot be of this function's MSI",
                            e));
        }
        int taken;
        MessageVectors now;
        MsixException failure;
        synchronized (lock) {
            if (destroyed) {
                throw new IllegalStateException(label + ": MSI is destroyed");
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
    private @Nullable MsixException replace(MsiState state) {
        boolean wasEnabled = enabled;
        enabled = false;
        quiet();
        try {
            routes.replaceAll(
                    state.source, state.handles, state::message, this::message, new BitSet());
        } catch (MsixException e) {
            enabled = wasEnabled;
            return e;
        }
        vectors = routes.vectors();
        label = state.source.label();
        enabled = state.enabled;
        grantedBits = state.granted;
        address = state.address;
        data = state.data;
        masks = state.masks;
        for (int message = 0; message < numVectors(); message++) {
            vectors.setPending(message, (state.pending >>> message & 1) != 0);
        }
        return null;
    }

    private static SnapshotException refused(MsixException why) {
        SnapshotException e = new SnapshotException(String.valueOf(why.getMessage()));
        e.initCause(why);
        return e;
    }
}
