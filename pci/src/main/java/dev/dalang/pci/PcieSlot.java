package dev.dalang.pci;

import static dev.dalang.pci.PcieCapability.LINK_CONTROL;
import static dev.dalang.pci.PcieCapability.PCI_EXP_RTCTL_PMEIE;
import static dev.dalang.pci.PcieCapability.PCI_EXP_RTSTA_PENDING;
import static dev.dalang.pci.PcieCapability.PCI_EXP_RTSTA_PME;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTCTL_ABPE;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTCTL_CCIE;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTCTL_HPIE;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTCTL_PDCE;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTCTL_PIC;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTSTA_ABP;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTSTA_CC;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTSTA_DLLSC;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTSTA_PDC;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTSTA_PDS;
import static dev.dalang.pci.PcieCapability.PCI_EXP_SLTSTA_PFD;
import static dev.dalang.pci.PcieCapability.ROOT_CONTROL;
import static dev.dalang.pci.PcieCapability.ROOT_STATUS;
import static dev.dalang.pci.PcieCapability.SLOT_CONTROL;

import org.jspecify.annotations.Nullable;

/**
 * The slot and the root registers of a root port (PCIe 6.0 §7.5.3.10–13, §6.7.3). All of its state
 * is in configuration space: what a guest writes is there when it is told here, and what happens
 * here is set there.
 *
 * <p>An interrupt follows from enabled events: its wire is active while there is one, and its
 * message is sent when the first comes (§6.7.3.4). Any thread.
 */
final class PcieSlot implements PciCapConfig {
    private static final int PCI_EXP_SLTCTL_PFDE = 0x2;
    private static final int PCI_EXP_SLTCTL_DLLSCE = 0x1000;
    private static final int PCI_EXP_LNKSTA_DLLLA = 0x2000;
    private static final int LIVE_REGISTERS = ROOT_STATUS + 1;
    private static final int STATUS_SHIFT = 16;
    private static final int REQUESTER = 0xffff;
    private static final int NO_REQUESTER = -1;

    /**
     * What a guest's write to slot control was.
     *
     * @param before slot control before
     * @param after slot control now
     */
    record Command(int before, int after) implements PciCapStatus {
        boolean turnsPowerIndicator(int to) {
            return (before & PCI_EXP_SLTCTL_PIC) != to && (after & PCI_EXP_SLTCTL_PIC) == to;
        }
    }

    private @Nullable PciConfiguration configuration;
    private @Nullable PciInterrupts interrupts;
    private int first;
    private int controlBefore = PCI_EXP_SLTCTL_PIC;
    private boolean isSignalled;
    private int pendingRequester = NO_REQUESTER;

    /** Connects the slot to the registers that it stands in. */
    synchronized void attach(PciHost host) {
        configuration = host.configuration();
        interrupts = host.interrupts();
        first =
                host.configuration().capabilities().stream()
                        .filter(handle -> handle.id() == PciRegisters.PCI_CAP_ID_EXP)
                        .findFirst()
                        .orElseThrow()
                        .register();
        controlBefore = control();
    }

    // ---------------------------------------------------------------- registers

    int control() {
        return get(SLOT_CONTROL) & 0xffff;
    }

    private int get(int register) {
        return configuration == null ? 0 : configuration.readRegister(first + register);
    }

    private void set(int register, int value, int mask) {
        if (configuration != null) {
            configuration.setRegister(first + register, value, mask);
        }
    }

    @Override
    public int registers() {
        return LIVE_REGISTERS;
    }

    @Override
    public int readMask(int register) {
        return 0;
    }

    @Override
    public int readRegister(int register) {
        return 0;
    }

    @Override
    public synchronized PciCapStatus writeRegister(int register, int offset, int size, int value) {
        PciCapStatus status = PciCapStatus.NONE;
        if (register == SLOT_CONTROL && offset < 2) {
            int after = control();
            status = new Command(controlBefore, after);
            controlBefore = after;
            // Each write is a command, and each is done when its write is (§7.5.3.10).
            set(SLOT_CONTROL, PCI_EXP_SLTSTA_CC << STATUS_SHIFT, PCI_EXP_SLTSTA_CC << STATUS_SHIFT);
        } else if (register == ROOT_STATUS && (get(ROOT_STATUS) & PCI_EXP_RTSTA_PME) == 0) {
            // The first was seen to: the one that waited takes its place.
            int waiting = pendingRequester;
            pendingRequester = NO_REQUESTER;
            set(ROOT_STATUS, 0, PCI_EXP_RTSTA_PENDING);
            isSignalled = hasEnabledEvent();
            if (waiting != NO_REQUESTER) {
                signalWake(waiting);
            }
        }
        signal();
        return status;
    }

    @Override
    public synchronized void reset() {
        controlBefore = control();
        pendingRequester = NO_REQUESTER;
        isSignalled = false;
        signal();
    }

    /** What was saved is in configuration space: interrupts follow from there. */
    synchronized void restored(int requester) {
        controlBefore = control();
        pendingRequester = requester;
        isSignalled = hasEnabledEvent();
    }

    synchronized int pendingRequester() {
        return pendingRequester;
    }

    // ---------------------------------------------------------------- events

    /** True if a driver has the slot in hand: it hears of events, and of the end of commands. */
    boolean isEnabled() {
        int wanted = PCI_EXP_SLTCTL_CCIE | PCI_EXP_SLTCTL_HPIE;
        int control = control();
        return (control & wanted) == wanted
                && (control & (PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_ABPE)) != 0;
    }

    boolean isOccupied() {
        return (get(SLOT_CONTROL) >>> STATUS_SHIFT & PCI_EXP_SLTSTA_PDS) != 0;
    }

    /** Something came into the slot, or left it, while the machine runs. */
    synchronized void presenceChanged(boolean present) {
        setPresence(present);
        event(PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
    }

    /** Something is in the slot at power-on, or not. */
    synchronized void presetPresence(boolean present) {
        if (configuration != null) {
            int bits = PCI_EXP_SLTSTA_PDS << STATUS_SHIFT;
            configuration.presetRegister(first + SLOT_CONTROL, present ? bits : 0, bits);
            configuration.presetRegister(
                    first + SLOT_CONTROL,
                    present ? PcieIndicator.ON.power() : PcieIndicator.OFF.power(),
                    PCI_EXP_SLTCTL_PIC);
            int link = PCI_EXP_LNKSTA_DLLLA << STATUS_SHIFT;
            configuration.presetRegister(first + LINK_CONTROL, present ? link : 0, link);
            controlBefore = control();
        }
    }

    private void setPresence(boolean present) {
        int slot = PCI_EXP_SLTSTA_PDS << STATUS_SHIFT;
        set(SLOT_CONTROL, present ? slot : 0, slot);
        int link = PCI_EXP_LNKSTA_DLLLA << STATUS_SHIFT;
        set(LINK_CONTROL, present ? link : 0, link);
    }

    /** Somebody pressed the attention button. */
    synchronized void pressButton() {
        event(PCI_EXP_SLTSTA_ABP);
    }

    private void event(int status) {
        set(SLOT_CONTROL, status << STATUS_SHIFT, status << STATUS_SHIFT);
        signal();
    }

    /** A function below wants to wake the guest (§6.1.6). One more may wait; others are merged. */
    synchronized void signalWake(int requester) {
        if ((get(ROOT_STATUS) & PCI_EXP_RTSTA_PME) != 0) {
            pendingRequester = requester & REQUESTER;
            set(ROOT_STATUS, PCI_EXP_RTSTA_PENDING, PCI_EXP_RTSTA_PENDING);
            return;
        }
        set(ROOT_STATUS, requester & REQUESTER | PCI_EXP_RTSTA_PME, REQUESTER | PCI_EXP_RTSTA_PME);
        signal();
    }

    private boolean hasEnabledEvent() {
        int slot = get(SLOT_CONTROL);
        int status = slot >>> STATUS_SHIFT;
        boolean hotPlug =
                (slot & PCI_EXP_SLTCTL_HPIE) != 0
                        && (is(slot, PCI_EXP_SLTCTL_ABPE, status, PCI_EXP_SLTSTA_ABP)
                                || is(slot, PCI_EXP_SLTCTL_PFDE, status, PCI_EXP_SLTSTA_PFD)
                                || is(slot, PCI_EXP_SLTCTL_PDCE, status, PCI_EXP_SLTSTA_PDC)
                                || is(slot, PCI_EXP_SLTCTL_CCIE, status, PCI_EXP_SLTSTA_CC)
                                || is(slot, PCI_EXP_SLTCTL_DLLSCE, status, PCI_EXP_SLTSTA_DLLSC));
        boolean wake =
                is(get(ROOT_CONTROL), PCI_EXP_RTCTL_PMEIE, get(ROOT_STATUS), PCI_EXP_RTSTA_PME);
        return hotPlug || wake;
    }

    private static boolean is(int control, int enable, int status, int event) {
        return (control & enable) != 0 && (status & event) != 0;
    }

    private void signal() {
        boolean now = hasEnabledEvent();
        if (now != isSignalled && interrupts != null) {
            isSignalled = now;
            if (now) {
                interrupts.trigger(0);
            } else {
                interrupts.lower();
            }
        }
    }
}
