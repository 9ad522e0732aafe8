package dev.dalang.passthrough;

import dev.dalang.pci.MsixConfig;
import dev.dalang.pci.PciHost;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.Optional;

/**
 * The interrupts of a device in a tree: what the guest has programmed is armed, what the device
 * signals is delivered, and its wire is let go when the guest has served it. Any thread.
 */
final class FunctionInterrupts {
    private final PassthroughDevice device;
    private final PassthroughVm vm;
    private final boolean hasWire;

    /** Vectors that the guest has unmasked since it enabled MSI-X. Guarded by itself. */
    private final BitSet used = new BitSet();

    /** Held while the wire is driven: it is as {@link #isAsserted} says. */
    private final Object driving = new Object();

    /** The wire is asserted, and the guest was not seen to serve it yet. Written with the lock. */
    private volatile boolean isAsserted;

    private volatile @Nullable PciHost host;

    FunctionInterrupts(PassthroughDevice device, PassthroughVm vm, boolean hasWire) {
        this.device = device;
        this.vm = vm;
        this.hasWire = hasWire;
    }

    /** The device is in a tree, or in none. */
    void enter(@Nullable PciHost in) {
        host = in;
    }

    /** Has the device tell of errors, and that its host wants it back. */
    @Nullable BackendException watch() {
        return device.arm(
                vm,
                modes -> {
                    modes.watch(InterruptKind.ERROR, _ -> device.deviceError());
                    modes.watch(InterruptKind.REQUEST, _ -> device.deviceRequested());
                });
    }

    /** Brings the device's interrupts to what the guest has programmed. */
    @Nullable BackendException arm() {
        PciHost in = host;
        if (in == null || device.isLost()) {
            return null;
        }
        Optional<MsixConfig> msix = in.msix().filter(MsixConfig::isEnabled);
        if (msix.isPresent()) {
            BitSet wanted = unmasked(msix.get());
            device.program(vm, msix.get().numVectors());
            return device.arm(vm, modes -> modes.msix(wanted, this::message));
        }
        synchronized (used) {
            used.clear();
        }
        if (in.msi().filter(msi -> msi.isEnabled()).isPresent()) {
            int granted = in.msi().get().grantedVectors();
            device.program(vm, granted);
            return device.arm(vm, modes -> modes.msi(granted, this::message));
        }
        device.program(vm, 0);
        if (!hasWire) {
            return device.arm(vm, InterruptModes::none);
        }
        return device.arm(vm, modes -> modes.wire(this::wire));
    }

    private BitSet unmasked(MsixConfig msix) {
        synchronized (used) {
            if (!msix.isMasked()) {
                for (int vector = 0; vector < msix.numVectors(); vector++) {
                    if (!msix.isTableMasked(vector)) {
                        used.set(vector);
                    }
                }
            }
            return (BitSet) used.clone();
        }
    }

    /** Where the guest sends a vector; 0 if that is not known. */
    long messageAddress(int vector) {
        PciHost in = host;
        return in == null
                ? 0
                : in.msix()
                        .filter(MsixConfig::isEnabled)
                        .map(msix -> msix.readMsixTable(16L * vector, 8))
                        .orElse(0L);
    }

    private void message(int vector) {
        PciHost in = host;
        int guestVector = device.deliver(vector);
        if (in != null && guestVector >= 0) {
            in.interrupts().triggerMessage(guestVector);
        }
    }

    private void wire(int vector) {
        PciHost in = host;
        if (device.deliverWire() && in != null) {
            synchronized (driving) {
                isAsserted = true;
                in.interrupts().raise();
            }
        }
    }

    /**
     * The guest has accessed a register, as who serves a wired interrupt must: the wire is let go,
     * and the device asked whether it still wants service (level semantics; a controller that tells
     * when an interrupt is done would ask then).
     */
    void serveWire() {
        if (isAsserted && letGo()) {
            device.note(
                    device.arm(
                            vm,
                            modes -> {
                                InterruptInfo info =
                                        device.backend().interrupts(InterruptKind.INTX);
                                if (modes.mode() == InterruptKind.INTX && info.isMaskable()) {
                                    device.backend().unmask(InterruptKind.INTX, 0, 1);
                                }
                            }));
        }
    }

    /** Lets the wire go; false if there is none that was asserted. */
    private boolean letGo() {
        PciHost in = host;
        synchronized (driving) {
            boolean wasAsserted = isAsserted;
            isAsserted = false;
            if (in == null || !wasAsserted) {
                return false;
            }
            in.interrupts().lower();
            return true;
        }
    }

    /** What the guest has programmed is gone; its wire is let go. */
    void forget() {
        synchronized (used) {
            used.clear();
        }
        letGo();
    }
}
