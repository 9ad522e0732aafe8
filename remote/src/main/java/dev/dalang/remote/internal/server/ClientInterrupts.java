package dev.dalang.remote.internal.server;

import dev.dalang.linux.Descriptor;
import dev.dalang.linux.EventDescriptor;
import dev.dalang.pci.MsiConfig;
import dev.dalang.pci.MsixConfig;
import dev.dalang.pci.PciFunction;
import dev.dalang.pci.PciInterrupts;
import dev.dalang.remote.internal.wire.Refusal;
import dev.dalang.remote.internal.wire.SetIrqs;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;

/**
 * A device's interrupts as its client takes them: events that the client gave for them. A vector is
 * live if and only if it has one, whatever the guest wrote, because the tables and their masks stay
 * with the client. While the client uses messages, a vector without an event is pending, and fires
 * when it gets one; of MSI-X the pending bit is that of configuration space.
 *
 * <p>The wired interrupt is a level. Signalling it masks it, until the client says that it has been
 * served; if the level still holds then, it is signalled again.
 */
final class ClientInterrupts implements PciInterrupts {
    static final int INTX = 0;
    static final int MSI = 1;
    static final int MSIX = 2;

    /** Kinds by their indexes: the three, errors, and the request to be let go. */
    static final int KINDS = 5;

    /** The vectors of one kind. Guarded by {@link #lock}. */
    private static final class Kind {
        final @Nullable EventDescriptor[] events;
        final boolean[] masked;
        final boolean[] pending;

        Kind(int count) {
            events = new @Nullable EventDescriptor[count];
            masked = new boolean[count];
            pending = new boolean[count];
        }

        boolean isUsed() {
            for (EventDescriptor event : events) {
                if (event != null) {
                    return true;
                }
            }
            return false;
        }

        /** True if the client was told. */
        boolean signal(int vector) {
            EventDescriptor event = events[vector];
            return event != null && !masked[vector] && event.signal();
        }
    }

    private final PciInterrupts own;
    private final Kind intx;
    private final Kind msi;
    private final Kind msix;
    private final Runnable delivered;

    private final Object lock = new Object();

    // Guarded by the lock.
    private boolean level;
    private @Nullable WireWatch watch;
    private @Nullable MsixConfig msixConfig;
    private @Nullable MsiConfig msiConfig;

    /** As many as the device has of each kind; {@code delivered} is told of each message. */
    ClientInterrupts(
            PciInterrupts own, int intx, int msiVectors, int msixVectors, Runnable delivered) {
        this.own = own;
        this.intx = new Kind(intx);
        this.msi = new Kind(msiVectors);
        this.msix = new Kind(msixVectors);
        this.delivered = delivered;
    }

    /** The function is made. A device may have triggered before: nobody listened then. */
    void connect(PciFunction function) {
        synchronized (lock) {
            msixConfig = function.msix().orElse(null);
            msiConfig = function.msi().orElse(null);
        }
    }

    // ---------------------------------------------------------------- the device's side

    @Override
    public boolean triggerMessage(int vector) {
        synchronized (lock) {
            if (vector == NO_VECTOR) {
                return isMessageSignalled();
            }
            if (isMsix()) {
                deliver(msix, vector);
                return true;
            }
            if (isMsi()) {
                deliver(msi, messageOf(vector));
                return true;
            }
            return false;
        }
    }

    private void deliver(Kind kind, int vector) {
        boolean exists = vector >= 0 && vector < kind.events.length;
        if (exists && kind.signal(vector)) {
            delivered.run();
        } else if (kind == msix && msixConfig != null) {
            // Nobody can unmask an entry here: this sets the pending bit, or counts what is wrong.
            msixConfig.trigger(vector);
        } else if (exists) {
            kind.pending[vector] = true;
        }
    }

    /** Where the guest granted fewer messages than there are vectors, they are shared. */
    private int messageOf(int vector) {
        int most = msi.events.length;
        if (vector < 0 || vector >= own.vectors()) {
            return -1;
        }
        int granted =
                msiConfig != null && msiConfig.isEnabled()
                        ? Math.min(most, msiConfig.grantedVectors())
                        : most;
        return vector & granted - 1;
    }

    private boolean isMsix() {
        return msixConfig != null && msixConfig.isEnabled() || msix.isUsed();
    }

    private boolean isMsi() {
        return msiConfig != null && msiConfig.isEnabled() || msi.isUsed();
    }

    @Override
    public void raise() {
        own.raise();
    }

    @Override
    public void lower() {
        own.lower();
    }

    @Override
    public boolean isMessageSignalled() {
        synchronized (lock) {
            return isMsix() || isMsi();
        }
    }

    @Override
    public int vectors() {
        return own.vectors();
    }

    /** The function's wire was driven. */
    void setLevel(boolean isActive) {
        synchronized (lock) {
            level = isActive;
            settleWire();
        }
    }

    private void settleWire() {
        if (level && intx.events.length > 0 && intx.signal(0)) {
            intx.masked[0] = true;
        }
    }

    // ---------------------------------------------------------------- the client's side

    /** How many interrupts there are of a kind. */
    int count(int kind) {
        return switch (kind) {
            case INTX -> intx.events.length;
            case MSI -> msi.events.length;
            case MSIX -> msix.events.length;
            default -> 0;
        };
    }

    /**
     * Does what a client wants.
     *
     * @param request what; checked in itself
     * @param events taken over, whatever comes of it; as many as it is about, or none
     * @throws Refusal if there are no such interrupts, or it cannot be done with them
     */
    void set(SetIrqs request, List<Descriptor> events) {
        boolean isTaken = false;
        try {
            Kind kind = kind(request);
            boolean isWatch =
                    request.data() == SetIrqs.Data.EVENTFD
                            && request.action() != SetIrqs.Action.TRIGGER;
            if (isWatch && !events.isEmpty() && kind != intx) {
                throw Refusal.invalid("DEVICE_SET_IRQS: messages are not masked by events");
            }
            synchronized (lock) {
                if (request.count() == 0) {
                    disable(kind);
                } else if (isWatch) {
                    if (kind == intx) {
                        isTaken = true;
                        watch(request.action(), events);
                    }
                } else if (request.data() == SetIrqs.Data.EVENTFD) {
                    isTaken = true;
                    give(kind, request.start(), request.count(), events);
                } else {
                    change(kind, request);
                }
            }
        } finally {
            if (!isTaken) {
                events.forEach(Descriptor::close);
            }
        }
    }

    private Kind kind(SetIrqs request) {
        Kind kind =
                switch (request.index()) {
                    case INTX -> intx;
                    case MSI -> msi;
                    case MSIX -> msix;
                    default ->
                            throw Refusal.invalid(
                                    "DEVICE_SET_IRQS: kind "
                                            + Integer.toUnsignedString(request.index()));
                };
        long last =
                Integer.toUnsignedLong(request.start()) + Integer.toUnsignedLong(request.count());
        if (last > kind.events.length) {
            throw Refusal.invalid(
                    "DEVICE_SET_IRQS: %s interrupts from %s on of %d"
                            .formatted(
                                    Integer.toUnsignedString(request.count()),
                                    Integer.toUnsignedString(request.start()),
                                    kind.events.length));
        }
        return kind;
    }

    private void give(Kind kind, int start, int count, List<Descriptor> events) {
        for (int n = 0; n < count; n++) {
            int vector = start + n;
            EventDescriptor old = kind.events[vector];
            if (old != null) {
                old.close();
            }
            kind.events[vector] = events.isEmpty() ? null : EventDescriptor.of(events.get(n));
            if (kind == intx) {
                // Whoever enables the wire anew has served what was before.
                kind.masked[vector] = false;
                settleWire();
            } else {
                fire(kind, vector);
            }
        }
    }

    /** The wire is masked or unmasked whenever an event is signalled; without one no longer. */
    private void watch(SetIrqs.Action action, List<Descriptor> events) {
        if (watch == null && !events.isEmpty()) {
            watch = new WireWatch(this::masked);
        }
        if (watch != null) {
            watch.set(
                    action == SetIrqs.Action.MASK,
                    events.isEmpty() ? null : EventDescriptor.of(events.get(0)));
        }
    }

    /** An event was signalled; of one that is watched no more, this may be told late. */
    private void masked(WireWatch from, boolean isMasked) {
        synchronized (lock) {
            if (from == watch && intx.events[0] != null) {
                intx.masked[0] = isMasked;
                settleWire();
            }
        }
    }

    /** Delivers what is pending, if it can be by now. */
    private void fire(Kind kind, int vector) {
        boolean isPending =
                kind == msix && msixConfig != null
                        ? msixConfig.isPending(vector)
                        : kind.pending[vector];
        if (isPending && kind.signal(vector)) {
            delivered.run();
            kind.pending[vector] = false;
            if (kind == msix && msixConfig != null) {
                msixConfig.clearPending(vector);
            }
        }
    }

    private void disable(Kind kind) {
        if (kind == intx && watch != null) {
            watch.close();
            watch = null;
        }
        for (int vector = 0; vector < kind.events.length; vector++) {
            EventDescriptor old = kind.events[vector];
            if (old != null) {
                old.close();
            }
            kind.events[vector] = null;
            kind.masked[vector] = false;
        }
    }

    private void change(Kind kind, SetIrqs request) {
        for (int n = 0; n < request.count(); n++) {
            if (request.data() == SetIrqs.Data.BOOL && request.flags().array()[n] == 0) {
                continue;
            }
            int vector = request.start() + n;
            switch (request.action()) {
                case MASK -> kind.masked[vector] = true;
                case UNMASK -> {
                    kind.masked[vector] = false;
                    if (kind == intx) {
                        settleWire();
                    } else {
                        fire(kind, vector);
                    }
                }
                // As if the device had: the client tries its own end.
                case TRIGGER -> kind.signal(vector);
            }
        }
    }

    /** The device is reset: nothing is pending. Events stay the client's choice. */
    void reset() {
        synchronized (lock) {
            Arrays.fill(msi.pending, false);
            Arrays.fill(msix.pending, false);
        }
    }

    /** The client is gone, and all that it gave. */
    void clear() {
        synchronized (lock) {
            disable(intx);
            disable(msi);
            disable(msix);
        }
    }

    /** True if an interrupt has an event. */
    boolean isLive(int kind, int vector) {
        synchronized (lock) {
            return switch (kind) {
                case INTX -> intx.events[vector] != null;
                case MSI -> msi.events[vector] != null;
                default -> msix.events[vector] != null;
            };
        }
    }
}
