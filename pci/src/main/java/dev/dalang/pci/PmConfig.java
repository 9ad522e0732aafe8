package dev.dalang.pci;

import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.SnapshotException;
import dev.dalang.bus.snapshot.Suspendable;
import dev.dalang.pci.PmStatus.PowerState;

import org.jspecify.annotations.Nullable;

/**
 * The live part of {@link PmCapability}: power management control and status (PCI Bus Power
 * Management Interface 1.2 §3.2.4). A guest writes the power state, in which D1 and D2 are ignored
 * because there are no such states, PME enable, and a one over PME status to clear it.
 *
 * <p>Any thread. The status of each write that changed something is a {@link PmStatus}.
 */
public final class PmConfig implements PciCapConfig, Suspendable {
    private static final String TYPE = "pci-power-management";
    private static final int VERSION = 1;
    private static final int CONTROL = 1;
    private static final int STATE_MASK = 0x3;
    private static final int STATE_D3HOT = 0x3;
    private static final int NO_SOFT_RESET = 0x8;
    private static final int PME_ENABLE = 0x100;
    private static final int PME_STATUS = 0x8000;

    private final boolean wakes;
    private final boolean softReset;

    /** Written under the lock; the state is read before each transfer of the function. */
    private volatile int control;

    private @Nullable PciCapMapping mapping;

    /**
     * Makes the live part.
     *
     * @param capability the image that it belongs to
     * @param softReset true if the function loses its state on the way from D3hot to D0; it shows a
     *     guest the opposite, {@code No_Soft_Reset}, otherwise
     */
    public PmConfig(PmCapability capability, boolean softReset) {
        this.wakes = capability.wakes();
        this.softReset = softReset;
        this.control = initial();
    }

    /**
     * Makes the live part of a function that keeps its state in D3hot.
     *
     * @param capability the image that it belongs to
     */
    public PmConfig(PmCapability capability) {
        this(capability, false);
    }

    /** {@return the state that a guest put the function in} */
    public PowerState powerState() {
        return stateOf(control);
    }

    /** {@return true if a guest wants PME signalled} */
    public synchronized boolean isWakeEnabled() {
        return (control & PME_ENABLE) != 0;
    }

    /**
     * Notes an event that wakes the guest, in PME status.
     *
     * @return true if the guest wants PME signalled, and was not told of an earlier event that it
     *     has not cleared yet: the caller sends it
     */
    public synchronized boolean signalWake() {
        if (!wakes) {
            return false;
        }
        boolean told = isSignalled(control);
        set(control | PME_STATUS);
        return !told && isSignalled(control);
    }

    /** PME is asserted while it is enabled and its status is set (§3.2.4). */
    private static boolean isSignalled(int control) {
        int both = PME_ENABLE | PME_STATUS;
        return (control & both) == both;
    }

    @Override
    public int registers() {
        return 2;
    }

    @Override
    public int readMask(int register) {
        return register == CONTROL ? 0xffff : 0;
    }

    @Override
    public synchronized int readRegister(int register) {
        return register == CONTROL ? control : 0;
    }

    @Override
    public synchronized PciCapStatus writeRegister(int register, int offset, int size, int value) {
        if (register != CONTROL) {
            return PciCapStatus.NONE;
        }
        int before = control;
        int lanes = -1 >>> 32 - 8 * size << 8 * offset;
        int data = value << 8 * offset & lanes;
        int after = before;
        int state = data & STATE_MASK;
        if ((lanes & STATE_MASK) != 0 && (state == 0 || state == STATE_D3HOT)) {
            after = after & ~STATE_MASK | state;
        }
        if (wakes) {
            after = after & ~(PME_ENABLE & lanes) | data & PME_ENABLE;
            after &= ~(data & PME_STATUS);
        }
        control = after;
        if (before == after) {
            return PciCapStatus.NONE;
        }
        PowerState was = stateOf(before);
        PowerState is = stateOf(after);
        return new PmStatus(
                was,
                is,
                (after & PME_ENABLE) != 0,
                softReset && was == PowerState.D3HOT && is == PowerState.D0,
                !isSignalled(before) && isSignalled(after));
    }

    @Override
    public synchronized void setCapMapping(PciCapMapping registers) {
        mapping = registers;
    }

    @Override
    public synchronized void reset() {
        set(initial());
    }

    @Override
    public void sleep() {}

    @Override
    public void wake() {}

    @Override
    public synchronized Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION).put("control", control).build();
    }

    @Override
    public synchronized void restore(Snapshot snapshot) {
        int saved = snapshot.expect(TYPE, VERSION).getInt("control", 0, 0xffff);
        int legal = STATE_MASK | NO_SOFT_RESET | (wakes ? PME_ENABLE | PME_STATUS : 0);
        int state = saved & STATE_MASK;
        if ((saved & ~legal) != 0
                || state != 0 && state != STATE_D3HOT
                || (saved & NO_SOFT_RESET) != initial()) {
            throw new SnapshotException(
                    TYPE
                            + ".control: expected a state of D0 or D3hot and the function's own"
                            + " bits, got 0x"
                            + Integer.toHexString(saved));
        }
        set(saved);
    }

    private int initial() {
        return softReset ? 0 : NO_SOFT_RESET;
    }

    private void set(int value) {
        control = value;
        if (mapping != null) {
            mapping.setRegister(CONTROL, value, 0xffff);
        }
    }

    private static PowerState stateOf(int value) {
        return (value & STATE_MASK) == STATE_D3HOT ? PowerState.D3HOT : PowerState.D0;
    }
}
