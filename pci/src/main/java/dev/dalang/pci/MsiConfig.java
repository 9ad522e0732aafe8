package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.pci.MessageVectors.Outcome;

import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

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
public final class MsiConfig extends MessageConfig {
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

    private final int vectorBits;
    private final boolean address64;
    private final boolean maskable;
    private final int dataRegister;
    private volatile int grantedBits;
    private long address;
    private int data;
    private int masks;

    private MsiConfig(
            int count, boolean address64, boolean maskable, MsiRouter router, MsiSource source) {
        super("MSI", count, router, source);
        vectorBits = Integer.numberOfTrailingZeros(count);
        this.address64 = address64;
        this.maskable = maskable;
        dataRegister = address64 ? 3 : 2;
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
            noSuchVector(vector);
            return true;
        }
        int message = vector & grantedVectors() - 1;
        Outcome outcome = vectors.trigger(message, false);
        if (outcome == Outcome.PENDED) {
            pendingChanged();
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
            pendingChanged();
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
        long[] taken;
        boolean wasEnabled;
        boolean isEnabled;
        MessageVectors now;
        synchronized (lock) {
            wasEnabled = enabled;
            int value = readRegister(register) & ~mask | bits;
            if (!(register == 0 ? storeControl(value) : storeMessage(register, value))) {
                return MsiStatus.NOTHING_TO_DO;
            }
            if (isLive()) {
                prepareAll(wasEnabled);
            }
            isEnabled = enabled;
            now = vectors;
            taken = settleAll();
        }
        send(now, taken);
        pendingChanged();
        if (isEnabled != wasEnabled) {
            enableChanged();
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

    @Override
    MsiMessage message(int message) {
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

    @Override
    boolean isHeldByGuest(int message) {
        return (masks >>> message & 1) != 0;
    }

    /** Does nothing: not every function has masks. A message without a handle is dropped. */
    @Override
    void giveUp(int message) {}

    @Override
    void clearRegisters() {
        grantedBits = 0;
        address = 0;
        data = 0;
        masks = 0;
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

    /**
     * Brings the pending bits to configuration space. Whoever changes them comes here afterwards,
     * and looks again until what it wrote is what they are: the last to write has written the
     * truth.
     */
    @Override
    void pendingChanged() {
        PciCapMapping target = mapping();
        if (!maskable || target == null) {
            return;
        }
        int bits;
        do {
            bits = pending();
            target.setRegister(dataRegister + 2, bits, -1);
        } while (bits != pending());
    }

    // Life cycle.

    @Override
    public Snapshot snapshot() {
        synchronized (lock) {
            return saveRoutes(
                            Snapshot.builder(TYPE, VERSION)
                                    .put("vectors", numVectors())
                                    .put("enabled", enabled)
                                    .put("granted", grantedBits)
                                    .put("address", address)
                                    .put("data", data)
                                    .put("masks", masks & LOW)
                                    .put("pending", pending() & LOW))
                    .build();
        }
    }

    @Override
    Supplier<@Nullable MsixException> parse(Snapshot snapshot) {
        snapshot.expect(TYPE, VERSION);
        MsiState state = new MsiState(snapshot, vectorBits, address64, maskable);
        return () -> replaceRoutes(state.source, state.handles, state::message, () -> adopt(state));
    }

    private void adopt(MsiState state) {
        enabled = state.enabled;
        grantedBits = state.granted;
        address = state.address;
        data = state.data;
        masks = state.masks;
        for (int message = 0; message < numVectors(); message++) {
            vectors.setPending(message, (state.pending >>> message & 1) != 0);
        }
    }
}
