package dev.dalang.pci;

/**
 * The registers of the configuration header and their bits (PCI Local Bus 3.0 §6.1 and §6.2, PCI
 * Express 6.0 §7.5.1). {@code REG_} constants are indices of 32-bit registers; bits are those of
 * the field, not of the register that holds it, unless the comment says so.
 */
public final class PciRegisters {
    /** Bytes of configuration space that every function has. */
    public static final int PCI_CFG_SPACE_SIZE = 256;

    /** Bytes of configuration space of a PCI Express function. */
    public static final int PCI_CFG_SPACE_EXP_SIZE = 4096;

    /** Vendor id in bits 15:0, device id in 31:16. */
    public static final int REG_ID = 0;

    /** Command in bits 15:0, status in 31:16. */
    public static final int REG_COMMAND = 1;

    /** Revision, programming interface, subclass, class, from the low byte up. */
    public static final int REG_CLASS = 2;

    /** Cache line size, latency timer, header type, BIST, from the low byte up. */
    public static final int REG_HEADER_TYPE = 3;

    /** The first base address register. */
    public static final int REG_BAR0 = 4;

    /** Type 1: primary, secondary, subordinate bus, from the low byte up. */
    public static final int REG_BUS_NUMBERS = 6;

    /** Type 1: I/O base and limit in the low half, secondary status in the high half. */
    public static final int REG_IO_WINDOW = 7;

    /** Type 1: memory base in the low half, limit in the high half. */
    public static final int REG_MEMORY_WINDOW = 8;

    /** Type 1: prefetchable memory base in the low half, limit in the high half. */
    public static final int REG_PREFETCHABLE_WINDOW = 9;

    /** Type 1: bits 63:32 of the prefetchable base. */
    public static final int REG_PREFETCHABLE_BASE_HIGH = 10;

    /** Type 1: bits 63:32 of the prefetchable limit. */
    public static final int REG_PREFETCHABLE_LIMIT_HIGH = 11;

    /** Type 0: subsystem vendor id in bits 15:0, subsystem id in 31:16. */
    public static final int REG_SUBSYSTEM = 11;

    /** Type 0: expansion ROM base address. */
    public static final int REG_ROM = 12;

    /** Offset of the first capability in the low byte. */
    public static final int REG_CAPABILITIES = 13;

    /** Type 1: expansion ROM base address. */
    public static final int REG_ROM_TYPE1 = 14;

    /** Interrupt line and pin in the low half; type 1: bridge control in the high half. */
    public static final int REG_INTERRUPT = 15;

    /** Command: accesses to I/O space are answered. */
    public static final int PCI_COMMAND_IO = 0x1;

    /** Command: accesses to memory space are answered. */
    public static final int PCI_COMMAND_MEMORY = 0x2;

    /** Command: the function may access memory by itself, and send messages. */
    public static final int PCI_COMMAND_MASTER = 0x4;

    /** Command: INTx is not asserted. */
    public static final int PCI_COMMAND_INTX_DISABLE = 0x400;

    /** Status: the function wants INTx, whether disabled or not. */
    public static final int PCI_STATUS_INTERRUPT = 0x8;

    /** Status: there is a list of capabilities. */
    public static final int PCI_STATUS_CAP_LIST = 0x10;

    /** Status, secondary status: errors, which a one clears. */
    public static final int PCI_STATUS_ERRORS = 0xf900;

    /** Header type: the device has more than function 0. */
    public static final int PCI_HEADER_TYPE_MFD = 0x80;

    /** Bridge control: the secondary bus is held in reset. */
    public static final int PCI_BRIDGE_CTL_BUS_RESET = 0x40;

    /** BAR: I/O space. */
    public static final int PCI_BASE_ADDRESS_SPACE_IO = 0x1;

    /** BAR: 64-bit memory; the next register holds the upper half. */
    public static final int PCI_BASE_ADDRESS_MEM_TYPE_64 = 0x4;

    /** BAR: reads have no side effects. */
    public static final int PCI_BASE_ADDRESS_MEM_PREFETCH = 0x8;

    /** ROM: accesses are answered, if memory space is too. */
    public static final int PCI_ROM_ADDRESS_ENABLE = 0x1;

    /** Capability: power management. */
    public static final int PCI_CAP_ID_PM = 0x01;

    /** Capability: message-signalled interrupts. */
    public static final int PCI_CAP_ID_MSI = 0x05;

    /** Capability: vendor-specific. */
    public static final int PCI_CAP_ID_VNDR = 0x09;

    /** Capability: PCI Express. */
    public static final int PCI_CAP_ID_EXP = 0x10;

    /** Capability: MSI-X. */
    public static final int PCI_CAP_ID_MSIX = 0x11;

    /** Extended capability: device serial number. */
    public static final int PCI_EXT_CAP_ID_DSN = 0x0003;

    /** Extended capability: vendor-specific. */
    public static final int PCI_EXT_CAP_ID_VNDR = 0x000b;

    private PciRegisters() {}
}
