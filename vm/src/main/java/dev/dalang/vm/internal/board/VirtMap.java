package dev.dalang.vm.internal.board;

import dev.dalang.pci.PciVirtualConfigMmio;

/**
 * Where things are on the {@code virt} board: guest physical addresses, sizes in bytes, and the
 * numbers of interrupt wires. They are those of QEMU's machine of the same name.
 */
public final class VirtMap {
    /** Reset code and the description that it hands to firmware. */
    public static final long ROM = 0x1000;

    public static final long ROM_BYTES = 0xf000;

    /** Test finisher: power-off, failure and reset. */
    public static final long FINISHER = 0x10_0000;

    public static final long FINISHER_BYTES = 0x1000;

    /** Goldfish real-time clock. */
    public static final long RTC = 0x10_1000;

    public static final long RTC_BYTES = 0x1000;
    public static final int RTC_WIRE = 11;

    /** Machine-level timer and software interrupts. */
    public static final long ACLINT = 0x200_0000;

    public static final long ACLINT_BYTES = 0x1_0000;

    /** PCI port I/O window. */
    public static final long PCI_PIO = 0x300_0000;

    public static final long PCI_PIO_BYTES = 0x1_0000;

    /** Platform-level interrupt controller. */
    public static final long PLIC = 0xc00_0000;

    /** Its registers with room for 512 harts; a larger range would reach the serial port. */
    public static final long PLIC_BYTES = 0x60_0000;

    /** Advanced interrupt controller: the domain of M-mode, and that of S-mode. */
    public static final long APLIC_M = 0xc00_0000;

    public static final long APLIC_S = 0xd00_0000;
    public static final long APLIC_BYTES = 0x8000;

    /** Serial port. */
    public static final long UART = 0x1000_0000;

    public static final long UART_BYTES = 0x100;
    public static final int UART_WIRE = 10;

    /** The first of eight virtio-mmio slots; slot i has wire i + 1. */
    public static final long VIRTIO_MMIO = 0x1000_1000;

    public static final long VIRTIO_MMIO_BYTES = 0x1000;
    public static final int VIRTIO_MMIO_SLOTS = 8;
    public static final int VIRTIO_MMIO_WIRE = 1;

    /** Firmware configuration. */
    public static final long FW_CFG = 0x1010_0000;

    public static final long FW_CFG_BYTES = 0x18;

    /** The first of two banks of flash. */
    public static final long FLASH = 0x2000_0000;

    public static final long FLASH_BANK_BYTES = 0x200_0000;
    public static final int FLASH_BANKS = 2;

    /** One page of IMSIC interrupt files for each hart. */
    public static final long IMSIC_M = 0x2400_0000;

    public static final long IMSIC_S = 0x2800_0000;
    public static final long IMSIC_PAGE_BYTES = 0x1000;
    public static final int IMSIC_IDENTITIES = 255;

    /** PCI configuration space: 256 buses. */
    public static final long PCI_ECAM = 0x3000_0000;

    public static final long PCI_ECAM_BYTES = 0x1000_0000;
    public static final int PCI_INTX_WIRE = 32;

    /** PCI memory below 4 GiB. */
    public static final long PCI_MMIO32 = 0x4000_0000;

    public static final long PCI_MMIO32_BYTES = 0x4000_0000;

    /** Memory. */
    public static final long RAM = 0x8000_0000L;

    /** Interrupt sources of the PLIC and of each APLIC domain; their numbers begin with 1. */
    public static final int WIRES = 96;

    /** Ticks of {@code mtime} per second. */
    public static final int TIMEBASE_HZ = 10_000_000;

    /** PCI memory above 4 GiB: its size, and what it is aligned to. */
    public static final long PCI_MMIO64_BYTES = 0x4_0000_0000L;

    private VirtMap() {}

    /**
     * Where the virtual configuration space lies: behind memory.
     *
     * @param memoryBytes size of the memory at {@link #RAM}
     */
    public static PciVirtualConfigMmio.Region virtualConfig(long memoryBytes) {
        return PciVirtualConfigMmio.place(RAM + memoryBytes, PCI_ECAM_BYTES);
    }

    /**
     * Where PCI memory above 4 GiB begins: behind the virtual configuration space.
     *
     * @param memoryBytes size of the memory at {@link #RAM}
     */
    public static long pciMmio64(long memoryBytes) {
        return virtualConfig(memoryBytes).end() + (PCI_MMIO64_BYTES - 1) & -PCI_MMIO64_BYTES;
    }
}
