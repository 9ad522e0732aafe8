package dev.dalang.pci;

/**
 * The PCI Express capability, version 2, 60 bytes (PCI Express 6.0 §7.5.3): a link of one lane at
 * 2.5 GT/s that is always up. What of it is alive (a slot's events, the state of its link, a root's
 * power management events) is the business of a live part; without one those registers keep what a
 * guest writes into them.
 *
 * @param type what the function is
 * @param slot true if there is a slot below, for which the port has attention button, indicators,
 *     surprise removal and hot plug
 * @param slotNumber the slot's number, 0..0x1fff; 0 without a slot
 * @param portNumber the port's number, 0..255
 * @param interruptMessage the MSI or MSI-X vector of the port's own events, 0..31
 * @param linkActiveReporting true if the link's state is told in link status, bit 13: then a live
 *     part must do so
 * @param functionReset true if a guest may reset this function alone (bit 28 of device
 *     capabilities); a live part sees its write to device control
 */
public record PcieCapability(
        PciePortType type,
        boolean slot,
        int slotNumber,
        int portNumber,
        int interruptMessage,
        boolean linkActiveReporting,
        boolean functionReset)
        implements PciCapability {
    /** The register with capability flags, and the capability's header. */
    public static final int FLAGS = 0;

    /** The register with device control and status. */
    public static final int DEVICE_CONTROL = 2;

    /** The register with link capabilities. */
    public static final int LINK_CAPABILITIES = 3;

    /** The register with link control and status. */
    public static final int LINK_CONTROL = 4;

    /** The register with slot capabilities. */
    public static final int SLOT_CAPABILITIES = 5;

    /** The register with slot control and status. */
    public static final int SLOT_CONTROL = 6;

    /** The register with root control and capabilities. */
    public static final int ROOT_CONTROL = 7;

    /** The register with root status. */
    public static final int ROOT_STATUS = 8;

    /** Slot control: a button was pressed may interrupt. */
    public static final int PCI_EXP_SLTCTL_ABPE = 0x1;

    /** Slot control: presence changed may interrupt. */
    public static final int PCI_EXP_SLTCTL_PDCE = 0x8;

    /** Slot control: command completed may interrupt. */
    public static final int PCI_EXP_SLTCTL_CCIE = 0x10;

    /** Slot control: hot-plug events may interrupt at all. */
    public static final int PCI_EXP_SLTCTL_HPIE = 0x20;

    /** Slot control: attention indicator; 0x40 on, 0x80 blinking, 0xc0 off. */
    public static final int PCI_EXP_SLTCTL_AIC = 0xc0;

    /** Slot control: power indicator; 0x100 on, 0x200 blinking, 0x300 off. */
    public static final int PCI_EXP_SLTCTL_PIC = 0x300;

    /** Slot status: the attention button was pressed. */
    public static final int PCI_EXP_SLTSTA_ABP = 0x1;

    /** Slot status: power fault. */
    public static final int PCI_EXP_SLTSTA_PFD = 0x2;

    /** Slot status: presence changed. */
    public static final int PCI_EXP_SLTSTA_PDC = 0x8;

    /** Slot status: command completed. */
    public static final int PCI_EXP_SLTSTA_CC = 0x10;

    /** Slot status: something is in the slot. */
    public static final int PCI_EXP_SLTSTA_PDS = 0x40;

    /** Slot status: the link's state changed. */
    public static final int PCI_EXP_SLTSTA_DLLSC = 0x100;

    /** Root control: PME may interrupt. */
    public static final int PCI_EXP_RTCTL_PMEIE = 0x8;

    /** Root status: PME was received. */
    public static final int PCI_EXP_RTSTA_PME = 0x1_0000;

    /** Root status: another PME is pending. */
    public static final int PCI_EXP_RTSTA_PENDING = 0x2_0000;

    private static final int REGISTERS = 15;
    private static final int VERSION = 2;
    private static final int SLOT_IMPLEMENTED = 0x100;
    private static final int ROLE_BASED_ERRORS = 0x8000;
    private static final int FUNCTION_RESET_CAPABLE = 1 << 28;
    private static final int ONE_LANE_2_5_GT = 0x11;
    private static final int LINK_ACTIVE_REPORTING = 1 << 20;

    /** Attention button, attention and power indicators, surprise removal, hot plug. */
    private static final int SLOT_ABILITIES = 0x79;

    private static final int INDICATORS_OFF = PCI_EXP_SLTCTL_AIC | PCI_EXP_SLTCTL_PIC;

    /** Device control apart from the bit that starts a function's reset and reads as 0. */
    private static final int DEVICE_CONTROL_WRITABLE = 0x7fff;

    private static final int DEVICE_STATUS_ERRORS = 0xf << 16;
    private static final int LINK_CONTROL_WRITABLE = 0xfff;
    private static final int LINK_STATUS_BANDWIDTH = 0xc000 << 16;
    private static final int SLOT_CONTROL_WRITABLE = 0x1fff;
    private static final int SLOT_STATUS_EVENTS = 0x11f << 16;
    private static final int ROOT_CONTROL_WRITABLE = 0x1f;

    /**
     * Checks the ranges.
     *
     * @throws PciException if a number is outside its range, or this type of port has no slot
     *     ({@link PciException.Kind#CAPABILITY})
     */
    public PcieCapability {
        if (slot && !type.canHaveSlot()) {
            throw error("a function of type " + type + " has no slot");
        }
        check("slot number", slotNumber, slot ? 0x1fff : 0);
        check("port number", portNumber, type.hasLink() ? 0xff : 0);
        check("interrupt message", interruptMessage, 31);
        if (linkActiveReporting && !type.hasLink()) {
            throw error("a function of type " + type + " has no link");
        }
    }

    /**
     * The capability of a function without a slot.
     *
     * @param type what the function is
     * @return the capability, with all numbers 0
     */
    public static PcieCapability of(PciePortType type) {
        return new PcieCapability(type, false, 0, 0, 0, false, false);
    }

    /**
     * The capability of a port with a slot for hot plug.
     *
     * @param type a root port or a downstream port
     * @param slotNumber the slot's number, 0..0x1fff
     * @return the capability, with all other numbers 0
     */
    public static PcieCapability withSlot(PciePortType type, int slotNumber) {
        return new PcieCapability(type, true, slotNumber, 0, 0, false, false);
    }

    @Override
    public int id() {
        return PciRegisters.PCI_CAP_ID_EXP;
    }

    @Override
    public int[] image() {
        int[] image = new int[REGISTERS];
        int flags = VERSION | type.code() << 4 | interruptMessage << 9;
        image[FLAGS] = (flags | (slot ? SLOT_IMPLEMENTED : 0)) << 16;
        image[1] = ROLE_BASED_ERRORS | (functionReset ? FUNCTION_RESET_CAPABLE : 0);
        if (type.hasLink()) {
            image[LINK_CAPABILITIES] =
                    ONE_LANE_2_5_GT
                            | (linkActiveReporting ? LINK_ACTIVE_REPORTING : 0)
                            | portNumber << 24;
            image[LINK_CONTROL] = ONE_LANE_2_5_GT << 16;
        }
        if (slot) {
            image[SLOT_CAPABILITIES] = SLOT_ABILITIES | slotNumber << 19;
            image[SLOT_CONTROL] = INDICATORS_OFF;
        }
        return image;
    }

    @Override
    public int[] writableMask() {
        int[] mask = new int[REGISTERS];
        mask[DEVICE_CONTROL] = DEVICE_CONTROL_WRITABLE;
        mask[LINK_CONTROL] = type.hasLink() ? LINK_CONTROL_WRITABLE : 0;
        mask[SLOT_CONTROL] = slot ? SLOT_CONTROL_WRITABLE : 0;
        mask[ROOT_CONTROL] = type.isRoot() ? ROOT_CONTROL_WRITABLE : 0;
        return mask;
    }

    @Override
    public int[] writeOneToClearMask() {
        int[] mask = new int[REGISTERS];
        mask[DEVICE_CONTROL] = DEVICE_STATUS_ERRORS;
        mask[LINK_CONTROL] = type.hasLink() ? LINK_STATUS_BANDWIDTH : 0;
        mask[SLOT_CONTROL] = slot ? SLOT_STATUS_EVENTS : 0;
        mask[ROOT_STATUS] = type.isRoot() ? PCI_EXP_RTSTA_PME : 0;
        return mask;
    }

    private static void check(String what, int value, int max) {
        if (value < 0 || value > max) {
            throw error(what + ": expected 0.." + max + ", got " + value);
        }
    }

    private static PciException error(String what) {
        return new PciException(PciException.Kind.CAPABILITY, "PCI Express capability", what);
    }
}
