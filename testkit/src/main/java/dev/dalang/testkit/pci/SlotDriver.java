package dev.dalang.testkit.pci;

/**
 * A driver of native hot plug (PCIe 6.0 §6.7.3): what a kernel's would do with a root port's slot.
 * It is told of interrupts by its test, which calls {@link #handleEvents}. One thread.
 */
public final class SlotDriver {
    private static final int ID = 0x10;
    private static final int LINK_STATUS = 0x12;
    private static final int SLOT_CAPABILITIES = 0x14;
    private static final int SLOT_CONTROL = 0x18;
    private static final int SLOT_STATUS = 0x1a;
    private static final int LINK_ACTIVE = 0x2000;
    private static final int HOT_PLUG_CAPABLE = 0x40;

    private static final int BUTTON = 0x1;
    private static final int PRESENCE_CHANGED = 0x8;
    private static final int COMMAND_COMPLETED = 0x10;
    private static final int PRESENT = 0x40;
    private static final int LINK_CHANGED = 0x100;

    private static final int ENABLE_EVENTS = 0x1039;
    private static final int POWER_MASK = 0x300;
    private static final int POWER_ON = 0x100;
    private static final int POWER_BLINK = 0x200;
    private static final int POWER_OFF = 0x300;

    private final PciFunctionDriver port;
    private final int capability;

    SlotDriver(PciFunctionDriver port) {
        this.port = port;
        capability = port.requireCapability(ID, "PCI Express capability");
        if ((port.read(capability + SLOT_CAPABILITIES, 4) & HOT_PLUG_CAPABLE) == 0) {
            throw new AssertionError(port.address() + " has no slot for hot plug");
        }
    }

    /** Takes the slot in hand: enables all of its events. */
    public void start() {
        port.write(capability + SLOT_STATUS, 2, 0x11f);
        command(control() & ~ENABLE_EVENTS | ENABLE_EVENTS);
    }

    /** {@return slot control} */
    public int control() {
        return port.read(capability + SLOT_CONTROL, 2);
    }

    /** {@return slot status} */
    public int status() {
        return port.read(capability + SLOT_STATUS, 2);
    }

    /** {@return true if something is in the slot} */
    public boolean isPresent() {
        return (status() & PRESENT) != 0;
    }

    /** {@return true if the link is up} */
    public boolean isLinkActive() {
        return (port.read(capability + LINK_STATUS, 2) & LINK_ACTIVE) != 0;
    }

    /**
     * Writes slot control, and sees the command completed.
     *
     * @param value its value
     * @throws AssertionError if the slot does not say that the command is completed
     */
    public void command(int value) {
        port.write(capability + SLOT_CONTROL, 2, value);
        if ((status() & COMMAND_COMPLETED) == 0) {
            throw new AssertionError("the slot did not complete a command");
        }
        port.write(capability + SLOT_STATUS, 2, COMMAND_COMPLETED);
    }

    /** Lets the power indicator blink: the slot is busy. */
    public void blink() {
        command(control() & ~POWER_MASK | POWER_BLINK);
    }

    /** Turns the power indicator on: what is in the slot is in use. */
    public void powerOn() {
        command(control() & ~POWER_MASK | POWER_ON);
    }

    /** Turns the power indicator off: what is in the slot may go. */
    public void powerOff() {
        command(control() & ~POWER_MASK | POWER_OFF);
    }

    /**
     * Sees to what has happened, as an interrupt handler does: acknowledges events; brings up what
     * came; at the button, gives up what is there, blinking first.
     *
     * @return the events that were there, as in slot status
     */
    public int handleEvents() {
        int events = status() & (BUTTON | PRESENCE_CHANGED | COMMAND_COMPLETED | LINK_CHANGED);
        port.write(capability + SLOT_STATUS, 2, events);
        if ((events & (PRESENCE_CHANGED | LINK_CHANGED)) != 0 && isPresent() && isLinkActive()) {
            blink();
            powerOn();
        } else if ((events & BUTTON) != 0 && isPresent()) {
            blink();
            powerOff();
        }
        return events;
    }
}
