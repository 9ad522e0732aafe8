package dev.dalang.pci;

import dev.dalang.bus.interrupt.InterruptLine;
import dev.dalang.bus.snapshot.Snapshot;
import dev.dalang.bus.snapshot.Suspendable;

/**
 * The wired interrupt of one function: a level. The device asserts and deasserts it; the wire
 * follows unless Command.Interrupt Disable is set (PCIe 6.0 §7.5.1.1.3) or the function uses
 * messages (§6.1.4). Status.Interrupt Status follows in any case (§7.5.1.1.4).
 *
 * <p>Any thread, no lock. Whoever changes the state drives wire and status bit afterwards, and
 * looks again until what it drove is what the state says: the last to drive has driven the truth.
 */
public final class IntxLine implements Suspendable {
    private static final String TYPE = "pci-intx";
    private static final int VERSION = 1;
    private static final InterruptLine UNCONNECTED =
            new InterruptLine() {
                @Override
                public void raise() {}

                @Override
                public void lower() {}
            };

    private volatile InterruptLine wire = UNCONNECTED;
    private volatile InterruptLine statusBit = UNCONNECTED;
    private volatile boolean asserted;
    private volatile boolean disabled;
    private volatile boolean messages;

    private IntxLine() {}

    /** {@return a line that is deasserted and enabled, connected to nothing} */
    public static IntxLine create() {
        return new IntxLine();
    }

    /**
     * Connects the wire, and drives it to the present level.
     *
     * @param newWire replaces the one before, which is left inactive
     */
    public void connect(InterruptLine newWire) {
        InterruptLine old = wire;
        wire = newWire;
        if (old != newWire) {
            old.lower();
        }
        settle();
    }

    /**
     * Connects what keeps the bit Interrupt Status, and drives it to its present value.
     *
     * @param newStatusBit raised to set the bit, lowered to clear it; any thread
     */
    public void connectStatus(InterruptLine newStatusBit) {
        statusBit = newStatusBit;
        settle();
    }

    /** The device wants service. */
    public void raise() {
        if (!asserted) {
            asserted = true;
            settle();
        }
    }

    /** The device wants service no longer. */
    public void lower() {
        if (asserted) {
            asserted = false;
            settle();
        }
    }

    /**
     * Command.Interrupt Disable was written.
     *
     * @param disable the bit
     */
    public void disable(boolean disable) {
        disabled = disable;
        settle();
    }

    /**
     * The function has changed to messages, or back.
     *
     * @param use true while it uses messages
     */
    public void useMessages(boolean use) {
        messages = use;
        settle();
    }

    /** {@return true while the device wants service: Status.Interrupt Status} */
    public boolean isAsserted() {
        return asserted;
    }

    /** {@return true while the wire is driven active} */
    public boolean isActive() {
        return asserted && !disabled && !messages;
    }

    /** Drives the wire again to the level it has; see {@link SharedInterruptLine#resample}. */
    public void resample() {
        settle();
    }

    private void settle() {
        boolean level;
        boolean status;
        InterruptLine driven;
        do {
            driven = wire;
            level = isActive();
            driven.set(level);
            status = asserted;
            statusBit.set(status);
        } while (level != isActive() || status != asserted || driven != wire);
    }

    /** The function is reset: deasserted and enabled. */
    public void reset() {
        asserted = false;
        disabled = false;
        messages = false;
        settle();
    }

    @Override
    public void sleep() {}

    @Override
    public void wake() {
        settle();
    }

    /** {@inheritDoc} Whether it is disabled, configuration space knows. */
    @Override
    public Snapshot snapshot() {
        return Snapshot.builder(TYPE, VERSION).put("asserted", asserted).build();
    }

    @Override
    public void restore(Snapshot snapshot) {
        asserted = snapshot.expect(TYPE, VERSION).getBoolean("asserted");
        settle();
    }
}
