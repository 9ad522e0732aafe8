package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A PCI Express root port with a slot for native hot plug: attention button, power and attention
 * indicators, presence, the state of the link, and command completed (PCIe 6.0 §6.7). It has one
 * MSI-X vector and a wired interrupt.
 *
 * <p>A device that is there when the machine starts is added to the bus behind the port. Later ones
 * are plugged in: {@link #plug}, {@link #unplug}. Both take as long as the guest's driver does.
 */
public final class PciRootPort extends PciBridge {
    private static final int VENDOR_REDHAT = 0x1b36;
    private static final int DEVICE_ROOT_PORT = 0x000c;
    private static final int CLASS_BRIDGE_PCI = 0x06_0400;
    private static final int REGISTERS_BAR = 0;
    private static final int REGISTERS_BYTES = 4096;
    private static final int PBA_OFFSET = 2048;
    private static final int VERSION = 1;
    private static final int NOBODY = -1;

    private final PcieSlot slot;
    private volatile @Nullable PciFunction function;

    // Guarded by this object's monitor.
    private @Nullable CompletableFuture<Void> plugging;
    private @Nullable CompletableFuture<Void> unplugging;

    private PciRootPort(Windows windows, PcieSlot slot, PciDeviceSpec spec) {
        super(windows, spec);
        this.slot = slot;
    }

    /**
     * Makes a root port.
     *
     * @param slotNumber the slot's number, 0..8191, unique in the machine
     * @return the port, with the windows of {@link PciBridge.Windows#SLOT}
     * @throws PciException if the number is out of range
     */
    public static PciRootPort of(int slotNumber) {
        return of(slotNumber, Windows.SLOT);
    }

    /**
     * Makes a root port.
     *
     * @param slotNumber the slot's number, 0..8191, unique in the machine
     * @param windows what it has at power-on for what is behind it
     * @return the port, to be added to the root bus
     * @throws PciException if the number is out of range
     */
    public static PciRootPort of(int slotNumber, Windows windows) {
        PcieSlot slot = new PcieSlot();
        PcieCapability express =
                new PcieCapability(
                        PciePortType.ROOT_PORT,
                        true,
                        slotNumber,
                        slotNumber & 0xff,
                        0,
                        true,
                        false);
        PciDeviceSpec spec =
                PciDeviceSpec.builder("pcie-root-port", VENDOR_REDHAT, DEVICE_ROOT_PORT)
                        .classCode(CLASS_BRIDGE_PCI)
                        .memoryBar(REGISTERS_BAR, REGISTERS_BYTES)
                        .msix(1, REGISTERS_BAR, 0, PBA_OFFSET)
                        .intx()
                        .capability(express, slot)
                        .build();
        return new PciRootPort(windows, slot, spec);
    }

    @Override
    public void attach(PciHost host) {
        if (host instanceof PciFunction own) {
            function = own;
        }
        slot.attach(host);
    }

    // ---------------------------------------------------------------- hot plug

    /** {@return true if a driver has the slot in hand, so that devices can be plugged in} */
    public boolean isReady() {
        return slot.isEnabled();
    }

    /** {@return true if something is in the slot, as the guest sees it} */
    public boolean isOccupied() {
        return slot.isOccupied();
    }

    /** {@return what the power indicator shows} */
    public PcieIndicator powerIndicator() {
        return PcieIndicator.powerOf(slot.control());
    }

    /** {@return what the attention indicator shows} */
    public PcieIndicator attentionIndicator() {
        return PcieIndicator.attentionOf(slot.control());
    }

    /**
     * Plugs a device in. It has no addresses yet: the guest gives it some.
     *
     * @param device the device
     * @return done when the guest's driver has turned the power indicator on
     * @throws PciException if the slot is occupied, no driver has it in hand, or something is under
     *     way in it ({@link PciException.Kind#STATE}); or the device does not fit. Nothing is
     *     plugged in then
     */
    public synchronized CompletableFuture<Void> plug(PciDevice device) {
        return plug(device, Optional.empty());
    }

    /**
     * Plugs a device in under a name of the user's.
     *
     * @param device the device
     * @param id what counters and snapshots call it; empty for a name by place
     * @return done when the guest's driver has turned the power indicator on
     * @throws PciException as {@link #plug(PciDevice)}
     */
    public synchronized CompletableFuture<Void> plug(PciDevice device, Optional<String> id) {
        PciFunction port = requireIdle();
        PciBus behind = port.behind().orElseThrow();
        if (!slot.isEnabled()) {
            throw wrong("no driver of the guest has the slot in hand");
        }
        if (!behind.functions().isEmpty()) {
            throw wrong("the slot is occupied by " + behind.functions().getFirst().id());
        }
        port.bus().root().plug(behind, device, id);
        CompletableFuture<Void> done = new CompletableFuture<>();
        plugging = done;
        slot.presenceChanged(true);
        return done;
    }

    /**
     * Asks the guest for what is in the slot, by its attention button. If the power indicator is
     * off already, it is taken at once.
     *
     * @return done when the guest's driver has turned the power indicator off and everything was
     *     taken
     * @throws PciException if the slot is empty, something is under way in it, or the indicator is
     *     blinking ({@link PciException.Kind#STATE})
     */
    public synchronized CompletableFuture<Void> unplug() {
        PciFunction port = requireIdle();
        if (port.behind().orElseThrow().functions().isEmpty()) {
            throw wrong("the slot is empty");
        }
        PcieIndicator power = powerIndicator();
        if (power == PcieIndicator.BLINK) {
            throw wrong("the guest is busy with the slot: its power indicator is blinking");
        }
        CompletableFuture<Void> done = new CompletableFuture<>();
        unplugging = done;
        if (power == PcieIndicator.OFF) {
            take(port);
        } else {
            slot.pressButton();
        }
        return done;
    }

    private PciFunction requireIdle() {
        PciFunction port = function;
        if (port == null || port.isDestroyed()) {
            throw wrong("the port is in no tree");
        }
        if (plugging != null || unplugging != null) {
            throw wrong("what was asked of the slot before is not done");
        }
        return port;
    }

    private PciException wrong(String what) {
        PciFunction port = function;
        String label = port == null ? spec().name() : port.id();
        return new PciException(PciException.Kind.STATE, label, what);
    }

    /** Comes after the guest's write to slot control, with no lock held. */
    @Override
    public void capabilityWritten(PciCapStatus status) {
        if (!(status instanceof PcieSlot.Command command)) {
            return;
        }
        CompletableFuture<Void> done = null;
        synchronized (this) {
            PciFunction port = function;
            if (plugging != null && command.turnsPowerIndicator(PcieIndicator.ON.power())) {
                done = plugging;
                plugging = null;
            } else if (unplugging != null
                    && port != null
                    && command.turnsPowerIndicator(PcieIndicator.OFF.power())) {
                take(port);
            }
        }
        if (done != null) {
            done.complete(null);
        }
    }

    /** Takes everything out of the slot. */
    private void take(PciFunction port) {
        List<PciFunction> leaving = port.behind().orElseThrow().functions();
        CompletableFuture<Void> done = unplugging;
        unplugging = null;
        for (PciFunction each : leaving) {
            port.bus().root().remove(each);
        }
        slot.presenceChanged(false);
        if (done != null) {
            done.complete(null);
        }
    }

    /** A function below wants to wake the guest. */
    void signalWake(int requester) {
        slot.signalWake(requester);
    }

    @Override
    void populationChanged(Optional<PciBus> behind) {
        slot.presetPresence(behind.isPresent() && !behind.get().functions().isEmpty());
    }

    @Override
    public void detach() {
        CompletableFuture<Void> first;
        CompletableFuture<Void> second;
        synchronized (this) {
            first = plugging;
            second = unplugging;
            plugging = null;
            unplugging = null;
        }
        PciException gone = wrong("the port was removed");
        if (first != null) {
            first.completeExceptionally(gone);
        }
        if (second != null) {
            second.completeExceptionally(gone);
        }
    }

    @Override
    public void reset() {
        PciFunction port = function;
        if (port != null) {
            populationChanged(port.behind());
        }
        slot.reset();
    }

    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(spec().name(), VERSION)
                .put("pending-wake", slot.pendingRequester())
                .build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        snapshot.expect(spec().name(), VERSION);
        slot.restored(snapshot.getInt("pending-wake", NOBODY, 0xffff));
    }
}
